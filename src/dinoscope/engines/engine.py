"""SEAM 2: an engine answers "which vectors are nearest?" and knows nothing of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Vectors

Rows = NDArray[np.int64]  # positions in the vector file, 0 <= row < count
Mask = NDArray[np.bool_]  # (count,) True where a row may be answered
Renumbering = Callable[[Rows], Rows]  # what rows are called now; -1 where they are gone
Tick = Callable[[int, int], None]  # (rows done, rows in all); may raise to cancel


class VectorSource(Protocol):
    """The vectors an engine indexes, usually memory-mapped; the engine never copies what it can avoid."""

    @property
    def dimension(self) -> int: ...

    def __len__(self) -> int: ...

    def read(self, rows: Rows | slice) -> Vectors:
        """(n, D) unit float32, in the order asked."""
        ...


class Engine(Protocol):
    """Nearest vectors by cosine similarity. Rebuildable at any time from its VectorSource."""

    name: ClassVar[str]  # its key in ENGINES

    @classmethod
    def build(
        cls,
        source: VectorSource,
        *,
        seed: int = 0,
        threads: int = 0,
        previous: Self | None = None,
        tick: Tick | None = None,
        scratch: Path | None = None,
        renumbered: Renumbering | None = None,
    ) -> Self:
        """An engine over all rows of the source: the same source, seed and threads give the same engine.

        ``previous`` is an engine over the first rows of the same vectors whose work may be reused;
        ``threads`` 0 takes every core. What need not fill the memory goes to the folder ``scratch``,
        where ``save`` may then find its file already: give it the folder that is to be kept.
        ``renumbered`` says what became of the rows of ``previous``; those left are the first ones now.
        """
        ...

    @classmethod
    def load(cls, folder: Path, source: VectorSource) -> Self:
        """What ``save`` wrote, over the source it was built from (or a longer one).

        Raises:
            LibraryDamaged: the folder does not hold what ``save`` wrote.
        """
        ...

    @property
    def covered(self) -> int:
        """Rows [0, covered) are in the engine; later ones are the library's exact tail."""
        ...

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        """Rows and exact cosine similarities, (q, k) each, best first.

        ``allowed``, of ``covered`` rows, restricts the answer (filters and tombstones). Where fewer
        than k rows are allowed, the rest is row -1 with similarity -inf. Equal similarities order by
        row. More ``probes`` buy recall with time in an approximate engine; an exact one ignores them.

        Raises:
            BadRequest: a query that is not finite or not of the source's dimension.
        """
        ...

    def nearby(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        """As ``search``, scored by the engine's own estimate, for a caller who ranks the rows himself.

        An engine with codes of its own reads no stored vector for it.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what ``load`` needs into an empty folder. The caller renames it into place."""
        ...
