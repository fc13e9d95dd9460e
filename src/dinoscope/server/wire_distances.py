"""Distances over the wire: a small matrix as JSON, the maps of what carries a likeness as bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Self

import numpy as np

from dinoscope.features import Bytes, FloatArray
from dinoscope.operations import distances
from dinoscope.server.wire import Wire, shown

WHY = b"DWY1"
WHY_HEADER = struct.Struct("<4s4H3f")  # 24 bytes


class Pair(Wire):
    """How far two of the pictures lie apart."""

    here: str  # as the request named it
    there: str
    cosine: float
    percentile: float | None  # share of the library's random pairs that are less alike, 0 to 100
    sentence: str


class Distances(Wire):
    pictures: list[str]  # as the request named them
    order: list[int]  # places in ``pictures``, so that those alike stand together
    pairs: list[Pair]  # each once, in the order of ``pictures``
    quantiles: list[float]  # cosine below which 0, 1, ... 100 % of the library's pairs lie; or empty
    model: str

    @classmethod
    def of(cls, found: distances.Distances, names: Sequence[str]) -> Self:
        pairs = []
        for one in range(len(names)):
            for other in range(one + 1, len(names)):
                between = found.between(one, other)
                pairs.append(
                    Pair(
                        here=names[one],
                        there=names[other],
                        cosine=round(between.cosine, 5),
                        percentile=None if between.percentile is None else round(between.percentile, 4),
                        sentence=between.sentence,
                    )
                )
        return cls(
            pictures=list(names),
            order=list(found.order),
            pairs=pairs,
            quantiles=list(found.quantiles),
            model=shown(found.model),
        )


def packed_why(found: distances.Why) -> bytes:
    """What each patch of either picture carries of their likeness; 255 is the most of its picture."""
    one, other = found.shares_here, found.shares_there
    header = WHY_HEADER.pack(
        WHY, *one.shape, *other.shape, found.cosine, float(one.max()), float(other.max())
    )
    return header + _levels(one).tobytes() + _levels(other).tobytes()


def _levels(shares: FloatArray) -> Bytes:
    return np.asarray(np.rint(255 * shares / max(float(shares.max()), 1e-12)), np.uint8)
