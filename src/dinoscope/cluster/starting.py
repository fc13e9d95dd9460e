"""Joining a Ray cluster, or starting one on this machine. Nothing is told to anybody outside of it."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from dinoscope.errors import BadRequest, DinoscopeError, MissingExtra, NoClusterThere

KNOCK = 3.0  # seconds until an address must answer
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_SERVE_LOG_TO_STDERR": "0"}
_LOGGERS = ("ray", "ray.data", "ray.serve")


@contextmanager
def joined(address: str | None) -> Iterator[None]:
    """Connected to the cluster at an address for as long as the block lasts.

    Args:
        address: ``host:port`` of a cluster's head; None: the one that ``RAY_ADDRESS`` names or that runs on
            this machine, else one that is started here and ends with the block. Where this process is
            connected already, that is what is used.

    Raises:
        MissingExtra: Ray is not installed.
        NoClusterThere: nothing answers there, or something that this Ray cannot join.
        BadRequest: it is no address.
    """
    for name, value in QUIET.items():
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
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        where = address or os.environ.get("RAY_ADDRESS") or "this machine"
        raise NoClusterThere(
            f"the Ray cluster at {where} cannot be joined ({_first(error)}): {_START}"
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
    """Ray's own progress and logs stay out of the terminal; they are in its folder below /tmp/ray."""
    for name in _LOGGERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _first(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
