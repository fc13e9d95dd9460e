"""How much the server takes on at once. What is beyond is refused at once, with the seconds to wait.

Per request ``sizes`` bounds what is sent; here it is bounded together: requests under way, event streams,
bytes of uploads in memory, and how long a sender may take.
"""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dinoscope.errors import ServerBusy, TooSlow
from dinoscope.server.problems import problem_of

REQUESTS = 256  # under way at once; a browser keeps six connections
STREAMS = 64  # of events; each is a listener that may stay for hours
STREAM_PATHS = "/events"  # how their paths end
SILENCE = 20.0  # seconds in which nothing of a body arrives
PATIENCE = 30.0  # seconds any body may take, and
SLOWEST = 16 * 2**10  # bytes a second beyond them
LEAST_ROOM = 64 * 2**20  # bytes of bodies held at once, if the largest allowed picture is smaller

_BUSY = "the server has as much to do as it can take: try again in a moment"
_LISTENED = "too many pages listen for events already: close some, or try again later"
_SLOW = "the request took too long to arrive: send it again over a better connection"


class Turnstile:
    """ASGI middleware: answers 429 with Retry-After when full, and 408 to who sends too slowly."""

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        *,
        requests: int = REQUESTS,
        streams: int = STREAMS,
        silence: float = SILENCE,
        patience: float = PATIENCE,
    ) -> None:
        self._app = app
        self._room = max(max_bytes, LEAST_ROOM)
        self._most = {False: requests, True: streams}
        self._inside = {False: 0, True: 0}
        self._held = 0  # bytes
        self._silence, self._patience = silence, patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        streams = scope["path"].endswith(STREAM_PATHS)
        if self._inside[streams] >= self._most[streams]:
            busy = ServerBusy(_LISTENED if streams else _BUSY)
            return await problem_of(busy, scope["path"])(scope, receive, send)
        self._inside[streams] += 1
        body = _Body(self, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except (ServerBusy, TooSlow) as refused:
            if refused is not body.refused or body.started:
                raise
        finally:
            self._inside[streams] -= 1
            self._held -= body.held
        if body.refused is not None and not body.started:
            # what is left of the body is not waited for
            answer = problem_of(body.refused, scope["path"], {"Connection": "close"})
            await answer(scope, receive, send)
        return None

    def hold(self, count: int) -> bool:
        """Room for so many bytes more? They are let go with their request."""
        if self._held + count > self._room:
            return False
        self._held += count
        return True

    def allowed(self, received: int, since: float) -> float:
        """Seconds that may pass until more of a body arrives."""
        return min(self._silence, since + self._patience + received / SLOWEST - monotonic())


class _Body:
    """The two ends of one request: raises when its body finds no room or takes too long."""

    def __init__(self, turnstile: Turnstile, receive: Receive, send: Send) -> None:
        self.refused: ServerBusy | TooSlow | None = None
        self.started = False
        self.held = 0
        self._turnstile = turnstile
        self._receive, self._send = receive, send
        self._whole = False
        self._since = monotonic()

    async def receive(self) -> Message:
        if self._whole:  # from now on it is only waited for the client's end
            return await self._receive()
        try:
            seconds = self._turnstile.allowed(self.held, self._since)
            async with asyncio.timeout(max(0.0, seconds)):
                message = await self._receive()
        except TimeoutError:
            self.refused = TooSlow(_SLOW)
            raise self.refused from None
        count = len(message.get("body", b""))
        if not self._turnstile.hold(count):
            self.refused = ServerBusy(_BUSY)
            raise self.refused
        self.held += count
        self._whole = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        if self.refused is not None and not self.started:
            return  # whatever the application makes of the broken body
        self.started = True
        await self._send(message)
