"""Views made in processes of their own, several at a time, which may die without harm to the training."""

from __future__ import annotations

import queue
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import Lock
from typing import BinaryIO, cast

from dinoscope.errors import Unreadable
from dinoscope.features import Pixels
from dinoscope.pictures.frames import Header, receive, receive_into, send
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.workers import start_process
from dinoscope.training.kept import Kept
from dinoscope.training.view_worker import header_of, settled
from dinoscope.training.viewing import Failed, Order, rows_of

_LIVES = 20  # deaths in a run after which something other than a picture must be wrong


class ViewWorkers:
    """``count`` processes without torch. ``view_all`` may be called from as many threads.

    Views come back through pipes, straight into the batch, rather than through shared memory: it costs
    one more copy than that, and nothing is left behind by a kill, nor does a container's small /dev/shm
    end the run. The processes end when this one does, however it ends.
    """

    def __init__(self, count: int, limits: Limits, kept: Kept | None = None) -> None:
        self._settled = settled(limits, kept)
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

    def view_all(self, order: Order, into: Sequence[Pixels]) -> Failed:
        """``training.viewing.view_all``, done again when the process dies of something else.

        The second death splits the order; a picture that costs two processes by itself is at fault and
        fails like any other that cannot be read.

        Raises:
            Unreadable: processes die whatever they are asked.
        """
        for _ in range(2):
            failed = self._ask(order, into)
            if failed is not None:
                return failed
        if len(order.pictures) == 1:
            where = order.pictures[0][0].where
            return {0: f"{where} made the decoder fail: restore it or skip it"}
        return {
            number: sentence
            for number in range(len(order.pictures))
            for sentence in self.view_all(order.single(number), rows_of(into, number, number + 1)).values()
        }

    def _ask(self, order: Order, into: Sequence[Pixels]) -> Failed | None:
        """What failed, or None if the process died of it; another one then stands ready."""
        worker = self._idle.get()
        try:
            return worker.ask(order, into)
        except (EOFError, OSError, ValueError, KeyError, TypeError):
            worker = self._replaced(worker)
            return None
        finally:
            self._idle.put(worker)

    def _start(self) -> _Worker:
        worker = _Worker(self._settled)
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

    def __init__(self, told: Header) -> None:
        self._process = start_process("dinoscope.training.view_worker")
        _widen(self._pipes[1])
        self._told = told
        self._ready = False

    @property
    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)

    def ask(self, order: Order, into: Sequence[Pixels]) -> Failed:
        """One frame there and one back.

        Raises:
            EOFError, OSError: the process is gone.
            ValueError, KeyError, TypeError: its answer makes no sense.
        """
        to, back = self._pipes
        if not self._ready:
            send(to, self._told)
            receive(back, 0)
            self._ready = True
        send(to, header_of(order))
        header = receive_into(back, [view.data.cast("B") for view in into])
        return {int(number): str(sentence) for number, sentence in header["failed"]}

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            with suppress(OSError):  # unsent bytes to a process that is gone
                pipe.close()


def _widen(pipe: BinaryIO) -> None:
    """Room for the views of two pictures instead of 64 KB: reader and writer wait less for each other."""
    if sys.platform == "linux":
        import fcntl

        with suppress(OSError):  # a system may allow less
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)
