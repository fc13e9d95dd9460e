"""Which patches a mark selects, and which marks are refused with a sentence."""

from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.errors import BadRequest
from dinoscope.geometry import Box, Mask, PatchGrid, Size
from dinoscope.operations.selection import Selection

GRID = PatchGrid(4, 8, 14, Size(800, 400))


def test_a_box_covers_its_patches() -> None:
    wanted, unwanted = Selection.of(Box(100, 0, 300, 150)).on(GRID)
    expected = np.zeros((4, 8), np.float32)
    expected[0, 1:3], expected[1, 1:3] = 1, 0.5
    np.testing.assert_allclose(wanted, expected, atol=1e-6)
    assert not unwanted.any()


def test_a_box_and_its_lasso_and_its_mask_select_the_same() -> None:
    box, pixels = Box(120, 30, 410, 333), np.zeros((400, 800), np.bool_)
    pixels[30:333, 120:410] = True
    corners = ((120, 30), (410, 30), (410, 333), (120, 333))
    expected, _ = Selection.of(box).on(GRID)
    np.testing.assert_allclose(Selection.of(Mask(pixels)).on(GRID)[0], expected, atol=1e-5)
    np.testing.assert_allclose(Selection(polygons=(corners,)).on(GRID)[0], expected, atol=0.13)


@given(st.floats(0, 799), st.floats(0, 399))
def test_one_pixel_is_the_patch_under_it(x: float, y: float) -> None:
    wanted, _ = Selection.of(Box(x, y, x + 1e-3, y + 1e-3)).on(GRID)
    assert wanted[GRID.patch_at(x, y)] == pytest.approx(1, abs=0.5)
    assert wanted.max() == 1
    assert Selection.of((x, y)).on(GRID)[0][GRID.patch_at(x, y)] == 1


def test_parts_are_united_and_cut_to_the_picture() -> None:
    everything, _ = Selection.of(Box(-50, -50, 9000, 9000)).on(GRID)
    assert (everything == 1).all()
    both, _ = Selection(boxes=(Box(0, 0, 100, 100),), points=((750, 350),), not_points=((50, 50),)).on(GRID)
    assert np.argwhere(both).tolist() == [[0, 0], [3, 7]]


def test_a_lasso_that_crosses_itself_holds_both_its_loops() -> None:
    bow = ((0, 0), (400, 400), (400, 0), (0, 400))
    wanted, _ = Selection(polygons=(bow,)).on(GRID)
    assert wanted[1, 0] > 0.4
    assert wanted[1, 3] > 0.4
    assert not wanted[:, 4:].any()


def test_a_lasso_too_small_to_hold_a_patch_is_the_patch_under_it() -> None:
    wanted, _ = Selection(polygons=(((210, 110), (212, 110), (212, 112)),)).on(GRID)
    assert np.argwhere(wanted).tolist() == [[1, 2]]
    line, _ = Selection(polygons=(((10, 10), (150, 10), (-80, 10)),)).on(GRID)
    assert np.argwhere(line).tolist() == [[0, 0], [0, 1]]


def test_parts_seen_from_a_window_are_the_same_parts() -> None:
    pixels = np.zeros((400, 800), np.bool_)
    pixels[150:250, 250:350] = True
    window = Box(200, 100, 600, 300)
    own = PatchGrid(2, 4, 14, Size(400, 200))  # the same 100 x 100 patches
    selection = Selection(
        boxes=(Box(300, 120, 400, 200),),
        polygons=(((450, 150), (550, 150), (550, 250)),),
        masks=(Mask(pixels),),
        points=((210, 290),),
        not_points=((599, 299), (700, 10)),
    )
    whole, unwanted = selection.on(GRID)
    near, near_unwanted = selection.within(window).on(own)
    np.testing.assert_allclose(near, whole[1:3, 2:6], atol=1e-6)
    np.testing.assert_allclose(near_unwanted, unwanted[1:3, 2:6])
    assert selection.box(GRID) == Box(200, 100, 600, 300)


def test_a_picture_smaller_than_a_patch_has_one() -> None:
    wanted, _ = Selection.of(Box(1, 1, 2, 2)).on(PatchGrid(1, 1, 14, Size(3, 3)))
    assert wanted.tolist() == [[1]]


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (Selection(), "nothing is selected.*800 x 400"),
        (Selection(not_points=((5, 5),)), "nothing is selected"),
        (Selection.of(Box(800, 0, 900, 10)), "box 800,0,900,10 lies outside the picture, 800 x 400"),
        (Selection.of(Box(-inf, 0, 900, 10)), "not finite.*800 x 400"),
        (Selection.of((801, 4)), "point 801,4 lies outside the picture, 800 x 400"),
        (Selection.of((nan, 4)), "not finite"),
        (Selection(points=((4, 4),), not_points=((-1, 4),)), "lies outside"),
        (Selection(polygons=(((0, 0), (10, 10)),)), "at least 3 corners"),
        (Selection(polygons=(((900, 0), (990, 10), (920, 20)),)), "goes round nothing of the picture, 800"),
        (Selection.of(Mask(np.ones((40, 80), np.bool_))), "80 x 40 pixels does not fit.*800 x 400"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(selection: Selection, sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        selection.on(GRID)
