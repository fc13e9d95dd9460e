"""The verdict on rigid relations, against pictures warped by known maps."""

from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import MissingExtra
from dinoscope.features import Pixels
from dinoscope.geometry import Size
from dinoscope.operations import geometric
from dinoscope.operations.geometric import Geometry, geometry_of
from dinoscope.sample import PICTURES

here_or_skip = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="needs opencv")
pytestmark = pytest.mark.extra

# (x, y, 1) of the picture -> of the warped one: turned, smaller, and seen from the side
TILT = np.asarray([[0.8, -0.25, 160.0], [0.3, 0.75, -20.0], [2.5e-4, 1e-4, 1.0]])


def photo(name: str = "animals/cat.webp") -> Pixels:
    return np.asarray(Image.open(PICTURES / name).convert("RGB").resize((512, 384)))


def warped(pixels: Pixels, plane: np.ndarray) -> Pixels:
    back = np.linalg.inv(plane)
    flat = (back / back[2, 2]).ravel()[:8].tolist()
    size = pixels.shape[1], pixels.shape[0]
    return np.asarray(
        Image.fromarray(pixels).transform(size, Image.Transform.PERSPECTIVE, flat, Image.Resampling.BICUBIC)
    )


def size_of(pixels: Pixels, scale: int = 1) -> Size:
    return Size(pixels.shape[1] * scale, pixels.shape[0] * scale)


def related(here: Pixels, there: Pixels) -> Geometry:
    return geometry_of(here, there, size_of(here), size_of(there))


def astray(found: Geometry, truth: np.ndarray) -> float:
    """Median pixels by which the found homography misses the true places of the points."""
    assert found.matrix is not None
    x, y = np.random.default_rng(0).uniform(100, 300, (2, 50))
    places = np.stack([x, y, np.ones(50)])
    ours, theirs = found.matrix @ places, truth @ places
    return float(np.median(np.hypot(*(ours[:2] / ours[2] - theirs[:2] / theirs[2]))))


@here_or_skip
def test_a_picture_from_another_side_is_the_same_thing() -> None:
    found = related(photo(), warped(photo(), TILT))
    assert found.relation == "plane"
    assert astray(found, TILT) < 1
    assert "from another side" in found.sentence
    assert len(found.here) > 50


@here_or_skip
def test_the_answer_is_in_the_originals_pixels() -> None:
    there = warped(photo(), TILT)
    found = geometry_of(photo(), there, size_of(photo(), 3), size_of(there, 2))
    assert astray(found, np.diag([2, 2, 1]) @ TILT @ np.diag([1 / 3, 1 / 3, 1])) < 2
    ends = np.c_[found.here, np.ones(len(found.here))] @ found.matrix.T  # type: ignore[union-attr]
    assert np.median(np.hypot(*(ends[:, :2] / ends[:, 2:] - found.there).T)) < 2


@here_or_skip
def test_a_mirrored_picture_is_told() -> None:
    found = related(photo(), np.ascontiguousarray(photo()[:, ::-1]))
    assert found.relation == "plane"
    assert found.mirrored
    assert astray(found, np.asarray([[-1, 0, 511], [0, 1, 0], [0, 0, 1.0]])) < 1
    assert "mirrored" in found.sentence


@here_or_skip
def test_one_picture_twice_is_no_other_side() -> None:
    found = related(photo(), photo())
    assert found.relation == "plane"
    assert "another side" not in found.sentence


@here_or_skip
def test_two_animals_have_no_rigid_relation() -> None:
    for other in ("animals/dog.webp", "animals/kitten.webp", "animals/cow.webp"):
        found = related(photo(), photo(other))
        assert found.relation == "none"
        assert found.matrix is None
        assert "no rigid relation" in found.sentence


@here_or_skip
def test_two_depths_are_a_scene_seen_from_two_places(rng: np.random.Generator) -> None:
    """What is near moves farther than what lies behind it."""
    here = photo().copy()
    there = np.roll(here, 6, axis=1)
    there[120:300, 200:400] = np.roll(here, 40, axis=1)[120:300, 200:400]
    found = related(here, there)
    assert found.relation == "cameras"
    assert "two places" in found.sentence


@here_or_skip
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (64, 64)])
def test_pictures_without_points_have_none(shape: tuple[int, int]) -> None:
    found = related(np.full((*shape, 3), 90, np.uint8), photo())
    assert found.relation == "none"
    assert len(found.here) == 0


def test_without_opencv_the_line_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[geometry\]'"):
        geometric.geometry_of(photo(), photo(), Size(512, 384), Size(512, 384))
