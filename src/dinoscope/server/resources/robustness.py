"""The robustness lab: edit a picture, and see whether the model still knows it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from time import perf_counter
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from PIL import Image

from dinoscope.errors import BadRequest
from dinoscope.operations.edit_kinds import parsed
from dinoscope.operations.queries import at_least
from dinoscope.operations.robustness import STEPS, Lab, Seeking, Until
from dinoscope.server.looking import Name, named, pixels_of
from dinoscope.server.parts import Here, Parts, in_thread
from dinoscope.server.wire_robustness import Curve, Edits, Step, Trial, Weakest

router = APIRouter(tags=["robustness"])

QUALITY = 92  # of the JPEG in which the edited picture is shown
FOUND = 8  # pictures that are shown of those the edited one finds
JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "the picture"}}
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "step …, then end"}
}
T = TypeVar("T")
Seed = Annotated[int, Query(ge=0, lt=2**32, description="draws the noise and what is covered")]


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture, and what is done to it."""

    of: Name
    edits: Annotated[
        str, Query(max_length=400, description="brightness:-0.5,blur:0.2,mirror; left out: none")
    ] = ""
    seed: Seed = 0


@dataclass(frozen=True, slots=True)
class Sought:
    """A picture whose weakest edit is looked for."""

    of: Name
    kind: Annotated[
        list[str] | None, Query(max_length=50, description="among these edits; left out: all")
    ] = None
    seed: Seed = 0
    until: Annotated[
        Until, Query(description="lost when no longer the first, or when no nearer than chance")
    ] = "first"


@router.get("/robustness/edits")
async def edits() -> Edits:
    """What may be done to a picture, how strong, and what often happens together."""
    return Edits.all()


@router.get("/robustness")
async def trial(asked: Annotated[Asked, Depends()], here: Here) -> Trial:
    """How far the edited picture is from its original, and whether that is still found."""
    wanted = parsed(asked.edits)
    lab = await _lab(here, asked)
    started = perf_counter()
    tried, vector = await in_thread(lambda: next(lab.looked([wanted])), here.encoding)
    seconds = perf_counter() - started

    def found() -> Trial:
        hits = here.session.answer([vector], k=FOUND, collapse=True).hits
        return Trial.found(tried, hits, here.session.backbone.identity.key, seconds)

    return await in_thread(found, here.searching)


@router.get("/robustness/picture", response_class=Response, responses=JPEG)
async def picture(asked: Annotated[Asked, Depends()], here: Here) -> Response:
    """The edited picture as the model is shown it, at most 512 pixels on its shorter side."""
    wanted = parsed(asked.edits)
    lab = await _lab(here, asked, placed=False)

    def drawn() -> bytes:
        stored = BytesIO()
        Image.fromarray(lab.edited(wanted)).save(stored, "JPEG", quality=QUALITY, subsampling=0)
        return stored.getvalue()

    made = await in_thread(drawn, here.searching)
    return Response(made, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=300"})


@router.get("/robustness/curve")
async def curve(
    asked: Annotated[Asked, Depends()],
    kind: Annotated[str, Query(max_length=40, description="the edit whose strength is varied")],
    here: Here,
    request: Request,
    steps: Annotated[int, Query(ge=1, le=50, description="strengths in each direction")] = STEPS,
) -> Curve:
    """One edit from end to end of its strength, the others held, and where it loses the original."""
    held = parsed(asked.edits)
    lab = await _lab(here, asked)
    return Curve.of(await _last(lab.curve(kind, held, steps=steps), here, request))


@router.get("/robustness/weakest")
async def weakest(sought: Annotated[Sought, Depends()], here: Here, request: Request) -> Weakest:
    """The edit that loses the original with the least strength. It takes some seconds."""
    lab = await _lab(here, Asked(sought.of, seed=sought.seed))
    return Weakest.of(await _last(lab.weakest(sought.kind or (), until=sought.until), here, request))


@router.get("/robustness/weakest/events", response_class=StreamingResponse, responses=STREAM)
async def seeking(sought: Annotated[Sought, Depends()], here: Here) -> StreamingResponse:
    """The same as server-sent events: what has been tried on the way, then the end."""
    lab = await _lab(here, Asked(sought.of, seed=sought.seed))
    steps = lab.weakest(sought.kind or (), until=sought.until)
    first = await in_thread(
        lambda: next(steps), here.encoding
    )  # what makes no sense is told before it begins

    async def events() -> AsyncIterator[bytes]:
        yield _event(first)
        async for step in _each(steps, here):
            yield _event(step)

    return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _lab(here: Parts, asked: Asked, *, placed: bool = True) -> Lab:
    """The picture, read and looked at once and then kept; ``placed`` among the pictures of the library."""
    picture = await named(here, asked.of)
    lab = here.labs.get(picture.key)
    if lab is None:
        pixels = await pixels_of(here, picture, at_least(here.session.backbone))
        lab = await in_thread(lambda: Lab.of(here.session.backbone, pixels), here.encoding)
        here.labs.keep(picture.key, lab)
    lab = replace(lab, seed=asked.seed)
    if not placed:
        return lab
    return await in_thread(lambda: lab.within(here.session.library, here.yardstick), here.searching)


def _event(step: Seeking) -> bytes:
    name, value = ("end", Weakest.of(step)) if step.finished else ("step", Step.of(step))
    return f"event: {name}\ndata: {value.model_dump_json()}\n\n".encode()


async def _each(steps: Iterator[T], here: Parts) -> AsyncIterator[T]:
    """Step by step, so that whoever drags a slider in the meantime need not wait."""
    while (step := await in_thread(lambda: next(steps, None), here.encoding)) is not None:
        yield step


async def _last(steps: Iterator[T], here: Parts, request: Request) -> T:
    """The last step, unless the asker has gone before it."""
    last: T | None = None
    async for step in _each(steps, here):
        last = step
        if await request.is_disconnected():
            raise BadRequest("nobody waits for the answer any more")
    assert last is not None
    return last
