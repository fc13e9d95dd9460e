"""A small part seen from near: the query encoded again around it, and the best hits around their places."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import ceil, floor
from typing import Self, TypeAlias

from dinoscope.features import Basis, Features, Pixels
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.library.records import Picture
from dinoscope.models.backbone import Backbone
from dinoscope.operations.places import Sighting, sighting
from dinoscope.operations.queries import on_original
from dinoscope.operations.region_answers import Place
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.selection import Selection

# A picture upright, its shorter side at least that many pixels if it has them; None when it cannot be had.
Read: TypeAlias = Callable[[Picture, int], Pixels | None]
ReadQuery: TypeAlias = Callable[[int], Pixels | None]

LARGE = 0.25  # share of the picture from which a part is seen well enough where it is
SMALL = 0.1  # share of the picture up to which hits are looked at again
ROOM = 2.0  # sides of the window looked at, in sides of the part: it sees half the window's patches a side
LOOKED_AT = 8  # hits; each costs one encoding
WINDOW = 0.25  # least side of a window, in sides of the picture: a place found may be off by a patch
SIDE = 256  # pixels a window should have at least, about what 16 patches of 14 or 16 pixels can see


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The query picture, or a window of it, encoded again at another scale."""

    features: Features  # its grid is the window's own
    selection: Selection  # in pixels of the window


def near_view(backbone: Backbone, grid: PatchGrid, selection: Selection, read: ReadQuery) -> View | None:
    """The selected part in a window around it; None for a large part, or when the picture cannot be had.

    Args:
        grid: of the query picture.

    Raises:
        BadRequest: see ``Selection.on``.
    """
    picture, part = grid.picture, selection.box(grid)
    if part.area > LARGE * picture.pixels:
        return None
    window = window_around(part, picture)
    pixels = read(pixels_needed(window, picture))
    if pixels is None:
        return None
    return View(looked_at(backbone, pixels, window, picture), selection.within(window, picture))


@dataclass(frozen=True, slots=True, eq=False)
class Closer:
    """Looks at hits as nearly as the query was looked at."""

    backbone: Backbone
    basis: Basis
    query: RegionQuery  # of the near view
    own: float  # what the query scores in its own near view: the best that can be

    @classmethod
    def of(cls, backbone: Backbone, basis: Basis, view: View, query: RegionQuery) -> Self:
        """Args: query: of the part in that view, and what speaks against it."""
        return cls(backbone, basis, query, sighting(query, Seen.of(view.features, basis)).score)

    def likeness(self, near: Sighting) -> float:
        """How alike what is seen from near is: 1 as the part is to itself, about 0 what is not alike."""
        return near.score / max(self.own, 1e-3)

    def sighting(self, read: Read, picture: Picture, place: Place) -> Sighting | None:
        """What is at a place of a picture, boxes in its original pixels; None when it cannot be had."""
        window = window_around(place.box, picture.size)
        pixels = read(picture, pixels_needed(window, picture.size))
        if pixels is None:
            return None
        near = looked_at(self.backbone, pixels, window, picture.size)
        found = sighting(self.query, Seen.of(near, self.basis))
        return replace(found, places=tuple(_moved(one, window) for one in found.places))


def worth_it(grid: PatchGrid, selection: Selection) -> bool:
    """Is the part so small that hits, too, are better seen from near?"""
    return selection.box(grid).area <= SMALL * grid.picture.pixels


def looked_at(backbone: Backbone, pixels: Pixels, window: Box, picture: Size) -> Features:
    """A window with all the patches a whole picture gets; its grid is the window's own.

    Args:
        pixels: the picture, at any scale.
        window: in original pixels, whole numbers.
        picture: the original's size.
    """
    high, wide = pixels.shape[0] / picture.height, pixels.shape[1] / picture.width
    rows = slice(floor(window.top * high), ceil(window.bottom * high))
    columns = slice(floor(window.left * wide), ceil(window.right * wide))
    features = backbone.encode([pixels[rows, columns]])[0]
    return on_original(features, Size(int(window.right - window.left), int(window.bottom - window.top)))


def window_around(box: Box, picture: Size) -> Box:
    """A window of whole pixels with the box in its middle and room around it, cut to the picture."""
    wide = max(ROOM * (box.right - box.left), WINDOW * picture.width)
    high = max(ROOM * (box.bottom - box.top), WINDOW * picture.height)
    (x, y), side = box.centre, max(wide, high)
    wide, high = min(side, picture.width), min(side, picture.height)
    left = min(max(x - wide / 2, 0), picture.width - wide)
    top = min(max(y - high / 2, 0), picture.height - high)
    return Box(floor(left), floor(top), ceil(left + wide), ceil(top + high))


def pixels_needed(window: Box, picture: Size) -> int:
    """How long the picture's shorter side must be for a window to have SIDE pixels."""
    side = min(window.right - window.left, window.bottom - window.top)
    return ceil(SIDE * min(picture.width, picture.height) / side)


def _moved(place: Place, window: Box) -> Place:
    box, (x, y) = place.box, (window.left, window.top)
    return Place(Box(box.left + x, box.top + y, box.right + x, box.bottom + y), place.score)
