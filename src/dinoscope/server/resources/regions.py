"""Finding a part of a picture anywhere: somebody marks it, and the places come back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.requests import ClientDisconnect

from dinoscope.errors import BadRequest
from dinoscope.features import Features, Pixels
from dinoscope.geometry import Mask, Size
from dinoscope.library.records import Picture
from dinoscope.operations.regions import Example, search_region
from dinoscope.server.leaving import watched
from dinoscope.server.marks import box_of, selection_of
from dinoscope.server.parts import Here, Parts, Where, in_thread
from dinoscope.server.recalled import Recalled
from dinoscope.server.resources.search import NAME
from dinoscope.server.wire import shown
from dinoscope.server.wire_regions import PlaceExample, RegionAnswer, RegionQuery

router = APIRouter(tags=["search"])

FARTHEST = 299  # with the 200 hits of a page, and the one that tells of the next: MOST of operations.regions


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many of the hits, among which pictures. Together at most what one search may ask for."""

    where: Where
    k: Annotated[int, Query(ge=1, le=200, description="hits wanted")] = 60
    offset: Annotated[int, Query(ge=0, le=FARTHEST, description="hits to pass over")] = 0
    collapse: Annotated[bool, Query(description="show files of equal bytes as one hit")] = False


@dataclass(frozen=True, slots=True)
class Marked:
    """The picture on which something is marked."""

    asked: Features | int  # an id when its file is gone: then its tokens serve
    size: Size
    encode_seconds: float
    id: int | None = None  # None: it was sent
    webp: bytes | None = None  # what was sent
    shown: Mask | None = None  # what of it is not transparent
    content: str | None = None  # hash of the file


@router.post("/search/region")
async def search_by_region(
    asked: RegionQuery, request: Request, here: Here, wanted: Annotated[Wanted, Depends()]
) -> RegionAnswer:
    """The pictures with such a part, each with the places where it is.

    The picture itself is left out when it is named by its id. A second look ends when the client hangs up.
    """
    marked = await _marked(here, asked.picture)
    # a quick answer never waits for the second looks of others
    room = here.searching if asked.refine is False else here.refining
    async with watched(request) as gone:
        return await in_thread(lambda: _answer(here, asked, marked, wanted, gone), room)


async def _marked(here: Parts, name: str) -> Marked:
    if not NAME.fullmatch(name):
        raise BadRequest(f"{shown(name)!r} names no picture: use an id, or the name an upload got")
    if name[0] == "q":
        upload = here.uploads.get(name)
        sent = upload.encode_seconds
        return Marked(
            upload.features, upload.size, sent, webp=upload.webp, shown=upload.shown, content=upload.content
        )
    picture = await in_thread(lambda: here.session.library.picture(int(name)), here.searching)
    seen = await here.look_at(picture)
    if seen is None:
        return Marked(picture.id, picture.size, 0.0, picture.id, content=picture.content)
    return Marked(
        seen.features, picture.size, seen.seconds, picture.id, shown=seen.shown, content=picture.content
    )


def _example(asked: PlaceExample) -> Example:
    if not NAME.fullmatch(asked.picture) or asked.picture[0] == "q":
        raise BadRequest(
            f"{shown(asked.picture)!r} is no picture of the library: give the id of a hit, and a box in it"
        )
    return Example(int(asked.picture), box_of(asked.box))


def _answer(
    here: Parts, asked: RegionQuery, marked: Marked, wanted: Wanted, gone: Callable[[], bool]
) -> RegionAnswer:
    """One hit more than is shown is asked for: it tells whether there is a next page."""
    session = here.session

    def read(picture: Picture, side: int) -> Pixels | None:
        if gone():
            raise ClientDisconnect
        return here.reread(picture, side)

    answer = search_region(
        session.library,
        Recalled(session.backbone, here.looks),
        marked.asked,
        replace(selection_of(asked, marked.size, here.workers), shown=marked.shown),
        k=wanted.offset + wanted.k + 1,
        where=wanted.where,
        also=asked.also,
        more=[_example(one) for one in asked.more],
        less=[_example(one) for one in asked.less],
        refine=asked.refine,
        read=read,
        pixels=lambda side: _pixels(here, marked, side),
        content=marked.content,
        exclude=() if marked.id is None else (marked.id,),
        collapse=wanted.collapse,
        encode_seconds=marked.encode_seconds,
    )
    return RegionAnswer.of(answer, wanted.offset, wanted.k, FARTHEST)


def _pixels(here: Parts, marked: Marked, side: int) -> Pixels | None:
    """Of the marked picture, to look closer at it; what was sent is kept at a smaller scale."""
    if marked.webp is not None:
        sent = here.workers.decode(marked.webp, where="the picture you sent", at_least=side, trust="own")
        return sent.pixels
    return None if marked.id is None else here.reread(here.session.library.picture(marked.id), side)
