"""What somebody marked on a picture, from the wire to a Selection."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from math import isfinite, nan

from dinoscope.errors import BadRequest
from dinoscope.geometry import Box, Mask, Size
from dinoscope.operations.selection import Polygon, Selection
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.server.wire import shown
from dinoscope.server.wire_regions import Lasso, Marks, Rectangle


def selection_of(marks: Marks, size: Size, workers: DecodeWorkers) -> Selection:
    """All parts together.

    Args:
        size: of the picture they are marked on, original pixels.
        workers: read a mask, which is a file like any other: as hostile as its sender.

    Raises:
        BadRequest: a box without an inside, or a mask that is none of this picture.
    """

    def outlines(drawn: list[Lasso]) -> tuple[Polygon, ...]:
        return tuple(tuple((x, y) for x, y in corners) for corners in drawn)

    return Selection(
        boxes=tuple(box_of(box) for box in marks.boxes),
        polygons=outlines(marks.polygons),
        masks=(_mask(marks.mask, size, workers),) if marks.mask is not None else (),
        points=tuple((x, y) for x, y in marks.points),
        not_points=tuple((x, y) for x, y in marks.not_points),
        not_polygons=outlines(marks.not_polygons),
        erased=outlines(marks.erased),
    )


def box_of(numbers: Rectangle) -> Box:
    """Raises: BadRequest."""
    left, top, right, bottom = numbers
    if not (left < right and top < bottom):
        raise BadRequest(
            f"the box {left:g},{top:g},{right:g},{bottom:g} is empty: give left,top,right,bottom with its "
            "right beyond its left and its bottom below its top"
        )
    return Box(left, top, right, bottom)


def box_in(text: str) -> Box:
    """From an address: ``left,top,right,bottom``. Raises: BadRequest."""
    try:
        left, top, right, bottom = (float(edge) for edge in text.split(","))
    except ValueError:
        left, top, right, bottom = nan, nan, nan, nan
    if not all(isfinite(edge) for edge in (left, top, right, bottom)):
        raise BadRequest(f"{shown(text[:60])!r} is no box: give left,top,right,bottom in pixels")
    return box_of([left, top, right, bottom])


def _mask(text: str, size: Size, workers: DecodeWorkers) -> Mask:
    try:
        data = b64decode(text, validate=True)
    except (NotBase64, ValueError):
        raise BadRequest("the mask is no base64: encode the bytes of a PNG file") from None
    return workers.mask(data, size, where="the mask")
