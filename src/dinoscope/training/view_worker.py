"""The other end of ViewWorkers: one process that makes the views it is sent orders for."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from dinoscope.pictures.frames import Header, receive, send
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.worker import GRACE, alarm, confine, private_stdout
from dinoscope.training.items import Item
from dinoscope.training.kept import Kept
from dinoscope.training.recipe import Crops
from dinoscope.training.viewing import Order, room_for, view_all


def main() -> None:
    """Serve orders from stdin until it ends, as it does when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    try:
        _serve(sys.stdin.buffer, private_stdout())
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone; nothing to flush to


def _serve(orders: BinaryIO, out: BinaryIO) -> None:
    told = receive(orders, 0)[0]
    limits, kept = Limits(**told["limits"]), kept_of(told["kept"])
    confine(limits)
    send(out, {"ready": True})
    while True:
        order = order_of(receive(orders, 0)[0])
        # A picture that hangs the decoder ends the process; the parent then asks for each one singly.
        alarm(limits.max_seconds * sum(len(items) for items in order.pictures) + GRACE)
        views = room_for(order.crops, len(order.pictures))
        failed = view_all(order, limits, views, kept)
        alarm(0)
        send(out, {"failed": list(failed.items())}, *(view.data.cast("B") for view in views))


def settled(limits: Limits, kept: Kept | None) -> Header:
    """What a worker is told first, as JSON."""
    where = [os.fspath(kept.path), kept.side, kept.slots] if kept else None
    return {"limits": asdict(limits), "kept": where}


def kept_of(where: list[Any] | None) -> Kept | None:
    """What ``settled`` says of the kept pictures, opened; without them if that fails."""
    try:
        return Kept(Path(where[0]), where[1], where[2]) if where else None
    except OSError:
        return None


def header_of(order: Order) -> Header:
    """An order as JSON."""
    return {
        "seed": order.seed,
        "step": order.step,
        "first": order.first,
        "crops": {name: getattr(order.crops, name) for name in Crops.__slots__},
        "pictures": [
            [[os.fspath(item.path), item.offset, item.length, item.name, item.number] for item in items]
            for items in order.pictures
        ],
    }


def order_of(header: Header) -> Order:
    """The order that ``header_of`` wrote."""
    crops: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in header["crops"].items()
    }
    pictures = tuple(tuple(Item(Path(path), *rest) for path, *rest in items) for items in header["pictures"])
    return Order(header["seed"], header["step"], header["first"], Crops(**crops), pictures)
