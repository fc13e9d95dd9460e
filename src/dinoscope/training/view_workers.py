"""Views made in processes of their own, several at a time, which may die without harm to the training."""

from __future__ import annotations

import queue
from contextlib import suppress
from dataclasses import asdict
from threading import Lock
from typing import BinaryIO, cast

import numpy as np

from dinoscope.errors import Unreadable
from dinoscope.pictures.frames import receive, send
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.workers import start_process
from dinoscope.training.crops import sizes_of
from dinoscope.training.view_worker import header_of
from dinoscope.training.viewing import Order, Views, empty_views

_LIVES = 20  # deaths in a run after which something other than a picture must be wrong


class ViewWorkers:
    """``count`` processes without torch. ``view_all`` may be called from as many threads.

    Views come back through pipes rather than shared memory: two copies, 0.3 ms for the largest recipe's
    views of one picture, which take ten times that to make; and nothing is left behind by a kill, nor
    does a container's small /dev/shm end the run. The processes end when this one does, however it ends.
    """

    def __init__(self, count: int, limits: Limits) -> None:
        self._limits = limits
        self._lock = Lock()
        self._deaths = 0
        self._closed = False
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: set[_Worker] = set()
        for _ in range(max(1, count)):
            self._idle.put(self._start())

    def close(self) -> None:
        """End every process at once; an order under way in another thread fails."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.end()

    def view_all(self, order: Order) -> Views:
        """``training.viewing.view_all``, done again when the process dies of something else.

        The second death splits the order; a picture that costs two processes by itself is at fault and
        fails like any other that cannot be read.

        Raises:
            Unreadable: processes die whatever they are asked.
        """
        for _ in range(2):
            views = self._ask(order)
            if views is not None:
                return views
        if len(order.pictures) == 1:
            where = order.pictures[0][0].where
            return Views(
                empty_views(order.crops, 1), {0: f"{where} made the decoder fail: restore it or skip it"}
            )
        parts = [self.view_all(order.single(number)) for number in range(len(order.pictures))]
        return Views(
            [np.concatenate(kind) for kind in zip(*(part.pixels for part in parts), strict=True)],
            {number: part.failed[0] for number, part in enumerate(parts) if part.failed},
        )

    def _ask(self, order: Order) -> Views | None:
        """The views, or None if the process died of it; another one then stands ready."""
        worker = self._idle.get()
        try:
            return worker.ask(order)
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            worker = self._replaced(worker)
            return None
        finally:
            self._idle.put(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self._limits)
        with self._lock:
            self._all.add(worker)
        return worker

    def _replaced(self, worker: _Worker) -> _Worker:
        worker.end()
        with self._lock:
            self._all.discard(worker)
            self._deaths += 1
            deaths, closed = self._deaths, self._closed
        if closed:
            raise Unreadable("the training has ended: its pictures are no longer read")
        if deaths > _LIVES:
            raise Unreadable(
                f"{deaths} processes that read the pictures have died, perhaps of too little memory: "
                "ask for fewer --workers, or for --workers 0 to read without them"
            )
        return self._start()


class _Worker:
    """One process and the pipes to it. Used by one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        self._process = start_process("dinoscope.training.view_worker")
        self._limits = limits
        self._ready = False

    @property
    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)

    def ask(self, order: Order) -> Views:
        """One frame there and one back.

        Raises:
            EOFError, OSError: the process is gone.
            ValueError, KeyError, TypeError: its answer makes no sense.
        """
        to, back = self._pipes
        if not self._ready:
            send(to, {"limits": asdict(self._limits)})
            receive(back, 0)
            self._ready = True
        send(to, header_of(order))
        count, sizes = len(order.pictures), sizes_of(order.crops)
        header, bodies = receive(back, count * sum(3 * size**2 for size in sizes))
        pixels = [
            np.frombuffer(body, np.uint8).reshape(count, size, size, 3)
            for body, size in zip(bodies, sizes, strict=True)
        ]
        return Views(pixels, {int(number): str(sentence) for number, sentence in header["failed"]})

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            with suppress(OSError):  # unsent bytes to a process that is gone
                pipe.close()
