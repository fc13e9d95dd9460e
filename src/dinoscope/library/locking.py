"""One writer at a time: an advisory lock that the operating system releases when its holder dies."""

from __future__ import annotations

import os
import sys
import weakref
from pathlib import Path

from dinoscope.errors import LibraryBusy

_held: weakref.WeakSet[WriterLock] = weakref.WeakSet()
_watching_forks = False


class WriterLock:
    """The lock on ``writer.lock``, held from construction until ``release``."""

    def __init__(self, folder: Path) -> None:
        """Take the lock at once or not at all.

        Raises:
            LibraryBusy: another process (or another Library of this one) writes; names its pid.
            OSError: the file cannot be made.
        """
        self._file = os.open(folder / "writer.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _take(self._file)
        except OSError:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() if os.name == "posix" else ""
            os.close(self._file)
            who = f"process {holder}" if holder else "another process"
            raise LibraryBusy(
                f"{who} is writing to the library {folder}: wait until it has finished, or stop it"
            ) from None
        os.ftruncate(self._file, 0)
        os.write(self._file, str(os.getpid()).encode())
        _watch(self)

    def release(self) -> None:
        if self._file >= 0:
            os.close(self._file)  # closing releases
            self._file = -1

    def forget(self) -> None:
        """In a forked child: drop the inherited handle, which would hold the lock past the parent's death."""
        self.release()


def _take(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, 1024, os.SEEK_SET)  # beyond the pid, which others must be able to read
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _watch(lock: WriterLock) -> None:
    global _watching_forks  # noqa: PLW0603 - register_at_fork cannot be undone, so do it once and late
    _held.add(lock)
    if not _watching_forks and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget_all)
        _watching_forks = True


def _forget_all() -> None:
    for lock in list(_held):
        lock.forget()
