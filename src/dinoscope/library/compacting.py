"""Giving back the room of removed pictures: written anew beside the old, swapped in one transaction."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.errors import NoSuchModel
from dinoscope.library import optimising, overview, verifying
from dinoscope.library.connection import FILE, Connections, shorten_log
from dinoscope.library.failures import told
from dinoscope.library.files import marks, slices
from dinoscope.library.recordfile import RecordFile, sync_folder
from dinoscope.library.records import CompactReport
from dinoscope.library.shelf_rows import FINE, REGIONS, ShelfRow, dead_rows, shelf_row, shelf_rows, token_row
from dinoscope.library.thumbnails import Thumbnails

_BLOCK = 8_192  # records copied at a time: 36 MB of region tokens, 6 MB of vectors at D = 384


def compact(connections: Connections, library: Path, thumbnails: Thumbnails) -> CompactReport:
    """Drop dead vectors, contents nobody refers to and their thumbnails, and shrink the tables.

    Readers keep the files they have mapped. Killed at any moment, the library is the old or the new one.

    Raises:
        DiskFull: the copy needs room for the vectors alive; nothing is lost.
    """
    before = _bytes(library)
    with _tidied(connections, library):
        dropped = _without_dead(connections, library)
    thumbnails.clean()
    orphans, freed = _drop_thumbnails(connections, thumbnails)
    with _tidied(connections, library), connections.alone() as db:
        db.execute("VACUUM")
    return CompactReport(dropped, orphans, max(0, before - _bytes(library)) + freed)


@contextmanager
def _tidied(connections: Connections, library: Path) -> Iterator[None]:
    """Without what was replaced in the block; without what should have replaced it when the block fails,
    which a full disk wants most."""
    try:
        yield
    finally:
        optimising.clean(connections, library)
        with connections.alone() as db:
            shorten_log(db)


def _without_dead(connections: Connections, library: Path) -> int:
    """Every shelf and the tables without what is dead; the vectors dropped."""
    dropped = 0
    with connections.write() as db:
        for row in shelf_rows(db):
            dead = _compact_shelf(db, library, row)
            dropped += 0 if row.tokens else dead
        db.execute(
            "DELETE FROM contents WHERE files = 0 "
            "AND NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.content = contents.id)"
        )
    return dropped


def drop_model(connections: Connections, library: Path, key: str) -> None:
    """Raises: NoSuchModel."""
    with connections.write() as db:
        if shelf_row(db, key) is None:
            raise NoSuchModel(f"the library {library} has no vectors of the model {key}: nothing to forget")
        gone = [row for row in shelf_rows(db) if row.key in (key, key + REGIONS, key + FINE)]
        _forget(db, gone)
    _delete(library, gone)


def drop_coarse(connections: Connections, library: Path, key: str) -> None:
    """The model's tokens of whole pictures, where searches read fine ones."""
    with connections.write() as db:
        row, coarse = token_row(db, key), shelf_row(db, key + REGIONS)
        gone = [coarse] if coarse is not None and row is not None and row.fine else []
        _forget(db, gone)
    _delete(library, gone)


def _forget(db: sqlite3.Connection, gone: Sequence[ShelfRow]) -> None:
    for row in gone:
        db.execute("DELETE FROM bases WHERE shelf = ?", (row.id,))
        db.execute("DELETE FROM vectors WHERE shelf = ?", (row.id,))
        db.execute("DELETE FROM shelves WHERE id = ?", (row.id,))


def _delete(library: Path, gone: Sequence[ShelfRow]) -> None:
    """The files of what was forgotten; Windows keeps mapped ones, which are cleaned later."""
    with told(library):
        for row in gone:
            shutil.rmtree(row.folder(library), ignore_errors=True)


def _compact_shelf(db: sqlite3.Connection, library: Path, row: ShelfRow) -> int:
    """Dead records dropped. An engine that turns out broken is built again even where none are dead."""
    dead = dead_rows(db, row.id)
    folder = row.folder(library)
    previous, moves = None, None
    if len(dead):
        name = row.next_file
        moves = _Moves.closing(dead, row.count, row.covered // row.each or row.count)
        _copy(row.opened(library), moves.kept, folder / name)
        _renumber(db, row.id, dead, moves)
        previous = optimising.sound(library, row)
    elif row.engine_folder is not None and verifying.engine_problem(db, library, row) is not None:
        name = row.file
    else:
        return 0
    alive = row.count - len(dead)
    engine, engine_folder, covered = "exact", None, 0
    if optimising.keeps_engine(row, alive):
        source = row.opened_as(folder / name, alive)
        renumbered = None if moves is None else partial(moves.vectors, row.each)
        with optimising.built(folder, source, row.engine, previous, renumbered=renumbered) as built:
            engine, (engine_folder, covered) = row.engine, built
    db.execute(
        "UPDATE shelves SET vectors = ?, count = ?, engine = ?, engine_folder = ?, covered = ? WHERE id = ?",
        (name, alive, engine, engine_folder, covered, row.id),
    )
    return len(dead)


@dataclass(frozen=True, slots=True, eq=False)
class _Moves:
    """Where records go: the last ones of an engine into the gaps in it, so that few get another number
    and the engine need not be made anew; those behind it close up."""

    kept: Rows  # (alive,) the records by their new places
    to: Rows  # (count,) the new places of all records, -1 of dead ones

    @classmethod
    def closing(cls, dead: Rows, count: int, covered: int) -> Self:
        """``covered``: records that the engine has."""
        alive = np.ones(count, np.bool_)
        alive[dead] = False
        inside = int(np.count_nonzero(alive[:covered]))
        kept = np.flatnonzero(alive)
        gaps = dead[dead < inside]
        moved = np.flatnonzero(alive[inside:covered]) + inside
        kept[:inside] = np.arange(inside)
        kept[gaps] = moved
        to = np.full(count, -1, np.int64)
        to[kept] = np.arange(len(kept))
        return cls(kept, to)

    def vectors(self, each: int, rows: Rows) -> Rows:
        """The new numbers of vectors, of which a record has ``each``."""
        records = self.to[rows // each]
        return np.where(records < 0, -1, records * each + rows % each)


def _copy(source: RecordFile, rows: Rows, to: Path) -> None:
    with to.open("wb") as file:
        for start in range(0, len(rows), _BLOCK):
            file.write(source.raw(rows[start : start + _BLOCK]).tobytes())
        file.flush()
        os.fsync(file.fileno())
    sync_folder(to.parent)


def _renumber(db: sqlite3.Connection, shelf: int, dead: Rows, moves: _Moves) -> None:
    """First what fills gaps, then what closes up, from the front: no two rows ever share a number."""
    db.executemany("DELETE FROM vectors WHERE shelf = ? AND row = ?", [(shelf, row) for row in dead.tolist()])
    moved = np.flatnonzero(moves.kept != np.arange(len(moves.kept)))
    pairs = zip(moved.tolist(), moves.kept[moved].tolist(), strict=True)
    db.executemany(
        "UPDATE vectors SET row = ? WHERE shelf = ? AND row = ?", [(to, shelf, row) for to, row in pairs]
    )


def _drop_thumbnails(connections: Connections, thumbnails: Thumbnails) -> tuple[int, int]:
    """(number, bytes) of the thumbnails whose content the library no longer knows."""
    orphans: list[str] = []
    with connections.read() as db:
        for part in slices(thumbnails.contents()):  # not all hashes at once: 0.6 GB at five million
            statement = f"SELECT hash FROM contents WHERE hash IN ({marks(len(part))})"
            orphans += set(part) - {row[0] for row in db.execute(statement, part)}
    return len(orphans), sum(thumbnails.drop(content) for content in orphans)


def _bytes(library: Path) -> int:
    tables = sum(overview.size_of(library / f"{FILE}{ending}") for ending in ("", "-wal"))
    return tables + sum(overview.size_of(folder) for folder in (library / "shelves").glob("*"))
