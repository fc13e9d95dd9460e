"""Windows around parts: where they lie, what is read for them, and when they are not worth it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.operations.conftest import Colours

from dinoscope.features import Pixels
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.operations.refining import looked_at, near_view, pixels_needed, window_around, worth_it
from dinoscope.operations.selection import Selection

sizes = st.builds(Size, st.integers(1, 4000), st.integers(1, 4000))
shares = st.tuples(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 1), st.floats(0.01, 1))
GRID = PatchGrid(16, 16, 14, Size(800, 800))


@given(sizes, shares)
def test_a_window_of_whole_pixels_holds_its_part_and_lies_in_the_picture(
    size: Size, part: tuple[float, float, float, float]
) -> None:
    left, top, wide, high = part
    right, bottom = min(left + wide, 1), min(top + high, 1)
    box = Box(left * size.width, top * size.height, right * size.width, bottom * size.height)
    window = window_around(box, size)
    assert 0 <= window.left <= box.left + 1e-6
    assert 0 <= window.top <= box.top + 1e-6
    assert box.right - 1e-6 <= window.right <= size.width
    assert box.bottom - 1e-6 <= window.bottom <= size.height
    for number in (window.left, window.top, window.right, window.bottom):
        assert number == int(number)
    assert pixels_needed(window, size) >= 1


def test_a_window_is_twice_its_part_and_never_tiny() -> None:
    assert window_around(Box(300, 300, 500, 500), Size(800, 800)) == Box(200, 200, 600, 600)
    assert window_around(Box(390, 390, 410, 410), Size(800, 800)) == Box(300, 300, 500, 500)


def test_a_window_of_a_quarter_asks_for_a_picture_four_times_as_fine() -> None:
    assert pixels_needed(Box(0, 0, 200, 200), Size(800, 800)) == 4 * pixels_needed(
        Box(0, 0, 800, 800), Size(800, 800)
    )


def test_what_is_looked_at_is_the_window_at_whatever_scale_the_picture_comes() -> None:
    pixels = np.zeros((400, 400, 3), np.uint8)  # half the scale of the original
    pixels[100:200, 200:300] = (250, 10, 10)
    window = Box(400, 200, 600, 400)
    features = looked_at(Colours(), pixels, window, Size(800, 800))
    assert features.grid.picture == Size(200, 200)
    assert (features.patches[..., 0] > 0.5).all()  # red all over, and nothing else


def test_a_large_part_and_an_unreadable_picture_have_no_near_view() -> None:
    asked: list[int] = []

    def read(side: int) -> Pixels | None:
        asked.append(side)
        return None

    assert near_view(Colours(), GRID, Selection.of(Box(0, 0, 600, 600)), read) is None
    assert asked == []
    assert near_view(Colours(), GRID, Selection.of(Box(0, 0, 200, 200)), read) is None
    assert asked == [pixels_needed(Box(0, 0, 400, 400), GRID.picture)]


def test_a_near_view_has_the_part_in_pixels_of_its_window() -> None:
    near = near_view(
        Colours(),
        GRID,
        Selection.of(Box(300, 300, 500, 500)),
        lambda side: np.zeros((side, side, 3), np.uint8),
    )
    assert near is not None
    assert near.features.grid.picture == Size(400, 400)
    assert near.selection.boxes == (Box(100, 100, 300, 300),)


def test_a_second_look_is_for_parts_of_at_most_a_tenth() -> None:
    assert worth_it(GRID, Selection.of(Box(0, 0, 250, 250)))
    assert not worth_it(GRID, Selection.of(Box(0, 0, 300, 300)))
