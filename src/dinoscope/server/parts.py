"""What the resources share: a session, its decoders, uploads and jobs. Handed in by FastAPI, never global."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Annotated, TypeAlias, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends, Query, Request

from dinoscope.errors import BadRequest, FaceRefused, NotAPicture, ServerBusy, ShardSilent, Unreadable
from dinoscope.features import Facet, Features, Inside, Pixels
from dinoscope.geometry import Mask
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.records import Picture
from dinoscope.operations.indexing import at_least
from dinoscope.operations.robustness import Lab
from dinoscope.operations.searching import Yardstick
from dinoscope.operations.session import Session
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.server.images import Images
from dinoscope.server.jobs import Jobs
from dinoscope.server.launching import Launches
from dinoscope.server.queries import SIDE, Upload, Uploads
from dinoscope.server.recent import Recent
from dinoscope.server.security import Access
from dinoscope.server.writer import Writer
from dinoscope.settings import Settings

Result = TypeVar("Result")

MOST_UPLOADS = 16  # that wait to be decoded
MOST_WAITING = 64  # for one limiter's turn; who comes later waits less by asking again

Inner: TypeAlias = "tuple[str, int, Facet, int]"  # content or upload, layer, facet, most patches


@dataclass(frozen=True, slots=True, eq=False)
class Looked:
    """A picture of the library as the model sees it."""

    features: Features
    shown: Mask | None  # what of it is not transparent, at some scale; None: all of it
    seconds: float  # of encoding; 0: it was kept


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a resource may need."""

    settings: Settings
    session: Session
    access: Access
    workers: DecodeWorkers
    uploading: CapacityLimiter  # decodes of strangers' bytes: one decoder less than there are, so that
    decoding: CapacityLimiter  # pictures of the library are decoded while an upload takes its twenty seconds
    encoding: CapacityLimiter  # one: two encoders would only share the same cores
    searching: CapacityLimiter
    watching: CapacityLimiter  # videos that are gone through with a thing in mind, a process each
    refining: CapacityLimiter  # second looks for parts: a second each, so they have no share in the above
    yardstick: Yardstick
    uploads: Uploads
    seen: Recent[str, Looked]  # pictures of the library, by content
    looks: Recent[bytes, Features]  # windows and views that a search for a part encoded, see Recalled
    insights: Recent[Inner, Inside]
    labs: Recent[str, Lab]  # pictures that are edited, by content or upload; around them is nothing yet
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
        decoded = await in_thread(lambda: self._decode(data), self.uploading, MOST_UPLOADS)
        features, seconds = await in_thread(lambda: self._encode(decoded), self.encoding)
        webp = await in_thread(lambda: thumbnail(decoded.pixels, SIDE), self.decoding)
        return Upload(webp, decoded.size, decoded.kind, features, seconds, decoded.shown, content_hash(data))

    def _decode(self, data: bytes) -> Decoded:
        smallest = at_least(self.session.backbone)
        return self.workers.decode(data, where="the picture you sent", at_least=smallest)

    def _encode(self, decoded: Decoded) -> tuple[Features, float]:
        """As the model sees it, its grid laid over the original, and the seconds it took."""
        started = perf_counter()
        features = self.session.backbone.encode([decoded.pixels])[0]
        grid = replace(features.grid, picture=decoded.size)  # the pixels may have come at a reduced scale
        return replace(features, grid=grid), perf_counter() - started

    async def look_at(self, picture: Picture) -> Looked | None:
        """None when its file is not there any more as it was indexed: coordinates would lie elsewhere."""
        kept = self.seen.get(picture.content)
        if kept is not None:
            return replace(kept, seconds=0.0)
        decoded = await in_thread(lambda: self._reread(picture), self.decoding)
        if decoded is None:
            return None
        features, seconds = await in_thread(lambda: self._encode(decoded), self.encoding)
        looked = Looked(features, decoded.shown, seconds)
        self.seen.keep(picture.content, looked)
        return looked

    def reread(self, picture: Picture, side: int) -> Pixels | None:
        """The pixels of a picture of the library, the shorter side at least ``side``; None as ``look_at``."""
        decoded = self._reread(picture, side)
        return None if decoded is None else decoded.pixels

    def _reread(self, picture: Picture, side: int | None = None) -> Decoded | None:
        """At least ``side`` pixels a side, or as many as the model wants."""
        try:
            path = self.session.library.original(picture, Limits.of(self.settings))
            side = side or at_least(self.session.backbone)
            loaded = self.workers.read(path, at_least=side, known=picture.content)
        except (Unreadable, NotAPicture, FaceRefused, ShardSilent):
            return None
        return loaded.decoded if loaded.content == picture.content else None


async def in_thread(work: Callable[[], Result], limiter: CapacityLimiter, most: int | None = None) -> Result:
    """Run blocking work beside the event loop, when the limiter has room.

    Raises:
        ServerBusy: too many wait for that already.
    """
    if limiter.statistics().tasks_waiting >= (MOST_WAITING if most is None else most):
        raise ServerBusy("as many requests wait for that as may: try again in a moment")
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
