"""The library's map over the wire: how it stands as JSON, the points as bytes."""

from __future__ import annotations

import struct
from typing import Literal

import numpy as np

from dinoscope.geometry import Bools
from dinoscope.operations.mapping import LibraryMap
from dinoscope.server.wire import Wire

POINTS = b"DMP2"
POINTS_HEADER = struct.Struct("<4sI8x")  # 16 bytes, the last 8 of no meaning
WHOLE = 65535  # stands for the right or the lower edge


class MapState(Wire):
    """Whether there is a map, and how far the making of one has come."""

    state: Literal["none", "running", "ready", "failed"]
    stage: str  # while running: what is done, for people
    done: int
    total: int
    method: Literal["pacmap", "pca"] | None  # what it was laid out by
    pictures: int  # on the map
    fitted: int  # it was laid out on these; the others were placed among them
    revision: str  # names these points; another one has others
    error: str | None  # a sentence, when it failed
    note: str | None  # a sentence when shards that did not answer are missing
    model: str


def packed_points(found: LibraryMap) -> bytes:
    """Every picture's place, its id, and whether the map was fitted on it."""
    places = np.rint(np.clip(found.places, 0, 1) * WHOLE).astype("<u2")
    return b"".join(
        [
            POINTS_HEADER.pack(POINTS, len(found)),
            found.pictures.astype("<f8").tobytes(),  # a library in shards has ids beyond 32 bits
            places.tobytes(),
            found.fitted.astype(np.uint8).tobytes(),
        ]
    )


def packed_passing(passing: Bools) -> bytes:
    """A bit a point, in the points' order, the first the lowest of its byte."""
    return np.packbits(passing, bitorder="little").tobytes()
