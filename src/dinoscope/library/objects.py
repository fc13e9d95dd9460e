"""What was taught: one file a thing, in a folder of the library.

A file is replaced whole: written beside, synced, then renamed, so a reader and a crash see the old one or the
new one. There is no log, so what is forgotten is nowhere: its bytes are overwritten before the name goes.
Any process may write, index or not: the folder has a lock of its own, held for one change.
"""

from __future__ import annotations

import os
import threading
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from dinoscope.errors import LibraryBusy
from dinoscope.library.failures import told
from dinoscope.library.locking import WriterLock
from dinoscope.library.recordfile import sync_folder

FOLDER = "objects"
KEPT, UNFINISHED, GOING = ".npz", ".part", ".gone"
_WAIT = 5.0  # seconds that a change waits for another one


def folded(name: str) -> str:
    """Names that differ in case or in how an accent is written are the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class ObjectFiles:
    """The files of a library's objects by their names. Safe from several threads and processes."""

    def __init__(self, library: Path) -> None:
        self._library = library
        self._folder = library / FOLDER

    @property
    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Another one after every change: (file, time, size) of each."""
        found = []
        for path in self._kept():
            try:
                about = path.stat()
            except FileNotFoundError:
                continue  # forgotten meanwhile
            found.append((path.name, about.st_mtime_ns, about.st_size))
        return tuple(found)

    def get(self, name: str) -> bytes | None:
        """None when nothing of that name was taught."""
        with told(self._library):
            return _whole(self._path(name))

    def each(self) -> Iterator[bytes]:
        """Every file, in no order that means anything."""
        for path in self._kept():
            with told(self._library):
                data = _whole(path)
            if data is not None:  # else forgotten meanwhile
                yield data

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Nobody else changes an object inside the block; ``put`` and ``forget`` are called within it.

        Raises:
            LibraryBusy: another process has been changing one for seconds.
            LibraryReadOnly, DiskFull: as the disk says.
        """
        with told(self._library):
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = self._locked()
        try:
            with told(self._library):
                self._clean()
            yield
        finally:
            lock.release()

    def put(self, name: str, data: bytes) -> None:
        """Keep or replace one; on the disk when it returns. Raises: LibraryReadOnly, DiskFull."""
        path = self._path(name)
        unfinished = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}{UNFINISHED}")
        old = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}{GOING}")
        with told(self._library):
            try:
                with unfinished.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                with suppress(OSError):  # where there are no links, or nothing to be replaced
                    os.link(path, old)  # what is replaced may hold a photo that is taken back: no trace of it
                unfinished.replace(path)
                sync_folder(self._folder)
            finally:
                for left in (unfinished, old):
                    _erase(left)

    def forget(self, name: str) -> bool:
        """Overwrite and delete one; False when there is none."""
        path = self._path(name)
        going = path.with_name(f"{path.stem}.{os.getpid()}-{threading.get_ident()}{GOING}")
        with told(self._library):
            if not path.exists():
                return False
            path.replace(going)  # from here on it is forgotten, whatever happens
            sync_folder(self._folder)
            _erase(going)
            sync_folder(self._folder)
        return True

    def _locked(self) -> WriterLock:
        until = time.monotonic() + _WAIT
        while True:
            try:
                return WriterLock(self._folder)
            except LibraryBusy:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def _clean(self) -> None:
        """What a process that died left behind."""
        for path in self._folder.iterdir():
            if path.suffix in {UNFINISHED, GOING}:
                _erase(path)

    def _kept(self) -> list[Path]:
        return sorted(self._folder.glob(f"*{KEPT}"))

    def _path(self, name: str) -> Path:
        """Names may hold what file names must not."""
        return self._folder / (blake2b(folded(name).encode(), digest_size=12).hexdigest() + KEPT)


def _whole(path: Path) -> bytes | None:
    """The bytes of a file that may be replaced, and its old bytes erased, while they are read."""
    while True:
        try:
            with path.open("rb") as file:
                data = file.read()
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    return data
        except (FileNotFoundError, NotADirectoryError):
            return None


def _erase(path: Path) -> None:
    """Overwrite a file with zeros and delete it; one that is not there is gone already.

    A second name of a file that is still wanted, left by a process that died, only loses that name.
    """
    try:
        with path.open("r+b", buffering=0) as file:
            about = os.fstat(file.fileno())
            left = about.st_size if about.st_nlink == 1 else 0
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20))) or left
            os.fsync(file.fileno())
        path.unlink()
    except FileNotFoundError:
        pass
