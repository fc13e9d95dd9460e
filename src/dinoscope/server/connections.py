"""Connections that are bounded: how many, how long a request's head may take, how long nobody may read."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from dinoscope.server.security import HEADERS

MOST = 1000  # open at once; a page takes six
HEAD_SECONDS = 15.0  # for the first line and the headers, from the connection or their first byte on
READ_SECONDS = 60.0  # that an answer may wait for its reader
LINGER_SECONDS = 10.0  # for the last bytes of an answer, once the connection is to be closed

_FULL = b"The server has as many connections as it can take.\n"


class Connection(H11Protocol):
    """Uvicorn's, which otherwise waits for ever for a head, a reader, or the end of a body nobody wants."""

    _head: asyncio.TimerHandle | None = None
    _reader: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """One more; too many are told so and closed."""
        super().connection_made(transport)
        if len(self.connections) > MOST:
            transport.write(
                b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nConnection: close\r\n"
                b"Content-Type: text/plain; charset=utf-8\r\n"
                + b"".join(f"{name}: {value}\r\n".encode() for name, value in HEADERS.items())
                + b"Content-Length: %d\r\n\r\n%b" % (len(_FULL), _FULL)
            )
            self._end()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        """A head has begun, goes on or ends."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        self._await_head()

    def on_response_complete(self) -> None:
        """A connection that is to be closed is not waited for."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_later()

    def connection_lost(self, exc: Exception | None) -> None:
        """No timer outlives it."""
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        for timer in (self._head, self._reader):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        """The reader is behind: so long it may be."""
        super().pause_writing()
        self._reader = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader has caught up."""
        super().resume_writing()
        if self._reader is not None:
            self._reader.cancel()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def send_400_response(self, msg: str) -> None:
        """As Uvicorn does, with the headers that every answer has, and never into another answer."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            headers += [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
            for event in (
                h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
                h11.Data(data=msg.encode()),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self._end()

    def _await_head(self) -> None:
        """Between requests a head may take so long, and so may the rest of a body that was answered early."""
        busy = self.cycle is not None and not self.cycle.response_complete
        if busy or self.transport.is_closing():
            if self._head is not None:
                self._head.cancel()
                self._head = None
        elif self._head is None and not self._idle():
            self._head = self.loop.call_later(HEAD_SECONDS, self._end)

    def _idle(self) -> bool:
        """After an answer, and nothing of the next request is here: keep-alive's own time runs."""
        return self.timeout_keep_alive_task is not None

    def _end(self) -> None:
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)
