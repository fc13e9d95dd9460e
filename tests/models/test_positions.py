"""Positions are stretched as each original does it."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest

from dinoscope.features import FloatArray
from dinoscope.models.config import PositionRule
from dinoscope.models.positions import resampling, rotary, stretched

LEARNED = [rule for rule in get_args(PositionRule) if rule != "rope"]


@pytest.fixture
def positions(rng: np.random.Generator) -> FloatArray:
    """A 5 x 7 grid of 3-d positions behind the CLS token's."""
    return rng.standard_normal((1 + 35, 3)).astype(np.float32)


@pytest.mark.parametrize("rule", LEARNED)
def test_the_trained_grid_is_left_alone(positions: FloatArray, rule: PositionRule) -> None:
    assert (stretched(positions, (5, 7), (5, 7), rule) == positions[1:]).all()


@pytest.mark.parametrize("rule", LEARNED)
def test_a_constant_stays_constant(rule: PositionRule) -> None:
    same = np.full((1 + 35, 2), 3.5, np.float32)
    np.testing.assert_allclose(stretched(same, (5, 7), (9, 2), rule), 3.5, atol=1e-5)


@pytest.mark.parametrize("rule", LEARNED)
def test_rows_and_columns_are_not_confused(rule: PositionRule) -> None:
    rows, columns = np.meshgrid(np.arange(5), np.arange(7), indexing="ij")
    plane = np.stack([rows, columns], -1).reshape(35, 2).astype(np.float32)
    grid = stretched(np.concatenate([plane[:1], plane]), (5, 7), (10, 21), rule).reshape(10, 21, 2)
    assert (np.diff(grid[2:-2, :, 0], axis=0) > 0).all()
    assert np.ptp(grid[4, :, 0]) < 1e-4
    assert (np.diff(grid[:, 3:-3, 1], axis=1) > 0).all()
    assert np.ptp(grid[:, 10, 1]) < 1e-4


def test_the_rules_differ_where_the_originals_do(positions: FloatArray) -> None:
    small = {rule: stretched(positions, (5, 7), (3, 3), rule) for rule in LEARNED}
    assert np.abs(small["offset"] - small["plain"]).max() > 1e-2
    assert np.abs(small["antialias"] - small["plain"]).max() > 1e-2


def torch_interpolated(plane: FloatArray, grid: tuple[int, int], rule: PositionRule) -> FloatArray:
    """The originals' own lines, on (rows, columns, D)."""
    import torch
    from torch.nn.functional import interpolate

    image = torch.from_numpy(plane).permute(2, 0, 1)[None]
    if rule == "offset":  # dino and dinov2: w0, h0 = w0 + 0.1, h0 + 0.1
        scale = tuple((new + 0.1) / old for new, old in zip(grid, plane.shape[:2], strict=True))
        image = interpolate(image, scale_factor=scale, mode="bicubic")
    else:
        image = interpolate(image, size=grid, mode="bicubic", antialias=rule == "antialias")
    assert image.shape[-2:] == grid
    return np.asarray(image[0].permute(1, 2, 0).reshape(-1, plane.shape[-1]).numpy(), np.float32)


@pytest.mark.torch
@pytest.mark.parametrize("rule", LEARNED)
@pytest.mark.parametrize("grid", [(1, 1), (3, 4), (16, 16), (40, 6), (1, 256), (37, 38)])
@pytest.mark.parametrize("trained", [(14, 14), (37, 37)])
def test_the_rules_are_the_originals(
    rng: np.random.Generator, trained: tuple[int, int], grid: tuple[int, int], rule: PositionRule
) -> None:
    pytest.importorskip("torch")
    table = rng.standard_normal((1 + trained[0] * trained[1], 8)).astype(np.float32)
    wanted = torch_interpolated(table[1:].reshape(*trained, 8), grid, rule)
    np.testing.assert_allclose(stretched(table, trained, grid, rule), wanted, atol=2e-5)


def test_a_row_of_the_resampling_sums_to_one() -> None:
    for rule in LEARNED:
        for new in (1, 5, 16, 90):
            np.testing.assert_allclose(resampling(37, new, rule).sum(1), 1, atol=1e-5)


def test_rotary_angles_turn_patches_and_leave_the_prefix() -> None:
    cosines, sines = rotary((3, 4), prefix=5, head_dimension=16, theta=100.0)
    assert cosines.shape == sines.shape == (5 + 12, 16)
    assert (cosines[:5] == 1).all()
    assert (sines[:5] == 0).all()
    np.testing.assert_allclose(cosines**2 + sines**2, 1, atol=1e-6)
    np.testing.assert_allclose(sines[:, :8], -sines[:, 8:], atol=1e-7)  # the halves are swapped with a sign


def test_rotary_angles_of_the_first_half_follow_rows_and_the_second_columns() -> None:
    cosines, _ = rotary((3, 4), prefix=1, head_dimension=16, theta=100.0)
    grid = cosines[1:].reshape(3, 4, 16)
    assert np.ptp(grid[0, :, :4]) > 0  # among frequencies
    assert np.ptp(grid[0, :, :4], axis=0).max() < 1e-6  # the same for all columns of a row
    assert np.ptp(grid[:, 1, 4:8], axis=0).max() < 1e-6  # the same for all rows of a column
