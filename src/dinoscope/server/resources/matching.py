"""Matching two pictures: which part of one is which part of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from dinoscope.operations.matching import LINKS
from dinoscope.operations.pairing import FEWEST, MOST, PATCHES
from dinoscope.operations.transferring import transfer
from dinoscope.server.binary import BINARY, binary
from dinoscope.server.looking import Name, named
from dinoscope.server.marks import selection_of
from dinoscope.server.matching import Found, Matcher, Matching, Pair
from dinoscope.server.parts import Here, Parts, in_thread
from dinoscope.server.wire_match import Geometry, Match, packed_cosines, packed_dense, packed_transfer
from dinoscope.server.wire_regions import Marks

router = APIRouter(tags=["matching"])

MOST_LINKS = 200


@dataclass(frozen=True, slots=True)
class Both:
    """Two pictures."""

    here: Name
    there: Name


@dataclass(frozen=True, slots=True)
class Asked(Both):
    """Two pictures, and how to match them. The same values name the same match, which is kept."""

    patches: Annotated[int, Query(ge=FEWEST, le=MOST, description="at most, of a picture")] = PATCHES
    mirrored: Annotated[
        bool | None, Query(description="exchange left and right; left out: both ways are tried")
    ] = None
    links: Annotated[int, Query(ge=0, le=MOST_LINKS, description="wanted at most")] = LINKS


@router.get("/match")
async def match(asked: Annotated[Asked, Depends()], here: Here, matcher: Matcher) -> Match:
    """Links between the parts of two pictures, and which way round the two belong together."""
    found = await _found(here, matcher, asked)
    return Match.of(found.matches, here.session.backbone.identity.key, found.seconds, found.encode_seconds)


@router.get("/match/cosines", response_class=Response, responses=BINARY)
async def cosines(
    asked: Annotated[Asked, Depends()],
    here: Here,
    matcher: Matcher,
    votes: Annotated[
        bool, Query(description="with what a pair's displacement says for or against it")
    ] = True,
) -> Response:
    """How strongly each patch of one answers to each of the other: for heat maps under a pointer."""
    found = await _found(here, matcher, asked)
    return binary(await in_thread(lambda: packed_cosines(found.matches, votes), here.searching))


@router.get("/match/dense", response_class=Response, responses=BINARY)
async def dense(asked: Annotated[Asked, Depends()], here: Here, matcher: Matcher) -> Response:
    """Where every patch of either picture lies in the other, and how sure that is."""
    found = await _found(here, matcher, asked)
    return binary(await in_thread(lambda: packed_dense(found.matches), here.searching))


@router.post("/match/transfer", response_class=Response, responses=BINARY)
async def transferred(
    asked: Annotated[Asked, Depends()], part: Marks, here: Here, matcher: Matcher
) -> Response:
    """A part that is marked in one picture, as it lies in the other."""
    found = await _found(here, matcher, asked)

    def work() -> bytes:
        size = found.matches.here.picture
        selection = selection_of(part, size, here.workers)
        return packed_transfer(transfer(found.matches, selection))

    return binary(await in_thread(work, here.searching))


@router.get("/match/geometry")
async def geometry(both: Annotated[Both, Depends()], here: Here, matcher: Matcher) -> Geometry:
    """Whether a plane or two cameras relate them: the very same thing from another side."""
    first, second = await named(here, both.here), await named(here, both.there)
    found, seconds = await matcher.geometry(first, second)
    return Geometry.of(found, seconds)


async def _found(here: Parts, matcher: Matching, asked: Asked) -> Found:
    first, second = await named(here, asked.here), await named(here, asked.there)
    return await matcher.match(Pair(first, second, asked.patches, asked.mirrored, asked.links))
