"""What is known of copies in a library: fingerprints, pairs with their scores, and what the user said.

A file of its own beside the tables, ``copies.sqlite``: whoever only reads the library may fill it, too,
and without it nothing is lost but time and the pairs marked as no copies.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import LibraryDamaged, LibraryReadOnly
from dinoscope.library.paths import to_path

FILE = "copies.sqlite"
VERSION = 2  # of the tables
_TABLES = (
    "CREATE TABLE fingerprints (content TEXT PRIMARY KEY, bits BLOB NOT NULL, quality INTEGER NOT NULL) "
    "WITHOUT ROWID",
    # contents that were compared with all others there were, in the words of one model and one method
    "CREATE TABLE checked (content TEXT, method TEXT, PRIMARY KEY (content, method)) WITHOUT ROWID",
    """CREATE TABLE pairs (
        one TEXT NOT NULL, other TEXT NOT NULL, method TEXT NOT NULL, copy REAL NOT NULL,
        similar REAL NOT NULL, found TEXT NOT NULL, PRIMARY KEY (one, other, method)) WITHOUT ROWID""",
    "CREATE INDEX pairs_by_copy ON pairs (method, copy)",
    "CREATE TABLE marks (one TEXT NOT NULL, other TEXT NOT NULL, PRIMARY KEY (one, other)) WITHOUT ROWID",
    # one line a file moved to the trash; step is moving, there, back
    """CREATE TABLE trash (
        id INTEGER PRIMARY KEY AUTOINCREMENT, batch INTEGER NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL,
        step TEXT NOT NULL, record TEXT NOT NULL)""",
)
# Points of contents, those that are looked among first; whole until the content was compared
_POINTS = (
    "CREATE TABLE points (content TEXT PRIMARY KEY, found BLOB NOT NULL, whole INTEGER NOT NULL) "
    "WITHOUT ROWID"
)
_WAIT = 10.0  # seconds for another process that writes
_SLICE = 500  # parameters a statement

Pair = tuple[str, str]  # contents, the smaller first


class CopyBook:
    """The file of one library. Safe from several threads and processes; each write is one transaction."""

    def __init__(self, folder: Path) -> None:
        """Open it, and make it where it is missing.

        Raises:
            LibraryReadOnly: it is missing and cannot be made here.
            LibraryDamaged: the file is something else, or a newer Dinoscope's.
        """
        self._folder = folder
        self._guard = threading.RLock()
        try:
            self._db = sqlite3.connect(
                folder / FILE, timeout=_WAIT, isolation_level=None, check_same_thread=False
            )
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if version > VERSION:
                raise LibraryDamaged(f"{folder / FILE} was written by a newer Dinoscope: upgrade Dinoscope")
            if version < VERSION:
                self._make()
        except sqlite3.DatabaseError as error:
            raise self._said(error) from None

    def _make(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        with self.writing():
            version = int(self._db.execute("PRAGMA user_version").fetchone()[0])
            if version < VERSION:
                for statement in (*(() if version else _TABLES), _POINTS):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {VERSION}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._guard:
            self._db.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on the disk when the block ends.

        Raises:
            LibraryReadOnly, LibraryDamaged.
        """
        with self._guard:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                    self._db.execute("COMMIT")
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as error:
                raise self._said(error) from None

    def read(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._guard:
            try:
                return self._db.execute(statement, parameters).fetchall()
            except sqlite3.DatabaseError as error:
                raise self._said(error) from None

    def _said(self, error: sqlite3.DatabaseError) -> LibraryReadOnly | LibraryDamaged:
        file = self._folder / FILE
        if isinstance(error, sqlite3.OperationalError):
            return LibraryReadOnly(
                f"{file} cannot be written ({error}): what is known of copies is kept there; "
                "make room, or give yourself the right to write"
            )
        return LibraryDamaged(f"{file} is damaged ({error}): delete it, and look for copies again")

    # Fingerprints

    def fingerprints(self) -> tuple[list[str], NDArray[np.uint8], NDArray[np.int64]]:
        """Contents in their order, (n, 32) bits, (n,) qualities."""
        rows = self.read("SELECT content, bits, quality FROM fingerprints ORDER BY content")
        bits = np.frombuffer(b"".join(row[1] for row in rows), np.uint8).reshape(-1, 32)
        return [row[0] for row in rows], bits, np.asarray([row[2] for row in rows], np.int64)

    def put_fingerprints(self, found: Mapping[str, tuple[NDArray[np.uint8], int]]) -> None:
        """Keep these: content to bits and quality."""
        rows = [(content, bits.tobytes(), quality) for content, (bits, quality) in found.items()]
        with self.writing() as db:
            db.executemany("INSERT OR REPLACE INTO fingerprints VALUES (?, ?, ?)", rows)

    # Points, as bytes: what they mean is told by ``operations.copy_points``

    def put_points(self, found: Mapping[str, bytes]) -> None:
        """Keep these: content to its points, the ones that others are looked for among first."""
        with self.writing() as db:
            db.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, 1)", list(found.items()))

    def pointed(self) -> set[str]:
        """Contents all of whose points are there: those that were not compared since these were made."""
        return {row[0] for row in self.read("SELECT content FROM points WHERE whole")}

    def points(self, contents: Sequence[str]) -> dict[str, bytes]:
        """What is kept of these."""
        found: dict[str, bytes] = {}
        for start in range(0, len(contents), _SLICE):
            some = contents[start : start + _SLICE]
            marks = ",".join("?" * len(some))
            found.update(self.read(f"SELECT content, found FROM points WHERE content IN ({marks})", some))
        return found

    def trim_points(self, contents: Sequence[str], most: int) -> None:
        """Keep only so many bytes of these: they were compared."""
        rows = [(most, content) for content in contents]
        with self.writing() as db:
            db.executemany("UPDATE points SET found = substr(found, 1, ?), whole = 0 WHERE content = ?", rows)

    # Pairs

    def checked(self, method: str) -> set[str]:
        """Contents that were compared with all others."""
        return {row[0] for row in self.read("SELECT content FROM checked WHERE method = ?", (method,))}

    def checked_count(self, method: str) -> int:
        return int(self.read("SELECT count(*) FROM checked WHERE method = ?", (method,))[0][0])

    def put(
        self, method: str, checked: Sequence[str], pairs: Mapping[Pair, tuple[float, float, dict[str, Any]]]
    ) -> None:
        """Keep what was found when these contents were compared, all or nothing.

        Args:
            pairs: to (probability of a copy, of a similar picture, what else was found).
        """
        rows = [
            (*pair, method, copy, similar, json.dumps(found))
            for pair, (copy, similar, found) in pairs.items()
        ]
        with self.writing() as db:
            db.executemany("INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?, ?, ?)", rows)
            db.executemany(
                "INSERT OR IGNORE INTO checked VALUES (?, ?)", [(content, method) for content in checked]
            )

    def forget(self, method: str) -> None:
        """All pairs of a method, so that they are looked for anew; marks stay."""
        with self.writing() as db:
            db.execute("DELETE FROM pairs WHERE method = ?", (method,))
            db.execute("DELETE FROM checked WHERE method = ?", (method,))

    def pairs(self, method: str) -> list[tuple[str, str, float, float, dict[str, Any]]]:
        """(one, other, copy, similar, found), the surest copies first."""
        rows = self.read(
            "SELECT one, other, copy, similar, found FROM pairs WHERE method = ? "
            "ORDER BY copy DESC, similar DESC, one, other",
            (method,),
        )
        return [(one, other, copy, similar, json.loads(found)) for one, other, copy, similar, found in rows]

    # What the user said

    def mark(self, pairs: Sequence[Pair], *, copies: bool = False) -> None:
        """Remember that these are no copies of each other; ``copies`` takes it back."""
        rows = [ordered(*pair) for pair in pairs]
        statement = (
            "DELETE FROM marks WHERE one = ? AND other = ?"
            if copies
            else "INSERT OR IGNORE INTO marks VALUES (?, ?)"
        )
        with self.writing() as db:
            db.executemany(statement, rows)

    def marks(self) -> set[Pair]:
        """Pairs that are no copies, whatever they look like."""
        return {(one, other) for one, other in self.read("SELECT one, other FROM marks")}

    # The trash's journal, written by ``library.trash``

    def held(self) -> list[tuple[int, Path]]:
        """(batch, where it was) of what lies in the trash, the latest first."""
        rows = self.read("SELECT batch, path FROM trash WHERE step = 'there' ORDER BY id DESC")
        return [(batch, to_path(text)) for batch, text in rows]


def ordered(one: str, other: str) -> Pair:
    """The smaller first."""
    return (one, other) if one < other else (other, one)
