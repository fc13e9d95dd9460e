"""What the resources share: a session, its decoders, uploads and jobs. Handed in by FastAPI, never global."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Annotated, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends, Query, Request

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.operations.indexing import at_least
from dinoscope.operations.searching import Yardstick
from dinoscope.operations.session import Session
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.server.images import Images
from dinoscope.server.jobs import Jobs
from dinoscope.server.launching import Launches
from dinoscope.server.queries import SIDE, Upload, Uploads
from dinoscope.server.security import Access
from dinoscope.server.writer import Writer
from dinoscope.settings import Settings

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a resource may need."""

    settings: Settings
    session: Session
    access: Access
    workers: DecodeWorkers
    decoding: CapacityLimiter  # uploads decoded at once; the others wait without holding a thread
    encoding: CapacityLimiter  # one: two encoders would only share the same cores
    searching: CapacityLimiter
    yardstick: Yardstick
    uploads: Uploads
    images: Images
    writer: Writer
    jobs: Jobs
    launches: Launches
    closing: asyncio.Event  # set when the server is asked to stop: endless streams end then

    async def read_upload(self, data: bytes) -> Upload:
        """Decode and encode a picture somebody sent.

        Raises:
            NotAPicture, PictureTooLarge, BadRequest; the model's errors when it cannot be loaded.
        """
        if not data:
            raise BadRequest("no picture was sent: make its bytes the body of the request")
        decoded = await in_thread(lambda: self._decode(data), self.decoding)
        vector, seconds = await in_thread(lambda: self._describe(decoded), self.encoding)
        webp = await in_thread(lambda: thumbnail(decoded.pixels, SIDE), self.decoding)
        return Upload(webp, decoded.size, decoded.kind, vector, seconds)

    def _decode(self, data: bytes) -> Decoded:
        smallest = at_least(self.session.backbone)
        return self.workers.decode(data, where="the picture you sent", at_least=smallest)

    def _describe(self, decoded: Decoded) -> tuple[FloatArray, float]:
        started = perf_counter()
        vector = self.session.backbone.describe([decoded.pixels])[0]
        return vector, perf_counter() - started


async def in_thread(work: Callable[[], Result], limiter: CapacityLimiter) -> Result:
    """Run blocking work beside the event loop, when the limiter has room."""
    return await anyio.to_thread.run_sync(work, limiter=limiter)


def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def _filter(
    where: Annotated[list[str], Query(description="a filter; several must all hold", max_length=20)] = [],  # noqa: B006  FastAPI copies it
) -> Filter | None:
    return parse_filter(where)


Here = Annotated[Parts, Depends(_parts)]
Where = Annotated[Filter | None, Depends(_filter)]
