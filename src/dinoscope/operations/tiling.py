"""Pictures encoded tile by tile, so that a small part fills more patches of what the model looks at.

What that finds and costs: docs/decisions/011-regions.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinoscope.features import Features, FloatArray, Pixels
from dinoscope.geometry import PatchGrid, Size
from dinoscope.models.backbone import Backbone

SIDES = 4  # tiles a side
PATCHES = 64  # of a tile, at most
MOST = SIDES**2 * PATCHES  # of a picture


def encode_tiled(backbone: Backbone, pictures: Sequence[Pixels]) -> list[Features]:
    """The patches of each picture's tiles as one grid.

    There is no descriptor, it has no numbers; attention is that of each tile's own CLS token.
    """
    found = backbone.encode([tile for picture in pictures for tile in tiles(picture)], PATCHES)
    return [
        _stitched(found[SIDES**2 * number :][: SIDES**2], Size(picture.shape[1], picture.shape[0]))
        for number, picture in enumerate(pictures)
    ]


def tiles(picture: Pixels) -> list[Pixels]:
    """Row by row, all of one size and so with grids alike; overlapping where sides do not divide."""
    height, width = picture.shape[:2]
    high, wide = -(-height // SIDES), -(-width // SIDES)
    return [
        picture[top : top + high, left : left + wide]
        for top in _starts(height, high)
        for left in _starts(width, wide)
    ]


def _starts(side: int, tile: int) -> list[int]:
    return [number * (side - tile) // (SIDES - 1) for number in range(SIDES)]


def _stitched(found: Sequence[Features], picture: Size) -> Features:
    one = found[0]
    return Features(
        one.model,
        PatchGrid(SIDES * one.grid.rows, SIDES * one.grid.columns, one.grid.patch, picture),
        one.descriptor[:0],
        _joined([features.patches for features in found]),
        np.moveaxis(_joined([np.moveaxis(features.attention, 0, 2) for features in found]), 2, 0),
    )


def _joined(grids: Sequence[FloatArray]) -> FloatArray:
    """(rows, columns, n) of each tile -> (SIDES rows, SIDES columns, n)."""
    lines = [np.concatenate(grids[start : start + SIDES], axis=1) for start in range(0, len(grids), SIDES)]
    return np.concatenate(lines)
