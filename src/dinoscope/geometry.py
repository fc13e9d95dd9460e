"""Pixels and patches: the only module that converts between the two.

Coordinates are (x, y) in the original picture's pixels, EXIF orientation applied, x to the right and
y down, the origin at the top left corner. A box's right and bottom edges are exclusive.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt


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
