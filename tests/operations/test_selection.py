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


def test_a_box_reaches_as_far_as_it_was_drawn_and_other_marks_as_their_patches_do() -> None:
    box = Box(130, 120, 260, 290)
    assert Selection.of(box).extent(GRID) == box
    assert Selection.of(Box(-20, 120, 260, 500)).extent(GRID) == Box(0, 120, 260, 400)
    for marks in (Selection(boxes=(box,), not_points=((10, 10),)), Selection(boxes=(box, Box(1, 1, 9, 9)))):
        assert marks.extent(GRID) == marks.box(GRID)


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
    near, near_unwanted = selection.within(window, GRID.picture).on(own)
    np.testing.assert_allclose(near, whole[1:3, 2:6], atol=1e-6)
    np.testing.assert_allclose(near_unwanted, unwanted[1:3, 2:6])
    assert selection.box(GRID) == Box(200, 100, 600, 300)


def test_what_is_erased_is_neither_meant_nor_held_against_anything() -> None:
    right = ((200, -50), (900, -50), (900, 500), (200, 500))
    wanted, unwanted = Selection(boxes=(Box(0, 0, 400, 200),), erased=(right,)).on(GRID)
    assert np.argwhere(wanted).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert not unwanted.any()
    half, _ = Selection(
        boxes=(Box(0, 0, 400, 200),), erased=(((150, 0), (900, 0), (900, 400), (150, 400)),)
    ).on(GRID)
    np.testing.assert_allclose(half[0, :3], [1, 0.5, 0], atol=0.02)


def test_an_outline_of_what_is_not_meant_speaks_against_its_patches() -> None:
    left = ((-50, 0), (200, 0), (200, 400), (-50, 400))
    away = ((-90, -90), (-50, -90), (-50, -50))
    wanted, unwanted = Selection(boxes=(Box(0, 0, 400, 400),), not_polygons=(left, away)).on(GRID)
    assert (wanted[:, :4] == 1).all()
    assert (unwanted[:, :2] == 1).all()
    assert not unwanted[:, 2:].any()


def test_what_is_transparent_is_not_selected() -> None:
    there = np.zeros((40, 80), np.bool_)  # a tenth of the picture's scale
    there[10:20, 20:35] = True
    shown = Mask(there)
    wanted, _ = Selection(boxes=(Box(0, 0, 800, 400),), shown=shown).on(GRID)
    assert np.argwhere(wanted).tolist() == [[1, 2], [1, 3]]
    np.testing.assert_allclose(wanted[1, 2:4], [1, 0.5], atol=1e-5)
    window = Box(200, 100, 400, 300)
    near = Selection(boxes=(Box(0, 0, 800, 400),), shown=shown).within(window, GRID.picture)
    np.testing.assert_allclose(near.on(PatchGrid(2, 2, 14, Size(200, 200)))[0], wanted[1:3, 2:4], atol=1e-5)
    all_there = Selection(points=((250, 150),), shown=shown).within(Box(200, 100, 300, 200), GRID.picture)
    assert all_there.shown is None


def test_a_selection_of_nothing_that_is_left_is_refused() -> None:
    all_of_it = ((-9, -9), (900, -9), (900, 500), (-9, 500))
    with pytest.raises(BadRequest, match="erased again"):
        Selection(boxes=(Box(0, 0, 400, 200),), erased=(all_of_it,)).on(GRID)
    there = np.zeros((40, 80), np.bool_)
    there[:10, :10] = True
    with pytest.raises(BadRequest, match="transparent where it was marked"):
        Selection(boxes=(Box(400, 0, 500, 100),), shown=Mask(there)).on(GRID)


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
