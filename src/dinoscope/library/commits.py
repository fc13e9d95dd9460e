"""The one way anything gets in: vectors and tokens, fsync, rows, in this order."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.library import files
from dinoscope.library.recordfile import Records, append
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.library.shelf_rows import FINE, REGIONS, ShelfRow, basis_of, put_basis, shelf_row
from dinoscope.library.tokens import records_of, same_basis
from dinoscope.library.vectors import halves
from dinoscope.models.backbone import ModelIdentity


def commit(
    db: sqlite3.Connection,
    library: Path,
    model: ModelIdentity,
    dimension: int,
    *,
    new: Sequence[NewFile],
    vectors: Mapping[str, FloatArray],
    regions: NewRegions | None,
) -> None:
    """Write files, vectors and tokens inside the caller's transaction, which makes them exist by committing.

    Raises:
        BadRequest: a vector that is no finite unit vector, or of another dimension than the shelf;
            tokens that do not fit their shelf.
        ValueError: a file whose content has no vector, neither given nor stored.
    """
    shelf = _shelf(db, model, dimension)
    files.put(db, new)
    missing = _without(db, shelf.id, {file.content for file in new} | set(vectors))
    wanted = [content for content in vectors if content in missing]
    if lacking := missing.keys() - vectors.keys():
        raise ValueError(f"no vector was given for {len(lacking)} new contents, such as {min(lacking)}")
    if wanted:
        stacked = np.stack([np.asarray(vectors[content], np.float32).reshape(-1) for content in wanted])
        _write(db, library, shelf, halves(stacked, dimension), [missing[content] for content in wanted])
    if regions is not None and regions.tokens:
        _put_regions(db, library, model, shelf, regions)


def _put_regions(
    db: sqlite3.Connection, library: Path, model: ModelIdentity, vectors: ShelfRow, regions: NewRegions
) -> None:
    shelf = _token_shelf(db, model, regions)
    missing = _without(db, shelf.id, regions.tokens)
    homeless = _without(db, vectors.id, regions.tokens)  # removed and compacted while they were pooled
    wanted = [content for content in regions.tokens if content in missing and content not in homeless]
    if wanted:
        records = records_of([regions.tokens[content] for content in wanted], shelf.record)
        _write(db, library, shelf, records, [missing[content] for content in wanted])


def _write(
    db: sqlite3.Connection, library: Path, shelf: ShelfRow, records: Records, contents: Sequence[int]
) -> None:
    """Append records and the rows that say whose they are."""
    folder = shelf.folder(library)
    folder.mkdir(parents=True, exist_ok=True)
    append(folder / shelf.file, shelf.count, records)
    db.executemany(
        "INSERT INTO vectors VALUES (?, ?, ?)",
        [(shelf.id, shelf.count + index, content) for index, content in enumerate(contents)],
    )
    db.execute("UPDATE shelves SET count = count + ? WHERE id = ?", (len(contents), shelf.id))


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


def _token_shelf(db: sqlite3.Connection, model: ModelIdentity, regions: NewRegions) -> ShelfRow:
    """The shelf, made with the first tokens: they say how many numbers its records have."""
    key = model.key + (FINE if regions.tiled else REGIONS)
    if shelf_row(db, key) is None:
        tokens, dimension = next(iter(regions.tokens.values())).vectors.shape
        db.execute(
            "INSERT INTO shelves (key, name, dimension, vectors, tokens, patches) VALUES (?, ?, ?, ?, ?, ?)",
            (key, model.name, dimension, "tokens-1.i8", tokens, regions.tiled or model.budget),
        )
    shelf = shelf_row(db, key)
    assert shelf is not None
    basis = basis_of(db, shelf.id)
    if basis is None:
        put_basis(db, shelf.id, regions.basis)
    elif not same_basis(basis, regions.basis):
        raise BadRequest(
            f"the region tokens of {model.key} have another basis than those the library holds: "
            "reduce the patches with the basis of the shelf"
        )
    return shelf


def _without(db: sqlite3.Connection, shelf: int, contents: Iterable[str]) -> dict[str, int]:
    """hash -> content id of those that have no record on the shelf yet; makes missing content rows."""
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


def calibrate(db: sqlite3.Connection, key: str, numbers: Mapping[str, float | Sequence[float]]) -> bool:
    """Keep small numbers with a shelf; False when there is none."""
    text = json.dumps(dict(numbers))
    return bool(db.execute("UPDATE shelves SET calibration = ? WHERE key = ?", (text, key)).rowcount)
