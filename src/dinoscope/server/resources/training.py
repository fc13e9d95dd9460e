"""Training runs: how they stand, what they measured, and the pictures they show on the way."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse, StreamingResponse

from dinoscope.errors import NoSuchRun
from dinoscope.server import runs as watching
from dinoscope.server.parts import Here
from dinoscope.server.wire_runs import Measures, NewRun, Run, Runs, Starting
from dinoscope.training.runs import list_runs

router = APIRouter(tags=["training"])

Since = Annotated[int, Query(ge=-1, le=2**53, description="only measures after this step")]
SAMPLE = re.compile(r"[0-9]+-(picture|[0-9]+-[a-z]+)\.png", re.ASCII)
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "measures, run, rewound …, then end"}
}
PNG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/png": {}}, "description": "the picture"}}


@router.get("/runs")
def runs(here: Here) -> Runs:
    """Every training on this machine, the newest first."""
    return Runs(runs=[Run.of(info) for info in list_runs(here.settings)], starting=here.launches.starting())


@router.post("/runs", status_code=202)
def begin(new: NewRun, here: Here) -> Starting:
    """Train on folders of the server's machine, in a process that outlives the server."""
    return here.launches.start(new)


@router.get("/runs/{name}")
def run(name: str, here: Here) -> Run:
    """How a training stands."""
    return Run.of(watching.opened(name, here.settings).info())


@router.get("/runs/{name}/measures")
def measures(
    name: str,
    here: Here,
    since: Since = -1,
    most: Annotated[
        int, Query(ge=2, le=100_000, description="thinned evenly to so many, besides those with a probe")
    ] = 1000,
) -> Measures:
    """What a training measured, oldest first."""
    found = watching.measures_of(watching.opened(name, here.settings), since)
    return Measures(measures=watching.thinned(found, most))


@router.get("/runs/{name}/events", response_class=StreamingResponse, responses=STREAM)
async def events(name: str, here: Here, since: Since = -1) -> StreamingResponse:
    """A training as server-sent events, from its first measure to its end; joining late misses nothing."""
    return StreamingResponse(
        watching.events(watching.opened(name, here.settings), since, here.closing),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


@router.post("/runs/{name}/stop", status_code=202)
def stop(name: str, here: Here) -> Run:
    """Ask a training to end after a checkpoint, whoever started it; it can be resumed."""
    found = watching.opened(name, here.settings)
    found.ask_to_stop()
    return Run.of(found.info())


@router.get("/runs/{name}/samples/{file}", response_class=FileResponse, responses=PNG)
def sample(name: str, file: str, here: Here) -> FileResponse:
    """One of the fixed pictures, or what the model saw in it at some step."""
    path = watching.opened(name, here.settings).samples / file
    if not (SAMPLE.fullmatch(file) and path.is_file()):  # a name of this form cannot lead out of the folder
        raise NoSuchRun(f"the run {name!r} has no such sample: its /api/v1/runs/{name} lists them")
    return FileResponse(path, media_type="image/png", headers={"Cache-Control": "private, max-age=86400"})
