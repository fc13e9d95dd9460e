"""Each edit does what its name says, by as much as its unit says; chains have one order and one seed."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.operations.edit_kinds import (
    KINDS,
    PRESETS,
    SIDE,
    Edit,
    checked,
    edited,
    parsed,
    working,
    written,
)


def picture(height: int = 120, width: int = 160) -> Pixels:
    """A gradient from dark left to bright right, red on top: nothing about it is symmetric."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([220 - rows * 200 / height, 20 + columns * 200 / width, rows * 200 / height], -1).astype(
        np.uint8
    )


def one(kind: str, strength: float, pixels: Pixels | None = None, seed: int = 0) -> Pixels:
    return edited(picture() if pixels is None else pixels, [Edit(kind, strength)], seed)


@pytest.mark.parametrize("kind", KINDS)
def test_no_strength_changes_nothing(kind: str) -> None:
    np.testing.assert_array_equal(one(kind, 0.0), picture())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (3, 2)])
def test_the_smallest_pictures_survive_the_utmost(kind: str, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 99, np.uint8)
    for strength in (KINDS[kind].least, 0.03, 1.0):
        result = one(kind, strength, pixels)
        assert result.dtype == np.uint8
        assert result.ndim == 3
        assert result.shape[2] == 3
        assert min(result.shape) >= 1


@pytest.mark.parametrize("kind", ["rotation", "perspective"])
@pytest.mark.parametrize("strength", [-1.0, -0.7, -0.5, -0.1, 0.04, 0.25, 0.33, 0.5, 1.0])
@pytest.mark.parametrize("shape", [(120, 160), (160, 120), (100, 100), (60, 240)])
def test_no_corner_is_empty(kind: str, strength: float, shape: tuple[int, int]) -> None:
    result = one(kind, strength, np.full((*shape, 3), 200, np.uint8))
    assert result.min() == 200


def test_light_and_colour_follow_their_units() -> None:
    flat = np.full((20, 20, 3), (100, 60, 40), np.uint8)
    assert KINDS["brightness"].amount(-0.7) == "×0.20"
    np.testing.assert_allclose(one("brightness", -0.7, flat)[0, 0], np.array([100, 60, 40]) * 0.2, atol=1)
    np.testing.assert_allclose(one("brightness", 0.3, flat)[0, 0], [199, 119, 80], atol=1)
    assert one("contrast", -0.5).std() == pytest.approx(picture().std() * 10**-0.5, rel=0.05)
    assert one("contrast", 0.2).std() > 1.2 * picture().std()
    paler, vivid = one("saturation", -1.0), one("saturation", 0.2)
    assert (paler[..., 0] == paler[..., 2]).all()
    assert np.ptp(vivid.astype(int), axis=2).mean() > 1.4 * np.ptp(picture().astype(int), axis=2).mean()
    np.testing.assert_allclose(
        one("hue", 2 / 3, flat)[0, 0], [40, 100, 60], atol=4
    )  # red to green, 120 degrees
    np.testing.assert_allclose(one("hue", -2 / 3, flat)[0, 0], [60, 40, 100], atol=4)
    grey = one("grey", 0.2)
    np.testing.assert_array_equal(grey[..., 0], grey[..., 1])


def test_grain_has_the_deviation_it_is_said_to_have() -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    assert KINDS["noise"].amount(0.2) == "±26 levels"
    assert one("noise", 0.2, flat).std() == pytest.approx(25.6, rel=0.02)
    assert (one("noise", 0.2, flat) == one("noise", 0.2, flat)).all()
    assert (one("noise", 0.2, flat) != one("noise", 0.2, flat, seed=1)).mean() > 0.9


def test_blur_spreads_a_point_by_its_share_of_the_side() -> None:
    dot = np.zeros((200, 300, 3), np.uint8)
    dot[100, 150] = 255
    dot[90:111, 140:161] = 255
    result = one("blur", 0.5, dot)[..., 0].astype(float)
    rows = np.arange(200)
    weights = result.sum(axis=1)
    variance = (weights * (rows - 100.0) ** 2).sum() / weights.sum()
    assert variance == pytest.approx(0.02**2 * 200**2 + 21**2 / 12, rel=0.15)


def test_jpeg_takes_more_the_lower_its_quality() -> None:
    rough = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    lost = [np.abs(one("jpeg", s, rough).astype(int) - rough).mean() for s in (0.1, 0.5, 0.9, 1.0)]
    assert lost == sorted(lost)
    assert KINDS["jpeg"].amount(1.0) == "quality 1"


def test_the_middle_is_kept() -> None:
    result = one("crop", 0.5)
    assert KINDS["crop"].amount(0.5) == "55 % of each side"
    assert result.shape == (66, 88, 3)
    np.testing.assert_array_equal(result, picture()[27:93, 36:124])


def test_turning_is_clockwise() -> None:
    assert one("rotation", 0.5).shape == (160, 120, 3)
    np.testing.assert_array_equal(one("rotation", 0.5), np.rot90(picture(), -1))
    np.testing.assert_array_equal(one("rotation", -1.0), picture()[::-1, ::-1])
    np.testing.assert_array_equal(one("mirror", 1.0), picture()[:, ::-1])
    little = one("rotation", 0.1)[..., 1].astype(float)
    assert np.diff(little.mean(axis=0)).mean() > 0
    assert np.diff(little.mean(axis=1)).mean() > 0, "clockwise, what was right comes lower"


def test_from_the_right_the_right_edge_is_near() -> None:
    tall = np.zeros((200, 300, 3), np.uint8)
    tall[80:120] = 255  # a band that is as high on the left as on the right
    seen = one("perspective", 0.7, tall)[..., 0] > 127
    left, right = seen[:, 3].sum(), seen[:, -4].sum()
    assert right > 1.4 * left
    assert one("perspective", 0.7, tall).shape[1] == pytest.approx(300 * np.cos(np.radians(49)), rel=0.07), (
        "foreshortened"
    )
    other = one("perspective", -0.7, tall)[..., 0] > 127
    assert other[:, 3].sum() > 1.4 * other[:, -4].sum()


def test_a_larger_cover_holds_the_smaller_ones() -> None:
    white = np.full((100, 150, 3), 255, np.uint8)
    before = np.zeros((100, 150), bool)
    for strength in (0.2, 0.4, 0.8, 1.0):
        covered = (one("occlusion", strength, white, seed=3) != 255).any(axis=2)
        assert covered.mean() == pytest.approx(0.9 * strength, abs=0.02)
        assert (covered | ~before).all()
        before = covered


def test_edits_are_done_in_one_order_however_they_are_named() -> None:
    two = [Edit("noise", 0.3), Edit("rotation", 0.2), Edit("blur", 0.4)]
    assert [edit.kind for edit in checked(two)] == ["rotation", "blur", "noise"]
    np.testing.assert_array_equal(edited(picture(), two, 5), edited(picture(), two[::-1], 5))


def test_what_is_written_is_read_again() -> None:
    for preset in PRESETS:
        assert parsed(written(preset.edits)) == checked(preset.edits)
    assert parsed("mirror, brightness:-0.5,blur:0") == (Edit("mirror", 1.0), Edit("brightness", -0.5))
    assert parsed("") == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("brightnes:1", "'brightnes' is no edit: choose from perspective"),
        ("blur:-0.1", "blur -0.1 is out of range: 0 to 1"),
        ("brightness:1.2", "brightness 1.2 is out of range: -1 to 1"),
        ("blur:nan", "blur nan is out of range"),
        ("blur", "'blur' is no edit: write it as brightness:-0.5"),
        ("blur:x", "write it as"),
        ("hue:0.1,hue:0.2", "hue is asked for twice"),
    ],
)
def test_what_makes_no_sense_is_told(text: str, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        parsed(text)


def test_a_large_picture_is_edited_at_one_size() -> None:
    assert working(np.zeros((2000, 1000, 3), np.uint8)).shape == (2 * SIDE, SIDE, 3)
    assert working(np.zeros((30, 70_000, 3), np.uint8)).shape == (2, 4096, 3)
    small = picture()
    assert working(small) is small
