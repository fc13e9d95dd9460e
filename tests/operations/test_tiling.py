"""A picture encoded in tiles is one grid that lies over it the right way round."""

from __future__ import annotations

import numpy as np
import pytest
from tests.operations.conftest import Colours

from dinoscope.features import Pixels, normalise
from dinoscope.geometry import Size
from dinoscope.operations.tiling import MOST, PATCHES, SIDES, encode_tiled, tiles


def ramp(height: int, width: int) -> Pixels:
    """Red grows to the right, green downwards."""
    down, across = np.mgrid[:height, :width]
    return np.stack([across * 255 // width, down * 255 // height, 0 * down], axis=2).astype(np.uint8)


def test_the_grid_of_the_tiles_lies_as_the_picture_does() -> None:
    (seen,) = encode_tiled(Colours(), [ramp(360, 480)])
    assert seen.grid.picture == Size(480, 360)
    assert seen.patches.shape[:2] == (seen.grid.rows, seen.grid.columns)
    assert seen.attention.shape == (1, seen.grid.rows, seen.grid.columns)
    for row, column in ((0, 0), (0, seen.grid.columns - 1), (seen.grid.rows - 1, 2), (7, 20)):
        x, y = seen.grid.box_of(row, column).centre
        expected = np.array([x * 255 / 480, y * 255 / 360, 0], np.float32) - 127.3
        assert seen.patches[row, column, :3] @ normalise(expected) > 0.999


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (7, 5), (333, 1000), (1001, 999)])
def test_any_picture_has_tiles_of_one_size_that_cover_it(size: tuple[int, int]) -> None:
    picture = np.zeros((*size, 3), np.uint8)
    found = tiles(picture)
    assert len(found) == SIDES**2
    assert len({tile.shape for tile in found}) == 1
    for tile in found:
        tile[:] = 1  # they are views
    assert picture.all()
    (seen,) = encode_tiled(Colours(), [picture])
    assert seen.grid.rows * seen.grid.columns <= MOST
    assert seen.grid.rows % SIDES == seen.grid.columns % SIDES == 0


def test_each_picture_gets_its_own_tiles_and_a_tile_no_more_patches_than_it_may() -> None:
    colours = Colours()
    dark, light = np.full((90, 90, 3), 10, np.uint8), np.full((60, 240, 3), 250, np.uint8)
    one, two = encode_tiled(colours, [dark, light])
    assert (one.patches[..., 0] < 0).all()
    assert (two.patches[..., 0] > 0).all()
    assert two.grid.rows * two.grid.columns <= MOST == SIDES**2 * PATCHES
    assert two.grid.columns > two.grid.rows
