"""What a library amounts to."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from dinoscope.library import files
from dinoscope.library.connection import FILE
from dinoscope.library.paths import to_path
from dinoscope.library.records import LibraryInfo, ModelShelf
from dinoscope.library.shelf_rows import FINE, REGIONS, ShelfRow, alive, shelf_rows, token_row
from dinoscope.library.thumbnails import Thumbnails


def info(db: sqlite3.Connection, folder: Path, thumbnails: Thumbnails, *, read_only: bool) -> LibraryInfo:
    """Counts and sizes of the state ``db`` sees."""
    rows = {row.key: row for row in shelf_rows(db)}
    shelves = tuple(_shelf(db, row, rows, folder) for row in rows.values() if not row.tokens)
    tables = sum(size_of(folder / f"{FILE}{ending}") for ending in ("", "-wal", "-shm"))
    return LibraryInfo(
        folder=folder,
        pictures=files.count(db),
        contents=files.contents(db),
        bytes=tables + sum(shelf.bytes for shelf in shelves) + thumbnails.bytes(),
        roots=tuple(to_path(row[0]) for row in db.execute("SELECT path FROM roots ORDER BY path")),
        shelves=shelves,
        refusals=_count(db, "refusals"),
        read_only=read_only,
    )


def size_of(path: Path) -> int:
    """Bytes of a file, or of the files right inside a folder; 0 where there is nothing."""
    try:
        return sum(size_of(child) for child in path.iterdir()) if path.is_dir() else path.stat().st_size
    except OSError:  # replaced or deleted while we look
        return 0


def _count(db: sqlite3.Connection, what: str) -> int:
    return int(db.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def _shelf(db: sqlite3.Connection, row: ShelfRow, rows: Mapping[str, ShelfRow], folder: Path) -> ModelShelf:
    living, tokens = alive(db, row), token_row(db, row.key)
    kept = [rows[row.key + kind] for kind in (REGIONS, FINE) if row.key + kind in rows]
    parts = [row, *kept]
    engines = sum(size_of(part.folder(folder) / part.engine_folder) for part in parts if part.engine_folder)
    return ModelShelf(
        key=row.key,
        name=row.name,
        dimension=row.dimension,
        vectors=living,
        dead=row.count - living,
        engine=row.engine,
        regions=0 if tokens is None else alive(db, tokens),
        region_engine=None if tokens is None else tokens.engine,
        fine=tokens is not None and tokens.fine,
        vector_bytes=size_of(row.folder(folder) / row.file),
        region_bytes=sum(size_of(part.folder(folder) / part.file) for part in kept),
        engine_bytes=engines,
        bytes=sum(size_of(part.folder(folder)) for part in parts),
    )


def calibration_of(db: sqlite3.Connection, key: str) -> dict[str, float | list[float]] | None:
    """The numbers kept with a shelf, None when there are none."""
    row = db.execute("SELECT calibration FROM shelves WHERE key = ?", (key,)).fetchone()
    return None if row is None or row[0] is None else dict(json.loads(row[0]))
