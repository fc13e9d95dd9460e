"""A search for a part of a picture, as JSON: what is asked, and hits with their places and heat maps.

Coordinates are (x, y) in the original picture's pixels, EXIF orientation applied.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Self

import numpy as np
from pydantic import Field

from dinoscope.features import Bytes
from dinoscope.operations import region_answers
from dinoscope.server.wire import Picture, Wire, shown

PARTS, CORNERS = 64, 4096  # parts of one kind in a selection; corners of one lasso
MASK = 8 * 2**20  # characters of a mask in base64

Number = Annotated[float, Field(allow_inf_nan=False)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]  # x, y
Rectangle = Annotated[list[Number], Field(min_length=4, max_length=4)]  # left, top, right, bottom
Lasso = Annotated[list[Point], Field(min_length=3, max_length=CORNERS)]
Name = Annotated[str, Field(min_length=1, max_length=60)]  # a picture's id, or the name an upload got


class PlaceExample(Wire):
    """A place in a picture of the library: more, or less, like this."""

    picture: Name
    box: Rectangle


class Marks(Wire):
    """What somebody marked: the union of all parts. A part may reach beyond the picture, not lie outside."""

    boxes: list[Rectangle] = Field([], max_length=PARTS)
    polygons: list[Lasso] = Field([], max_length=PARTS)
    points: list[Point] = Field([], max_length=PARTS)  # on what is wanted
    not_points: list[Point] = Field([], max_length=PARTS)  # on what is not
    not_polygons: list[Lasso] = Field([], max_length=PARTS)  # round what is not
    erased: list[Lasso] = Field([], max_length=PARTS)  # taken back from what is wanted
    # base64 of a PNG: white is inside, black or transparent outside. As large as the picture, or the
    # same shape smaller, as the picture is shown
    mask: Annotated[str, Field(max_length=MASK)] | None = None


class RegionQuery(Marks):
    """A marked part, and what is wanted of those like it."""

    picture: Name
    also: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of the score that the whole picture decides
    more: list[PlaceExample] = Field([], max_length=16)
    less: list[PlaceExample] = Field([], max_length=16)
    refine: bool | None = None  # look again, closer, at the best hits; null: when the part is small


class Place(Wire):
    box: list[float]  # left, top, right, bottom in the hit's own pixels
    score: float  # how alike this place is, -1 to 1

    @classmethod
    def of(cls, place: region_answers.Place) -> Self:
        box = place.box
        corners = (box.left, box.top, box.right, box.bottom)
        return cls(box=[round(float(value), 2) for value in corners], score=place.score)


class RegionHit(Wire):
    picture: Picture
    score: float  # cosine-like, -1 to 1
    whole: float | None  # cosine of the whole pictures, where ``also`` gave it a say
    places: list[Place]  # best first, at least one
    near: float | None  # likeness of its best place from near, 1: as the part itself; null: nobody looked
    doubtful: bool  # from near little like the part; or not looked at, and most of the better are
    grid: list[int]  # rows, columns of the hit's patches
    heat: str  # base64 of rows * columns bytes, row by row: 255 is the best patch of the best hit
    links: list[list[float]]  # [query row, query column, row, column, cosine]: patches that belong together
    copies: list[Picture]

    @classmethod
    def of(cls, hit: region_answers.RegionHit) -> Self:
        return cls(
            picture=Picture.of(hit.picture),
            score=hit.score,
            whole=hit.whole,
            places=[Place.of(place) for place in hit.places],
            near=hit.near,
            doubtful=hit.doubtful,
            grid=list(hit.heat.shape),
            heat=_packed(hit.heat),
            links=[[*link.here, *link.there, link.similarity] for link in hit.links],
            copies=[Picture.of(copy) for copy in hit.copies],
        )


class QueryPatches(Wire):
    rows: int
    columns: int
    weights: str  # base64 of rows * columns bytes, row by row: the say of each patch, 255 the most


class RegionAnswer(Wire):
    hits: list[RegionHit]  # best first
    verdict: str | None  # how many of the best are like the part from near, or that nobody looked
    judged: bool  # somebody looked
    query: QueryPatches
    model: str
    engine: str
    searched: int  # pictures that passed the filter and can be searched for parts
    missing: int  # pictures that passed it and cannot yet: indexing again completes them
    silent: int  # shards that did not answer, whose pictures are missing; 0: the answer is whole
    note: str | None  # a sentence when something is missing, or is to be done to complete it
    seconds: float
    encode_seconds: float
    next_offset: int | None  # null: there are no more

    @classmethod
    def of(cls, answer: region_answers.RegionAnswer, offset: int, k: int, farthest: int) -> Self:
        """The hits from ``offset`` on, ``k`` of them; the answer holds one more when there is one."""
        more = len(answer.hits) > offset + k and offset + k <= farthest
        weights = np.asarray(np.rint(np.clip(answer.weights, 0, 1) * 255), np.uint8)
        return cls(
            hits=[RegionHit.of(hit) for hit in answer.hits[offset : offset + k]],
            verdict=answer.verdict,
            judged=answer.judged,
            query=QueryPatches(rows=answer.grid.rows, columns=answer.grid.columns, weights=_packed(weights)),
            model=answer.model,
            engine=answer.engine,
            searched=answer.searched,
            missing=answer.missing,
            silent=answer.silent,
            note=answer.note and shown(answer.note),
            seconds=answer.seconds,
            encode_seconds=answer.encode_seconds,
            next_offset=offset + k if more else None,
        )


def _packed(values: Bytes) -> str:
    return b64encode(values.tobytes()).decode()
