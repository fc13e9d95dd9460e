"""The library's pictures: listing, details, images, and forgetting."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import Annotated, Any, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response, StreamingResponse

from dinoscope.errors import BadRequest, FaceRefused, NoSuchPicture
from dinoscope.library.pages import Order
from dinoscope.pictures.limits import Limits
from dinoscope.server import wire
from dinoscope.server.images import Rendered, open_original
from dinoscope.server.parts import Here, Where

router = APIRouter(tags=["pictures"])

PictureId = Annotated[int, Path(ge=1, le=2**63 - 1, description="the picture's id in the library")]
Side = Annotated[int, Query(ge=16, le=4096, description="longest side wanted, pixels; never enlarged")]
WEBP: dict[int | str, dict[str, Any]] = {200: {"content": {"image/webp": {}}, "description": "the picture"}}
BLOCK = 2**18  # bytes read at once of an original
FOREVER = "private, max-age=31536000, immutable"
ASK_AGAIN = "private, no-cache"
PLAIN = re.compile(r"[^\w .()+=@,!#$&~-]", re.ASCII)


@router.get("/pictures")
def pictures(
    here: Here,
    where: Where,
    *,
    after: Annotated[str | None, Query(max_length=30_000, description="``next`` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    order: Order = "added",
    descending: bool = False,
) -> wire.Listing:
    """A page of the library. Pages never overlap or skip, also while pictures are added."""
    return wire.Listing.of(here.session.library.page(where, after, limit, order, descending))


@router.get("/facets")
def facets(here: Here, where: Where) -> wire.Facets:
    """What there is to filter by, with the number of pictures behind each value."""
    return wire.Facets.of(here.session.library.facets(where))


@router.get("/pictures/{id}")
def picture(id: PictureId, here: Here) -> wire.PictureDetails:
    """One picture and the files with the same bytes."""
    library = here.session.library
    return wire.PictureDetails.with_copies(library.picture(id), library.copies_of(id))


@router.delete("/pictures/{id}", status_code=204)
def forget(id: PictureId, here: Here) -> None:
    """Take a picture out of the library. Its file stays, and comes back when its folder is indexed again."""
    with here.writer.open() as library:
        if not library.remove(ids=[id]):
            raise NoSuchPicture(f"the library has no picture {id}: it may have been removed already")


@router.get("/pictures/{id}/thumbnail", response_class=Response, responses=WEBP)
def thumbnail(
    id: PictureId,
    here: Here,
    request: Request,
    side: Annotated[int, Query(description="160, 320 or 640", ge=16, le=640)] = 320,
    v: Annotated[str | None, Query(description="``content``: the answer may then be cached for ever")] = None,
) -> Response:
    """A small WebP. Its metadata is empty."""
    known = here.session.library.picture(id)
    fitting = next(ready for ready in (160, 320, 640) if side <= ready)
    tag = f'"{known.content}-t{fitting}"'
    return _unchanged(request, tag, v == known.content) or _sent(
        here.images.thumbnail(known, fitting), tag, v == known.content
    )


@router.get("/pictures/{id}/image", response_class=Response, responses=WEBP)
def image(
    id: PictureId, here: Here, request: Request, side: Side = 1600, v: Annotated[str | None, Query()] = None
) -> Response:
    """A large WebP for the screen, re-encoded: where and when it was taken is not in it."""
    known = here.session.library.picture(id)
    tag = f'"{known.content}-i{side}"'
    return _unchanged(request, tag, v == known.content) or _sent(
        here.images.large(known, side), tag, v == known.content
    )


def _unchanged(request: Request, tag: str, named: bool) -> Response | None:
    """304 when the browser has it already: equal contents give equal tags."""
    if tag not in request.headers.get("if-none-match", ""):
        return None
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": FOREVER if named else ASK_AGAIN})


def _sent(made: Rendered, tag: str, named: bool) -> Response:
    if not made.current:  # the file has changed since it was indexed
        return Response(made.webp, media_type="image/webp", headers={"Cache-Control": "no-store"})
    caching = FOREVER if named else ASK_AGAIN
    return Response(made.webp, media_type="image/webp", headers={"ETag": tag, "Cache-Control": caching})


@router.get(
    "/pictures/{id}/original",
    response_class=StreamingResponse,
    responses={200: {"content": {"image/*": {}}, "description": "the file as it is, with its metadata"}},
)
def original(id: PictureId, here: Here) -> StreamingResponse:
    """The file itself, to be saved rather than shown; not where faces are blurred, for it has them."""
    if here.settings.faces == "blur":
        raise FaceRefused("faces are blurred here, and a file itself would show them: save the image instead")
    known = here.session.library.picture(id)
    if known.moment is not None:
        raise BadRequest(
            f"{wire.shown(known.name)} is a moment of a video: save the image, or the video itself, which is "
            f"/videos/{known.moment.video}/file"
        )
    file = open_original(known, here.session.library.original(known, Limits.of(here.settings)))
    size = os.fstat(file.fileno()).st_size
    return StreamingResponse(
        _blocks(file, size),
        media_type=f"image/{known.kind}",
        headers={
            "Content-Length": str(size),
            "Content-Disposition": disposition(wire.shown(known.path.name)),
            "Cache-Control": "private, no-cache",
        },
    )


def _blocks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Exactly ``size`` bytes, or fewer when the file shrinks meanwhile; never more than was announced."""
    with file:
        while size > 0 and (block := file.read(min(BLOCK, size))):
            size -= len(block)
            yield block


def disposition(name: str) -> str:
    """A Content-Disposition that saves under that name (RFC 6266, RFC 8187), whatever is in it.

    >>> disposition('a "b".jpg')
    'attachment; filename="a _b_.jpg"; filename*=UTF-8\\'\\'a%20%22b%22.jpg'
    """
    plain = PLAIN.sub("_", name)  # for old clients, some of which decode % here
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
