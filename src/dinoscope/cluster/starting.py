"""Joining a Ray cluster, or starting one on this machine. Nothing is told to anybody outside of it.

Whoever reaches Ray's ports or its folder can have it run anything. One that is started here therefore listens
on this machine's own address only, and has a folder that nobody else may open.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

from dinoscope.errors import BadRequest, DinoscopeError, MissingExtra, NoClusterThere

KNOCK = 3.0  # seconds until an address must answer
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_LOG_TO_STDERR": "0"}
OURS = {  # of one that is started here
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Ray's name for it: as on a Mac, 127.0.0.1 is the node
    "RAY_worker_niceness": "0",  # of 15, a busy machine would hardly index, and not answer
}
_TOKENS = {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"}  # where else it may be
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_LOGGERS = ("ray", "ray.data", "ray.serve")


@contextmanager
def joined(address: str | None) -> Iterator[None]:
    """Connected to the cluster at an address for as long as the block lasts.

    Args:
        address: ``host:port`` of a cluster's head; None: the one that ``RAY_ADDRESS`` names, else one that
            is started here and ends with the block. Where this process is connected already, that is what
            is used.

    Raises:
        MissingExtra: Ray is not installed.
        NoClusterThere: nothing answers there, or something that this Ray cannot join.
        BadRequest: it is no address.
    """
    there = address or os.environ.get("RAY_ADDRESS")
    for name, value in (QUIET if there else QUIET | OURS).items():  # before Ray is imported
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError:
        raise MissingExtra("--ray needs Ray: pip install 'dinoscope[ray]'") from None
    if ray.is_initialized():
        yield
        return
    if address is not None:
        _knock(address)
    with _own_folder() as private:
        if there is None:
            _make_token()
        options = {"address": there} if there else {"address": "local", "_temp_dir": private}
        try:
            ray.init(**options, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
        except Exception as error:  # noqa: BLE001  some of Ray's are of no other kind
            raise NoClusterThere(
                f"the Ray cluster at {there} cannot be joined ({_first(error)}): {_START}"
                if there
                else f"Ray cannot be started on this machine ({_first(error)}): try again, it may be too busy"
            ) from None
        quiet()
        try:
            yield
        finally:
            ray.shutdown()


def refusal_in(error: BaseException) -> DinoscopeError | None:
    """The refusal that a remote failure is about, None when it is none of ours."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, DinoscopeError):
            return type(seen)(str(seen))
        seen = getattr(seen, "cause", None) or seen.__cause__
    return None


_START = "start one with “ray start --head”, or leave the address out to use this machine"


@contextmanager
def _own_folder() -> Iterator[str]:
    """For sockets, shared objects and logs. Sockets' names must be short, and /tmp is."""
    short = "/tmp" if Path("/tmp").is_dir() else None
    with TemporaryDirectory(prefix="dinoscope-ray-", dir=short, ignore_cleanup_errors=True) as folder:
        yield f"{folder}/ray"  # Ray opens its own to all, so it is inside of one that is not


def _make_token() -> None:
    """Where Ray is to have a token and there is none, it would make one that everybody may read."""
    if os.environ.get("RAY_AUTH_MODE") != "token" or os.environ.keys() & _TOKENS:
        return
    file = Path.home() / ".ray" / "auth_token"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError), os.fdopen(os.open(file, _NEW, 0o600), "w") as token:
        token.write(token_hex(32))


def _knock(address: str) -> None:
    """A cluster that is not there is told at once; Ray would try for a minute."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isdigit() or not host or "/" in host:
        raise BadRequest(
            f"{address!r} is no address of a Ray cluster: give its head's host:port, as 10.0.0.1:6379"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        raise NoClusterThere(f"no Ray cluster answers at {address} ({why}): {_START}") from None


def quiet() -> None:
    """Ray's own progress and logs stay out of the terminal; they are in its folder."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
