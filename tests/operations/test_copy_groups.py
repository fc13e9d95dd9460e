"""Which of a group may go: never an original because a larger picture was made with it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dinoscope.geometry import Size
from dinoscope.library.records import Picture
from dinoscope.operations.copy_answers import CopyGroup, Found, Outline
from dinoscope.operations.copy_groups import group_of
from dinoscope.pictures.metadata import Metadata

DAY = datetime(2026, 5, 4, tzinfo=UTC)


def picture(number: int, width: int, height: int) -> Picture:
    file = Path(f"/pictures/{number}.jpg")
    return Picture(number, file, str(number), "jpeg", Size(width, height), 9_000, DAY, DAY, Metadata())


def rectangle(width: float, height: float) -> Outline:
    return ((0, 0), (width, 0), (width, height), (0, height))


def within(width: float) -> CopyGroup:
    """A picture of 300 x 200 that lies in one of 640 x 480, where it is so wide."""
    small, large = picture(1, 300, 200), picture(2, 640, 480)
    share = width * width * 2 / 3 / (640 * 480)
    found = Found(
        0.99,
        0.99,
        ("crop",),
        "here",
        rectangle(300, 200),
        rectangle(width, width * 2 / 3),
        shared=(1.0, share),
    )
    return group_of(["1", "2"], {"1": (small,), "2": (large,)}, {("1", "2"): found})


@pytest.mark.parametrize("width", [300, 400])
def test_what_was_cut_out_may_go(width: float) -> None:
    group = within(width)
    assert group.keep == 2
    assert group.members[0].why == "keep: unedited, the others were made from it"
    assert [(one.picture.id, one.spare, one.why) for one in group.members[1:]] == [(1, True, "cropped")]


@pytest.mark.parametrize("width", [100, 260])
def test_what_a_larger_picture_has_smaller_stays(width: float) -> None:
    group = within(width)
    assert group.keep == 2
    assert group.members[0].why == "keep: most pixels"
    assert [(one.spare, one.why) for one in group.members[1:]] == [
        (False, "look: the one to keep has it smaller")
    ]


@pytest.mark.parametrize(("share", "spare"), [(0.65, True), (0.2, False)])
def test_a_frame_may_go_but_not_a_white_picture_with_another_on_it(share: float, *, spare: bool) -> None:
    best, framed = picture(1, 1024, 768), picture(2, 640, 480)
    outline = rectangle(640 * share**0.5, 480 * share**0.5)
    found = Found(0.99, 0.99, ("border",), "there", rectangle(1024, 768), outline, shared=(1.0, share))
    group = group_of(["1", "2"], {"1": (best,), "2": (framed,)}, {("1", "2"): found})
    assert group.keep == 1
    assert [one.spare for one in group.members[1:]] == [spare]
