"""The library's videos: what is known of them, their frames, and the files with ranges for players."""

from __future__ import annotations

import os
import re
import stat
from typing import Annotated, BinaryIO
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response, StreamingResponse

from dinoscope.errors import FaceRefused, Unreadable
from dinoscope.library.records import Video as Known
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.sniffing import HEAD, container
from dinoscope.server.parts import Here, Parts
from dinoscope.server.resources.pictures import ASK_AGAIN, _blocks
from dinoscope.server.wire import shown
from dinoscope.server.wire_videos import Frame, Frames, Video

router = APIRouter(tags=["videos"], prefix="/videos")

VideoId = Annotated[int, Path(ge=1, le=2**63 - 1, description="the video's id in the library")]
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
TYPES = {"mov": "video/mp4", "matroska": "video/webm", "ogg": "video/ogg", "mpegts": "video/mp2t"}


@router.get("")
def videos(here: Here) -> list[Video]:
    """Every video, by path."""
    return [Video.of(one) for one in here.session.library.videos.all()]


@router.get("/{id}")
def video(id: VideoId, here: Here) -> Video:
    """What is known of one."""
    return Video.of(here.session.library.videos.get(id))


@router.get("/{id}/frames")
def frames(id: VideoId, here: Here) -> Frames:
    """The pictures that are its frames, in order of time."""
    library = here.session.library
    library.videos.get(id)
    found = library.videos.frames(id)
    return Frames(frames=[Frame(picture=picture, second=second) for picture, second, _ in found])


@router.get(
    "/{id}/file",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"video/*": {}}, "description": "the file as it is"},
        206: {"content": {"video/*": {}}, "description": "the range that was asked for"},
        416: {"description": "no such range"},
    },
)
def file(id: VideoId, here: Here, request: Request) -> Response:
    """The file itself, also a range of it, for a player; not where a face was seen in it and is kept out."""
    known = here.session.library.videos.get(id)
    check_faces(here, known)
    opened, kind = _opened(here, known)
    asked = request.headers.get("range")
    if asked is not None and request.headers.get("if-range", _tag(known)) != _tag(known):
        asked = None
    headers = {
        "Accept-Ranges": "bytes",
        "ETag": _tag(known),
        "Cache-Control": ASK_AGAIN,
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(shown(known.path.name), safe='')}",
    }
    found = _range(asked, known.bytes)
    if found is None and asked is not None and RANGE.fullmatch(asked):
        opened.close()
        return Response(status_code=416, headers={"Content-Range": f"bytes */{known.bytes}"})
    first, last = found or (0, known.bytes - 1)
    headers["Content-Length"] = str(last - first + 1)
    if found is not None:
        headers["Content-Range"] = f"bytes {first}-{last}/{known.bytes}"
    opened.seek(first)
    return StreamingResponse(
        _blocks(opened, last - first + 1),
        status_code=200 if found is None else 206,
        media_type=TYPES.get(kind, "application/octet-stream"),
        headers=headers,
    )


def check_faces(here: Parts, known: Known) -> None:
    """Raises: FaceRefused: the file would show faces that are hidden or kept out here."""
    mode = here.settings.faces
    if mode == "blur":
        raise FaceRefused("faces are blurred here, and a video itself would show them: look at its frames")
    if mode != "allow" and known.hidden:
        raise FaceRefused(
            f"{shown(known.path.name)} shows what looks like human faces, which are kept out here, so it is "
            "not played: look at its frames"
        )


def place_of(here: Parts, known: Known) -> str:
    """Where its file lies now, in the folder it was indexed with. Raises: Unreadable."""
    library = here.session.library
    found = library.videos.frames(known.id)
    if not found:
        raise Unreadable(f"{shown(known.path)} is not in the library any more: index its folder again")
    return str(library.original(library.picture(found[0][0]), Limits.of(here.settings)).parent)


def _opened(here: Parts, known: Known) -> tuple[BinaryIO, str]:
    """The file and its container; only what still is the video that was indexed. Raises: Unreadable."""
    gone = Unreadable(f"{shown(known.path)} is gone or has changed: index its folder again")
    try:
        handle = os.open(
            place_of(here, known), os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError:
        raise gone from None
    opened = os.fdopen(handle, "rb")
    facts = os.fstat(handle)
    kind = container(opened.read(HEAD)) if stat.S_ISREG(facts.st_mode) else None
    if kind is None or (facts.st_size, facts.st_mtime_ns) != (known.bytes, known.modified_ns):
        opened.close()
        raise gone
    return opened, kind


def _tag(known: Known) -> str:
    return f'"{known.content}"'


def _range(asked: str | None, size: int) -> tuple[int, int] | None:
    """(first, last) byte of one range; None: all of it, or no such range."""
    match = RANGE.fullmatch(asked or "")
    if match is None or not any(match.groups()):
        return None
    if not match[1]:  # the last so many
        first, last = max(0, size - int(match[2])), size - 1
    else:
        first, last = int(match[1]), min(int(match[2] or size), size - 1)
    return (first, last) if first <= last else None
