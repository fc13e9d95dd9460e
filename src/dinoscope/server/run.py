"""``dinoscope serve``: bind, tell where, serve until asked to stop."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace

import uvicorn
from fastapi import FastAPI

from dinoscope.cluster.opening import opened
from dinoscope.errors import BadRequest, NoLibrary, PortInUse
from dinoscope.library.library import Library
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.connections import Connection
from dinoscope.server.faces import faces_kept_out
from dinoscope.server.memory import Tidy
from dinoscope.server.security import is_loopback
from dinoscope.settings import Settings

BACKLOG = 128
GRACE = 5  # seconds open connections get when the server is asked to stop
SHORTEST_TOKEN = 12  # characters; what a network can try must not be guessable


@dataclass(frozen=True, slots=True)
class Serving:
    """Where the server listens, once it does."""

    url: str  # to open in a browser
    token: str = field(repr=False)  # asked for when not empty
    stop: Callable[[], None]  # end it gracefully, from any thread


def serve(
    settings: Settings, ready: Callable[[Serving], None] = lambda _: None, session: Session | None = None
) -> None:
    """Serve the library until SIGINT, SIGTERM or ``Serving.stop``. A missing library is made, empty.

    The port is bound and the model loaded first, so that ``ready`` is called only when all is well.
    Uvicorn raises the signal again when everything is closed: Ctrl-C ends in KeyboardInterrupt.

    Args:
        ready: called once, in this thread, when connections are taken.
        session: a library opened for reading that stays the caller's; None opens the settings' own.

    Raises:
        PortInUse, BadRequest: the address cannot be bound, or the token is too short for a network.
        NoLibrary, LibraryReadOnly, LibraryDamaged; NoSuchModel, WeightsUnavailable and their like.
    """
    settings = faces_kept_out(guarded(settings), settings.library)
    with closing(Tidy()), bound(settings.host, settings.port) as listener:
        if session is not None:
            _run(settings, session, listener, ready)
        else:
            with Session(open_library(settings), settings) as own:
                _run(settings, own, listener, ready)


def guarded(settings: Settings) -> Settings:
    """The settings with a token, when the server can be reached from other machines.

    Raises:
        BadRequest: the token that was chosen is too short.
    """
    if is_loopback(settings.host) and not settings.token:
        return settings
    if not settings.token:
        return replace(settings, token=secrets.token_urlsafe(24))
    if len(settings.token) < SHORTEST_TOKEN or not settings.token.isascii():
        raise BadRequest(
            f"the token must have {SHORTEST_TOKEN} or more plain characters: leave it out to have one made"
        )
    return settings


def bound(host: str, port: int) -> socket.socket:
    """A socket that holds the address. Port 0 takes any free one.

    Raises:
        PortInUse: another program listens there, or this user may not.
        BadRequest: the host is no address of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError):
        raise BadRequest(f"{host} is no address of this machine: use --host 127.0.0.1") from None
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _unbound(error, host, port) from None
    return listener


def _unbound(error: OSError, host: str, port: int) -> BadRequest | PortInUse:
    if error.errno == errno.EADDRNOTAVAIL:
        return BadRequest(f"{host} is no address of this machine: use --host 127.0.0.1")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return PortInUse(f"this user may not listen on port {port} of {host}: choose one with --port 7766")
    return PortInUse(
        f"port {port} of {host} is in use, perhaps by another dinoscope: "
        "stop that one, or choose another port with --port (--port 0 takes any free one)"
    )


def open_library(settings: Settings) -> Library:
    """Open the settings' library for reading; make an empty one where there is none."""
    try:
        return opened(settings.library)
    except NoLibrary:
        Library.open(settings.library, write=True).close()
        return Library.open(settings.library)


def _run(
    settings: Settings, session: Session, listener: socket.socket, ready: Callable[[Serving], None]
) -> None:
    _ = session.backbone  # a model that cannot be loaded is better told now than at the first search
    app = create_app(settings, session)
    server = _Server(app)
    address = Serving(_url(settings.host, listener), settings.token, server.stop)
    server.on_start = lambda: ready(address)
    server.run(sockets=[listener])


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    if host in {"0.0.0.0", "::", ""}:  # every interface: name one that other machines can use
        host = socket.gethostname()
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


class _Server(uvicorn.Server):
    """Uvicorn, which tells when it listens and ends event streams before it waits for connections."""

    def __init__(self, app: FastAPI) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # else a header could claim to come from this machine
                server_header=False,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE,
            )
        )
        self._app = app
        self.on_start: Callable[[], None] = lambda: None

    def stop(self) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.parts.jobs.stop()
        self._app.state.parts.closing.set()
        await super().shutdown(sockets)
