"""Shelves as the tables describe them: each holds one record a content, its vector or its region tokens.

The region tokens of a model are a shelf of their own, beside that of its vectors: their records come
later for a library that is older than they are, so each kind is numbered, committed and compacted alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.features import Basis
from dinoscope.library import files
from dinoscope.library.filters import Filter
from dinoscope.library.recordfile import RecordFile
from dinoscope.library.schema import COUNTED, version_of
from dinoscope.library.tokens import TokenFile, layout
from dinoscope.library.vectors import VectorFile

REGIONS = "#regions"  # ends the key of a shelf of tokens; a model's own key ends with its precision
FINE = "#fine"  # ends that of tokens of pictures that were encoded in tiles
_COLUMNS = "id, key, name, dimension, count, vectors, engine, engine_folder, covered"


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A shelf as the tables describe it."""

    id: int
    key: str
    name: str
    dimension: int
    count: int  # committed records of the file, dead ones included
    file: str  # file name
    engine: str
    engine_folder: str | None
    covered: int  # vectors of the file that are in the engine's folder
    tokens: int  # K, vectors a record of region tokens; 0 where each record is a vector
    patches: int  # M, the most patches a picture has; 0 where each record is a vector
    dead: int  # records whose content has no file
    turns: int  # grows whenever one dies or comes back; -1 where nobody counts

    def folder(self, library: Path) -> Path:
        return library / "shelves" / str(self.id)

    def engine_at(self, library: Path) -> Path:
        """Where the engine is saved; of one that is not, a folder that is not there."""
        return self.folder(library) / (self.engine_folder or "engine-0")

    @property
    def each(self) -> int:
        """Vectors a record."""
        return self.tokens or 1

    @property
    def fine(self) -> bool:
        return self.key.endswith(FINE)

    @property
    def record(self) -> np.dtype[Any]:
        if self.tokens:
            return layout(self.tokens, self.dimension, self.patches)
        return np.dtype((np.float16, (self.dimension,)))

    def opened(self, library: Path) -> RecordFile:
        """Raises: LibraryDamaged, FileNotFoundError."""
        return self.opened_as(self.folder(library) / self.file, self.count)

    def opened_as(self, path: Path, count: int) -> RecordFile:
        """A file of the shelf's kind of records."""
        if self.tokens:
            return TokenFile(path, self.record, count)
        return VectorFile(path, self.dimension, count)

    @property
    def next_file(self) -> str:
        """vectors-1.f16 -> vectors-2.f16"""
        stem, number, ending = self.file.replace(".", "-").split("-")
        return f"{stem}-{int(number) + 1}.{ending}"


def shelf_row(db: sqlite3.Connection, key: str) -> ShelfRow | None:
    """The shelf of a model identity, None when the library has no vectors of it."""
    row = db.execute(f"{_select(db)} WHERE key = ?", (key,)).fetchone()
    return None if row is None else ShelfRow(*row)


def token_row(db: sqlite3.Connection, model_key: str) -> ShelfRow | None:
    """The tokens of a model that searches read: fine ones from when they are of as many pictures."""
    coarse, fine = shelf_row(db, model_key + REGIONS), shelf_row(db, model_key + FINE)
    if coarse is None or fine is None:
        return fine or coarse
    return fine if alive(db, fine) >= alive(db, coarse) else coarse


def alive(db: sqlite3.Connection, row: ShelfRow) -> int:
    """Records whose content has a file."""
    return row.count - (row.dead if row.turns >= 0 else len(dead_rows(db, row.id)))


def shelf_rows(db: sqlite3.Connection) -> list[ShelfRow]:
    """All of them, oldest first, those of region tokens among them."""
    return [ShelfRow(*row) for row in db.execute(f"{_select(db)} ORDER BY id")]


def _select(db: sqlite3.Connection) -> str:
    version = version_of(db)  # a reader may meet an older format
    more = "tokens, patches" if version > 1 else "0, 0"
    counted = "dead, turns" if version >= COUNTED else "0, -1"
    return f"SELECT {_COLUMNS}, {more}, {counted} FROM shelves"


def basis_of(db: sqlite3.Connection, shelf: int) -> Basis | None:
    """What the tokens of a shelf were reduced with, None where it holds vectors."""
    found = db.execute("SELECT dimension, mean, projection FROM bases WHERE shelf = ?", (shelf,)).fetchone()
    if found is None:
        return None
    mean, projection = (np.frombuffer(numbers, "<f4").astype(np.float32) for numbers in found[1:])
    return Basis(mean, projection.reshape(int(found[0]), len(mean)))


def put_basis(db: sqlite3.Connection, shelf: int, basis: Basis) -> None:
    """Keep it; a shelf has one and for good."""
    mean, projection = (np.asarray(one, "<f4").tobytes() for one in (basis.mean, basis.projection))
    db.execute("INSERT INTO bases VALUES (?, ?, ?, ?)", (shelf, basis.dimension, mean, projection))


def dead_rows(db: sqlite3.Connection, shelf: int) -> Rows:
    """Records whose content has no file left, ascending.

    CROSS JOIN makes SQLite begin with the dead; it would walk through all vectors of the shelf.
    """
    return _packed(
        db,
        "SELECT group_concat(vectors.row) FROM contents CROSS JOIN vectors ON vectors.content = contents.id "
        "AND vectors.shelf = ? WHERE contents.files = 0",
        (shelf,),
    )


def filtered_rows(db: sqlite3.Connection, shelf: int, where: Filter) -> Rows:
    """Records of which at least one file passes the filter, ascending.

    CROSS JOIN makes SQLite filter first; it would scan the vectors even for a folder of ten pictures.
    """
    return _packed(
        db,
        "SELECT group_concat(vectors.row) FROM files CROSS JOIN vectors ON vectors.content = files.content "
        f"AND vectors.shelf = ? WHERE {where.sql}",
        (shelf, *where.parameters),
    )


def contents_of(db: sqlite3.Connection, shelf: int, rows: Rows) -> dict[int, str]:
    """row -> content hash; of row -1 nothing."""
    found: dict[int, str] = {}
    # not np.unique, whose first call imports numpy.ma: 35 ms or more of a command's start-up
    for part in files.slices(sorted(set(rows[rows >= 0].tolist()))):
        statement = (
            "SELECT vectors.row, contents.hash FROM vectors JOIN contents ON contents.id = vectors.content "
            f"WHERE vectors.shelf = ? AND vectors.row IN ({files.marks(len(part))})"
        )
        found |= dict(db.execute(statement, (shelf, *part)).fetchall())
    return found


def _packed(db: sqlite3.Connection, statement: str, parameters: Sequence[str | int | float]) -> Rows:
    """A column of integers by way of one string: four times faster than a Python object a row."""
    text = db.execute(statement, parameters).fetchone()[0]
    return np.unique(np.fromstring(text, np.int64, sep=",")) if text else np.empty(0, np.int64)
