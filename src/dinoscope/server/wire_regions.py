"""A search for a part of a picture, as JSON: what is asked, and hits with their places and heat maps.

Coordinates are (x, y) in the original picture's pixels, EXIF orientation applied.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from dinoscope.server.wire import Picture, Wire

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


class RegionQuery(Wire):
    """What somebody marked: the union of all parts. A part may reach beyond the picture, not lie outside."""

    picture: Name
    boxes: list[Rectangle] = Field([], max_length=PARTS)
    polygons: list[Lasso] = Field([], max_length=PARTS)
    points: list[Point] = Field([], max_length=PARTS)  # on what is wanted
    not_points: list[Point] = Field([], max_length=PARTS)  # on what is not
    # base64 of a PNG: white is inside, black or transparent outside. As large as the picture, or the
    # same shape smaller, as the picture is shown
    mask: Annotated[str, Field(max_length=MASK)] | None = None
    also: Annotated[float, Field(ge=0, le=1)] = 0.0  # share of the score that the whole picture decides
    more: list[PlaceExample] = Field([], max_length=16)
    less: list[PlaceExample] = Field([], max_length=16)
    refine: bool | None = None  # look again, closer, at the best hits; null: when the part is small


class Place(Wire):
    box: list[float]  # left, top, right, bottom in the hit's own pixels
    score: float


class RegionHit(Wire):
    picture: Picture
    score: float  # how alike the part is at its best place, -1 to 1
    whole: float | None  # cosine of the whole pictures, when ``also`` asks for it
    places: list[Place]  # best first, at least one
    grid: list[int]  # rows, columns of the hit's patches
    heat: str  # base64 of rows * columns bytes, row by row, 0 to 255: where it is alike
    links: list[
        list[float]
    ]  # [query row, query column, row, column, similarity]: patches that belong together
    copies: list[Picture]


class QueryPatches(Wire):
    rows: int
    columns: int
    weights: str  # base64 of rows * columns bytes: how much each patch of the query counts, 255 the most


class RegionAnswer(Wire):
    hits: list[RegionHit]  # best first
    query: QueryPatches
    model: str
    engine: str
    searched: int  # pictures that passed the filter and can be searched for parts
    missing: int  # pictures that passed it and cannot yet: indexing again completes them
    note: str | None  # a sentence when there is something to know, such as how to complete the missing
    seconds: float
    encode_seconds: float
    next_offset: int | None  # null: there are no more
