"""Two pictures matched, over the wire: links and verdicts as JSON, grids as bytes.

Coordinates are (x, y) in each original picture's pixels, EXIF orientation applied. Numbers in the grids are
little-endian; docs/api.md describes each.
"""

from __future__ import annotations

import struct
from typing import Literal, Self

import numpy as np

from dinoscope.features import Bytes, FloatArray
from dinoscope.geometry import PatchGrid
from dinoscope.operations import geometric, links, matching
from dinoscope.operations.transferring import Transfer
from dinoscope.server.wire import Wire, shown

COSINES, DENSE, TRANSFER = b"DMC1", b"DMD1", b"DMT1"
COSINES_HEADER = struct.Struct("<4s6H2f")  # 24 bytes
DENSE_HEADER = struct.Struct("<4s6H")  # 16 bytes
TRANSFER_HEADER = struct.Struct("<4s2H5f")  # 28 bytes
WHOLE = 65535  # stands for the right or the lower edge
POINTS = 200  # of those that agree, sent at most


class Side(Wire):
    """One of the two pictures."""

    width: int  # of the original
    height: int
    rows: int  # patches it was looked at with
    columns: int

    @classmethod
    def of(cls, grid: PatchGrid) -> Self:
        size = grid.picture
        return cls(width=size.width, height=size.height, rows=grid.rows, columns=grid.columns)


class MatchLink(Wire):
    here: list[float]  # x, y
    there: list[float]  # x, y of the part that belongs to it
    similarity: float  # -1 to 1, centred on what both pictures have in common
    confidence: float  # 0 to 1; orders links, is no chance of being right

    @classmethod
    def of(cls, link: links.MatchLink) -> Self:
        return cls(
            here=_point(link.here),
            there=_point(link.there),
            similarity=round(link.similarity, 4),
            confidence=round(link.confidence, 4),
        )


class Orientation(Wire):
    """Whether left and right are exchanged between the two, and how sure that is."""

    mirrored: bool
    straight_score: float  # 0 to 1: share of the votes that agree when nothing is exchanged
    mirrored_score: float  # 0 to 1: when left and right are
    chosen: bool  # it was asked for; false: the higher score decided
    ambiguous: bool  # the scores are close: either may be right
    sentence: str


class Match(Wire):
    here: Side
    there: Side
    links: list[MatchLink]  # best first, spread over the things
    orientation: Orientation
    likeness: float  # -1 to 1: mean of what stands out with its counterpart
    note: str | None  # a sentence where one is needed: one picture twice, nothing to see, nothing in common
    model: str
    seconds: float  # the matching
    encode_seconds: float  # looking at the pictures; 0 when both were known

    @classmethod
    def of(cls, found: matching.Matches, model: str, seconds: float, encode_seconds: float) -> Self:
        way = found.orientation
        return cls(
            here=Side.of(found.here),
            there=Side.of(found.there),
            links=[MatchLink.of(link) for link in found.links],
            orientation=Orientation(
                mirrored=way.mirrored,
                straight_score=way.straight_score,
                mirrored_score=way.mirrored_score,
                chosen=way.chosen,
                ambiguous=way.ambiguous,
                sentence=way.sentence,
            ),
            likeness=found.likeness,
            note=found.note,
            model=shown(model),
            seconds=seconds,
            encode_seconds=encode_seconds,
        )


class Geometry(Wire):
    """Whether it is the very same thing, seen from another side."""

    relation: Literal["plane", "cameras", "none"]
    sentence: str
    matrix: list[list[float]] | None  # 3 x 3 homography from here to there, or fundamental matrix
    mirrored: bool
    agreeing: int  # points that obey the matrix
    matched: int  # points that had a counterpart at all
    points: list[list[float]]  # [x, y, x there, y there] of those that agree, at most 200
    seconds: float

    @classmethod
    def of(cls, found: geometric.Geometry, seconds: float) -> Self:
        both = np.concatenate([found.here, found.there], axis=1)
        thinned = both[np.linspace(0, len(both) - 1, min(len(both), POINTS)).astype(np.int64)]
        return cls(
            relation=found.relation,
            sentence=found.sentence,
            matrix=None if found.matrix is None else found.matrix.tolist(),
            mirrored=found.mirrored,
            agreeing=len(both),
            matched=found.matched,
            points=[[round(float(value), 1) for value in row] for row in thinned],
            seconds=seconds,
        )


def packed_cosines(found: matching.Matches, votes: bool) -> bytes:
    """How strongly each patch of ``here`` answers to each of ``there``.

    Args:
        votes: with what the displacement says for or against a pair, which is what decides; else cosines.
    """
    table = found.evidence.total if votes else found.evidence.cosines
    low, high = float(table.min()), float(table.max())
    levels = np.rint((table - low) * (255 / max(high - low, 1e-6))).astype(np.uint8)
    header = COSINES_HEADER.pack(COSINES, *levels.shape, found.mirrored, 0, low, high)
    return header + np.ascontiguousarray(levels).tobytes()


def packed_dense(found: matching.Matches) -> bytes:
    """Where each patch of either picture lies in the other, how sure that is, and how much it stands out."""
    back = found.turned
    shape = found.confidence.shape + back.confidence.shape
    return b"".join(
        [
            DENSE_HEADER.pack(DENSE, *shape, found.mirrored, 0),
            _places(found.places, found.there),
            _places(back.places, found.here),
            _bytes(found.confidence).tobytes(),
            _bytes(back.confidence).tobytes(),
            _bytes(found.standing[0]).tobytes(),
            _bytes(found.standing[1]).tobytes(),
        ]
    )


def packed_transfer(found: Transfer) -> bytes:
    """A marked part as it lies in the other picture; the box is all 0 where it is not to be found."""
    box = found.box
    corners = (0, 0, 0, 0) if box is None else (box.left, box.top, box.right, box.bottom)
    header = TRANSFER_HEADER.pack(TRANSFER, *found.heat.shape, found.confidence, *corners)
    return header + _bytes(found.heat).tobytes()


def _places(places: FloatArray, grid: PatchGrid) -> bytes:
    shares = places / np.asarray([grid.picture.width, grid.picture.height], np.float32)
    return np.rint(np.clip(shares, 0, 1) * WHOLE).astype("<u2").tobytes()


def _bytes(shares: FloatArray) -> Bytes:
    return np.rint(np.clip(shares, 0, 1) * 255).astype(np.uint8)


def _point(point: tuple[float, float]) -> list[float]:
    return [round(float(value), 1) for value in point]
