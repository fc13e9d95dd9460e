"""Indexing jobs: start, watch, cancel; and the files that could not be used."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from dinoscope.server import jobs as running
from dinoscope.server import wire
from dinoscope.server.parts import Here

router = APIRouter(tags=["jobs"])

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "progress …, then end"}
}


@router.post("/jobs", status_code=202)
def start(new: wire.NewJob, here: Here) -> wire.Job:
    """Index folders of the machine the server runs on."""
    return here.jobs.start(new.folders).view()


@router.get("/jobs")
def jobs(here: Here) -> wire.Jobs:
    """The jobs since the server started, the latest first."""
    return wire.Jobs(jobs=[job.view() for job in here.jobs.latest()])


@router.get("/jobs/{id}")
def job(id: str, here: Here) -> wire.Job:
    """How a job stands."""
    return here.jobs.get(id).view()


@router.get("/jobs/{id}/events", response_class=StreamingResponse, responses=STREAM)
async def events(id: str, here: Here) -> StreamingResponse:
    """A job's progress as server-sent events, from how it stands to its end; joining late misses nothing."""
    return StreamingResponse(
        running.events(here.jobs.get(id)),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store"},
    )


@router.delete("/jobs/{id}", status_code=202)
def cancel(id: str, here: Here) -> wire.Job:
    """Ask a job to end. What it has indexed stays; starting it again goes on from there."""
    job = here.jobs.get(id)
    job.cancel()
    return job.view()


@router.get("/refusals")
def refusals(here: Here) -> wire.Refusals:
    """Files below the indexed folders that could not be used, and why."""
    return wire.Refusals(refusals=[wire.Refusal.of(one) for one in here.session.library.refusals()])
