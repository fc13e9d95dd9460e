"""Things with a name: taught from photos, asked for in a picture or the library, corrected, forgotten."""

from __future__ import annotations

from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Body, Query, Request, Response

from dinoscope.errors import BadRequest, Unreadable
from dinoscope.operations.last_seen import last_seen
from dinoscope.operations.memories import MOST_BYTES, checked_name
from dinoscope.operations.remembering import AT_LEAST, Objects
from dinoscope.operations.selection import Selection
from dinoscope.operations.teaching import Photo
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.server.binary import BINARY, binary
from dinoscope.server.leaving import watched
from dinoscope.server.marks import box_in, box_of, selection_of
from dinoscope.server.parts import Here, Parts, Where, in_thread
from dinoscope.server.resources.search import NAME
from dinoscope.server.uploading import PICTURE_BODY, sent_picture
from dinoscope.server.wire import shown
from dinoscope.server.wire_objects import (
    Ask,
    Called,
    Correct,
    Learnt,
    Object,
    Outline,
    Rename,
    Show,
    Teach,
    Whereabouts,
    cut_out,
)
from dinoscope.server.wire_objects import Photo as Marked
from dinoscope.server.wire_regions import Marks

router = APIRouter(tags=["objects"], prefix="/objects")

SIDE = 160  # pixels of a view that is shown


@router.get("")
async def objects(here: Here) -> list[Object]:
    """Everything that is remembered, by name."""
    found = await in_thread(_of(here).all, here.searching)
    return [Object.of(thing) for thing in found]


@router.post("")
async def teach(asked: Teach, here: Here) -> Learnt:
    """Learn a thing from one to five photos; some 0.5 s each."""
    marked = await _marked(here, asked.photos)
    taught = await in_thread(lambda: _of(here).remember(asked.name, *marked, also=asked.also), here.refining)
    return Learnt.of(taught)


@router.post("/outline")
async def outline(asked: Show, here: Here) -> list[Outline]:
    """What would be remembered of each photo; nothing is kept."""
    marked = await _marked(here, asked.photos)
    found = await in_thread(lambda: _of(here).outlined(*marked), here.refining)
    return [Outline.of(one) for one in found]


@router.post("/where")
async def where(
    request: Request,
    asked: Ask,
    here: Here,
    condition: Where,
    *,
    k: Annotated[int, Query(ge=1, le=200, description="pictures of the library wanted")] = 20,
    look: Annotated[bool, Query(description="from near; else the likeliest are only named, at once")] = True,
) -> Whereabouts:
    """The places of a picture where the thing is; or the pictures of the library with it.

    Who hangs up ends the looking at the library's pictures: no further one is opened.
    """
    if asked.picture is None:
        async with watched(request) as gone:
            answer = await in_thread(
                lambda: _of(here).where_in_library(
                    asked.name,
                    k=k,
                    look=look,
                    where=condition,
                    read=lambda picture, side: None if gone() else here.reread(picture, side),
                ),
                here.refining,
            )
        last = last_seen(here.session.library, [one.picture for one in answer.found])
        return Whereabouts.in_library(answer, last)
    photo, started = await _photo(here, asked.picture), perf_counter()
    found = await in_thread(lambda: _of(here).where(asked.name, photo), here.refining)
    return Whereabouts.in_picture(checked_name(asked.name), found, perf_counter() - started)


@router.post("/see", openapi_extra=PICTURE_BODY)
async def see(
    request: Request,
    here: Here,
    name: Annotated[Called, Query()],
    last: Annotated[list[str], Query(max_length=8, description="where it was: left,top,right,bottom")] = [],  # noqa: B006  FastAPI copies it
) -> Whereabouts:
    """The places of a picture in the body, of which nothing is kept: a camera's frame."""
    boxes = [box_in(one) for one in last]
    data = await sent_picture(request)
    if not data:
        raise BadRequest("no picture was sent: make its bytes the body of the request")
    seen = await in_thread(
        lambda: here.workers.decode(data, where="the picture you sent", at_least=AT_LEAST), here.uploading
    )
    photo, started = Photo("a picture you sent", "", seen.pixels, seen.size, seen.shown), perf_counter()
    found = await in_thread(lambda: _of(here).where(name, photo, last=boxes), here.refining)
    return Whereabouts.in_picture(checked_name(name), found, perf_counter() - started)


@router.post("/correct")
async def correct(asked: Correct, here: Here) -> Object:
    """A place of a picture is the thing, or is another one: known from now on."""
    photo = await _photo(here, asked.picture)
    box = box_of(asked.box)
    thing = await in_thread(lambda: _of(here).correct(asked.name, photo, box, asked.kind), here.refining)
    return Object.of(thing)


@router.post("/rename")
async def rename(asked: Rename, here: Here) -> Object:
    """Another name for a thing."""
    return Object.of(await in_thread(lambda: _of(here).rename(asked.name, asked.new), here.searching))


@router.delete("", status_code=204)
async def forget(here: Here, name: Annotated[Called, Query()]) -> None:
    """Delete a thing, and overwrite all that was kept of it."""
    await in_thread(lambda: _of(here).forget(name), here.searching)


@router.get("/view", responses={200: {"content": {"image/webp": {}}}}, response_class=Response)
async def view(
    here: Here,
    name: Annotated[Called, Query()],
    number: Annotated[int, Query(ge=0, le=100)] = 0,
    alone: Annotated[bool, Query(description="what is around the thing is nearly transparent")] = False,
) -> Response:
    """What is kept of a photo: the thing and a little around it."""
    thing = await in_thread(lambda: _of(here).get(name), here.searching)
    if number >= len(thing.views):
        raise BadRequest(f"{thing.name!r} has {len(thing.views)} views: ask for one from 0 on")
    one = thing.views[number]
    data = await in_thread(
        lambda: cut_out(one.pixels, one.mask) if alone else thumbnail(one.pixels, SIDE), here.searching
    )
    return Response(data, media_type="image/webp", headers={"Cache-Control": "no-store"})


@router.delete("/view")
async def drop(
    here: Here, name: Annotated[Called, Query()], number: Annotated[int, Query(ge=0, le=100)]
) -> Object:
    """Take back one photo or correction, and overwrite what was kept of it."""
    return Object.of(await in_thread(lambda: _of(here).drop(name, number), here.searching))


@router.get("/export", responses=BINARY, response_class=Response)
async def export(here: Here, name: Annotated[Called, Query()]) -> Response:
    """The thing as one file, for another library."""
    return binary(await in_thread(lambda: _of(here).export(name), here.searching))


@router.post("/import")
async def take_in(
    here: Here,
    data: Annotated[bytes, Body(media_type="application/octet-stream")],
    name: Annotated[Called | None, Query(description="another name for it")] = None,
) -> Object:
    """An exported thing."""
    if len(data) > MOST_BYTES:
        raise BadRequest("the file is too large to be an exported object")
    return Object.of(await in_thread(lambda: _of(here).import_(data, name), here.searching))


def _of(here: Parts) -> Objects:
    return here.session.objects


async def _marked(here: Parts, photos: list[Marked]) -> list[tuple[Photo, Selection | None]]:
    """The photos, and what is marked on each; None: nothing."""
    both = [(await _photo(here, one.picture), one) for one in photos]
    return await in_thread(
        lambda: [
            (photo, selection_of(one, photo.size, here.workers) if _anything(one) else None)
            for photo, one in both
        ],
        here.decoding,
    )


def _anything(marks: Marks) -> bool:
    return bool(marks.boxes or marks.polygons or marks.points or marks.mask)


async def _photo(here: Parts, name: str) -> Photo:
    """A picture of the library, or one that was sent, decoded beside the server.

    Raises:
        BadRequest: a name that is none. NoSuchPicture: there is none. Unreadable: its file is gone.
    """
    if not NAME.fullmatch(name):
        raise BadRequest(f"{shown(name)!r} names no picture: use an id, or the name an upload got")
    if name[0] == "q":
        sent = here.uploads.get(name)
        seen = await in_thread(
            lambda: here.workers.decode(
                sent.webp, where="the picture you sent", at_least=AT_LEAST, trust="own"
            ),
            here.decoding,
        )
        return Photo("a picture you sent", sent.content or "", seen.pixels, sent.size, sent.shown)
    picture = await in_thread(lambda: here.session.library.picture(int(name)), here.searching)
    pixels = await in_thread(lambda: here.reread(picture, AT_LEAST), here.decoding)
    if pixels is None:
        raise Unreadable(f"{shown(picture.path)} is gone or has changed: index its folder again")
    return Photo(shown(picture.path.name), picture.content, pixels, picture.size)
