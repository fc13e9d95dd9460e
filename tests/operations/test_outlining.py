"""From a rough idea of where a thing is to its outline."""

from __future__ import annotations

import numpy as np

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools
from dinoscope.operations.figures import parted
from dinoscope.operations.outlining import enlarged, guided, outlined


def disc() -> tuple[Pixels, Bools]:
    """A reddish disc with noise on greenish ground with noise."""
    dice = np.random.default_rng(0)
    down, across = np.mgrid[:120, :120]
    inside = (across - 60) ** 2 + (down - 55) ** 2 < 30**2
    picture = np.where(inside[..., None], (190, 70, 60), (70, 130, 80)) + dice.normal(0, 18, (120, 120, 3))
    return np.asarray(picture.clip(0, 255), np.uint8), inside


def boxed() -> FloatArray:
    wanted = np.zeros((120, 120), np.float32)
    wanted[25:86, 30:91] = 1
    return wanted


def overlap(one: Bools, other: Bools) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_box_is_enough_where_colours_differ() -> None:
    picture, inside = disc()
    assert overlap(boxed() > 0, inside) < 0.8
    assert overlap(outlined(picture, 0.5 * boxed(), boxed()), inside) > 0.9


def test_nothing_lies_outside_what_is_possible() -> None:
    picture, _ = disc()
    half = boxed()
    half[:, 60:] = 0
    assert not outlined(picture, 0.6 * boxed(), half)[:, 60:].any()


def test_a_smoothed_map_keeps_the_edges_of_the_picture() -> None:
    guide = np.zeros((40, 40), np.float32)
    guide[:, 20:] = 1
    values = guide + np.random.default_rng(0).normal(0, 0.3, guide.shape).astype(np.float32)
    smooth = guided(guide, values.clip(0, 1), 4)
    assert smooth[:, :18].mean() < 0.25
    assert smooth[:, 22:].mean() > 0.75
    assert smooth[:, 22:].std() < 0.1


def test_patches_are_enlarged_about_their_middles() -> None:
    found = enlarged(np.array([[0, 0, 1], [0, 0, 1]], np.float32), 60, 90)
    assert found[:, :25].max() < 0.1
    assert found[:, 80:].min() > 0.9
    assert abs(float(found[:, 60].mean()) - 0.5) < 0.1


def test_numbers_of_no_scale_are_parted_midway() -> None:
    inside = np.zeros((4, 10), np.bool_)
    inside[:, :5] = True
    like = np.where(inside, 7.0, 3.0).astype(np.float32)
    like[0, 0] = 5.0  # midway
    like[1, 1] = -1e6
    found = parted(like, inside, ~inside)
    assert found[2, 2] > 0.95
    assert found[2, 8] < 0.05
    assert abs(float(found[0, 0]) - 0.5) < 0.01
    assert 0 <= found[1, 1] < 0.01
