"""A shelf: one model identity's vectors, searchable. Each search sees one committed state, whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.errors import NoRegions, NoSuchModel, NoSuchPicture
from dinoscope.features import FloatArray, Vectors
from dinoscope.library.connection import Connections
from dinoscope.library.filters import Filter
from dinoscope.library.shelf_rows import alive, contents_of, token_row
from dinoscope.library.snapshots import Snapshots
from dinoscope.library.token_views import TokenView
from dinoscope.library.vector_views import VectorView


class Shelf:
    """A read-only view of one model's vectors. Follows the library: every call sees the latest commit."""

    def __init__(self, connections: Connections, library: Path, key: str) -> None:
        self._connections = connections
        self._key = key
        unknown = NoSuchModel(
            f"the library {library} has no vectors of the model {key}: index with that model"
        )
        without = NoRegions(
            f"the library {library} knows no parts of its pictures by the model {key} yet: "
            "index their folders again, which adds what is missing"
        )
        self._vectors = Snapshots(connections, library, key, unknown)
        self._tokens = Snapshots(connections, library, key, without, find=token_row)
        with connections.read() as db:
            self._dimension = self._vectors.row(db).dimension

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
            row = self._vectors.row(db)
            return alive(db, row)

    @property
    def engine_name(self) -> str:
        with self._connections.read() as db:
            return self._vectors.row(db).engine

    @contextmanager
    def tokens(self) -> Iterator[TokenView]:
        """The region tokens of the model's pictures, in one committed state for the whole block.

        Raises:
            NoRegions: none were stored; the sentence says how to add them.
        """
        with self._tokens.snapshot() as (db, state):
            yield TokenView(db, state)

    @contextmanager
    def vectors(self) -> Iterator[VectorView]:
        """The vectors of all the model's pictures, in one committed state for the whole block."""
        with self._vectors.snapshot() as (db, state):
            yield VectorView(db, state)

    def vector(self, content: str) -> FloatArray:
        """(D,) unit vector of a content that has a file.

        Raises:
            NoSuchPicture: no file has that content, or this model has not seen it.
        """
        with self._vectors.snapshot() as (db, state):
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

    def vectors_of(self, contents: Sequence[str]) -> dict[str, FloatArray]:
        """``vector`` of each content that has one."""
        found = {}
        for content in contents:
            with suppress(NoSuchPicture):
                found[content] = self.vector(content)
        return found

    def search(
        self, queries: Vectors, k: int, where: Filter | None = None, probes: int | None = None
    ) -> list[list[tuple[str, float]]]:
        """For each of the (q, D) queries the nearest k contents as (content, cosine), best first.

        The filter works inside the search: k answers that pass, whenever there are k.

        Raises:
            BadRequest: a query that is not finite or not of ``dimension`` numbers.
        """
        with self._vectors.snapshot() as (db, state):
            rows, scores = state.search(db, queries, k, where, probes)
            names = contents_of(db, state.row.id, rows)
        return [
            [(names[row], float(score)) for row, score in zip(line, marks, strict=True) if row >= 0]
            for line, marks in zip(rows.tolist(), scores.tolist(), strict=True)
        ]

    def sample(self, n: int, seed: int = 0) -> Vectors:
        """(up to n, D) vectors alive, drawn without replacement; the same seed and state draw the same."""
        with self._vectors.snapshot() as (db, state):
            mask = state.alive(db)
            if mask is None:
                return state.source.read(drawn(state.row.count, n, seed))
            rows = np.flatnonzero(mask)
            return state.source.read(rows[drawn(len(rows), n, seed)])


def drawn(count: int, n: int, seed: int) -> Rows:
    """(up to n,) places among so many, ascending, without replacement; takes no longer for more places."""
    return np.sort(np.random.default_rng(seed).choice(count, min(n, count), replace=False)).astype(np.int64)
