"""What goes wrong on a disk, as one sentence each."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dinoscope.errors import DinoscopeError, DiskFull, LibraryBusy, LibraryDamaged, LibraryReadOnly

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_REFUSED = {errno.EROFS, errno.EACCES, errno.EPERM}
_NEARLY_NOTHING = 2**20  # bytes free below which an unexplained I/O error is a full disk


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Turn the errors of files and of SQLite inside the block into the library's own.

    Raises:
        DiskFull, LibraryReadOnly, LibraryBusy, LibraryDamaged: instead of OSError and sqlite3.Error;
            an error that none of them explains passes unchanged.
    """
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        sentence = sentence_of(error, folder)
        if sentence is None:
            raise
        raise sentence from error


def sentence_of(error: OSError | sqlite3.Error, folder: Path) -> DinoscopeError | None:
    """The refusal that explains the error, None when it is a bug."""
    if isinstance(error, FileNotFoundError):  # rows name it, so somebody took it away
        return LibraryDamaged(
            f"{error.filename} is missing from the library {folder}: restore it from a backup, "
            "or forget the model's vectors and index again"
        )
    return _of_number(error.errno, folder) if isinstance(error, OSError) else _of_sqlite(error, folder)


def _of_sqlite(error: sqlite3.Error, folder: Path) -> DinoscopeError | None:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _no_room(folder)):
        return _of_number(errno.ENOSPC, folder)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return _of_number(errno.EROFS, folder)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LibraryBusy(f"the library {folder} is busy: try again in a moment")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_IOERR):
        return LibraryDamaged(
            f"the library {folder} cannot be read ({error}): restore it from a backup, "
            "or delete it and index again"
        )
    return None


def _of_number(number: int | None, folder: Path) -> DinoscopeError | None:
    if number in _FULL:
        return DiskFull(
            f"no space is left for the library {folder}: free some or choose another place; "
            "everything committed so far is safe"
        )
    if number in _REFUSED:
        return LibraryReadOnly(
            f"the library {folder} cannot be written here: allow writing to it or choose another place"
        )
    return None


def _no_room(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _NEARLY_NOTHING
    except OSError:
        return False
