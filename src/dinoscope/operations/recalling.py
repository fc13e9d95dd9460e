"""Where in the library is a thing: the region index names candidates, and the best of them are looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from math import ceil
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.token_views import TokenView
from dinoscope.operations.imagining import imagined
from dinoscope.operations.places import sighting
from dinoscope.operations.recognising import Knower
from dinoscope.operations.refining import Read
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.region_ranking import candidates, maxsim, reranked
from dinoscope.operations.whereabouts import Looker, Sighting, apart, query_of, window_for
from dinoscope.pictures.limits import Limits

ASKED = 32  # tokens that the index is asked with, of all photos of a thing
TAUGHT = 0.3  # say of the photos beside the scenes: they know large appearances better, scenes small ones
PLACED = 32  # of the candidates by all their tokens, ordered by where these lie
LOOKED_AT = 12  # pictures at most, or as many as are wanted, each in its PLACES best places
PATIENCE = 12  # of them without the thing, one after the other, after which nobody looks on
AHEAD = 2  # pictures that are read while another one is looked at
PLACES = 2
PROMISING = 2.4  # deviations at a first look from which there is another: 4 of 10 wrong pictures have less
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
    likely: tuple[Picture, ...]  # not looked at from near, likeliest first
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
        if self.likely and not self.looked_at:
            return (
                f"{self.name} may be in these, none seen from near: {self.searched:,} pictures were searched."
            )
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
    limits: Limits,
    k: int = 20,
    look: bool = True,
    where: Filter | None = None,
) -> Recalled:
    """The pictures with the thing, surest first.

    Args:
        read: opens files of the library.
        limits: of decoding the sample's pictures that the thing is laid into.
        k: pictures wanted, 1 to MOST; more are looked at, the more are wanted.
        look: at the likeliest from near, seconds; else these are only named, as soon as the index knows.

    Raises:
        BadRequest: ``k`` out of range.
        NoSuchModel, NoRegions: nothing was indexed with this model yet, or not with regions.
    """
    if not 1 <= k <= MOST:
        raise BadRequest(f"{k} pictures cannot be asked for: choose 1 to {MOST}")
    started, library = perf_counter(), library.asked()
    with library.shelf(looker.backbone.identity.key).tokens() as view:
        query = _query(looker, knower, limits)
        named, missing = _candidates(library, view, query, where), view.missing(where)
    indexed = perf_counter()
    chosen = named[: max(LOOKED_AT, k)]
    looked = list(_looked(looker, knower, rivals, chosen if look else [], read))
    found = sorted(
        (one for one in looked if one is not None and one.sightings),
        key=lambda one: -one.sightings[0].probability,
    )
    return Recalled(
        knower.thing.name,
        tuple(found[:k]),
        tuple(one.pictures[0] for one in chosen[len(looked) :]),
        library.count(where) - missing,
        len(looked),
        sum(one is None for one in looked),
        missing,
        indexed - started,
        perf_counter() - indexed,
    )


def _query(looker: Looker, knower: Knower, limits: Limits) -> RegionQuery:
    """Tokens of the photos, and of scenes with the thing, seen once for each thing."""
    taught = query_of(knower, ASKED)
    if knower.imagined is None:
        knower.imagined = imagined(looker, knower.thing.laid, limits)
    scenes = knower.imagined
    every = np.concatenate([taught.tokens, scenes.tokens])
    return replace(
        taught,
        tokens=every,
        weights=np.concatenate([TAUGHT * taught.weights, (1 - TAUGHT) * scenes.weights]),
        places=np.zeros((len(every), 2), np.float32),
        views=np.arange(len(every), dtype=np.float32),  # they lie in no way to each other
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
    looker: Looker, knower: Knower, rivals: Sequence[Knower], chosen: Sequence[_Candidate], read: Read
) -> Iterator[Recall | None]:
    """The candidates from near, best first, with no sighting where the thing is not; None: a file is gone.
    Ends after PATIENCE of them without it."""
    missed = 0
    for one, pixels in _read(chosen, read):
        seen = None if pixels is None else _seen(looker, knower, rivals, one, pixels)
        yield seen
        if seen is not None:
            missed = 0 if seen.sightings else missed + 1
        if missed >= PATIENCE:
            return


def _read(chosen: Sequence[_Candidate], read: Read) -> Iterator[tuple[_Candidate, Pixels | None]]:
    """Each with its pixels, the next ones being read meanwhile; None: its file is gone."""
    waiting = iter(chosen)
    with ThreadPoolExecutor(AHEAD, thread_name_prefix="dinoscope-recall") as pool:

        def asked(count: int) -> list[tuple[_Candidate, Future[Pixels | None]]]:
            return [(one, pool.submit(read, one.pictures[0], _side(one))) for one in islice(waiting, count)]

        ahead = deque(asked(AHEAD))
        try:
            while ahead:
                one, pixels = ahead.popleft()
                ahead.extend(asked(1))
                yield one, pixels.result()
        finally:
            for _, pixels in ahead:
                pixels.cancel()


def _side(one: _Candidate) -> int:
    """Pixels of a picture's shorter side that show its places from near."""
    size = one.pictures[0].size
    windows = [window_for(place, size) for place in one.places]
    smallest = min(min(window.right - window.left, window.bottom - window.top) for window in windows)
    return ceil(SIDE * min(size.width, size.height) / smallest)


def _seen(
    looker: Looker, knower: Knower, rivals: Sequence[Knower], one: _Candidate, pixels: Pixels
) -> Recall:
    """A candidate's places from near."""
    size = one.pictures[0].size
    looked = looker.looked(pixels, size, knower, one.places, least=PROMISING)
    here = apart([found for found in looked if found.here(rivals)])
    return Recall(
        one.pictures[0], one.pictures[1:], tuple(found.sighting(knower.thing.name) for found in here)
    )
