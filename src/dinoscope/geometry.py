"""Pixels and patches: the only module that converts between the two.

Coordinates are (x, y) in the original picture's pixels, EXIF orientation applied, x to the right and
y down, the origin at the top left corner. A box's right and bottom edges are exclusive.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, sqrt

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
FloatArray = NDArray[np.float32]
_FINE = 8  # squares a side of a patch that an outline is drawn in


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height in pixels, both at least 1."""

    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise ValueError(f"a picture has at least one pixel a side, not {self.width} x {self.height}")

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle: left <= x < right, top <= y < bottom, in original pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.top < self.bottom):
            raise ValueError(f"a box has an area: {self.left, self.top, self.right, self.bottom}")

    @property
    def centre(self) -> tuple[float, float]:
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def scaled(self, across: float, down: float) -> Box:
        """Edges times ``across`` along x and ``down`` along y."""
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)

    def common(self, other: Box) -> Box | None:
        """What two boxes share; None when they do not overlap."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(left, top, right, bottom) if left < right and top < bottom else None

    def overlap(self, other: Box) -> float:
        """Intersection over union, in [0, 1]: 1 for equal boxes."""
        shared = self.common(other)
        return 0.0 if shared is None else shared.area / (self.area + other.area - shared.area)

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x < self.right and self.top <= y < self.bottom


@dataclass(frozen=True, slots=True, eq=False)
class Mask:
    """Any set of an original picture's pixels, at least one: a lasso, a brush stroke, a segmentation."""

    pixels: Bools  # (height, width), row by row, True inside

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or self.pixels.dtype != np.bool_:
            raise ValueError(
                "a mask has one truth value a pixel, (height, width), "
                f"not {self.pixels.dtype} of shape {self.pixels.shape}"
            )
        if not self.pixels.any():
            raise ValueError("a mask marks at least one pixel: this one is empty")

    @property
    def picture(self) -> Size:
        return Size(self.pixels.shape[1], self.pixels.shape[0])

    @property
    def area(self) -> int:
        """Pixels inside."""
        return int(np.count_nonzero(self.pixels))

    @property
    def box(self) -> Box:
        """The smallest box that holds every pixel inside."""
        down, across = np.flatnonzero(self.pixels.any(axis=1)), np.flatnonzero(self.pixels.any(axis=0))
        return Box(float(across[0]), float(down[0]), float(across[-1] + 1), float(down[-1] + 1))


@dataclass(frozen=True, slots=True)
class PatchGrid:
    """The grid of square patches a backbone saw, laid over the whole original picture.

    The picture was resized (not cropped) to ``columns * patch`` by ``rows * patch`` pixels, so the
    grid covers all of it and a patch is ``width / columns`` by ``height / rows`` original pixels.
    """

    rows: int
    columns: int
    patch: int  # side of a patch in the resized picture, pixels
    picture: Size  # the original

    @property
    def resized(self) -> Size:
        return Size(self.columns * self.patch, self.rows * self.patch)

    def box_of(self, row: int, column: int) -> Box:
        """The patch's rectangle in original pixels."""
        across, down = self.picture.width / self.columns, self.picture.height / self.rows
        return Box(column * across, row * down, (column + 1) * across, (row + 1) * down)

    def patch_at(self, x: float, y: float) -> tuple[int, int]:
        """(row, column) of the patch under an original pixel; points outside go to the nearest patch."""
        row = int(y * self.rows / self.picture.height)
        column = int(x * self.columns / self.picture.width)
        return min(max(row, 0), self.rows - 1), min(max(column, 0), self.columns - 1)

    def box_around(self, patches: Bools) -> Box:
        """The smallest box that holds a set of patches, (rows, columns) with at least one True."""
        down, across = np.flatnonzero(patches.any(axis=1)), np.flatnonzero(patches.any(axis=0))
        first, last = self.box_of(int(down[0]), int(across[0])), self.box_of(int(down[-1]), int(across[-1]))
        return Box(first.left, first.top, last.right, last.bottom)

    def coverage(self, region: Box | Mask) -> FloatArray:
        """(rows, columns) share of each patch that lies in the region, in [0, 1].

        Raises:
            ValueError: a mask of another size than the picture.
        """
        across, down = self.picture.width / self.columns, self.picture.height / self.rows
        if isinstance(region, Box):
            wide = _overlaps(region.left, region.right, across, self.columns)
            return np.asarray(
                np.outer(_overlaps(region.top, region.bottom, down, self.rows), wide), np.float32
            )
        if region.picture != self.picture:
            raise ValueError(
                f"a mask of {region.picture.width} x {region.picture.height} pixels does not fit a picture "
                f"of {self.picture.width} x {self.picture.height}"
            )
        bands = _strips(region.pixels, self.rows)  # (rows, width)
        return np.asarray(_strips(bands.T, self.columns).T / (across * down), np.float32)

    def inside(self, corners: Sequence[tuple[float, float]]) -> FloatArray:
        """(rows, columns) share of each patch that a closed outline goes round, to about 1/100.

        Args:
            corners: (x, y) of at least 3, in original pixels; they may lie outside the picture. What an
                outline that crosses itself goes round at least once is inside.
        """
        ends = np.asarray(corners, np.float64) * (
            self.columns * _FINE / self.picture.width,
            self.rows * _FINE / self.picture.height,
        )
        shape = self.rows, _FINE, self.columns, _FINE
        wound = _windings(ends, self.rows * _FINE, self.columns * _FINE) != 0
        return np.asarray(wound.reshape(shape).mean(axis=(1, 3)), np.float32)


def _overlaps(low: float, high: float, step: float, count: int) -> NDArray[np.float64]:
    """(count,) how much of each interval [i * step, (i + 1) * step) lies in [low, high), as a share."""
    edges = np.clip(np.arange(count + 1) * step, low, high)
    return np.asarray(np.clip(np.diff(edges) / step, 0.0, 1.0))


def _windings(ends: NDArray[np.float64], rows: int, columns: int) -> NDArray[np.int64]:
    """(rows, columns) how often a polygon of (n, 2) corners goes round the middle of each unit square.

    Every side changes the winding number by one, in its direction, of all middles to its right.
    """
    (x0, y0), (x1, y1) = ends.T, np.roll(ends, -1, axis=0).T
    lines = np.arange(rows)[:, None] + 0.5
    crossed = (np.minimum(y0, y1) <= lines) & (lines < np.maximum(y0, y1))  # (rows, n)
    line, side = np.nonzero(crossed)
    along = (line + 0.5 - y0[side]) / (y1[side] - y0[side])
    first = np.ceil(x0[side] + along * (x1[side] - x0[side]) - 0.5)  # the first middle to the right
    turns = np.zeros((rows, columns + 1), np.int64)
    np.add.at(
        turns, (line, np.clip(first, 0, columns).astype(np.int64)), np.sign(y1 - y0)[side].astype(np.int64)
    )
    return np.cumsum(turns, axis=1)[:, :columns]


def _strips(values: NDArray[np.generic], count: int) -> NDArray[np.float64]:
    """(n, m) -> (count, m): sums over ``count`` equal strips of the n lines, shared lines in parts."""
    lines, step = len(values), len(values) / count
    sums = np.zeros((count, values.shape[1]))
    for strip in range(count):
        low, high = strip * step, min((strip + 1) * step, float(lines))
        for line in range(floor(low), min(ceil(high), lines)):
            sums[strip] += values[line] * (min(high, line + 1) - max(low, line))
    return sums


def fit_grid(picture: Size, patch: int, budget: int) -> PatchGrid:
    """The grid of at most ``budget`` patches whose aspect ratio is nearest the picture's.

    Keeping the aspect ratio and the number of patches nearly constant makes the cost of a picture
    independent of its shape and leaves few distinct shapes, so pictures batch well. Extreme
    panoramas are capped at one row (or column) of ``budget`` patches.
    """
    ratio = picture.width / picture.height
    ideal = min(budget, max(1, int(sqrt(budget / ratio))))  # rows, before rounding columns costs some
    candidates = []
    for rows in range(max(1, ideal - 1), min(budget, ideal + 1) + 1):
        columns = min(max(1, round(rows * ratio)), budget // rows)
        distortion = max(ratio * rows / columns, columns / (ratio * rows))
        unused = budget / (rows * columns)
        # a tenth of distortion outweighs a fifth of unused patches
        candidates.append((distortion * unused**0.5, rows, columns))
    _, rows, columns = min(candidates)
    return PatchGrid(rows, columns, patch, picture)
