"""The application: resources below /api/v1, the page everywhere else, and the guards around both."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import FastAPI

from dinoscope import __version__
from dinoscope.operations.searching import Yardstick
from dinoscope.operations.session import Session
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.server import problems, wire
from dinoscope.server.copying import CopyDesk
from dinoscope.server.faces import faces_kept_out
from dinoscope.server.images import Images
from dinoscope.server.jobs import Jobs
from dinoscope.server.launching import Launches
from dinoscope.server.mapping import Maps
from dinoscope.server.matching import Matching
from dinoscope.server.pages import Pages, bundled
from dinoscope.server.parts import Parts
from dinoscope.server.queries import Uploads
from dinoscope.server.recent import Recent
from dinoscope.server.resources import (
    about,
    compare,
    copies,
    distances,
    explaining,
    folders,
    jobs,
    map,
    matching,
    models,
    object_videos,
    objects,
    pictures,
    regions,
    robustness,
    search,
    training,
    videos,
)
from dinoscope.server.security import Access, Gate, SafeHeaders
from dinoscope.server.sizes import ByteCounter
from dinoscope.server.turnstile import Turnstile
from dinoscope.server.writer import Writer
from dinoscope.settings import Settings

ROOT = "/api/v1"
ROUTERS = (
    about.router,
    pictures.router,
    search.router,
    regions.router,
    object_videos.router,
    objects.router,
    videos.router,
    explaining.router,
    matching.router,
    distances.router,
    robustness.router,
    map.router,
    copies.router,
    compare.router,
    jobs.router,
    folders.router,
    models.router,
    training.router,
)
SEEN = 32  # pictures whose Features are kept: 0.4 MB each
LABS = 8  # pictures kept to be edited: 1.5 MB each
INSIDE = 48 * 2**20  # bytes of looks inside that are kept; 0.4 MB for 256 patches of 384 numbers
LOOKS = 48 * 2**20  # bytes of views and windows that searches for parts encoded, likewise
DECODERS = 2  # processes: a thumbnail costs 5-20 ms, and a person looks at one screen at a time


def create_app(settings: Settings, session: Session) -> FastAPI:
    """The whole server as an ASGI application. Nothing starts before its lifespan does.

    Args:
        settings: ``host`` and ``token`` say who is let in, the limits what may be sent.
        session: opened for reading; stays the caller's to close.

    Raises:
        ValueError: the host is not loopback and there is no token.
        FacesUnchecked: faces are not let in, and the detector cannot run.
    """
    settings = faces_kept_out(settings, session.library.folder)
    access = Access(settings.host, settings.token)
    if not (access.loopback or access.token):
        raise ValueError("beyond loopback a token is required: pass the settings through run.guarded")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with DecodeWorkers(DECODERS, Limits.of(settings)) as workers:
            app.state.parts = parts = _parts(settings, session, access, workers)
            app.state.matching = Matching(parts)
            app.state.maps = maps = Maps(session)
            app.state.copies = desk = CopyDesk(session)
            try:
                yield
            finally:
                await run_sync(maps.close)
                await run_sync(desk.close)
                await run_sync(parts.jobs.close)

    app = FastAPI(
        title="Dinoscope",
        summary="Private visual search over your own pictures",
        version=__version__,
        openapi_url=f"{ROOT}/openapi.json",
        docs_url=None,  # its scripts come from another site, which the content security policy forbids
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        responses={"4XX": {"model": wire.Problem, "content": {"application/problem+json": {}}}},
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=ROOT)
    # the last added is the outermost
    app.add_middleware(problems.LastResort)
    app.add_middleware(Pages, files=bundled())
    app.add_middleware(ByteCounter, max_bytes=settings.max_bytes)
    app.add_middleware(Turnstile, max_bytes=settings.max_bytes)
    app.add_middleware(Gate, access=access)
    app.add_middleware(SafeHeaders)
    return app


def _parts(settings: Settings, session: Session, access: Access, workers: DecodeWorkers) -> Parts:
    writer = Writer(session.library.folder)
    return Parts(
        settings=settings,
        session=session,
        access=access,
        workers=workers,
        uploading=CapacityLimiter(DECODERS - 1),
        decoding=CapacityLimiter(DECODERS),
        encoding=CapacityLimiter(1),
        searching=CapacityLimiter(8),
        watching=CapacityLimiter(2),
        refining=CapacityLimiter(2),
        yardstick=Yardstick(),
        uploads=Uploads(),
        seen=Recent(SEEN),
        looks=Recent(LOOKS, lambda features: features.patches.nbytes),
        insights=Recent(INSIDE, lambda inside: inside.vectors.nbytes),
        labs=Recent(LABS),
        images=Images(session.library, workers, Limits.of(settings)),
        writer=writer,
        jobs=Jobs(session, writer, replace(session.settings, faces=settings.faces)),
        launches=Launches(settings),
        closing=asyncio.Event(),
    )
