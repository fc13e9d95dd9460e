"""The region tokens of one model in one committed state: what region search reads."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.features import Basis, FloatArray, TokenTable, Vectors
from dinoscope.library.files import contents, sql_of
from dinoscope.library.filters import Filter
from dinoscope.library.shelf_rows import alive, basis_of, contents_of
from dinoscope.library.snapshots import State
from dinoscope.library.tokens import TokenFile

# Estimated similarity that no unused token, whose zeros are like nothing, gets: ten times what estimates
# err. To look at each token's record costs a large library 250 MB of disk a search.
_FULL = 0.25
_COUNTED = 256  # filters whose missing pictures are remembered; a server is sent ever new ones


class TokenView:
    """Get one from ``Shelf.tokens``. A row is a picture's content; rows hold within the view only."""

    def __init__(self, db: sqlite3.Connection, state: State) -> None:
        assert isinstance(state.source, TokenFile)
        self._db = db
        self._state = state
        self._file = state.source
        self._shelf = state.row.id

    @property
    def basis(self) -> Basis:
        """What brings a query's patches to the tokens' coordinates."""
        basis = basis_of(self._db, self._shelf)
        assert basis is not None  # committed with the shelf
        return basis

    @property
    def numbering(self) -> str:
        """Another one after a compaction, which gives rows other numbers."""
        return f"{self._state.row.id} {self._state.row.file}"

    @property
    def fine(self) -> bool:
        """Were the pictures encoded in tiles, on which parts look larger?"""
        return self._state.row.fine

    @property
    def count(self) -> int:
        """Contents that have tokens and a file."""
        return alive(self._db, self._state.row)

    @property
    def tokens(self) -> int:
        """Tokens there is room for, those of removed pictures and unused ones among them."""
        return len(self._file)

    @property
    def engine(self) -> str:
        """The name of the engine that searches."""
        return self._state.engine.name

    @property
    def exact(self) -> bool:
        """Is every token compared?"""
        return self._state.engine.name == "exact"

    def nearby(self, queries: Vectors, n: int, where: Filter | None = None) -> tuple[Rows, Rows, FloatArray]:
        """For each of the (q, P) unit queries the nearest n tokens of the pictures that pass the filter.

        By the engine's estimate, which at 128 numbers a token errs by some 0.02: whoever wants the best
        compares all tokens of the pictures this names.

        Returns:
            Rows, the tokens' numbers within their pictures, and estimated cosine similarities, (q, n)
            each, best first; row -1 with similarity -inf where there are fewer. Those of no similarity
            (0 or less) may be left out, too.

        Raises:
            BadRequest: a query that is not finite or not of the basis's dimension.
        """
        found, scores = self._state.nearby(self._db, queries, n, where)
        useful = found >= 0
        unsure = useful & (scores < _FULL)
        useful[unsure] = self._file.used(found[unsure])
        if not useful.all():
            order = np.argsort(~useful, axis=1, kind="stable")  # the useful first, in the order they have
            found = np.take_along_axis(np.where(useful, found, -1), order, 1)
            scores = np.take_along_axis(np.where(useful, scores, -np.inf), order, 1)
        rows, tokens = np.divmod(found, self._file.each)
        return rows, np.where(rows >= 0, tokens, -1), scores.astype(np.float32)

    def read(self, rows: Rows) -> TokenTable:
        """The tokens of these pictures, in the order asked."""
        return self._file.table(rows)

    def contents(self, rows: Rows) -> list[str]:
        """The content hash of each row."""
        names = contents_of(self._db, self._shelf, rows)
        return [names[row] for row in rows.tolist()]

    def row_of(self, content: str) -> int | None:
        """The row of a content, None when it has no tokens."""
        found = self._db.execute(
            "SELECT vectors.row FROM contents JOIN vectors ON vectors.content = contents.id "
            "WHERE contents.hash = ? AND vectors.shelf = ?",
            (content, self._shelf),
        ).fetchone()
        return None if found is None else int(found[0])

    def rows_of(self, contents: Sequence[str]) -> dict[str, int]:
        """The rows of those that have tokens."""
        found = {content: self.row_of(content) for content in contents}
        return {content: row for content, row in found.items() if row is not None}

    def missing(self, where: Filter | None = None) -> int:
        """Pictures that pass the filter and have no tokens yet; indexing their folders again adds them."""
        key = where.text if where is not None else ""
        known = self._state.missing
        counted = known.get(key)
        if counted is None:  # seconds at a million pictures: once a commit
            counted = 0 if self._complete() else self._without(where)
            if len(known) >= _COUNTED:
                known.clear()
            known[key] = counted
        return counted

    def _complete(self) -> bool:
        return contents(self._db) == self.count

    def _without(self, where: Filter | None) -> int:
        condition, parameters = sql_of(where)
        statement = (
            f"SELECT count(*) FROM files WHERE {condition} AND NOT EXISTS "
            "(SELECT 1 FROM vectors WHERE vectors.content = files.content AND vectors.shelf = ?)"
        )
        return int(self._db.execute(statement, (*parameters, self._shelf)).fetchone()[0])
