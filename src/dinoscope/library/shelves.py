"""A shelf: one model identity's vectors, searchable. Each search sees one committed state, whole."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dinoscope.engines import ENGINES, ranking
from dinoscope.engines.engine import Engine, Mask, Rows
from dinoscope.errors import LibraryDamaged, NoSuchModel, NoSuchPicture
from dinoscope.features import FloatArray, Vectors
from dinoscope.library import files
from dinoscope.library.connection import Connections, generation
from dinoscope.library.filters import Filter
from dinoscope.library.vectors import VectorFile

_MASKS = 16  # filters remembered: a byte a vector each, 1 MB at a million
_ATTEMPTS = 5  # compactions overtaken in a row before a missing file counts as damage
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A shelf as the tables describe it."""

    id: int
    key: str
    name: str
    dimension: int
    count: int  # committed rows of the vectors file, dead ones included
    vectors: str  # file name
    engine: str
    engine_folder: str | None
    covered: int

    def folder(self, library: Path) -> Path:
        return library / "shelves" / str(self.id)


_COLUMNS = "id, key, name, dimension, count, vectors, engine, engine_folder, covered"


def shelf_row(db: sqlite3.Connection, key: str) -> ShelfRow | None:
    """The shelf of a model identity, None when the library has no vectors of it."""
    row = db.execute(f"SELECT {_COLUMNS} FROM shelves WHERE key = ?", (key,)).fetchone()
    return None if row is None else ShelfRow(*row)


def shelf_rows(db: sqlite3.Connection) -> list[ShelfRow]:
    return [ShelfRow(*row) for row in db.execute(f"SELECT {_COLUMNS} FROM shelves ORDER BY id")]


def dead_rows(db: sqlite3.Connection, shelf: int) -> Rows:
    """Rows whose content has no file left, ascending."""
    return _packed(
        db,
        "SELECT group_concat(vectors.row) FROM contents JOIN vectors ON vectors.content = contents.id "
        "AND vectors.shelf = ? WHERE contents.files = 0",
        (shelf,),
    )


def filtered_rows(db: sqlite3.Connection, shelf: int, where: Filter) -> Rows:
    """Rows of which at least one file passes the filter, ascending.

    CROSS JOIN makes SQLite filter first; it would scan the vectors even for a folder of ten pictures.
    """
    return _packed(
        db,
        "SELECT group_concat(vectors.row) FROM files CROSS JOIN vectors ON vectors.content = files.content "
        f"AND vectors.shelf = ? WHERE {where.sql}",
        (shelf, *where.parameters),
    )


def _packed(db: sqlite3.Connection, statement: str, parameters: Sequence[str | int | float]) -> Rows:
    """A column of integers by way of one string: four times faster than a Python object a row."""
    text = db.execute(statement, parameters).fetchone()[0]
    return np.unique(np.fromstring(text, np.int64, sep=",")) if text else np.empty(0, np.int64)


class _State:
    """What was loaded for one generation; shared by threads, masks grow lazily."""

    def __init__(
        self, row: ShelfRow, at: int, source: VectorFile, engine: Engine, tail: Engine | None
    ) -> None:
        self.row = row
        self.generation = at
        self.source = source
        self.engine = engine  # rows [0, engine.covered)
        self.tail = tail  # rows [engine.covered, count), exact
        self.masks: dict[str, Mask | None] = {}

    def allowed(self, db: sqlite3.Connection, where: Filter | None) -> Mask | None:
        """(count,) the rows that are alive and pass; None where all do."""
        key = where.text if where is not None else ""
        if key not in self.masks:
            while len(self.masks) >= _MASKS:
                self.masks.pop(next(iter(self.masks)), None)
            self.masks[key] = self._mask(db, where)
        return self.masks[key]

    def _mask(self, db: sqlite3.Connection, where: Filter | None) -> Mask | None:
        if where is not None:  # a file that passes is a file: the row is alive
            mask = np.zeros(self.row.count, np.bool_)
            mask[filtered_rows(db, self.row.id, where)] = True
            return mask
        dead = dead_rows(db, self.row.id)
        if not len(dead):
            return None
        mask = np.ones(self.row.count, np.bool_)
        mask[dead] = False
        return mask


class Tail:
    """The rows of a source from ``first`` on, as a source of its own."""

    def __init__(self, source: VectorFile, first: int) -> None:
        self._source = source
        self._first = first

    @property
    def dimension(self) -> int:
        return self._source.dimension

    def __len__(self) -> int:
        return len(self._source) - self._first

    def read(self, rows: Rows | slice) -> Vectors:
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            return self._source.read(slice(start + self._first, stop + self._first, step))
        return self._source.read(rows + self._first)


class Shelf:
    """A read-only view of one model's vectors. Follows the library: every call sees the latest commit."""

    def __init__(self, connections: Connections, library: Path, key: str) -> None:
        self._connections = connections
        self._library = library
        self._key = key
        self._state: _State | None = None
        self._guard = threading.Lock()
        with connections.read() as db:
            self._dimension = self._row(db).dimension

    @property
    def key(self) -> str:
        return self._key

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def count(self) -> int:
        """Vectors alive."""
        with self._connections.read() as db:
            row = self._row(db)
            return row.count - len(dead_rows(db, row.id))

    @property
    def engine_name(self) -> str:
        with self._connections.read() as db:
            return self._row(db).engine

    def vector(self, content: str) -> FloatArray:
        """(D,) unit vector of a content that has a file.

        Raises:
            NoSuchPicture: no file has that content, or this model has not seen it.
        """
        with self._snapshot() as (db, state):
            found = db.execute(
                "SELECT vectors.row FROM contents JOIN vectors ON vectors.content = contents.id "
                "WHERE contents.hash = ? AND contents.files > 0 AND vectors.shelf = ?",
                (content, state.row.id),
            ).fetchone()
            if found is None:
                raise NoSuchPicture(
                    f"the library has no vector of {content} by the model {self._key}: index its folder again"
                )
            row = int(found[0])
            return np.asarray(state.source.read(slice(row, row + 1))[0], np.float32)

    def search(
        self, queries: Vectors, k: int, where: Filter | None = None, probes: int | None = None
    ) -> list[list[tuple[str, float]]]:
        """For each of the (q, D) queries the nearest k contents as (content, cosine), best first.

        The filter works inside the search: k answers that pass, whenever there are k.

        Raises:
            BadRequest: a query that is not finite or not of ``dimension`` numbers.
        """
        with self._snapshot() as (db, state):
            rows, scores = _search(state, queries, k, state.allowed(db, where), probes)
            names = _contents(db, state.row.id, rows)
        return [
            [(names[row], float(score)) for row, score in zip(line, marks, strict=True) if row >= 0]
            for line, marks in zip(rows.tolist(), scores.tolist(), strict=True)
        ]

    def sample(self, n: int, seed: int = 0) -> Vectors:
        """(up to n, D) vectors alive, drawn without replacement; the same seed and state draw the same."""
        with self._snapshot() as (db, state):
            mask = state.allowed(db, None)
            rows = np.arange(state.row.count) if mask is None else np.flatnonzero(mask)
            chosen = np.random.default_rng(seed).permutation(rows)[:n]
            return state.source.read(np.sort(chosen))

    def _row(self, db: sqlite3.Connection) -> ShelfRow:
        row = shelf_row(db, self._key)
        if row is None:
            raise NoSuchModel(
                f"the library {self._library} has no vectors of the model {self._key}: index with that model"
            )
        return row

    @contextmanager
    def _snapshot(self) -> Iterator[tuple[sqlite3.Connection, _State]]:
        """A transaction and what is loaded for it.

        A compaction between the two may have deleted the vectors file that the snapshot names:
        then a newer snapshot names the new one.
        """
        for attempt in range(_ATTEMPTS):
            with self._connections.read() as db:
                try:
                    state = self._current(db)
                except FileNotFoundError:
                    if attempt == _ATTEMPTS - 1:
                        raise
                    continue
                yield db, state
                return

    def _current(self, db: sqlite3.Connection) -> _State:
        """The state this transaction sees, loaded anew when a commit has changed it."""
        now = generation(db)
        state = self._state
        if state is not None and state.generation == now:
            return state
        with self._guard:
            if self._state is not None and self._state.generation == now:
                return self._state
            fresh = load(self._row(db), now, self._library, self._state)
            if self._state is None or self._state.generation < now:
                self._state = fresh
            return fresh


def load(row: ShelfRow, at: int, library: Path, before: _State | None) -> _State:
    """Map the vectors and the engine, taking over from an earlier state what still holds."""
    folder = row.folder(library)
    source = VectorFile(folder / row.vectors, row.dimension, row.count)
    same = before is not None and before.row.vectors == row.vectors and before.row.id == row.id
    engine: Engine | None = None
    if before is not None and same and before.row.engine_folder == row.engine_folder and row.engine_folder:
        engine = before.engine
    elif row.engine_folder is not None:
        engine = _loaded(folder / row.engine_folder, row, source)
    if engine is None:
        exact = ENGINES["exact"]
        old = before.engine if before is not None and same and isinstance(before.engine, exact) else None
        engine = exact.build(source, previous=old)
    tail = ENGINES["exact"].build(Tail(source, engine.covered)) if engine.covered < row.count else None
    return _State(row, at, source, engine, tail)


def _loaded(folder: Path, row: ShelfRow, source: VectorFile) -> Engine | None:
    """The saved engine; None, which falls back to exact search, when it is damaged: it is only an index."""
    try:
        return ENGINES[row.engine].load(folder, source)
    except (LibraryDamaged, KeyError) as error:
        _log.warning("searching every vector instead: %s", error)
        return None


def _search(
    state: _State, queries: Vectors, k: int, allowed: Mask | None, probes: int | None
) -> tuple[Rows, FloatArray]:
    covered = state.engine.covered
    answer = state.engine.search(queries, k, None if allowed is None else allowed[:covered], probes)
    if state.tail is None:
        return answer
    rows, scores = state.tail.search(queries, k, None if allowed is None else allowed[covered:])
    return ranking.merged(answer, (np.where(rows >= 0, rows + covered, -1), scores), k)


def _contents(db: sqlite3.Connection, shelf: int, rows: Rows) -> dict[int, str]:
    """row -> content hash."""
    found: dict[int, str] = {}
    # not np.unique, whose first call imports numpy.ma: 35 ms or more of a command's start-up
    for part in files.slices(sorted(set(rows[rows >= 0].tolist()))):
        statement = (
            "SELECT vectors.row, contents.hash FROM vectors JOIN contents ON contents.id = vectors.content "
            f"WHERE vectors.shelf = ? AND vectors.row IN ({files.marks(len(part))})"
        )
        found |= dict(db.execute(statement, (shelf, *part)).fetchall())
    return found
