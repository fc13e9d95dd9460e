"""The vectors of one model in one committed state: what a map of the whole library is made from."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows
from dinoscope.features import Vectors
from dinoscope.geometry import Bools
from dinoscope.library.filters import Filter
from dinoscope.library.shelf_rows import filtered_rows
from dinoscope.library.snapshots import State

Names = NDArray[np.uint64]  # the last 64 bits of contents' hashes: the same after any compaction
_AT_ONCE = 50_000  # rows of a table turned into arrays together
_HEX = 16


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Each content that has a file, in the order of its vector."""

    rows: Rows  # (n,) ascending; hold within the view only
    pictures: NDArray[np.int64]  # (n,) ids, of several files of a content the oldest
    names: Names  # (n,)

    def __len__(self) -> int:
        return len(self.rows)


class VectorView:
    """Get one from ``Shelf.vectors``. A row is a picture's content; rows hold within the view only."""

    def __init__(self, db: sqlite3.Connection, state: State) -> None:
        self._db = db
        self._state = state

    @property
    def generation(self) -> int:
        """The number of the committed state; another one may have other points."""
        return self._state.generation

    @property
    def numbering(self) -> str:
        """Another one after a compaction, which gives rows other numbers."""
        return f"{self._state.row.id} {self._state.row.file}"

    def alive(self) -> Rows:
        """(n,) those with a file, ascending."""
        mask = self._state.alive(self._db)
        return np.arange(self._state.row.count) if mask is None else np.flatnonzero(mask)

    def points(self) -> Points:
        """All of them; 3 s a million."""
        found = self._db.execute(
            "SELECT vectors.row, (SELECT min(id) FROM files WHERE content = contents.id), contents.hash "
            "FROM vectors JOIN contents ON contents.id = vectors.content "
            "WHERE vectors.shelf = ? AND contents.files > 0 ORDER BY vectors.row",
            (self._state.row.id,),
        )
        numbers, names = [np.empty((0, 2), np.int64)], [np.empty(0, np.uint64)]
        while part := found.fetchmany(_AT_ONCE):
            numbers.append(np.array([line[:2] for line in part], np.int64))
            names.append(np.array([int(line[2][-_HEX:], 16) for line in part], np.uint64))
        rows, pictures = np.concatenate(numbers).T
        return Points(rows.copy(), pictures.copy(), np.concatenate(names))

    def passing(self, points: Points, where: Filter) -> Bools:
        """(n,) those of which at least one file passes the filter."""
        return np.isin(points.rows, filtered_rows(self._db, self._state.row.id, where), assume_unique=True)

    def read(self, rows: Rows) -> Vectors:
        """(n, D) unit vectors, in the order asked."""
        return self._state.source.read(rows)
