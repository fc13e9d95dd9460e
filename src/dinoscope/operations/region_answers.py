"""What a search by a part of a picture answers: pictures, the places in them, and what links to what."""

from __future__ import annotations

from dataclasses import dataclass

from dinoscope.features import Bytes, FloatArray
from dinoscope.geometry import Box, PatchGrid
from dinoscope.library.records import Picture


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part was found."""

    box: Box  # original pixels of the hit
    score: float  # likeness of this place alone, in [-1, 1], higher is better


@dataclass(frozen=True, slots=True)
class Link:
    """A patch of the query picture and the patch of a hit that answers to it."""

    here: tuple[int, int]  # (row, column) in the query's grid
    there: tuple[int, int]  # (row, column) in the hit's grid, the shape of its heat
    similarity: float  # cosine, in [-1, 1]


@dataclass(frozen=True, slots=True, eq=False)
class RegionHit:
    picture: Picture
    score: float  # cosine-like, in [-1, 1], higher is better
    whole: float | None  # cosine of the two whole pictures, where it had a say
    places: tuple[Place, ...]  # at least one, best first
    heat: Bytes  # (rows, columns) likeness of each patch, 255 for the best patch of the best hit
    links: tuple[Link, ...]  # at most 16, the strongest query patches first
    copies: tuple[Picture, ...] = ()  # files with the same bytes, when the search collapses them
    near: float | None = None  # likeness of its best place from near, 1: as the part; None: nobody looked
    doubtful: bool = False  # from near little like the part; or not looked at, and most of the better are


@dataclass(frozen=True, slots=True, eq=False)
class RegionAnswer:
    hits: tuple[RegionHit, ...]  # best first
    grid: PatchGrid  # of the query picture
    weights: FloatArray  # (rows, columns) say of each query patch, in [0, 1], the strongest 1
    model: str  # key of the ModelIdentity
    engine: str  # name of the engine that looked for tokens
    exact: bool  # every token was compared; False: an approximate engine chose the candidates
    searched: int  # pictures that were eligible after filters and could be searched by parts
    missing: int  # pictures that pass the filter and have no tokens yet
    note: str | None  # a sentence when something is missing, or is to be done to complete it
    seconds: float  # search alone, without encoding the query
    encode_seconds: float  # 0.0 when nothing had to be encoded
    silent: int = 0  # shards that did not answer; their pictures are missing
    verdict: str | None = None  # how many of the best are like the part from near, or that nobody looked
    judged: bool = False  # somebody looked
