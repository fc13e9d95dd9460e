"""Decode in processes of their own, which may run out of memory or time without harm to ours."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock, Timer
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import dinoscope
from dinoscope import errors
from dinoscope.errors import DinoscopeError, NotAPicture, PictureTooLarge
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.naming import shown
from dinoscope.pictures.worker import decoded_of, receive, send


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A picture file as an indexer needs it, all from one reading of the file."""

    content: str  # hex of the content hash
    thumbnail: bytes | None  # WebP
    decoded: Decoded
    modified_ns: int
    bytes: int


class DecodeWorkers:
    """``count`` decoding processes. A context manager; its methods may be called from many threads.

    A process that crashes, hangs or outgrows its memory costs one refusal and is replaced. Start-up is
    not waited for: a process needs about 0.3 s to import Pillow, while the caller goes on.
    """

    def __init__(self, count: int, limits: Limits) -> None:
        self._limits = limits
        self._idle: queue.LifoQueue[_Worker] = queue.LifoQueue()
        self._all: set[_Worker] = set()
        self._lock = Lock()
        self._closed = False
        for _ in range(max(1, count)):
            self._idle.put(self._start())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process at once; a call still under way in another thread is refused."""
        with self._lock:
            self._closed = True
            workers, self._all = self._all, set()
        for worker in workers:
            worker.end()

    def decode(self, data: bytes, *, where: str, at_least: int | None = None) -> Decoded:
        """``pictures.decoding.decode``, also under the time limit.

        Raises:
            NotAPicture, PictureTooLarge, MissingExtra: as ``decode`` does.
        """
        request = {"read": False, "where": where, "at_least": at_least, "thumbnail": None}
        header, bodies = self._ask(request, data)
        return decoded_of(header, bodies[0])

    def read(self, path: Path, *, at_least: int | None = None, thumbnail: int | None = None) -> Loaded:
        """Read, hash and decode a file, and make a thumbnail of ``thumbnail`` pixels where asked.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge, MissingExtra: with the path in the sentence.
        """
        request = {"read": True, "where": shown(path), "at_least": at_least, "thumbnail": thumbnail}
        header, (pixels, small) = self._ask(request, os.fsencode(path))
        return Loaded(
            content=header["content"],
            thumbnail=small or None,
            decoded=decoded_of(header, pixels),
            modified_ns=header["modified_ns"],
            bytes=header["bytes"],
        )

    def _ask(self, request: dict[str, Any], body: bytes) -> tuple[dict[str, Any], list[bytes]]:
        worker = self._idle.get()
        try:
            header, bodies = worker.ask(request, body, self._limits.max_seconds)
        except DinoscopeError:
            worker = self._replaced(worker)
            raise
        finally:
            self._idle.put(worker)
        if "error" in header:
            raise cast(type[DinoscopeError], getattr(errors, header["error"]))(header["sentence"])
        return header, bodies

    def _start(self) -> _Worker:
        worker = _Worker(self._limits)
        with self._lock:
            self._all.add(worker)
        return worker

    def _replaced(self, worker: _Worker) -> _Worker:
        worker.end()
        with self._lock:
            self._all.discard(worker)
            closed = self._closed
        return worker if closed else self._start()


class _Worker:
    """One process and the pipes to it. Used by one thread at a time."""

    def __init__(self, limits: Limits) -> None:
        home = str(Path(dinoscope.__file__).parents[1])
        path = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        # -P: a folder of pictures may hold a file named PIL.py; it must not be imported.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "dinoscope.pictures.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )
        self._timed_out = False
        self._greeted = False
        self._limits = limits

    @property
    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)

    def ask(self, request: dict[str, Any], body: bytes, seconds: float) -> tuple[dict[str, Any], list[bytes]]:
        """One frame there and one back.

        Raises:
            PictureTooLarge: no answer within ``seconds``; the process was ended.
            NotAPicture: the process died of the picture.
        """
        to, back = self._pipes
        # A first answer may have to wait for the imports, on a busy machine for some seconds.
        watch = Timer(seconds if self._greeted else seconds + 10.0, self._give_up)
        watch.daemon = True
        watch.start()
        try:
            if not self._greeted:
                send(to, {"limits": asdict(self._limits)})
            send(to, request, body)
            reply = receive(back)
            self._greeted = True
            return reply
        except (EOFError, OSError, ValueError):
            where = request["where"]
            if self._timed_out:
                raise PictureTooLarge(
                    f"{where} took longer than {seconds:g} s to decode: make it smaller or raise max_seconds"
                ) from None
            raise NotAPicture(f"{where} made the decoder fail: restore it or skip it") from None
        finally:
            watch.cancel()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in self._pipes:
            with suppress(OSError):  # unsent bytes to a process that is gone
                pipe.close()

    def _give_up(self) -> None:
        self._timed_out = True
        self._process.kill()
