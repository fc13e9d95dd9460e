"""Walk folders ahead of the work, so that the total is known early and the encoder never waits for a disk."""

from __future__ import annotations

import os
import queue
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Self

from dinoscope.errors import BadRequest, Unreadable
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.walking import walk

WALK_AHEAD = 100_000  # paths waiting, about 40 MB; a longer walk pauses and its total is known later


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file met on the walk, with the stamp that says whether it changed."""

    path: Path  # absolute
    root: Path
    bytes: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class RootWalked:
    """A root was walked to its end; ``files`` were met below it."""

    root: Path
    files: int


Sighting = Found | Refusal | RootWalked


def roots_of(folders: Iterable[Path | str]) -> tuple[Path, ...]:
    """The folders (or single files) to walk: absolute, links resolved, each place once.

    A folder inside another one of the list is dropped, because the outer walk meets it; unless it
    lies below a hidden folder, which the outer walk skips.

    Raises:
        BadRequest: no folder was given.
        Unreadable: one does not exist or cannot be entered. Nothing is indexed then, and nothing is
            removed: an unplugged disk must not empty a library.
    """
    roots: list[Path] = []
    for folder in folders:
        if "://" in str(folder):
            raise BadRequest(f"{folder} is no folder of this machine: dinoscope index --ray reads from URLs")
        root = _existing(Path(folder).expanduser())
        if root not in roots:
            roots.append(root)
    if not roots:
        raise BadRequest("no folder was given: name at least one folder of pictures")
    return tuple(root for root in roots if not any(_meets(outer, root) for outer in roots))


def _existing(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
        if root.is_dir():
            with os.scandir(root):
                return root
        if root.is_file():
            return root
    except FileNotFoundError:
        raise Unreadable(f"{folder} does not exist: check the name, or mount the disk it is on") from None
    except (OSError, RuntimeError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Unreadable(f"{folder} cannot be read ({why}): check its permissions") from None
    raise Unreadable(f"{folder} is neither a folder nor a file: name a folder of pictures")


def _meets(outer: Path, inner: Path) -> bool:
    if outer == inner or outer not in inner.parents:
        return False
    return not any(part.startswith(".") for part in inner.relative_to(outer).parts)


class PathSet(Collection[Path]):
    """The paths met, by their hashes alone: 70 bytes each where a set of Paths takes 300.

    Two paths may share a hash, at odds of one in a million for five million files; a vanished file's
    row would then stay until the next run in another process.
    """

    def __init__(self) -> None:
        self._hashes: set[int] = set()

    def add(self, path: Path) -> None:
        self._hashes.add(hash(str(path)))

    def __contains__(self, path: object) -> bool:
        return hash(str(path)) in self._hashes

    def __iter__(self) -> Iterator[Path]:
        raise TypeError("only the hashes of the paths are kept")

    def __len__(self) -> int:
        return len(self._hashes)


class Scout:
    """Walks the roots in a thread of its own. A context manager: leaving it ends the thread.

    What lies in ``without`` is passed over: a library kept among the pictures must not index its own
    thumbnails.
    """

    def __init__(self, roots: Iterable[Path], ahead: int = WALK_AHEAD, without: Path | None = None) -> None:
        self.found = 0  # files and refusals met so far
        self._roots = tuple(roots)
        self._without = without
        self._queue: queue.Queue[Sighting | BaseException | None] = queue.Queue(ahead)
        self._stop = Event()
        self._exhausted = False
        self._thread = Thread(target=self._run, name="dinoscope-walk", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def walking(self) -> bool:
        """True until the walk itself has ended, whether or not its sightings were taken."""
        return self._thread.is_alive()

    @property
    def exhausted(self) -> bool:
        """True once the walk has ended and every sighting was taken."""
        return self._exhausted

    def take(self, timeout: float = 0.0) -> Sighting | None:
        """The next sighting; None when there is none within ``timeout`` seconds, or none any more."""
        if self._exhausted:
            return None
        try:
            sighting = self._queue.get(timeout=timeout) if timeout else self._queue.get_nowait()
        except queue.Empty:
            return None
        if isinstance(sighting, BaseException):
            raise sighting
        self._exhausted = sighting is None
        return sighting

    def _run(self) -> None:
        try:
            for root in self._roots:
                self._walk(root)
        except BaseException as error:  # noqa: BLE001  re-raised by take() in the thread that can act on it
            self._put(error)
        self._put(None)

    def _walk(self, root: Path) -> None:
        files = 0
        for entry in walk(root):
            if self._stop.is_set():
                return
            path = entry.path if isinstance(entry, Refusal) else entry
            if self._without is not None and path.is_relative_to(self._without):
                continue
            sighting = entry if isinstance(entry, Refusal) else stamped(entry, root)
            if sighting is not None:
                files += isinstance(sighting, Found)
                self.found += 1
                self._put(sighting)
        self._put(RootWalked(root, files))

    def _put(self, item: Sighting | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return
            except queue.Full:
                pass  # look whether to stop


def stamped(path: Path, root: Path) -> Found | Refusal | None:
    """A file as the walk meets it; None when it went away since."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None  # it went away between the walk and here: as if never met
    except OSError as error:
        return Refusal(path, f"{path} cannot be read ({error.strerror}): check its permissions")
    return Found(path, root, stat.st_size, stat.st_mtime_ns)
