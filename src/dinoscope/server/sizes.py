"""How much a request may send. Counted while it arrives, so that a chunked one cannot hide its length."""

from __future__ import annotations

import asyncio
from time import monotonic

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dinoscope.errors import PictureTooLarge
from dinoscope.server.problems import problem

SMALL = 64 * 2**10  # bytes of a JSON body, and of the envelope around an uploaded picture
PICTURES = ("/api/v1/queries", "/api/v1/search", "/api/v1/objects/see")  # the paths that take a picture
# those that take masks in JSON, or another file, and bytes of it
MASKS = {
    "/api/v1/search/region": 8 * 2**20,
    "/api/v1/objects": 5 * 8 * 2**20,
    "/api/v1/objects/outline": 5 * 8 * 2**20,
    "/api/v1/objects/import": 64 * 2**20,
}
LINGER_SECONDS, LINGER_BYTES = 1.0, 16 * 2**20  # how long a refused sender is still listened to


class ByteCounter:
    """ASGI middleware: answers 413 as soon as a body is known to be too long, and keeps none of it."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        limit = SMALL + self._most(scope)
        declared = Headers(scope=scope).get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > limit:
            return await self._refuse(scope, receive, send)
        counter = _Counting(limit, receive, send)
        try:
            await self._app(scope, counter.receive, counter.send)
        except PictureTooLarge:
            if not counter.exceeded:
                raise
        if counter.exceeded and not counter.started:
            await self._refuse(scope, receive, send)
        return None

    def _most(self, scope: Scope) -> int:
        """Bytes that may come beside the envelope."""
        return self._max_bytes if scope["path"] in PICTURES else MASKS.get(scope["path"], 0)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, then listen a little: closing at once resets the connection and loses the answer."""
        most = self._most(scope) or SMALL
        sentence = f"the request is larger than the {most:,} bytes this server takes: send a smaller picture"
        answer = problem(413, PictureTooLarge.title, sentence, scope["path"], {"Connection": "close"})
        await send({"type": "http.response.start", "status": 413, "headers": answer.raw_headers})
        await send({"type": "http.response.body", "body": bytes(answer.body), "more_body": True})
        await _listen(receive)
        await send({"type": "http.response.body", "body": b""})


class _Counting:
    """The two ends of one request: raises when too much came in, and mutes what is answered after that."""

    def __init__(self, limit: int, receive: Receive, send: Send) -> None:
        self.exceeded = False
        self.started = False
        self._left = limit
        self._receive = receive
        self._send = send

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.exceeded = True
            raise PictureTooLarge("the request is too large: send a smaller picture")
        return message

    async def send(self, message: Message) -> None:
        if self.exceeded and not self.started:
            return  # whatever the application makes of the broken stream
        self.started = True
        await self._send(message)


async def _listen(receive: Receive) -> None:
    """Take and drop what still arrives, within bounds."""
    until, left = monotonic() + LINGER_SECONDS, LINGER_BYTES
    while left > 0 and (seconds := until - monotonic()) > 0:
        try:
            message = await asyncio.wait_for(receive(), seconds)
        except TimeoutError:
            return
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return
