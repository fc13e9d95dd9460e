"""What a library amounts to."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from dinoscope.library.connection import FILE
from dinoscope.library.paths import to_path
from dinoscope.library.records import LibraryInfo, ModelShelf
from dinoscope.library.shelves import ShelfRow, dead_rows, shelf_rows
from dinoscope.library.thumbnails import Thumbnails


def info(db: sqlite3.Connection, folder: Path, thumbnails: Thumbnails, *, read_only: bool) -> LibraryInfo:
    """Counts and sizes of the state ``db`` sees."""
    shelves = tuple(_shelf(db, row, folder) for row in shelf_rows(db))
    tables = sum(size_of(folder / f"{FILE}{ending}") for ending in ("", "-wal", "-shm"))
    return LibraryInfo(
        folder=folder,
        pictures=_count(db, "files"),
        contents=_count(db, "contents WHERE files > 0"),
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


def _shelf(db: sqlite3.Connection, row: ShelfRow, folder: Path) -> ModelShelf:
    dead = len(dead_rows(db, row.id))
    return ModelShelf(
        key=row.key,
        name=row.name,
        dimension=row.dimension,
        vectors=row.count - dead,
        dead=dead,
        engine=row.engine,
        bytes=size_of(row.folder(folder)),
    )
