"""Matching two pictures that a request names: decode, look, match, and remember each of these."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, TypeAlias

from fastapi import Depends, Request

from dinoscope.features import Inside
from dinoscope.operations.geometric import Geometry, geometry_of
from dinoscope.operations.matching import Matches, match
from dinoscope.operations.pairing import MOST, View, look
from dinoscope.operations.queries import at_least
from dinoscope.server.looking import Named, pixels_of
from dinoscope.server.parts import Parts, in_thread
from dinoscope.server.recent import Recent

MIB = 2**20
PairKey: TypeAlias = "tuple[str, str, int, bool | None, int]"  # both pictures, patches, mirrored, links


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and how they are to be matched."""

    here: Named
    there: Named
    patches: int
    mirrored: bool | None
    links: int

    @property
    def key(self) -> PairKey:
        return self.here.key, self.there.key, self.patches, self.mirrored, self.links


@dataclass(frozen=True, slots=True)
class Found:
    """A match, and what it cost; 0 seconds for what was known."""

    matches: Matches
    seconds: float
    encode_seconds: float


class Matching:
    """Matches pairs, and keeps what was lately decoded, looked at and matched: a page asks for all of it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._views: Recent[str, View] = Recent(32 * MIB, lambda view: view.pixels.nbytes)
        self._seen: Recent[tuple[str, int], Inside] = Recent(24 * MIB, lambda inside: inside.vectors.nbytes)
        self._matches: Recent[PairKey, Matches] = Recent(
            48 * MIB,
            lambda found: 4 * found.evidence.total.nbytes,  # both tables, and both turned
        )
        self._geometries: Recent[tuple[str, str], Geometry] = Recent(64)

    async def match(self, pair: Pair) -> Found:
        """Match a pair, or find it matched.

        Raises:
            BadRequest: no such number of patches or links.
            Unreadable: a file is not there any more as it was indexed.
        """
        known = self._matches.get(pair.key)
        if known is not None:
            return Found(known, 0.0, 0.0)
        views = [await self._view(named) for named in (pair.here, pair.there)]

        def work() -> Found:
            """In the encoder's turn, so that requests for one pair that come together share its match."""
            known = self._matches.get(pair.key)
            if known is not None:
                return Found(known, 0.0, 0.0)
            started = perf_counter()
            first, second = (
                self._look(named.key, view, pair.patches)
                for named, view in zip((pair.here, pair.there), views, strict=True)
            )
            looked = perf_counter()
            found = match(first, second, mirrored=pair.mirrored, links=pair.links)
            self._matches.keep(pair.key, found)
            return Found(found, perf_counter() - looked, looked - started)

        return await in_thread(work, self._parts.encoding)

    async def geometry(self, first: Named, second: Named) -> tuple[Geometry, float]:
        """The verdict on two pictures, and the seconds it took.

        Raises:
            MissingExtra: OpenCV is not installed.
            Unreadable: a file is not there any more as it was indexed.
        """
        key = first.key, second.key
        known = self._geometries.get(key)
        if known is not None:
            return known, 0.0
        one, other = await self._view(first), await self._view(second)

        def work() -> tuple[Geometry, float]:
            started = perf_counter()
            found = geometry_of(one.pixels, other.pixels, one.size, other.size)
            self._geometries.keep(key, found)
            return found, perf_counter() - started

        return await in_thread(work, self._parts.searching)

    async def _view(self, named: Named) -> View:
        """With as many pixels as any number of patches may need."""
        known = self._views.get(named.key)
        if known is None:
            side = at_least(self._parts.session.backbone, MOST)
            known = View(await pixels_of(self._parts, named, side), named.size)
            self._views.keep(named.key, known)
        return known

    def _look(self, key: str, view: View, patches: int) -> Inside:
        known = self._seen.get((key, patches))
        if known is None:
            known = look(view, self._parts.session.backbone, patches)
            self._seen.keep((key, patches), known)
        return known


def _matching(request: Request) -> Matching:
    matching: Matching = request.app.state.matching
    return matching


Matcher = Annotated[Matching, Depends(_matching)]
