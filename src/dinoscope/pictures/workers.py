"""Decode in processes of their own, which may run out of memory or time without harm to ours."""

from __future__ import annotations

import json
import os
import queue
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Lock, Timer
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeAlias, TypeVar, cast

import dinoscope
from dinoscope.errors import (
    AVideo,
    BadRequest,
    DinoscopeError,
    FaceRefused,
    FacesUnchecked,
    MissingExtra,
    NotAPicture,
    PictureTooLarge,
    Unreadable,
)
from dinoscope.geometry import Mask, Size
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.frames import Bodies, Header, decoded_of, facts_of, mask_of_bits, receive, send
from dinoscope.pictures.gate import Trust
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.naming import shown
from dinoscope.pictures.reading import too_many_bytes
from dinoscope.pictures.stills import Stretch

_T = TypeVar("_T")

_START_SECONDS = 60.0  # for the imports, 0.3 s on an idle machine
_REFUSALS: dict[str, type[DinoscopeError]] = {
    kind.__name__: kind
    for kind in (
        AVideo,
        BadRequest,
        FaceRefused,
        FacesUnchecked,
        MissingExtra,
        NotAPicture,
        PictureTooLarge,
        Unreadable,
    )
}
# Exactly our own search path, in its order. Not -m: a folder of pictures may hold a file named PIL.py.
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from importlib import import_module; import_module(sys.argv[2]).main()"
)
# Programs are found, libraries loaded and text read as here. Of Dinoscope's own the cache's place.
_TOLD = re.compile(
    r"(PATH|HOME|USERPROFILE|LANG|LC_\w+|TZ|TMP|TEMP|TMPDIR|SYSTEMROOT|WINDIR|LD_\w+|DYLD_\w+|PYTHON\w+|"
    r"DINOSCOPE_(CACHE|OFFLINE))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A picture file as an indexer needs it, all from one reading of the file; or a frame of a video."""

    content: str  # hex of the content hash
    thumbnail: bytes | None  # WebP
    decoded: Decoded
    modified_ns: int
    bytes: int
    second: float | None = None  # of the video, where it is a frame
    steady: float = 0.0  # up to which nothing had changed since the frame before


@dataclass(frozen=True, slots=True)
class Passed:
    """A video was gone through up to a second."""

    second: float
    steady: float  # as of a frame


@dataclass(frozen=True, slots=True)
class Seen:
    """A video was gone through to its end."""

    second: float  # of its last frame
    steady: float  # as of a frame
    hidden: int  # frames that were worth keeping and look like human faces, which are kept out
    note: str | None  # a sentence where it is not as it should be


Step: TypeAlias = FilmFacts | Loaded | Passed | Seen  # of going through a video


class DecodeWorkers:
    """``count`` decoding processes. A context manager; its methods may be called from many threads.

    A process that crashes, hangs or outgrows its memory costs one refusal and is replaced. Start-up is
    not waited for: a process needs about 0.3 s to import Pillow, while the caller goes on. They end when
    this process does, however it ends, and Ctrl-C in a terminal does not reach them.
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

    def decode(
        self, data: bytes, *, where: str, at_least: int | None = None, trust: Trust = "stranger"
    ) -> Decoded:
        """``pictures.decoding.decode``, also under the time limit.

        Raises:
            NotAPicture, PictureTooLarge, MissingExtra, FaceRefused, FacesUnchecked: as ``decode`` does.
        """
        return self.load(data, where=where, at_least=at_least, trust=trust).decoded

    def load(
        self,
        data: bytes,
        *,
        where: str,
        at_least: int | None = None,
        thumbnail: int | None = None,
        modified_ns: int = 0,
        trust: Trust = "stranger",
    ) -> Loaded:
        """``read`` of bytes that are in memory."""
        if len(data) > self._limits.max_bytes:
            raise too_many_bytes(where, len(data), self._limits)
        request = {"read": False, "where": where, "at_least": at_least, "thumbnail": thumbnail}
        request |= {"modified_ns": modified_ns, "trust": trust, "known": None}
        return self._ask(request, data, _loaded_of)

    def read(
        self,
        path: Path,
        *,
        at_least: int | None = None,
        thumbnail: int | None = None,
        known: str | None = None,
    ) -> Loaded:
        """Read, hash and decode a file, and make a thumbnail of ``thumbnail`` pixels where asked.

        Args:
            known: content that has passed the gate before; other bytes are a stranger's.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge, MissingExtra, FaceRefused, FacesUnchecked: with the
                path in the sentence.
        """
        request = {"read": True, "where": shown(path), "at_least": at_least, "thumbnail": thumbnail}
        request |= {"trust": "stranger", "known": known}
        return self._ask(request, os.fsencode(path), _loaded_of)

    def watch(
        self,
        path: Path,
        *,
        at_least: int | None = None,
        thumbnail: int | None = None,
        stretch: Stretch = Stretch(),  # noqa: B008  a constant
    ) -> Generator[Step, None, None]:
        """Go through a video: what it is, each frame worth keeping, how far it is meanwhile, and its end.

        One process is busy with it for as long as the caller takes. Closing the iterator ends that.

        Args:
            stretch: what of it, and how closely; left out: all, as the index keeps it.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge, MissingExtra, FacesUnchecked.
        """
        where = {"where": shown(path)}
        request = where | {"watch": "begin", "at_least": at_least, "thumbnail": thumbnail, **asdict(stretch)}
        worker, ended = self._idle.get(), False
        try:
            worker = worker if worker.usable else self._replaced(worker)
            step = _told(worker.ask(request, os.fsencode(path), watched))
            yield step
            while not isinstance(step, Seen):
                step = _told(worker.ask(where | {"watch": "next"}, b"", watched))
                yield step
            ended = True
        finally:
            self._idle.put(worker if ended else self._replaced(worker))

    def mask(self, data: bytes, picture: Size, *, where: str) -> Mask:
        """``pictures.masks``: what a black and white picture file means on a picture of that size.

        Raises:
            BadRequest, NotAPicture, PictureTooLarge: as ``masks.mask_of`` and ``fitted`` do.
        """
        if len(data) > self._limits.max_bytes:
            raise too_many_bytes(where, len(data), self._limits)
        request = {"mask": [picture.width, picture.height], "where": where}
        return self._ask(request, data, lambda _, bodies: mask_of_bits(bodies[0], picture))

    def _ask(self, request: Header, body: bytes, parse: Callable[[Header, Bodies], _T]) -> _T:
        worker = self._idle.get()
        try:
            if not worker.usable:  # it was ended while it had nothing to do: not this picture's fault
                worker = self._replaced(worker)
            reply = worker.ask(request, body, parse)
        except BaseException:
            # Ctrl-C included: what is left in the pipe would be taken for the next picture's answer.
            worker = self._replaced(worker)
            raise
        finally:
            self._idle.put(worker)
        if isinstance(reply, DinoscopeError):
            raise reply
        return reply

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
        self._process = start_process("dinoscope.pictures.worker")
        self._timed_out = False
        self._ready = False
        self._limits = limits

    @property
    def usable(self) -> bool:
        """Whether the process is there and has not been told to end."""
        return self._process.poll() is None and not self._timed_out

    @property
    def _pipes(self) -> tuple[BinaryIO, BinaryIO]:
        return cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)

    def ask(self, request: Header, body: bytes, parse: Callable[[Header, Bodies], _T]) -> _T | DinoscopeError:
        """One frame there and one back, parsed or as the refusal it is.

        Raises:
            PictureTooLarge: no answer within the time limit; the process was ended.
            NotAPicture: the process died of the picture, or its answer makes no sense.
            RuntimeError: the process cannot even start.
        """
        to, back = self._pipes
        self._await_start()
        where, seconds = request["where"], self._limits.max_seconds
        watch = self._watch(seconds)
        try:
            send(to, request, body)
            header, bodies = receive(back, 4 * self._limits.max_pixels + 2**24)
            if "error" in header:
                return _REFUSALS[header["error"]](str(header["sentence"]))
            return parse(header, bodies)
        except (EOFError, OSError, ValueError, KeyError, TypeError, IndexError):
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

    def _await_start(self) -> None:
        if self._ready:
            return
        to, back = self._pipes
        watch = self._watch(_START_SECONDS)
        try:
            send(to, {"limits": asdict(self._limits)})
            receive(back, 0)
            self._ready = True
        except (EOFError, OSError, ValueError):
            raise RuntimeError(
                f"no decoding process starts: '{sys.executable} -m dinoscope.pictures.worker' says why"
            ) from None
        finally:
            watch.cancel()

    def _watch(self, seconds: float) -> Timer:
        watch = Timer(seconds, self._give_up)
        watch.daemon = True
        watch.start()
        return watch

    def _give_up(self) -> None:
        self._timed_out = True
        self._process.kill()


def start_process(module: str) -> subprocess.Popen[bytes]:
    """A Python of our own that runs ``module.main()``, with pipes to it, out of Ctrl-C's reach."""
    group = {} if sys.platform == "win32" else {"process_group": 0}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _START, json.dumps(_search_path()), module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        **cast(Any, group),
    )


def _environment() -> dict[str, str]:
    """What Python and its libraries need to start. Tokens and keys are no business of a hostile picture's."""
    told = {name: value for name, value in os.environ.items() if _TOLD.fullmatch(name)}
    return told | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # numpy computes nothing


def watched(header: Header, bodies: Bodies) -> Step:
    """A step through a video. Raises: KeyError, TypeError, ValueError: the reply describes none."""
    step = header["step"]
    if step == "begin":
        return facts_of(header)
    if step == "passed":
        return Passed(float(header["second"]), float(header["steady"]))
    if step == "end":
        note = None if header["note"] is None else str(header["note"])
        return Seen(float(header["second"]), float(header["steady"]), int(header["hidden"]), note)
    loaded = _loaded_of(header, bodies)
    return replace(loaded, second=float(header["second"]), steady=float(header["steady"]))


def _told(reply: Step | DinoscopeError) -> Step:
    if isinstance(reply, DinoscopeError):
        raise reply
    return reply


def _loaded_of(header: Header, bodies: Bodies) -> Loaded:
    pixels, opacity, small = bodies
    return Loaded(
        content=str(header["content"]),
        thumbnail=bytes(small) or None,
        decoded=decoded_of(header, pixels, opacity),
        modified_ns=int(header["modified_ns"]),
        bytes=int(header["bytes"]),
    )


def _search_path() -> list[str]:
    """Where this process finds modules, this package first of all; never an unnamed working directory."""
    home = str(Path(dinoscope.__file__).resolve().parents[1])
    found = [entry for entry in sys.path if entry]
    return found if home in found else [home, *found]
