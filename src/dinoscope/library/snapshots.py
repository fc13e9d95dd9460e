"""What is loaded of a shelf for one committed state: file, engine, and which records may be answered."""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from dinoscope.engines import ENGINES, ranking
from dinoscope.engines.engine import Engine, Mask, Rows, VectorSource
from dinoscope.errors import DinoscopeError, LibraryDamaged
from dinoscope.features import FloatArray, Vectors
from dinoscope.library import checksums
from dinoscope.library.connection import Connections, generation
from dinoscope.library.filters import Filter
from dinoscope.library.recordfile import RecordFile
from dinoscope.library.shelf_rows import ShelfRow, dead_rows, filtered_rows, shelf_row

_MASKS = 16  # filters remembered, and
_MASK_BYTES = 64 * 2**20  # at most so much of them beside the latest: a byte a vector each
_ATTEMPTS = 5  # compactions overtaken in a row before a missing file counts as damage
_log = logging.getLogger(__name__)


class State:
    """What was loaded for one generation; shared by threads, masks grow lazily."""

    def __init__(
        self,
        row: ShelfRow,
        at: int,
        source: RecordFile,
        engine: Engine,
        tail: Engine | None,
        *,
        before: State | None = None,
    ) -> None:
        """``before`` is an earlier state with the same records, dead and alive, and maybe fewer."""
        self.row = row
        self.generation = at
        self.source = source
        self.engine = engine  # vectors [0, engine.covered)
        self.tail = tail  # vectors [engine.covered, len(source)), exact
        self.missing: dict[str, int] = {}  # filter -> pictures without a record, as far as anybody asked
        self._masks: dict[str, _Allowed] = {}
        self._guard = threading.Lock()
        known = before._masks.get("") if before is not None else None
        if known is not None:
            self._masks[""] = known.grown(row.count, row.each, engine.covered)

    def alive(self, db: sqlite3.Connection) -> Mask | None:
        """(count,) the records whose content has a file; None where all have."""
        return self._allowed(db, None).records

    def search(
        self,
        db: sqlite3.Connection,
        queries: Vectors,
        k: int,
        where: Filter | None,
        probes: int | None = None,
    ) -> tuple[Rows, FloatArray]:
        """The nearest k vectors, (q, k) each, among the records that are alive and pass the filter."""
        allowed = self._allowed(db, where)
        answer = self.engine.search(queries, k, allowed.covered, probes)
        return self._with_tail(answer, allowed, queries, k)

    def nearby(
        self, db: sqlite3.Connection, queries: Vectors, k: int, where: Filter | None
    ) -> tuple[Rows, FloatArray]:
        """The same by the engine's estimates, see ``Engine.nearby``."""
        allowed = self._allowed(db, where)
        return self._with_tail(self.engine.nearby(queries, k, allowed.covered), allowed, queries, k)

    def _with_tail(
        self, answer: tuple[Rows, FloatArray], allowed: _Allowed, queries: Vectors, k: int
    ) -> tuple[Rows, FloatArray]:
        """What the engine says, and what it does not cover."""
        if self.tail is None:
            return answer
        rows, scores = self.tail.search(queries, k, allowed.tail)
        return ranking.merged(answer, (np.where(rows >= 0, rows + self.engine.covered, -1), scores), k)

    def _allowed(self, db: sqlite3.Connection, where: Filter | None) -> _Allowed:
        key = where.text if where is not None else ""
        found = self._masks.get(key)
        if found is None:
            found = _Allowed(self._mask(db, where), self.row.each, self.engine.covered)
            room = min(_MASKS, _MASK_BYTES // max(1, len(self.source)))
            with self._guard:  # of other threads that ask for other filters
                while len(self._masks) >= max(1, room):
                    del self._masks[next(iter(self._masks))]
                self._masks[key] = found
        return found

    def _mask(self, db: sqlite3.Connection, where: Filter | None) -> Mask | None:
        if where is not None:  # a file that passes is a file: the record is alive
            mask = np.zeros(self.row.count, np.bool_)
            mask[filtered_rows(db, self.row.id, where)] = True
            return mask
        dead = dead_rows(db, self.row.id) if self.row.dead or self.row.turns < 0 else ()
        if not len(dead):
            return None
        mask = np.ones(self.row.count, np.bool_)
        mask[dead] = False
        return mask


class _Allowed:
    """A mask of records, and of the vectors in the engine and in the tail; None where all are allowed.

    The same arrays at every search: engines remember by identity what they prepared for them.
    """

    def __init__(self, records: Mask | None, each: int, covered: int) -> None:
        self.records = records
        vectors = records if records is None or each == 1 else np.repeat(records, each)
        self.covered = None if vectors is None else vectors[:covered]
        self.tail = None if vectors is None else vectors[covered:]

    def grown(self, count: int, each: int, covered: int) -> _Allowed:
        """With all records alive that came since; the engine's mask is the same one where it can be."""
        if self.records is None:
            return self
        new = np.ones(count - len(self.records), np.bool_)
        found = _Allowed(np.concatenate([self.records, new]), each, covered)
        if self.covered is not None and len(self.covered) == covered:
            found.covered = self.covered
        return found


class Tail:
    """The vectors of a source from ``first`` on, as a source of its own."""

    def __init__(self, source: VectorSource, first: int) -> None:
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


class Snapshots:
    """Follows one shelf: each snapshot is the latest commit, whole."""

    def __init__(
        self,
        connections: Connections,
        library: Path,
        key: str,
        missing: DinoscopeError,
        find: Callable[[sqlite3.Connection, str], ShelfRow | None] = shelf_row,
    ) -> None:
        """``missing`` is raised where ``find`` finds no shelf for the key."""
        self._connections = connections
        self._library = library
        self._key = key
        self._find = find
        self._missing = missing
        self._state: State | None = None
        self._guard = threading.Lock()

    def row(self, db: sqlite3.Connection) -> ShelfRow:
        """Raises: what was given as ``missing``."""
        row = self._find(db, self._key)
        if row is None:
            raise type(self._missing)(str(self._missing))  # a new one: a raised error keeps its traceback
        return row

    @contextmanager
    def snapshot(self) -> Iterator[tuple[sqlite3.Connection, State]]:
        """A transaction and what is loaded for it.

        A compaction or a merge between the two may have deleted the file that the snapshot names: then
        a newer snapshot names the new one.
        """
        for left in reversed(range(_ATTEMPTS)):
            with self._connections.read() as db:
                try:
                    state = self._current(db, patient=left > 0)
                except FileNotFoundError:
                    if not left:
                        raise
                    continue
                yield db, state
                return

    def _current(self, db: sqlite3.Connection, *, patient: bool = False) -> State:
        """The state this transaction sees, loaded anew when a commit has changed it.

        Raises:
            FileNotFoundError: its files are gone; with ``patient`` also when only its engine is, and a
                commit has replaced it meanwhile.
        """
        now = generation(db)
        state = self._state
        if state is not None and state.generation == now:
            return state
        with self._guard:
            state = self._state
            if state is not None and state.generation == now:
                return state
            newer = state is not None and state.generation > now  # loaded by a thread that began later
            before = None if newer else state
            overtaken = partial(self._overtaken, now) if patient else _never
            fresh = load(self.row(db), now, self._library, before, overtaken)
            if not newer:
                self._state = fresh
            return fresh

    def _overtaken(self, at: int) -> bool:
        """Has anything been committed since?"""
        with self._connections.read() as db:
            return generation(db) != at


def _never() -> bool:
    return False


def load(
    row: ShelfRow,
    at: int,
    library: Path,
    before: State | None,
    overtaken: Callable[[], bool] = _never,
) -> State:
    """Map the records and the engine, taking over from an earlier state what still holds.

    Raises:
        LibraryDamaged: the records' file is too short.
        FileNotFoundError: it is gone, or the engine cannot be used and this state is ``overtaken``.
    """
    source = row.opened(library)
    same = before is not None and before.row.file == row.file and before.row.id == row.id
    engine: Engine | None = None
    if before is not None and same and before.row.engine_folder == row.engine_folder and row.engine_folder:
        engine = before.engine
    elif row.engine_folder is not None:
        engine = _loaded(row.folder(library) / row.engine_folder, row, source, overtaken)
    if engine is None:
        exact = ENGINES["exact"]
        old = before.engine if before is not None and same and isinstance(before.engine, exact) else None
        engine = exact.build(source, previous=old)
    tail = None
    if engine.covered < len(source):
        taken = before.tail if before is not None and same and before.engine is engine else None
        tail = ENGINES["exact"].build(Tail(source, engine.covered), previous=taken)
    unturned = same and before is not None and row.turns >= 0 and before.row.turns == row.turns
    return State(row, at, source, engine, tail, before=before if unturned else None)


def _loaded(
    folder: Path, row: ShelfRow, source: VectorSource, overtaken: Callable[[], bool]
) -> Engine | None:
    """The saved engine; None, which falls back to exact search, when it is damaged: it is only an index."""
    try:
        if not checksums.begin_right(folder):
            raise LibraryDamaged(f"the search index {folder} is not what was saved: index again to mend it")
        return ENGINES[row.engine].load(folder, source)
    except (LibraryDamaged, KeyError) as error:
        if overtaken():  # it was good, and was deleted under our hands
            raise FileNotFoundError(folder) from error
        _log.warning("searching every vector instead: %s", error)
        return None
