"""Read and decode pictures ahead of the encoder, within a bounded memory."""

from __future__ import annotations

import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Protocol, Self

from dinoscope.errors import DinoscopeError
from dinoscope.operations.scouting import Found
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.workers import Loaded

LOOK_AHEAD = 48  # pictures asked for at once
MEMORY = 192 * 2**20  # bytes of decoded pixels held at once, beside one picture per worker


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that was read and decoded. Its pixels count against the memory until ``release``."""

    found: Found
    loaded: Loaded

    @property
    def weight(self) -> int:
        return self.loaded.decoded.pixels.nbytes


class Reader(Protocol):
    """What is needed of pictures.workers.DecodeWorkers."""

    def read(self, path: Path, *, at_least: int | None, thumbnail: int | None) -> Loaded: ...


class ReadAhead:
    """Keeps up to ``depth`` pictures in flight in the decode workers. A context manager.

    Results come in whatever order they are ready. A worker that has a picture waits while ``memory``
    bytes of decoded pixels are in use, so the peak is ``memory`` plus one picture per worker.
    """

    def __init__(
        self,
        reader: Reader,
        threads: int,
        *,
        at_least: int | None,
        thumbnail: int | None,
        depth: int = LOOK_AHEAD,
        memory: int = MEMORY,
    ) -> None:
        self._reader = reader
        self._at_least = at_least
        self._thumbnail = thumbnail
        self._depth = depth
        self._budget = _Budget(memory)
        self._done: queue.SimpleQueue[Ready | Refusal | BaseException] = queue.SimpleQueue()
        self._in_flight = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="dinoscope-read")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._budget.close()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __len__(self) -> int:
        """Pictures asked for and not yet taken."""
        return self._in_flight

    @property
    def has_room(self) -> bool:
        return self._in_flight < self._depth

    def ask(self, found: Found) -> None:
        self._in_flight += 1
        self._pool.submit(self._read, found)

    def take(self, timeout: float = 0.0) -> Ready | Refusal | None:
        """One that is ready; None when there is none within ``timeout`` seconds."""
        try:
            result = self._done.get(timeout=timeout) if timeout else self._done.get_nowait()
        except queue.Empty:
            return None
        self._in_flight -= 1
        if isinstance(result, BaseException):
            raise result
        return result

    def release(self, ready: Ready) -> None:
        """Its pixels are no longer needed."""
        self._budget.give(ready.weight)

    def _read(self, found: Found) -> None:
        try:
            loaded = self._reader.read(found.path, at_least=self._at_least, thumbnail=self._thumbnail)
        except DinoscopeError as error:
            self._done.put(Refusal(found.path, str(error)))
        except BaseException as error:  # noqa: BLE001  a bug: re-raised by take() in the indexing thread
            self._done.put(error)
        else:
            ready = Ready(found, loaded)
            self._budget.take(ready.weight)
            self._done.put(ready)


class _Budget:
    """Bytes in use. One picture larger than all of it is let through alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._closed = False
        self._changed = Condition()

    def take(self, amount: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or self._used == 0 or self._used + amount <= self._limit
            )
            self._used += amount

    def give(self, amount: int) -> None:
        with self._changed:
            self._used -= amount
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
