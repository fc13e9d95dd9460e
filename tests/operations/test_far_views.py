"""What fills its picture is seen from afar, too: with about as many patches as it has in a scene."""

from __future__ import annotations

import numpy as np
import pytest
from tests.operations.conftest import Colours

from dinoscope.features import Pixels
from dinoscope.geometry import Box, Mask, PatchGrid, Size
from dinoscope.operations.far_views import far_views
from dinoscope.operations.refining import View
from dinoscope.operations.selection import Selection

GRID = PatchGrid(16, 16, 16, Size(800, 800))
WHOLE = Box(0, 0, 800, 800)


def read(side: int) -> Pixels:
    assert side >= 512, "the model sees the same pixels as in place"
    return np.zeros((side, side, 3), np.uint8)


def patches(view: View) -> int:
    """That the part has in a view."""
    return int((view.selection.on(view.features.grid)[0] >= 0.5).sum())


def views(selection: Selection) -> list[View]:
    return far_views(Colours(), GRID, selection, read)


def test_a_whole_picture_is_seen_with_36_and_with_16_patches() -> None:
    seen = views(Selection.of(WHOLE))
    assert [(one.features.grid.rows, one.features.grid.columns) for one in seen] == [(6, 6), (4, 4)]
    assert {one.features.grid.picture for one in seen} == {GRID.picture}
    assert {one.selection.boxes for one in seen} == {(WHOLE,)}


def test_a_part_that_nearly_fills_it_has_as_many_patches_itself() -> None:
    half = views(Selection.of(Box(0, 0, 800, 450)))
    assert [patches(one) for one in half] == pytest.approx([36, 16], abs=8)
    assert half[0].features.grid.rows > 6


def test_a_part_among_other_things_is_seen_in_place_only() -> None:
    assert views(Selection.of(Box(0, 0, 500, 500))) == []


def test_a_cut_out_is_a_thing_of_its_own_however_large_its_transparent_ground() -> None:
    there = np.zeros((80, 80), np.bool_)
    there[20:60, 10:70] = True  # 30 % of the picture: 96 patches
    seen = views(Selection(boxes=(WHOLE,), shown=Mask(there)))
    assert [patches(one) for one in seen] == pytest.approx([36, 16], abs=12)
    there[:] = False
    there[40:55, 40:55] = True  # 9 patches: as small as it is in a scene
    assert views(Selection(boxes=(WHOLE,), shown=Mask(there))) == []


def test_a_picture_that_cannot_be_had_is_not_seen_again() -> None:
    assert far_views(Colours(), GRID, Selection.of(WHOLE), lambda side: None) == []
