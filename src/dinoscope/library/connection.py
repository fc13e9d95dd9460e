"""SQLite connections: one for the writer, a pool for readers, each read a consistent snapshot."""

from __future__ import annotations

import sqlite3
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

from dinoscope.errors import LibraryDamaged, LibraryReadOnly
from dinoscope.library import schema
from dinoscope.library.failures import told

FILE = "library.sqlite"
SHARDED = "cluster.json"  # what a folder has instead whose library is in shards, see dinoscope.cluster
_WAIT = 15.0  # seconds a commit waits for a reader that recovers or a checkpoint that runs


class Connections:
    """Hands out transactions; safe to use from several threads."""

    def __init__(self, folder: Path, *, write: bool) -> None:
        """Open, and for writing bring the tables up to date.

        Raises:
            LibraryDamaged, LibraryReadOnly, DiskFull, NoLibrary: as the file turns out to be.
        """
        self._folder = folder
        self._path = folder / FILE
        self._idle: list[_Reader] = []
        self._guard = threading.Lock()
        self._writing = threading.RLock()
        self._closed = False
        self._writer: sqlite3.Connection | None = None
        with told(folder):
            if write:
                self._writer = _open_writer(self._path, folder)
            else:
                self._idle.append(_open_reader(self._path, folder))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """A snapshot: everything read inside the block belongs to one committed state."""
        with told(self._folder):
            reader = self._borrow()
            try:
                reader.db.execute("BEGIN")
                try:
                    yield reader.db
                finally:
                    if reader.db.in_transaction:
                        reader.db.execute("ROLLBACK")
            finally:
                self._give_back(reader)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed durably at the end of the block, or not at all.

        Raises:
            LibraryReadOnly: opened for reading, or the disk refuses.
            DiskFull: no space is left; nothing has changed.
        """
        db = self.demand_writer()
        with self._writing, told(self._folder):
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("UPDATE library SET generation = generation + 1")
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite has rolled back by itself on a full disk
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """The writing connection outside a transaction, for VACUUM and checkpoints."""
        db = self.demand_writer()
        with self._writing, told(self._folder):
            yield db

    def demand_writer(self) -> sqlite3.Connection:
        """Raises: LibraryReadOnly when opened for reading."""
        if self._writer is None:
            raise LibraryReadOnly(
                f"the library {self._folder} was opened for reading only: open it for writing"
            )
        return self._writer

    def close(self) -> None:
        with self._guard:
            self._closed = True
            readers, self._idle = self._idle, []
        for reader in readers:
            reader.db.close()
        with self._writing:
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def _borrow(self) -> _Reader:
        with self._guard:
            if self._closed:
                raise ValueError("the library has been closed")
            reader = self._idle.pop() if self._idle else None
        if reader is not None and reader.immutable and _has_log(self._path):
            reader.db.close()  # somebody writes after all: an immutable view would miss or mix it
            reader = None
        return reader or _open_reader(self._path, self._folder)

    def _give_back(self, reader: _Reader) -> None:
        with self._guard:
            if not self._closed:
                self._idle.append(reader)
                return
        reader.db.close()


class _Reader:
    __slots__ = ("db", "immutable")

    def __init__(self, db: sqlite3.Connection, *, immutable: bool) -> None:
        self.db = db
        self.immutable = immutable


def generation(db: sqlite3.Connection) -> int:
    """The number of the committed state this transaction sees."""
    return int(db.execute("SELECT generation FROM library").fetchone()[0])


def shorten_log(db: sqlite3.Connection) -> None:
    """Give back the room of the write-ahead log, unless a reader still needs it, or a full disk has no room
    for what it holds: then the next one does."""
    db.execute("PRAGMA busy_timeout = 100")
    try:
        with suppress(sqlite3.OperationalError):
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.execute(f"PRAGMA busy_timeout = {int(_WAIT * 1000)}")


def _open_writer(path: Path, folder: Path) -> sqlite3.Connection:
    _refuse_lost(path, folder)
    db = sqlite3.connect(path, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        schema.check_version(db, folder, write=True)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
        db.execute("PRAGMA foreign_keys = ON")
        _teach(db)
        schema.migrate(db, folder)
    except BaseException:
        db.close()
        raise
    return db


def _refuse_lost(path: Path, folder: Path) -> None:
    """Vectors without tables are nobody's, and a writer that made new tables would clear them away.

    Raises:
        LibraryDamaged: the tables are gone, or the file is empty, and vectors are there.
    """
    lost = not path.exists() or not path.stat().st_size
    if lost and any((folder / "shelves").glob("*/*")):
        raise LibraryDamaged(
            f"{path} is gone, which says what pictures the vectors beside it belong to: restore it from a "
            f"backup, or delete the folder {folder} and index again"
        )


def _open_reader(path: Path, folder: Path) -> _Reader:
    """Read-only. Where SQLite cannot make its -shm file (a read-only disk), the file is read as it lies.

    That is safe exactly when no write-ahead log waits beside it, and ``Connections`` looks again
    at every use.
    """
    try:
        return _Reader(_connect(path, folder, "mode=ro"), immutable=False)
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF
        refused = (
            sqlite3.SQLITE_CANTOPEN,
            sqlite3.SQLITE_READONLY,
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_FULL,
        )
        if code not in refused or not path.exists():
            raise
        if _has_log(path):
            raise LibraryReadOnly(
                f"the library {folder} was not closed cleanly and its disk is read-only: "
                "open it once where it can be written"
            ) from error
    return _Reader(_connect(path, folder, "immutable=1"), immutable=True)


def _connect(path: Path, folder: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?{mode}"
    db = sqlite3.connect(uri, uri=True, timeout=_WAIT, isolation_level=None, check_same_thread=False)
    try:
        schema.check_version(db, folder, write=False)
        db.execute("PRAGMA cache_size = -8192")
        _teach(db)
    except BaseException:
        db.close()
        raise
    return db


def _has_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _teach(db: sqlite3.Connection) -> None:
    """Functions the filters use."""
    db.create_function("folded", 1, folded, deterministic=True)
    db.create_function("kilometres", 4, kilometres, deterministic=True)


def folded(text: str | None) -> str | None:
    """Text for comparison without case, and with composed and decomposed accents alike (macOS file names)."""
    return None if text is None else unicodedata.normalize("NFC", text).casefold()


def kilometres(
    latitude: float | None, longitude: float | None, other_latitude: float, other_longitude: float
) -> float | None:
    """Great-circle distance on a sphere of 6,371 km, from degrees (haversine); None without a place."""
    if latitude is None or longitude is None:
        return None
    up, across = radians(other_latitude - latitude), radians(other_longitude - longitude)
    half = sin(up / 2) ** 2 + cos(radians(latitude)) * cos(radians(other_latitude)) * sin(across / 2) ** 2
    return 2 * 6371.0 * asin(min(1.0, sqrt(half)))
