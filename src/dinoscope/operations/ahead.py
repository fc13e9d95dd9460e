"""Read and decode pictures ahead of the encoder, within a bounded memory."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import Protocol, Self

from dinoscope.errors import AVideo, DinoscopeError
from dinoscope.operations.scouting import Found
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.naming import shown
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.workers import Loaded, Passed, Seen

LOOK_AHEAD = 48  # pictures asked for at once
MEMORY = 192 * 2**20  # bytes of decoded pixels held at once, beside one picture per worker


@dataclass(frozen=True, slots=True)
class Ready:
    """A picture that was read and decoded. Its pixels count against the memory until ``release``."""

    found: Found
    loaded: Loaded
    film: FilmFacts | None = None  # of the video it is a frame of, of which more is to come

    @property
    def weight(self) -> int:
        return self.loaded.decoded.pixels.nbytes


@dataclass(frozen=True, slots=True)
class Watched:
    """A video whose frames have all come."""

    found: Found
    film: FilmFacts
    seen: Seen
    contents: frozenset[str]  # of its frames


class Reader(Protocol):
    """What is needed of pictures.workers.DecodeWorkers."""

    def read(self, path: Path, *, at_least: int | None, thumbnail: int | None) -> Loaded: ...


class Watcher(Protocol):
    """What is needed of them for videos."""

    def watch(
        self, path: Path, *, at_least: int | None, thumbnail: int | None
    ) -> Iterator[FilmFacts | Loaded | Passed | Seen]: ...


class ReadAhead:
    """Keeps up to ``depth`` pictures in flight in the decode workers. A context manager.

    Results come in whatever order they are ready. A worker that has a picture waits while ``memory``
    bytes of decoded pixels are in use, so the peak is ``memory`` plus one picture per worker.
    """

    def __init__(
        self,
        reader: Reader,
        threads: int,
        watcher: Watcher | None = None,
        *,
        at_least: int | None,
        thumbnail: int | None,
        depth: int = LOOK_AHEAD,
        memory: int = MEMORY,
    ) -> None:
        """``watcher`` goes through videos; without one they are refused as what they are."""
        self._reader = reader
        self._watcher = watcher
        self._at_least = at_least
        self._thumbnail = thumbnail
        self._depth = depth
        self._budget = _Budget(memory)
        self._done: queue.SimpleQueue[Ready | Watched | Refusal | BaseException] = queue.SimpleQueue()
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

    def take(self, timeout: float = 0.0) -> Ready | Watched | Refusal | None:
        """One that is ready; None when there is none within ``timeout`` seconds."""
        try:
            result = self._done.get(timeout=timeout) if timeout else self._done.get_nowait()
        except queue.Empty:
            return None
        self._in_flight -= not (isinstance(result, Ready) and result.film is not None)
        if isinstance(result, BaseException):
            raise result
        return result

    def release(self, ready: Ready) -> None:
        """Its pixels are no longer needed."""
        self._budget.give(ready.weight)

    def _read(self, found: Found) -> None:
        try:
            try:
                loaded = self._reader.read(found.path, at_least=self._at_least, thumbnail=self._thumbnail)
            except AVideo:
                if self._watcher is None:
                    raise
                self._done.put(self._watch(found, self._watcher))
            else:
                self._give(Ready(found, loaded))
        except DinoscopeError as error:
            self._done.put(Refusal(found.path, str(error)))
        except BaseException as error:  # noqa: BLE001  a bug: re-raised by take() in the indexing thread
            self._done.put(error)

    def _watch(self, found: Found, watcher: Watcher) -> Watched | Refusal:
        """Each frame as a picture; what is left to say when they have all come."""
        film: FilmFacts | None = None
        contents: set[str] = set()
        for step in watcher.watch(found.path, at_least=self._at_least, thumbnail=self._thumbnail):
            if isinstance(step, FilmFacts):
                film = step
            elif isinstance(step, Loaded):
                contents.add(step.content)
                self._give(Ready(found, step, film))
            elif isinstance(step, Seen) and film is not None and contents:
                return Watched(found, film, step, frozenset(contents))
        return Refusal(
            found.path,
            f"every moment of {shown(found.path)} looks like a human face, and faces are kept out here, so "
            "nothing of it was kept",
        )

    def _give(self, ready: Ready) -> None:
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
