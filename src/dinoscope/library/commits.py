"""The one way anything gets in: vectors, fsync, rows, in this order."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.library import files
from dinoscope.library.records import NewFile
from dinoscope.library.shelves import ShelfRow, shelf_row
from dinoscope.library.vectors import append, halves
from dinoscope.models.backbone import ModelIdentity


def commit(
    db: sqlite3.Connection,
    library: Path,
    model: ModelIdentity,
    dimension: int,
    *,
    new: Sequence[NewFile],
    vectors: Mapping[str, FloatArray],
) -> None:
    """Write files and vectors inside the caller's transaction, which makes them exist by committing.

    Raises:
        BadRequest: a vector that is no finite unit vector, or of another dimension than the shelf.
        ValueError: a file whose content has no vector, neither given nor stored.
    """
    shelf = _shelf(db, model, dimension)
    files.put(db, new)
    missing = _without_vector(db, shelf.id, {file.content for file in new} | set(vectors))
    wanted = [content for content in vectors if content in missing]
    if lacking := missing.keys() - vectors.keys():
        raise ValueError(f"no vector was given for {len(lacking)} new contents, such as {min(lacking)}")
    if not wanted:
        return
    stacked = np.stack([np.asarray(vectors[content], np.float32).reshape(-1) for content in wanted])
    rows = halves(stacked, dimension)
    folder = shelf.folder(library)
    folder.mkdir(parents=True, exist_ok=True)
    append(folder / shelf.vectors, shelf.count, rows)
    db.executemany(
        "INSERT INTO vectors VALUES (?, ?, ?)",
        [(shelf.id, shelf.count + index, missing[content]) for index, content in enumerate(wanted)],
    )
    db.execute("UPDATE shelves SET count = count + ? WHERE id = ?", (len(wanted), shelf.id))


def _shelf(db: sqlite3.Connection, model: ModelIdentity, dimension: int) -> ShelfRow:
    db.execute(
        "INSERT INTO shelves (key, name, dimension) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        (model.key, model.name, dimension),
    )
    shelf = shelf_row(db, model.key)
    assert shelf is not None
    if shelf.dimension != dimension:
        raise BadRequest(
            f"the library's vectors of {model.key} have {shelf.dimension} numbers, not {dimension}: "
            "a model identity cannot change its size"
        )
    return shelf


def _without_vector(db: sqlite3.Connection, shelf: int, contents: set[str]) -> dict[str, int]:
    """hash -> content id of those that have no vector on the shelf yet; makes missing content rows."""
    hashes = sorted(contents)
    db.executemany(
        "INSERT INTO contents (hash) VALUES (?) ON CONFLICT DO NOTHING", [(one,) for one in hashes]
    )
    found: dict[str, int] = {}
    for part in files.slices(hashes):
        statement = (
            f"SELECT hash, id FROM contents WHERE hash IN ({files.marks(len(part))}) AND NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE vectors.content = contents.id AND vectors.shelf = ?)"
        )
        found |= dict(db.execute(statement, (*part, shelf)).fetchall())
    return found
