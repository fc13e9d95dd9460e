"""Points stay on what they are on, however the picture is turned, mirrored or reduced."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dinoscope.features import FloatArray
from dinoscope.pictures.keypoints import Keypoints, grey_of, keypoints
from dinoscope.sample import PICTURES


@pytest.fixture(scope="module")
def castle() -> FloatArray:
    with Image.open(PICTURES / "monuments/neuschwanstein-02.webp") as image:
        return grey_of(np.asarray(image.convert("RGB")))


def on_their_place(found: Keypoints, expected: FloatArray, known: Keypoints) -> float:
    """Share of points whose likest counterpart lies where it should, within 1 % of the picture."""
    best = (found.descriptors @ known.descriptors.T).argmax(axis=1)
    return float((np.abs(expected - known.places[best]).max(axis=1) < 0.01).mean())


def test_a_turned_picture_has_the_same_points(castle: FloatArray) -> None:
    known, turned = keypoints(castle), keypoints(np.ascontiguousarray(np.rot90(castle)))
    back = np.stack([1 - turned.places[:, 1], turned.places[:, 0]], axis=1)
    assert on_their_place(turned, back, known) > 0.9


def test_mirroring_points_is_finding_them_in_the_mirror(castle: FloatArray) -> None:
    known, mirror = keypoints(castle), keypoints(np.ascontiguousarray(castle[:, ::-1])).mirrored()
    assert on_their_place(mirror, mirror.places, known) > 0.95


def test_a_smaller_picture_has_many_of_them(castle: FloatArray) -> None:
    small = np.asarray(Image.fromarray(castle).resize((170, 113), Image.Resampling.BICUBIC), np.float32)
    found = keypoints(small)
    best = (found.descriptors @ keypoints(castle).descriptors.T).max(axis=1)
    assert on_their_place(found, found.places, keypoints(castle)) > 0.3
    assert float(np.median(best)) > 0.8


def test_what_shows_nothing_has_no_points() -> None:
    assert len(keypoints(np.full((100, 140), 0.5, np.float32))) == 0
    assert len(keypoints(np.random.default_rng(0).random((12, 12)).astype(np.float32))) == 0
