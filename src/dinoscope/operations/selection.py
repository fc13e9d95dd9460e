"""What a person marked on a picture, and which patches that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil, floor, isfinite
from typing import Self, TypeAlias

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Box, Mask, PatchGrid, Size

Point: TypeAlias = tuple[float, float]  # (x, y), original pixels
Polygon: TypeAlias = tuple[Point, ...]  # at least 3 corners, closed by itself
Part: TypeAlias = "Selection | Box | Mask | Point"
LEFT = 0.02  # share of a patch that must be left of what is marked, so that it is not all taken back


@dataclass(frozen=True, slots=True)
class Selection:
    """The union of all parts, in original pixels, less what was taken back; and what is not meant."""

    boxes: tuple[Box, ...] = ()
    polygons: tuple[Polygon, ...] = ()  # a lasso; where it crosses itself, what it goes round is inside
    masks: tuple[Mask, ...] = ()
    points: tuple[Point, ...] = ()
    not_points: tuple[Point, ...] = ()  # on something else: what is like it speaks against a picture
    not_polygons: tuple[Polygon, ...] = ()  # round something else
    erased: tuple[Polygon, ...] = ()  # taken back: neither meant nor held against anything
    shown: Mask | None = (
        None  # what of the picture is there, at any scale; None: all of it, nothing is transparent
    )

    @classmethod
    def of(cls, part: Part) -> Self | Selection:
        """A box, a mask or a point (x, y) as a selection of its own."""
        if isinstance(part, Selection):
            return part
        if isinstance(part, Box):
            return cls(boxes=(part,))
        if isinstance(part, Mask):
            return cls(masks=(part,))
        return cls(points=(part,))

    def on(self, grid: PatchGrid) -> tuple[FloatArray, FloatArray]:
        """(rows, columns) each, in [0, 1]: how much of each patch is wanted, and how much unwanted.

        A part that covers no patch fully, be it one pixel, counts the patch it covers most as covered.

        Raises:
            BadRequest: nothing wanted, or all of it erased or transparent, a part wholly outside the picture,
                a mask of another size, a lasso of two corners or without an area, or a number that is not
                finite.
        """
        wanted = [self._box(box, grid) for box in self.boxes]
        wanted += [self._polygon(corners, grid) for corners in self.polygons]
        wanted += [self._mask(mask, grid) for mask in self.masks]
        wanted += [self._point(point, grid) for point in self.points]
        if not wanted:
            raise BadRequest(f"nothing is selected: mark a part of the picture, {_wide(grid.picture)}")
        unwanted = [self._point(point, grid) for point in self.not_points]
        unwanted += [drawn for corners in self.not_polygons if (drawn := _drawn(corners, grid)) is not None]
        return self._left(_union(wanted, grid), grid), _union(unwanted, grid)

    def there(self, grid: PatchGrid) -> FloatArray:
        """(rows, columns) in [0, 1]: how much of each patch is not transparent."""
        if self.shown is None:
            return np.ones((grid.rows, grid.columns), np.float32)
        return replace(grid, picture=self.shown.picture).coverage(self.shown)

    def box(self, grid: PatchGrid) -> Box:
        """Around all patches that are wanted at least half. Raises as ``on``."""
        return grid.box_around(self.on(grid)[0] >= 0.5)

    def extent(self, grid: PatchGrid) -> Box:
        """Around what is wanted; of a single box that, cut to the picture. Raises as ``on``."""
        if len(self.boxes) == 1 and self == Selection(self.boxes):
            return self.boxes[0].common(Box(0, 0, grid.picture.width, grid.picture.height)) or self.box(grid)
        return self.box(grid)

    def within(self, window: Box, picture: Size) -> Selection:
        """The same parts seen from a cutout that holds them: pixels from its corner, the rest left out.

        Args:
            window: whole numbers, inside the picture.
            picture: the whole one's size.
        """
        left, top = window.left, window.top
        inside = [common for box in self.boxes if (common := box.common(window))]
        return Selection(
            tuple(Box(box.left - left, box.top - top, box.right - left, box.bottom - top) for box in inside),
            tuple(_shifted(corners, window) for corners in self.polygons),
            tuple(_cut(mask, window) for mask in self.masks),
            tuple((x - left, y - top) for x, y in self.points),
            tuple((x - left, y - top) for x, y in self.not_points if window.holds(x, y)),
            tuple(_shifted(corners, window) for corners in self.not_polygons if _touch(corners, window)),
            tuple(_shifted(corners, window) for corners in self.erased if _touch(corners, window)),
            None if self.shown is None else _seen_through(self.shown, window, picture),
        )

    def _left(self, wanted: FloatArray, grid: PatchGrid) -> FloatArray:
        """Of what is wanted, what was not taken back and is there."""
        for corners in self.erased:
            _check_corners(corners, grid.picture)
            wanted = wanted * (1 - grid.inside(corners))
        if wanted.max() < LEFT:
            raise BadRequest("all that was marked is erased again: mark what you mean")
        left = wanted if self.shown is None else wanted * self.there(grid)
        if left.max() < LEFT:
            raise BadRequest("the picture is transparent where it was marked: mark what is there to be seen")
        return _raised(left) if self.erased or self.shown is not None else left

    @staticmethod
    def _box(box: Box, grid: PatchGrid) -> FloatArray:
        numbers = (box.left, box.top, box.right, box.bottom)
        _demand_finite(numbers, "a box", grid.picture)
        inside = box.common(Box(0, 0, grid.picture.width, grid.picture.height))
        if inside is None:
            raise BadRequest(f"the box {_listed(numbers)} lies outside the picture, {_wide(grid.picture)}")
        return _raised(grid.coverage(inside))

    @staticmethod
    def _polygon(corners: Polygon, grid: PatchGrid) -> FloatArray:
        drawn = _drawn(corners, grid)
        if drawn is None:
            raise BadRequest(f"the lasso goes round nothing of the picture, {_wide(grid.picture)}")
        return drawn

    @staticmethod
    def _mask(mask: Mask, grid: PatchGrid) -> FloatArray:
        try:
            return _raised(grid.coverage(mask))
        except ValueError as error:
            raise BadRequest(f"{error}: make it as large as the picture") from None

    @staticmethod
    def _point(point: Point, grid: PatchGrid) -> FloatArray:
        _demand_finite(point, "a point", grid.picture)
        if not _lies_in(point, grid.picture):
            raise BadRequest(f"the point {_listed(point)} lies outside the picture, {_wide(grid.picture)}")
        return _patch(point, grid)


def _lies_in(point: Point, picture: Size) -> bool:
    """The edges belong to it: a click on the last pixel may be rounded up."""
    return 0 <= point[0] <= picture.width and 0 <= point[1] <= picture.height


def _patch(point: Point, grid: PatchGrid) -> FloatArray:
    covered = np.zeros((grid.rows, grid.columns), np.float32)
    covered[grid.patch_at(*point)] = 1.0
    return covered


def _union(parts: list[FloatArray], grid: PatchGrid) -> FloatArray:
    nothing = np.zeros((grid.rows, grid.columns), np.float32)
    return np.asarray(np.maximum.reduce([nothing, *parts]), np.float32)


def _check_corners(corners: Polygon, picture: Size) -> None:
    _demand_finite([number for corner in corners for number in corner], "a lasso", picture)
    if len(corners) < 3:
        raise BadRequest(f"a lasso has at least 3 corners, not {len(corners)}: draw around a part")


def _drawn(corners: Polygon, grid: PatchGrid) -> FloatArray | None:
    """What an outline covers; None when it goes round nothing of the picture. Raises: BadRequest."""
    _check_corners(corners, grid.picture)
    covered = grid.inside(corners)
    if not covered.any():  # too thin to be drawn: what is under its corners
        inside = [_patch(corner, grid) for corner in corners if _lies_in(corner, grid.picture)]
        if not inside:
            return None
        covered = _union(inside, grid)
    return _raised(covered)


def _shifted(corners: Polygon, window: Box) -> Polygon:
    return tuple((x - window.left, y - window.top) for x, y in corners)


def _touch(corners: Polygon, window: Box) -> bool:
    """May an outline reach into a window? By the box around it."""
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return (
        min(xs) < window.right and window.left < max(xs) and min(ys) < window.bottom and window.top < max(ys)
    )


def _seen_through(shown: Mask, window: Box, picture: Size) -> Mask | None:
    """What is there of a window, at the scale of ``shown``; None where that is all of it, or nothing."""
    high, wide = shown.picture.height / picture.height, shown.picture.width / picture.width
    rows = slice(floor(window.top * high), max(ceil(window.bottom * high), floor(window.top * high) + 1))
    columns = slice(floor(window.left * wide), max(ceil(window.right * wide), floor(window.left * wide) + 1))
    cut = shown.pixels[rows, columns]
    return Mask(cut) if cut.any() and not cut.all() else None


def _cut(mask: Mask, window: Box) -> Mask:
    rows, columns = slice(int(window.top), int(window.bottom)), slice(int(window.left), int(window.right))
    return Mask(mask.pixels[rows, columns])


def _raised(coverage: FloatArray) -> FloatArray:
    """So that the patch covered most counts fully: a small part is a part, too."""
    return np.asarray(coverage / coverage.max(), np.float32)


def _demand_finite(numbers: Iterable[float], what: str, picture: Size) -> None:
    if not all(isfinite(number) for number in numbers):
        raise BadRequest(f"{what} has a number that is not finite: the picture is {_wide(picture)}")


def _wide(picture: Size) -> str:
    return f"{picture.width} x {picture.height} pixels"


def _listed(numbers: Iterable[float]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
