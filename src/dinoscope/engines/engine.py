"""SEAM 2: an engine answers "which vectors are nearest?" and knows nothing of pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Vectors

Rows = NDArray[np.int64]  # positions in the vector file, 0 <= row < count
Mask = NDArray[np.bool_]  # (count,) True where a row may be answered


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

    @property
    def covered(self) -> int:
        """Rows [0, covered) are in the engine; later ones are the library's exact tail."""
        ...

    def search(self, queries: Vectors, k: int, allowed: Mask | None = None) -> tuple[Rows, FloatArray]:
        """Rows and exact cosine similarities, (q, k) each, best first.

        ``allowed`` restricts the answer (filters and tombstones). Where fewer than k rows are
        allowed, the rest is row -1 with similarity -inf. Equal similarities order by row.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what ``load`` needs into an empty folder. The caller renames it into place."""
        ...
