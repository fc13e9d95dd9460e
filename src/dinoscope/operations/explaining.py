"""Looking inside: where a model looks in a picture, what it holds for alike, what its parts are to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import TELLING, Bytes, Facet, FloatArray, Inside, Pixels
from dinoscope.geometry import Bools, PatchGrid, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.colouring import Colours
from dinoscope.operations.pairing import layer_of

MASS = 0.6  # of the attention that a thresholded map holds, as in the DINO paper's figures


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a model sees in a picture, patch by patch. Its grid lies over the original."""

    inside: Inside
    colours: Colours

    @property
    def grid(self) -> PatchGrid:
        return self.inside.grid

    @property
    def attention(self) -> FloatArray:
        """(heads, rows, columns) what CLS gives to each patch, in [0, 1]."""
        return self.inside.attention

    def attended(self, mass: float = MASS) -> Bools:
        """(heads, rows, columns): the fewest patches that hold so much of each head's attention."""
        return attended(self.attention, mass)

    def likeness(self, point: tuple[float, float]) -> FloatArray:
        """(rows, columns) of cosines of all patches with the one under a point (x, y), in [-1, 1].

        Raises:
            BadRequest: the point is not in the picture.
        """
        return likeness(self.inside, point)


def look_inside(
    backbone: Backbone,
    pixels: Pixels,
    size: Size,
    *,
    layer: int | None = None,
    facet: Facet = TELLING,
    patches: int | None = None,
) -> Inside:
    """``Backbone.inside`` with its grid over the original.

    Args:
        pixels: decoded with ``queries.at_least(backbone, patches)``.
        size: of the original.
        layer: 1 to ``backbone.layers``; None: the last but one, whose patches tell most.
        patches: most of them; None: as many as the model takes for the index.

    Raises:
        BadRequest: no such layer, or a number of patches out of range.
    """
    chosen = layer_of(backbone) if layer is None else layer
    inside = backbone.inside(pixels, chosen, facet, patches)
    return replace(inside, grid=replace(inside.grid, picture=size))


def attended(attention: FloatArray, mass: float = MASS) -> Bools:
    """(heads, rows, columns): the fewest patches of each head that together hold ``mass`` of its attention.

    Raises:
        BadRequest: a mass not in (0, 1].
    """
    if not 0 < mass <= 1:
        raise BadRequest(f"a part of {mass:g} of the attention cannot be shown: choose more than 0, up to 1")
    flat = attention.reshape(len(attention), -1)
    order = np.argsort(-flat, axis=1, kind="stable")
    summed = np.cumsum(np.take_along_axis(flat, order, axis=1), axis=1)
    before = np.concatenate([np.zeros_like(summed[:, :1]), summed[:, :-1]], axis=1)
    kept = np.zeros(flat.shape, np.bool_)
    np.put_along_axis(kept, order, before < mass * summed[:, -1:], axis=1)
    return kept.reshape(attention.shape)


def likeness(inside: Inside, point: tuple[float, float]) -> FloatArray:
    """``Look.likeness``."""
    (x, y), size = point, inside.grid.picture
    if not (isfinite(x) and isfinite(y) and 0 <= x < size.width and 0 <= y < size.height):
        raise BadRequest(
            f"the point {x:g},{y:g} is not in the picture of {size.width} x {size.height} pixels"
        )
    return np.asarray(inside.vectors @ inside.vectors[inside.grid.patch_at(x, y)], np.float32)


def cosines(inside: Inside) -> Bytes:
    """(N, N) of all patches with each other: 0 is a cosine of -1, 255 one of 1."""
    flat = inside.vectors.reshape(-1, inside.vectors.shape[-1])
    return np.asarray(np.rint(127.5 * (np.clip(flat @ flat.T, -1, 1) + 1)), np.uint8)
