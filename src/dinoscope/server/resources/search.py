"""Finding pictures that look like others, and the pictures somebody sends to search with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from dinoscope.errors import BadRequest
from dinoscope.operations.searching import Query as SearchQuery
from dinoscope.operations.searching import search as search_library
from dinoscope.server import wire
from dinoscope.server.parts import Here, Parts, Where, in_thread
from dinoscope.server.resources.pictures import WEBP, Side
from dinoscope.server.uploading import PICTURE_BODY, sent_picture

router = APIRouter(tags=["search"])

NAME = re.compile(r"[1-9][0-9]{0,17}|q_[\w-]{8,40}", re.ASCII)
Names = Annotated[list[str], Query(max_length=16, description="a picture's id, or the name an upload got")]


@router.post("/queries", status_code=201, openapi_extra=PICTURE_BODY)
async def upload(request: Request, here: Here) -> wire.Uploaded:
    """Send a picture to search with. It stays in the server's memory only."""
    made = await here.read_upload(await sent_picture(request))
    name = here.uploads.add(made)
    return wire.Uploaded(query=name, width=made.size.width, height=made.size.height, kind=made.kind)


@router.get("/queries/{query}")
def uploaded(query: str, here: Here) -> wire.Uploaded:
    """What is known of a picture that was sent."""
    kept = here.uploads.get(query)
    return wire.Uploaded(query=query, width=kept.size.width, height=kept.size.height, kind=kept.kind)


@router.get("/queries/{query}/image", response_class=Response, responses=WEBP)
def uploaded_image(query: str, here: Here, side: Side = 1600) -> Response:
    """A picture that was sent, re-encoded."""
    webp = here.uploads.get(query).webp
    if side < 1600:
        webp = here.images.smaller(webp, side)
    return Response(webp, media_type="image/webp", headers={"Cache-Control": "private, max-age=3600"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What both ways to search can ask for."""

    where: Where
    k: Annotated[int, Query(ge=1, le=500, description="hits wanted")] = 60
    offset: Annotated[int, Query(ge=0, le=9000, description="hits to pass over")] = 0
    collapse: Annotated[bool, Query(description="show files of equal bytes as one hit")] = False


Asked = Annotated[Wanted, Depends()]


@router.get("/search")
def search(
    here: Here,
    wanted: Asked,
    like: Names,
    unlike: Names = [],  # noqa: B006  FastAPI copies it
) -> wire.Answer:
    """The pictures most like all of ``like`` and not like ``unlike``, which themselves are left out."""
    likes, unlikes = [_query(here, name) for name in like], [_query(here, name) for name in unlike]
    seconds = sum(here.uploads.get(name).encode_seconds for name in (*like, *unlike) if name[0] == "q")
    return _answer(here, likes, unlikes, wanted, seconds)


@router.post("/search", openapi_extra=PICTURE_BODY)
async def search_by_picture(request: Request, here: Here, wanted: Asked) -> wire.Answer:
    """Search with the picture in the body, in one request."""
    made = await here.read_upload(await sent_picture(request))
    return await in_thread(
        lambda: _answer(here, [made.vector], [], wanted, made.encode_seconds), here.searching
    )


def _query(here: Parts, name: str) -> SearchQuery:
    if not NAME.fullmatch(name):
        raise BadRequest(f"{wire.shown(name)!r} names no picture: use an id, or the name an upload got")
    return here.uploads.get(name).vector if name[0] == "q" else int(name)


def _answer(
    here: Parts, like: list[SearchQuery], unlike: list[SearchQuery], wanted: Wanted, encode_seconds: float
) -> wire.Answer:
    """One hit more than is shown is asked for: it tells whether there is a next page."""
    session = here.session
    answer = search_library(
        session.library,
        session.backbone,
        like=like,
        unlike=unlike,
        k=wanted.offset + wanted.k + 1,
        where=wanted.where,
        collapse=wanted.collapse,
        encode_seconds=encode_seconds,
        yardstick=here.yardstick,
    )
    return wire.Answer.of(answer, wanted.offset, wanted.k)
