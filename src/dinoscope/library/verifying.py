"""Looking for contradictions between rows, vectors and engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dinoscope.engines import ENGINES
from dinoscope.errors import DinoscopeError, LibraryDamaged
from dinoscope.library import checksums
from dinoscope.library.connection import Connections
from dinoscope.library.recordfile import RecordFile
from dinoscope.library.records import Finding
from dinoscope.library.shelf_rows import ShelfRow, basis_of, dead_rows, shelf_rows

_BLOCK = 8_192  # records checked at a time
_SAMPLE = 4_096  # records checked when not all are
_QUERIES = 20  # searches in which the engine is held against exact search
_AGREEMENT = 0.5  # of exact's ten nearest that the engine must find; of pure noise it finds some 0.75
_RESTORE = "restore the library from a backup, or delete it and index again"
_DROP = "forget the model's vectors and index again"


def verify(connections: Connections, library: Path, *, every_vector: bool) -> Iterator[Finding]:
    """One finding a contradiction, all seen in one committed state; nothing is changed.

    What a killed writer leaves behind (records without a commit, unfinished engines, thumbnails) is
    no contradiction: nothing refers to it, and the next writer clears it up.
    """
    try:
        with connections.read() as db:
            yield from _tables(db)
            for row in shelf_rows(db):
                yield from _shelf(db, library, row, every_vector)
    except LibraryDamaged as error:
        yield Finding(str(error), _RESTORE)


def _tables(db: sqlite3.Connection) -> Iterator[Finding]:
    for (line,) in db.execute("PRAGMA integrity_check(10)"):
        if line != "ok":
            yield Finding(f"the tables are damaged: {line}", _RESTORE)
    dangling = len(db.execute("PRAGMA foreign_key_check").fetchall())
    if dangling:
        yield Finding(f"{dangling} rows refer to something that is not there", _RESTORE)
    wrong = _number(
        db, "contents WHERE files <> (SELECT count(*) FROM files WHERE files.content = contents.id)"
    )
    if wrong:
        yield Finding(f"{wrong} contents count their files wrongly", _RESTORE)
    lone = _number(db, "files WHERE NOT EXISTS (SELECT 1 FROM vectors WHERE vectors.content = files.content)")
    if lone and _number(db, "shelves"):
        yield Finding(f"{lone} pictures have no vector and cannot be found", "index their folders again")


def _number(db: sqlite3.Connection, what: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def _shelf(db: sqlite3.Connection, library: Path, row: ShelfRow, every_vector: bool) -> Iterator[Finding]:
    what = "region tokens" if row.tokens else "vectors"
    first, last, rows = db.execute(
        "SELECT min(row), max(row), count(*) FROM vectors WHERE shelf = ?", (row.id,)
    ).fetchone()
    if rows != row.count or (rows and (first, last) != (0, row.count - 1)):
        yield Finding(f"{row.key} counts {row.count} {what} but has rows for {rows}", _DROP)
        return
    if row.tokens and basis_of(db, row.id) is None:
        yield Finding(f"nobody knows what the {what} of {row.key} were reduced with", _DROP)
    try:
        source = row.opened(library)
    except (LibraryDamaged, OSError) as error:
        yield Finding(f"the {what} of {row.key} cannot be read: {error}", _DROP)
        return
    spoilt = _spoilt(source, row.count, every_vector)
    if spoilt:
        wrong = "contradict themselves" if row.tokens else "are not of length 1"
        yield Finding(f"{spoilt} {what} of {row.key} {wrong}", _DROP)
    if row.engine_folder is not None:
        problem = engine_problem(db, library, row)
        if problem is not None:
            yield Finding(problem, "run `dinoscope library compact`, which builds the engine again")


def _spoilt(source: RecordFile, count: int, every_vector: bool) -> int:
    """Records that are wrong, among all or among a spread-out sample."""
    step = 1 if every_vector else max(1, count // _SAMPLE)
    blocks = range(0, count, _BLOCK * step)
    return sum(source.spoilt(slice(start, min(start + _BLOCK * step, count), step)) for start in blocks)


def engine_problem(db: sqlite3.Connection, library: Path, row: ShelfRow) -> str | None:
    """What is wrong with a shelf's saved engine; None when it loads and agrees with exact search."""
    if not checksums.right(row.engine_at(library)):
        what = f"the engine {row.engine} of {row.key} cannot be loaded as it was saved"
        return f"{what}: a file is missing or was changed"
    try:
        engine = ENGINES[row.engine].load(row.folder(library) / str(row.engine_folder), row.opened(library))
    except (DinoscopeError, KeyError) as error:
        return f"the engine {row.engine} of {row.key} cannot be loaded: {error}"
    if engine.covered != row.covered:
        return f"the engine of {row.key} holds {engine.covered} vectors, not {row.covered}"
    records = row.covered // row.each
    source = row.opened_as(row.folder(library) / row.file, records)
    dead = dead_rows(db, row.id)
    alive = np.ones(records, np.bool_)
    alive[dead[dead < records]] = False
    allowed = np.repeat(alive, row.each)
    asked = np.flatnonzero(allowed)
    if not len(asked):
        return None
    asked = np.random.default_rng(0).choice(asked, min(_QUERIES, len(asked)), replace=False)
    queries = source.read(np.sort(asked))
    truth, _ = ENGINES["exact"].build(source).search(queries, 10, allowed)
    found, _ = engine.search(queries, 10, allowed)
    agreement = float(np.mean([np.isin(a[a >= 0], b).mean() for a, b in zip(truth, found, strict=True)]))
    if agreement < _AGREEMENT:
        return f"the engine of {row.key} finds only {agreement:.0%} of what exact search finds"
    return None
