"""The smooth map behind matching, against maps that are known because they were made here."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.operations.smoothing import FARTHEST, Doubles, expected, middles, nearness


def turned(places: Doubles, degrees: float, scale: float = 0.7) -> Doubles:
    angle = np.radians(degrees)
    turn = np.asarray([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.asarray((places - 0.5) * scale @ turn.T + 0.5, np.float64)


def bowed(places: Doubles) -> Doubles:
    """Each column is moved up or down by where it lies, which no affine map does."""
    return places + 0.08 * np.stack([np.zeros(len(places)), np.sin(2 * np.pi * places[:, 0])], axis=1)


def test_middles_are_shares_of_the_picture_in_reading_order() -> None:
    assert middles((2, 4)).tolist() == [[x, y] for y in (0.25, 0.75) for x in (0.125, 0.375, 0.625, 0.875)]


@pytest.mark.parametrize("degrees", [0, 40, 180])
def test_a_turned_thing_is_followed_though_two_of_five_pairs_are_wrong(
    degrees: float, rng: np.random.Generator
) -> None:
    starts = middles((16, 20))
    right = turned(starts, degrees)
    wrong = rng.random(len(starts)) < 0.4
    ends = np.where(wrong[:, None], rng.random(right.shape), right)
    missed = np.hypot(*(expected(starts, ends, np.ones(len(starts))) - right).T)
    assert np.median(missed) < 0.03
    assert np.quantile(missed, 0.9) < 0.06


def test_a_mirror_image_is_followed() -> None:
    starts = middles((10, 10))
    ends = starts * (-1, 1) + (1, 0)
    assert expected(starts, ends, np.ones(100)) == pytest.approx(ends, abs=1e-4)


def test_a_bow_is_followed_where_pairs_are_and_not_where_none_are() -> None:
    starts = middles((20, 20))
    ends = bowed(starts)
    weights = np.where(starts[:, 0] < 0.5, 1.0, 0.0)
    missed = np.hypot(*(expected(starts, ends, weights) - ends).T)
    unbowed = np.hypot(*(starts - ends).T)
    known = weights > 0
    assert missed[known].mean() < unbowed[known].mean() / 4
    assert missed[~known].mean() > missed[known].mean() * 4


def test_one_believed_pair_moves_everything_with_it() -> None:
    starts = middles((4, 4))
    weights = np.zeros(16)
    weights[5] = 1
    found = expected(starts, starts + 0.2, weights)
    assert found[5] == pytest.approx(starts[5] + 0.2, abs=1e-3)
    assert np.isfinite(found).all()


def test_pairs_that_are_hardly_believed_do_not_count(rng: np.random.Generator) -> None:
    starts = middles((12, 12))
    weights = np.where(rng.random(144) < 0.3, 1.0, 1e-4)
    ends = np.where(weights[:, None] == 1, starts, rng.random((144, 2)))
    assert np.hypot(*(expected(starts, ends, weights) - starts).T).max() < 0.02


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1)])
def test_pictures_of_one_row_or_patch_have_a_map(shape: tuple[int, int]) -> None:
    starts = middles(shape)
    found = expected(starts, starts, np.full(len(starts), 1e-12))
    assert found == pytest.approx(starts, abs=0.01)


def test_nearness_falls_with_the_distance_to_a_floor() -> None:
    ends = np.asarray([[0.5, 0.5], [0.5, 0.6], [0.5, 0.9]])
    odds = nearness(ends, ends[:1], 0.1)[0]
    assert odds[0] == pytest.approx(0, abs=1e-6)
    assert odds[1] == pytest.approx(np.log((np.exp(-0.5) + FARTHEST) / (1 + FARTHEST)), abs=1e-4)
    assert odds[2] == pytest.approx(np.log(FARTHEST), abs=0.1)
