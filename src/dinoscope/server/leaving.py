"""Noticing that nobody waits for an answer any more, so that its work can end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from threading import Event

from fastapi import Request

EVERY = 0.1  # seconds between two looks


@asynccontextmanager
async def watched(request: Request) -> AsyncIterator[Callable[[], bool]]:
    """Yields what a working thread may ask: has the client hung up?

    The body must have been read before: what is looked for comes after it.
    """
    gone = Event()

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(EVERY)
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone.is_set
    finally:
        watching.cancel()
