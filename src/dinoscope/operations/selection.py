"""What a person marked on a picture, and which patches that is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Self, TypeAlias

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Box, Mask, PatchGrid, Size

Point: TypeAlias = tuple[float, float]  # (x, y), original pixels
Polygon: TypeAlias = tuple[Point, ...]  # at least 3 corners, closed by itself
Part: TypeAlias = "Selection | Box | Mask | Point"


@dataclass(frozen=True, slots=True)
class Selection:
    """The union of all parts, in original pixels, and points that say what is not meant."""

    boxes: tuple[Box, ...] = ()
    polygons: tuple[Polygon, ...] = ()  # a lasso; where it crosses itself, what it goes round is inside
    masks: tuple[Mask, ...] = ()
    points: tuple[Point, ...] = ()
    not_points: tuple[Point, ...] = ()

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
            BadRequest: nothing wanted, a part wholly outside the picture, a mask of another size, a lasso
                of two corners or without an area, or a number that is not finite.
        """
        wanted = [self._box(box, grid) for box in self.boxes]
        wanted += [self._polygon(corners, grid) for corners in self.polygons]
        wanted += [self._mask(mask, grid) for mask in self.masks]
        wanted += [self._point(point, grid) for point in self.points]
        if not wanted:
            raise BadRequest(f"nothing is selected: mark a part of the picture, {_wide(grid.picture)}")
        unwanted = [self._point(point, grid) for point in self.not_points]
        return _union(wanted, grid), _union(unwanted, grid)

    def box(self, grid: PatchGrid) -> Box:
        """Around all patches that are wanted at least half. Raises as ``on``."""
        return grid.box_around(self.on(grid)[0] >= 0.5)

    def within(self, window: Box) -> Selection:
        """The same parts seen from a cutout that holds them: pixels from its corner, the rest left out.

        Args:
            window: whole numbers, inside the picture.
        """
        left, top = window.left, window.top
        inside = [common for box in self.boxes if (common := box.common(window))]
        return Selection(
            tuple(Box(box.left - left, box.top - top, box.right - left, box.bottom - top) for box in inside),
            tuple(tuple((x - left, y - top) for x, y in corners) for corners in self.polygons),
            tuple(_cut(mask, window) for mask in self.masks),
            tuple((x - left, y - top) for x, y in self.points),
            tuple((x - left, y - top) for x, y in self.not_points if window.holds(x, y)),
        )

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
        _demand_finite([number for corner in corners for number in corner], "a lasso", grid.picture)
        if len(corners) < 3:
            raise BadRequest(f"a lasso has at least 3 corners, not {len(corners)}: draw around a part")
        covered = grid.inside(corners)
        if not covered.any():  # too thin to be drawn: what is under its corners
            inside = [_patch(corner, grid) for corner in corners if _lies_in(corner, grid.picture)]
            if not inside:
                raise BadRequest(f"the lasso goes round nothing of the picture, {_wide(grid.picture)}")
            covered = _union(inside, grid)
        return _raised(covered)

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
