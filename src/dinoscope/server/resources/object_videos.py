"""Things with a name in the library's videos: followed as events, and taught from some seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from dinoscope.errors import DinoscopeError, ServerBusy
from dinoscope.operations.following import Followed
from dinoscope.operations.selection import Selection
from dinoscope.server.marks import box_of
from dinoscope.server.parts import Here, Parts, in_thread
from dinoscope.server.resources.videos import place_of
from dinoscope.server.wire import Wire, shown
from dinoscope.server.wire_objects import Called, Learnt
from dinoscope.server.wire_videos import Ended, Failed, Going, TeachVideo

router = APIRouter(tags=["objects"], prefix="/objects")

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "progress …, then end, or error"}
}


@router.get("/where/video", response_class=StreamingResponse, responses=STREAM)
async def where_in_video(
    here: Here, name: Annotated[Called, Query()], video: Annotated[int, Query(ge=1, le=2**63 - 1)]
) -> StreamingResponse:
    """Where in a video a thing is, as server-sent events while it is gone through; closing ends it."""
    known = await in_thread(lambda: here.session.library.videos.get(video), here.searching)
    place = Path(await in_thread(lambda: place_of(here, known), here.searching))
    if here.watching.available_tokens < 1:
        raise ServerBusy("as many videos are gone through as may be at once: try again in a moment")
    steps = here.session.objects.in_videos.where(name, place)
    first = await in_thread(lambda: next(steps), here.refining)  # what cannot be is told as a problem
    return StreamingResponse(
        _events(here, steps, first, video),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


@router.post("/video")
async def teach(asked: TeachVideo, here: Here) -> Learnt:
    """Learn a thing from some seconds of a video: marked on the frame at ``first``, followed to ``last``."""
    known = await in_thread(lambda: here.session.library.videos.get(asked.video), here.searching)
    place = await in_thread(lambda: place_of(here, known), here.searching)
    part = None if asked.box is None else Selection(boxes=(box_of(asked.box),))
    taught = await in_thread(
        lambda: here.session.objects.in_videos.remember(
            asked.name, place, part, first=asked.first, last=asked.last, also=asked.also
        ),
        here.refining,
    )
    return Learnt.of(taught)


async def _events(
    here: Parts, steps: Generator[Followed, None, None], first: Followed, video: int
) -> AsyncIterator[bytes]:
    step: Followed | None = first
    try:
        async with here.watching:
            while step is not None and not here.closing.is_set():
                if step.finished:
                    yield _event("end", Ended.of(step, video))
                    return
                yield _event("progress", Going.of(step))
                step = await in_thread(lambda: next(steps, None), here.refining)
    except DinoscopeError as error:
        yield _event("error", Failed(detail=shown(str(error))))
    finally:
        steps.close()


def _event(name: str, value: Wire) -> bytes:
    return f"event: {name}\ndata: {value.model_dump_json()}\n\n".encode()
