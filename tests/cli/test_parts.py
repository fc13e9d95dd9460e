"""What is marked with options becomes a selection in pixels, or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dinoscope.cli.parts import Marked, box_of, corners_of, example_of, point_of
from dinoscope.errors import BadRequest
from dinoscope.geometry import Box, Mask, Size

SIZE = Size(400, 200)


def size() -> Size:
    return SIZE


def unasked() -> Size:
    raise AssertionError("pixels need no size, which may cost decoding the picture")


def test_a_box_is_four_numbers_of_pixels() -> None:
    assert box_of("40,60,200,180", unasked) == Box(40, 60, 200, 180)
    assert box_of(" 40, 60.5 ,200 , 180", unasked) == Box(40, 60.5, 200, 180)
    assert box_of("-5,-5,10,10", unasked) == Box(-5, -5, 10, 10)


def test_percent_is_of_the_width_for_x_and_of_the_height_for_y() -> None:
    assert box_of("10%,20%,50%,60%", size) == Box(40, 40, 200, 120)
    assert box_of("10%,20%,200,180", size) == Box(40, 40, 200, 180)
    assert point_of("25%,25%", "--point", size) == (100, 50)
    assert corners_of("0,0,50%,0,50%,100%", "--polygon", size) == ((0, 0), (200, 0), (200, 200))


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1;2;3;4", "nan,0,1,1", "0,0,inf,1", "1e9,0,1,1", "0x1,0,1,1",
     "1,2,,4", "١,٢,٣,٤", "10%%,1,2,3", "1_0,2,30,40"],
)  # fmt: skip
def test_what_is_no_box_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadRequest, match=r"is no box: write left,top,right,bottom in pixels, such as"):
        box_of(text, unasked)


@pytest.mark.parametrize("text", ["5,5,5,9", "5,5,9,5", "9,5,5,9", "0,0,0,0"])
def test_an_empty_box_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=f"--box {text} is empty"):
        box_of(text, unasked)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "x,y", "nan,1"])
def test_what_is_no_point_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"--not-point .* is no point: write x,y"):
        point_of(text, "--not-point", unasked)


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "1,2,3,4,5", "1,2,3,4,5,6,7", "a" * 500])
def test_what_is_no_outline_is_refused_shortly(text: str) -> None:
    with pytest.raises(BadRequest, match="is no outline: write x,y of three corners or more") as refused:
        corners_of(text, "--erase", unasked)
    assert len(str(refused.value)) < 250


def test_a_place_is_an_id_and_a_box_of_that_picture() -> None:
    asked = []

    def of(picture: int) -> Size:
        asked.append(picture)
        return SIZE

    place = example_of("45:50%,50%,100%,100%", "--more", of)
    assert (place.picture, place.box) == (45, Box(200, 100, 400, 200))
    assert set(asked) == {45}
    assert example_of("id:45:1,2,3,4", "--more", of).picture == 45


@pytest.mark.parametrize("text", ["", "45", "1,2,3,4", "x:1,2,3,4", "-4:1,2,3,4"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match=r"--less .* names no place: write a picture's id and a box in it"):
        example_of(text, "--less", lambda _: SIZE)
    with pytest.raises(BadRequest, match=r"--less 'a,b' is no box"):
        example_of("45:a,b", "--less", lambda _: SIZE)


def test_everything_marked_is_one_selection() -> None:
    inside = np.zeros((100, 200), np.bool_)  # the picture's shape, half its size
    inside[10:20, 30:40] = True
    marked = Marked(
        boxes=["1,2,3,4", "10%,10%,20%,20%"],
        polygons=["0,0,9,0,9,9"],
        points=["5,6"],
        not_points=["7,8"],
        mask=Path("mask.png"),
        not_polygons=["50%,0,100%,0,100%,50%"],
        erased=["2,2,8,2,8,8"],
    )
    selection = marked.selection(size, lambda path: Mask(inside))
    assert list(selection.boxes) == [Box(1, 2, 3, 4), Box(40, 20, 80, 40)]
    assert list(selection.polygons) == [((0, 0), (9, 0), (9, 9))]
    assert list(selection.points + selection.not_points) == [(5, 6), (7, 8)]
    assert list(selection.not_polygons) == [((200, 0), (400, 0), (400, 100))]
    assert list(selection.erased) == [((2, 2), (8, 2), (8, 8))]
    assert selection.masks[0].picture == SIZE
    assert selection.masks[0].box == Box(60, 20, 80, 40)


def test_a_mask_of_another_shape_is_refused_with_both_sizes() -> None:
    marked = Marked(mask=Path("mask.png"))
    with pytest.raises(BadRequest, match="200 x 102 pixels does not fit a picture of 400 x 200"):
        marked.selection(size, lambda path: Mask(np.ones((102, 200), np.bool_)))


@pytest.mark.parametrize(
    ("marked", "option"),
    [
        (Marked(not_points=["1,2"]), "--not-point"),
        (Marked(not_polygons=["1,2,3,2,3,4"]), "--not-polygon"),
        (Marked(erased=["1,2,3,2,3,4"]), "--erase"),
        (Marked(also=0.5), "--also"),
        (Marked(more=["1:1,2,3,4"]), "--more"),
        (Marked(less=["1:1,2,3,4"]), "--less"),
        (Marked(refine=False), "--refine"),
        (Marked(out=Path("x.png")), "--out"),
    ],
)
def test_options_of_a_part_need_one(marked: Marked, option: str) -> None:
    with pytest.raises(BadRequest, match=f"^{option} needs a part of the picture"):
        marked.check(["a.jpg"], [])


def test_a_part_is_of_one_picture() -> None:
    marked = Marked(points=["1,2"])
    marked.check(["a.jpg"], [])
    with pytest.raises(BadRequest, match="on one picture, and 2 are given"):
        marked.check(["a.jpg", "b.jpg"], [])
    with pytest.raises(BadRequest, match=r"--unlike compares whole pictures"):
        marked.check(["a.jpg"], ["b.jpg"])
    assert not Marked().part
    Marked().check(["a.jpg", "b.jpg"], ["c.jpg"])
