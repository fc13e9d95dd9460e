from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.geometry import Box, Mask, PatchGrid, Size, fit_grid

sizes = st.builds(Size, st.integers(1, 20_000), st.integers(1, 20_000))
grids = st.builds(PatchGrid, st.integers(1, 60), st.integers(1, 60), st.sampled_from([8, 14, 16]), sizes)


def test_a_size_has_pixels() -> None:
    assert Size(3, 4).pixels == 12


@pytest.mark.parametrize("sides", [(0, 4), (4, 0), (-1, 4)])
def test_a_picture_has_at_least_one_pixel(sides: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Size(*sides)


@pytest.mark.parametrize("edges", [(1, 0, 1, 2), (0, 2, 1, 1), (2, 0, 1, 1), (0, 0, float("nan"), 1)])
def test_a_box_has_an_area(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="area"):
        Box(*edges)


def test_a_box_knows_its_centre_and_area() -> None:
    box = Box(10, 20, 30, 60)
    assert box.centre == (20.0, 40.0)
    assert box.area == 800


def test_the_grid_lies_the_right_way_round() -> None:
    """Columns go with x and rows with y: the last patch of the first row is on the right."""
    grid = PatchGrid(rows=2, columns=4, patch=16, picture=Size(400, 100))
    assert grid.resized == Size(64, 32)
    assert grid.box_of(0, 3) == Box(300, 0, 400, 50)
    assert grid.box_of(1, 0) == Box(0, 50, 100, 100)
    assert grid.patch_at(399, 1) == (0, 3)
    assert grid.patch_at(1, 99) == (1, 0)


@given(grids, st.data())
def test_the_centre_of_a_patch_lies_in_that_patch(grid: PatchGrid, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, grid.rows - 1))
    column = data.draw(st.integers(0, grid.columns - 1))
    assert grid.patch_at(*grid.box_of(row, column).centre) == (row, column)


@given(grids)
def test_the_patches_tile_the_picture(grid: PatchGrid) -> None:
    boxes = [grid.box_of(row, column) for row in range(grid.rows) for column in range(grid.columns)]
    assert sum(box.area for box in boxes) == pytest.approx(grid.picture.pixels)
    assert max(box.right for box in boxes) == pytest.approx(grid.picture.width)
    assert max(box.bottom for box in boxes) == pytest.approx(grid.picture.height)


@given(grids, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_point_outside_goes_to_the_nearest_patch(grid: PatchGrid, x: float, y: float) -> None:
    row, column = grid.patch_at(x, y)
    assert 0 <= row < grid.rows
    assert 0 <= column < grid.columns


@given(sizes, st.sampled_from([8, 14, 16]), st.integers(1, 2000))
def test_a_fitted_grid_keeps_to_its_budget(picture: Size, patch: int, budget: int) -> None:
    grid = fit_grid(picture, patch, budget)
    assert 1 <= grid.rows * grid.columns <= budget
    assert (grid.patch, grid.picture) == (patch, picture)


@given(st.integers(200, 6000), st.integers(200, 6000))
def test_an_ordinary_picture_is_bent_by_at_most_a_tenth_and_uses_most_of_the_budget(
    width: int, height: int
) -> None:
    if not 1 / 3 <= width / height <= 3:
        return
    grid = fit_grid(Size(width, height), 16, 196)
    bent = (grid.columns / grid.rows) / (width / height)
    assert 1 / 1.1 <= bent <= 1.1
    assert grid.rows * grid.columns >= 0.8 * 196


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_turning_the_picture_turns_the_grid(width: int, height: int) -> None:
    """Up to rounding, which rows get first."""
    upright, turned = fit_grid(Size(width, height), 16, 256), fit_grid(Size(height, width), 16, 256)
    ratio = max(width, height) / min(width, height)
    if ratio <= 4:
        assert abs(upright.rows - turned.columns) <= 2
        assert abs(upright.columns - turned.rows) <= 2


def test_a_panorama_is_one_row() -> None:
    assert (fit_grid(Size(100_000, 10), 16, 100).rows, fit_grid(Size(10, 100_000), 16, 100).columns) == (1, 1)
    assert fit_grid(Size(100_000, 10), 16, 100).columns == 100


regions = st.builds(
    lambda left, top, width, height: Box(left, top, left + width, top + height),
    st.integers(-20, 60),
    st.integers(-20, 60),
    st.integers(1, 60),
    st.integers(1, 60),
)
small_grids = st.builds(
    PatchGrid,
    st.integers(1, 9),
    st.integers(1, 9),
    st.just(14),
    st.builds(Size, st.integers(1, 50), st.integers(1, 50)),
)


@given(small_grids, regions)
def test_a_box_covers_of_each_patch_what_they_share(grid: PatchGrid, region: Box) -> None:
    coverage = grid.coverage(region)
    for row in range(grid.rows):
        for column in range(grid.columns):
            patch = grid.box_of(row, column)
            shared = patch.common(region)
            expected = shared.area / patch.area if shared else 0.0
            assert coverage[row, column] == pytest.approx(expected, abs=1e-5)


@given(small_grids, regions)
def test_a_mask_of_a_box_covers_what_the_box_covers(grid: PatchGrid, region: Box) -> None:
    size = grid.picture
    pixels = np.zeros((size.height, size.width), np.bool_)
    left, top = max(0, int(region.left)), max(0, int(region.top))
    pixels[top : max(0, int(region.bottom)), left : max(0, int(region.right))] = True
    if pixels.any():
        mask = Mask(pixels)
        np.testing.assert_allclose(grid.coverage(mask), grid.coverage(region), atol=1e-5)
        assert mask.box == region.common(Box(0, 0, size.width, size.height))
        assert mask.area == mask.box.area


def test_a_mask_of_another_size_or_of_nothing_is_refused() -> None:
    grid = PatchGrid(4, 4, 14, Size(56, 56))
    with pytest.raises(ValueError, match="does not fit"):
        grid.coverage(Mask(np.ones((56, 57), np.bool_)))
    with pytest.raises(ValueError, match="empty"):
        Mask(np.zeros((56, 56), np.bool_))
    with pytest.raises(ValueError, match="one truth value a pixel"):
        Mask(np.ones((4, 4, 1), np.bool_))


def test_boxes_overlap_by_what_they_share() -> None:
    box = Box(0, 0, 10, 10)
    assert box.overlap(box) == 1
    assert box.overlap(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert box.overlap(Box(10, 0, 20, 10)) == 0  # right and bottom are exclusive
    assert box.holds(0, 0)
    assert not box.holds(10, 5)


def test_the_box_around_patches_holds_them_and_no_more() -> None:
    grid = PatchGrid(4, 8, 14, Size(800, 200))
    patches = np.zeros((4, 8), np.bool_)
    patches[1, 2] = patches[3, 5] = True
    assert grid.box_around(patches) == Box(200, 50, 600, 200)
