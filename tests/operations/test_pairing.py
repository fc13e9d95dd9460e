"""From two pictures to their matches: how closely they are looked at, and in whose pixels the answer is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import BadRequest, NotAPicture
from dinoscope.features import Facet, FloatArray, Inside, Pixels
from dinoscope.geometry import Size
from dinoscope.models.loading import load_backbone
from dinoscope.operations.pairing import (
    MOST,
    PATCHES,
    View,
    layer_of,
    look,
    match_views,
    view_of,
)
from dinoscope.pictures.limits import Limits
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings

from .conftest import Colours

LIMITS = Limits(max_bytes=2**26, max_pixels=2**26, max_seconds=20.0)


class Asked(Colours):
    """Remembers what it was asked for, and sees nothing but its own positions in an empty picture."""

    def __init__(self) -> None:
        super().__init__()
        self.questions: list[tuple[int | None, Facet, int | None]] = []

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        self.questions.append((layer, facet, budget))
        seen = super().inside(picture, layer, facet, budget)
        positions = np.eye(48, dtype=np.float32)[np.arange(seen.vectors[..., 0].size) % 48]
        return replace(seen, vectors=np.asarray(positions.reshape(seen.vectors.shape), np.float32))


def speckled(height: int, width: int) -> Pixels:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


def differ(vectors: FloatArray) -> bool:
    return float(np.abs(vectors - vectors[:1, :1]).max()) > 0.1


def test_a_view_keeps_the_size_of_the_original(tmp_path: Path, colours: Colours) -> None:
    """A picture of 40 megapixels is decoded at a fraction, with all the pixels the patches need."""
    path = tmp_path / "large.jpg"
    Image.fromarray(speckled(500, 800)).resize((8000, 5000), Image.Resampling.NEAREST).save(path)
    view = view_of(path, colours, LIMITS)
    assert view.size == Size(8000, 5000)
    assert 2 * 16 * PATCHES**0.5 <= min(view.pixels.shape[:2]) < 2500
    close = view_of(path, colours, LIMITS, MOST)
    assert min(close.pixels.shape[:2]) >= 2 * 16 * MOST**0.5


def test_the_grid_lies_on_the_original(colours: Colours) -> None:
    seen = look(View(speckled(60, 90), Size(9000, 6000)), colours)
    assert seen.grid.picture == Size(9000, 6000)
    assert seen.grid.box_of(seen.grid.rows - 1, seen.grid.columns - 1).right == pytest.approx(9000)


@pytest.mark.parametrize(("layers", "chosen"), [(12, 11), (2, 1), (1, 1)])
def test_the_last_layer_but_one_is_looked_at(layers: int, chosen: int) -> None:
    class Deep(Colours):
        @property
        def layers(self) -> int:
            return layers

    assert layer_of(Deep()) == chosen


def test_the_model_is_asked_for_as_many_patches_as_wanted() -> None:
    backbone = Asked()
    look(View(speckled(60, 90), Size(90, 60)), backbone, 100)
    look(View(speckled(60, 90), Size(90, 60)), backbone)
    assert backbone.questions == [(2, "tokens", 100)] * 2 + [(2, "tokens", PATCHES)] * 2


def test_a_part_looks_alike_whichever_way_it_faces() -> None:
    """This backbone knows nothing but places, and tells left from right by them."""
    pixels, size = speckled(64, 64), Size(64, 64)
    mirror = View(np.ascontiguousarray(pixels[:, ::-1]), size)
    seen, mirrored = look(View(pixels, size), Asked(), 100), look(mirror, Asked(), 100)
    assert differ(seen.vectors)
    assert mirrored.vectors[:, ::-1] == pytest.approx(seen.vectors, abs=1e-6)
    assert np.linalg.norm(seen.vectors, axis=2) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("patches", [0, 15, 1025, -1])
def test_too_few_or_too_many_patches_are_refused(patches: int, colours: Colours) -> None:
    with pytest.raises(BadRequest, match="choose 16 to 1024"):
        look(View(speckled(60, 90), Size(90, 60)), colours, patches)


def test_an_empty_picture_is_levelled_and_no_other() -> None:
    """Else a model matches the corners of two empty pictures, for it knows its own positions."""
    backbone = Asked()
    white = np.full((64, 64, 3), 250, np.uint8)
    compressed = white - np.random.default_rng(0).integers(0, 4, white.shape, np.uint8)
    faint = white.copy()
    faint[20:40, 20:40] -= 40
    size = Size(64, 64)
    assert not differ(look(View(white, size), backbone).vectors)
    assert not differ(look(View(compressed, size), backbone).vectors)
    assert differ(look(View(faint, size), backbone).vectors)
    assert differ(look(View(speckled(64, 64), size), backbone).vectors)


def test_an_empty_picture_has_no_links_but_a_sentence() -> None:
    backbone = Asked()
    white = View(np.full((64, 64, 3), 250, np.uint8), Size(640, 640))
    matches = match_views(white, View(speckled(64, 64), Size(64, 64)), backbone)
    assert matches.links == ()
    assert matches.note is not None
    assert matches.note.startswith("the first picture is blank")


def test_what_is_no_picture_is_refused(tmp_path: Path, colours: Colours) -> None:
    path = tmp_path / "notes.jpg"
    path.write_text("no picture")
    with pytest.raises(NotAPicture, match=r"notes\.jpg"):
        view_of(path, colours, LIMITS)


def test_the_starter_finds_a_part_of_another_animal_facing_the_other_way(settings: Settings) -> None:
    """Real weights, real photos: the eye of one of two other fishes, which face each other."""
    backbone = load_backbone(settings)
    here, there = (
        view_of(PICTURES / "fishes" / name, backbone, LIMITS) for name in ("fish-11.webp", "fish-23.webp")
    )
    matches = match_views(here, there, backbone)
    eye = matches.find((73, 106))[0].there
    assert min(np.hypot(eye[0] - x, eye[1] - y) for x, y in ((67, 99), (280, 138))) < 15
    assert matches.here.picture == Size(320, 214)


def test_the_starter_follows_a_picture_that_was_shrunk_and_mirrored(settings: Settings) -> None:
    backbone = load_backbone(settings)
    pixels = np.asarray(Image.open(PICTURES / "animals" / "cat.webp").convert("RGB"))
    mirror = np.asarray(Image.fromarray(pixels[:, ::-1]).resize((512, 384)))
    size = Size(pixels.shape[1], pixels.shape[0])
    matches = match_views(View(pixels, size), View(mirror, Size(512, 384)), backbone)
    assert matches.mirrored
    for point in ((381, 241), (387, 304), (738, 550)):  # an eye, the nose, the tip of the tail
        found = matches.find((float(point[0]), float(point[1])))[0].there
        assert np.hypot(found[0] - (1024 - point[0]) / 2, found[1] - point[1] / 2) < 0.05 * 512
