"""What a person marks on a picture at the command line: boxes, lassos, points, a mask; and where more is."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.geometry import Box, Mask, Size
    from dinoscope.operations.regions import Example
    from dinoscope.operations.selection import Selection

PANEL = "To find a part of the picture, anywhere"

BoxOption = Annotated[
    list[str] | None,
    typer.Option(
        "--box",
        metavar="L,T,R,B",
        help="The part: left,top,right,bottom in pixels, or in percent (10%,20%,40%,60%); repeatable.",
        rich_help_panel=PANEL,
    ),
]
PolygonOption = Annotated[
    list[str] | None,
    typer.Option(
        "--polygon",
        metavar="X,Y,...",
        help="The part as an outline of three corners or more; repeatable.",
        rich_help_panel=PANEL,
    ),
]
PointOption = Annotated[
    list[str] | None,
    typer.Option("--point", metavar="X,Y", help="A point on the part; repeatable.", rich_help_panel=PANEL),
]
NotPointOption = Annotated[
    list[str] | None,
    typer.Option(
        "--not-point",
        metavar="X,Y",
        help="A point on something that is not meant; repeatable.",
        rich_help_panel=PANEL,
    ),
]
NotPolygonOption = Annotated[
    list[str] | None,
    typer.Option(
        "--not-polygon",
        metavar="X,Y,...",
        help="An outline of something that is not meant; repeatable.",
        rich_help_panel=PANEL,
    ),
]
EraseOption = Annotated[
    list[str] | None,
    typer.Option(
        "--erase",
        metavar="X,Y,...",
        help="An outline of what is taken back from the part; repeatable.",
        rich_help_panel=PANEL,
    ),
]
MaskOption = Annotated[
    Path | None,
    typer.Option(
        "--mask",
        metavar="FILE",
        help="A picture of the same shape, white on the part and black elsewhere.",
        rich_help_panel=PANEL,
    ),
]
AlsoOption = Annotated[
    float,
    typer.Option(
        "--also",
        min=0,
        max=1,
        metavar="0..1",
        help="How much the whole picture counts beside the part.",
        show_default="0, not at all",
        rich_help_panel=PANEL,
    ),
]
MoreOption = Annotated[
    list[str] | None,
    typer.Option(
        "--more",
        metavar="ID:L,T,R,B",
        help="More like this place, as an answer shows it; repeatable.",
        rich_help_panel=PANEL,
    ),
]
LessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--less", metavar="ID:L,T,R,B", help="Less like this place; repeatable.", rich_help_panel=PANEL
    ),
]
RefineOption = Annotated[
    bool | None,
    typer.Option(
        help="Look again, closer, at the best hits.",
        show_default="when the part is small",
        rich_help_panel=PANEL,
    ),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="PATH",
        help="Draw the places found: FILE.png shows all hits, a folder gets one picture of each.",
        rich_help_panel=PANEL,
    ),
]

BOX = "left,top,right,bottom in pixels, such as 40,60,200,180, or in percent, such as 10%,20%,50%,60%"
POINT = "x,y in pixels, such as 120,80, or in percent, such as 30%,25%"
POLYGON = "x,y of three corners or more, such as 40,60,200,60,120,180"
PLACE = "a picture's id and a box in it, such as 45:40,60,200,180"

_NUMBER = re.compile(r"(-?[0-9]{1,9}(?:\.[0-9]{1,9})?)(%?)", re.ASCII)
_PLACE = re.compile(r"(?:id:)?([0-9]{1,18}):(.+)", re.ASCII)
SizeOf: TypeAlias = "Callable[[], Size]"  # asked only where it is needed: it may cost a decode


@dataclass(frozen=True, slots=True)
class Marked:
    """The options as they were written."""

    boxes: Sequence[str] = ()
    polygons: Sequence[str] = ()
    points: Sequence[str] = ()
    not_points: Sequence[str] = ()
    mask: Path | None = None
    also: float = 0.0
    more: Sequence[str] = ()
    less: Sequence[str] = ()
    refine: bool | None = None
    out: Path | None = None
    not_polygons: Sequence[str] = ()
    erased: Sequence[str] = ()

    @property
    def part(self) -> bool:
        """Is a part of the picture meant?"""
        return bool(self.boxes or self.polygons or self.points or self.mask)

    def check(self, pictures: Sequence[str], unlike: Sequence[str]) -> None:
        """Do the options go together?

        Raises:
            BadRequest: options that need a part and there is none, or a part and several pictures.
        """
        lonely = {
            "--not-point": self.not_points,
            "--not-polygon": self.not_polygons,
            "--erase": self.erased,
            "--also": self.also,
            "--more": self.more,
            "--less": self.less,
            "--refine": self.refine is not None,
            "--out": self.out,
        }
        first = next((name for name, given in lonely.items() if given), None)
        if not self.part and first:
            raise BadRequest(
                f"{first} needs a part of the picture: mark it with --box, --polygon, --point or --mask"
            )
        if self.part and unlike:
            raise BadRequest(
                "--unlike compares whole pictures: say what the part is not with --not-point or --less"
            )
        if self.part and len(pictures) > 1:
            raise BadRequest(
                f"a part is marked on one picture, and {len(pictures)} are given: give one, "
                "and add places in others with --more"
            )

    def selection(self, size: SizeOf, read_mask: Callable[[Path], Mask]) -> Selection:
        """What is selected, in the picture's pixels.

        Args:
            size: of the picture.
            read_mask: the mask in a file.

        Raises:
            BadRequest: something is not written as it should be.
        """
        from dinoscope.operations.selection import Selection
        from dinoscope.pictures.masks import fitted

        return Selection(
            boxes=tuple(box_of(text, size) for text in self.boxes),
            polygons=tuple(corners_of(text, "--polygon", size) for text in self.polygons),
            masks=(fitted(read_mask(self.mask), size()),) if self.mask else (),
            points=tuple(point_of(text, "--point", size) for text in self.points),
            not_points=tuple(point_of(text, "--not-point", size) for text in self.not_points),
            not_polygons=tuple(corners_of(text, "--not-polygon", size) for text in self.not_polygons),
            erased=tuple(corners_of(text, "--erase", size) for text in self.erased),
        )

    def examples(self, size: Callable[[int], Size]) -> tuple[list[Example], list[Example]]:
        """The places to find more, and less, of; ``size`` is that of a picture of the library."""
        return (
            [example_of(text, "--more", size) for text in self.more],
            [example_of(text, "--less", size) for text in self.less],
        )


def box_of(text: str, size: SizeOf, option: str = "--box") -> Box:
    """``40,60,200,180`` or ``10%,20%,50%,60%``.

    Raises:
        BadRequest: it is not four numbers, or holds nothing.
    """
    from dinoscope.geometry import Box

    numbers = numbers_of(text, size)
    if numbers is None or len(numbers) != 4:
        raise BadRequest(f"{option} {text!r} is no box: write {BOX}")
    left, top, right, bottom = numbers
    if not (left < right and top < bottom):
        raise BadRequest(
            f"{option} {text} is empty: its right must be beyond its left, its bottom below its top"
        )
    return Box(left, top, right, bottom)


def point_of(text: str, option: str, size: SizeOf) -> tuple[float, float]:
    """``120,80`` or ``30%,25%``. Raises: BadRequest."""
    numbers = numbers_of(text, size)
    if numbers is None or len(numbers) != 2:
        raise BadRequest(f"{option} {text!r} is no point: write {POINT}")
    return numbers[0], numbers[1]


def corners_of(text: str, option: str, size: SizeOf) -> tuple[tuple[float, float], ...]:
    """``40,60,200,60,120,180``: x and y of each corner. Raises: BadRequest."""
    numbers = numbers_of(text, size)
    if numbers is None or len(numbers) < 6 or len(numbers) % 2:
        shown = text if len(text) < 80 else f"{text[:76]}..."
        raise BadRequest(f"{option} {shown!r} is no outline: write {POLYGON}")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def example_of(text: str, option: str, size: Callable[[int], Size]) -> Example:
    """``45:40,60,200,180``: a place in picture 45 of the library. Raises: BadRequest, NoSuchPicture."""
    from dinoscope.operations.regions import Example

    found = _PLACE.fullmatch(text.strip())
    if not found:
        raise BadRequest(f"{option} {text!r} names no place: write {PLACE}")
    picture = int(found[1])
    return Example(picture, box_of(found[2], lambda: size(picture), option))


def numbers_of(text: str, size: SizeOf) -> list[float] | None:
    """x and y in turn, percents turned into pixels; None when the text is not numbers with commas between."""
    found = [_NUMBER.fullmatch(word.strip()) for word in text.split(",")]
    numbers = []
    for place, one in enumerate(found):
        if one is None:
            return None
        number = float(one[1])
        if one[2]:
            picture = size()
            number *= (picture.height if place % 2 else picture.width) / 100
        numbers.append(number)
    return numbers
