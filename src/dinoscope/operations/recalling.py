"""Where in the library is a thing: the region index names candidates, and the best of them are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.geometry import Box
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.token_views import TokenView
from dinoscope.operations.places import sighting
from dinoscope.operations.recognising import Knower
from dinoscope.operations.refining import Read
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.region_ranking import candidates, maxsim, reranked
from dinoscope.operations.whereabouts import Found, Looker, Sighting, apart, query_of, window_for

PLACED = 60  # of the candidates by all their tokens, ordered by where these lie
LOOKED_AT = 12  # pictures, each in its PLACES best places: about 0.1 s each
PLACES = 2
MOST = 200  # sightings that may be asked for
SIDE = 224  # pixels a window should have


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """A picture of the library with the thing."""

    picture: Picture
    copies: tuple[Picture, ...]  # files of equal bytes
    sightings: tuple[Sighting, ...]  # surest first, at least one


@dataclass(frozen=True, slots=True, eq=False)
class Recalled:
    """An answer of the library."""

    name: str
    found: tuple[Recall, ...]  # surest first
    searched: int  # pictures
    looked_at: int  # of them from near
    gone: int  # of these, files that are not there any more as they were indexed
    missing: int  # pictures whose parts are not known
    index_seconds: float
    look_seconds: float

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if not self.searched:
            return "The library has no pictures to look in: index a folder first."
        gone = f"; {self.gone} of these files are gone or have changed" if self.gone else ""
        among = f"{self.searched:,} pictures were searched, the {self.looked_at} likeliest seen from near"
        if not self.found:
            return f"{self.name} is not here: {among}{gone}."
        pictures = "1 picture" if len(self.found) == 1 else f"{len(self.found)} pictures"
        return f"{self.name} is in {pictures}: {among}{gone}."


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    pictures: tuple[Picture, ...]
    places: tuple[Box, ...]
    score: float


def recall(
    library: Library,
    looker: Looker,
    knower: Knower,
    rivals: Sequence[Knower],
    *,
    read: Read,
    k: int = 20,
    where: Filter | None = None,
) -> Recalled:
    """The pictures with the thing, surest first.

    Args:
        read: opens files of the library.
        k: pictures wanted, 1 to MOST; more are looked at, the more are wanted.

    Raises:
        BadRequest: ``k`` out of range.
        NoSuchModel, NoRegions: nothing was indexed with this model yet, or not with regions.
    """
    if not 1 <= k <= MOST:
        raise BadRequest(f"{k} pictures cannot be asked for: choose 1 to {MOST}")
    started, library = perf_counter(), library.asked()
    with library.shelf(looker.backbone.identity.key).tokens() as view:
        named, missing = _candidates(library, view, query_of(knower), where), view.missing(where)
    indexed = perf_counter()
    chosen = named[: max(LOOKED_AT, k)]
    looked = [_looked(looker, knower, rivals, each, read) for each in chosen]
    found = sorted(
        (one for one in looked if one is not None and one.sightings),
        key=lambda one: -one.sightings[0].probability,
    )
    return Recalled(
        knower.thing.name,
        tuple(found[:k]),
        library.count(where) - missing,
        len(chosen),
        sum(one is None for one in looked),
        missing,
        indexed - started,
        perf_counter() - indexed,
    )


def _candidates(
    library: Library, view: TokenView, query: RegionQuery, where: Filter | None
) -> list[_Candidate]:
    """The pictures whose tokens are most like the thing, with their likeliest places, best first."""
    rows = candidates(query, view, where, reranked(view))
    if not len(rows):
        return []
    table, contents = view.read(rows), view.contents(rows)
    files = library.pictures_of(contents, where)
    found = []
    for number in np.argsort(-maxsim(query, table), kind="stable")[:PLACED].tolist():
        pictures = files.get(contents[number], ())
        if pictures:
            seen = sighting(query, Seen.stored(table[number], pictures[0].size))
            found.append(_Candidate(pictures, tuple(place.box for place in seen.places[:PLACES]), seen.score))
    return sorted(found, key=lambda one: -one.score)


def _looked(
    looker: Looker, knower: Knower, rivals: Sequence[Knower], one: _Candidate, read: Read
) -> Recall | None:
    """The candidate's places from near, with no sighting where it is in none; None: its file is gone."""
    picture = one.pictures[0]
    sides = [window_for(place, picture.size) for place in one.places]
    smallest = min(min(window.right - window.left, window.bottom - window.top) for window in sides)
    shorter = min(picture.size.width, picture.size.height)
    pixels = read(picture, ceil(SIDE * shorter / smallest))
    if pixels is None:
        return None
    looked: list[Found] = [looker.best(pixels, picture.size, knower, place) for place in one.places]
    here = apart([found for found in looked if found.here(rivals)])
    return Recall(picture, one.pictures[1:], tuple(found.sighting(knower.thing.name) for found in here))
