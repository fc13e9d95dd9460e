"""The vectors file: one float16 vector a record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows
from dinoscope.engines.readahead import Pages
from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Vectors, widened
from dinoscope.library.recordfile import mapped

Halves = NDArray[np.float16]
ITEM = 2  # bytes a number


class VectorFile:
    """The committed rows of a vectors file; a RecordFile."""

    each = 1

    def __init__(self, path: Path, dimension: int, count: int) -> None:
        """Map the rows.

        Raises:
            LibraryDamaged: the file is shorter than its committed rows.
            FileNotFoundError: it is gone (a compaction has replaced it).
        """
        self._dimension = dimension
        self._rows: Halves = mapped(path, np.dtype((np.float16, (dimension,))), count, "vectors")
        self._ahead = Pages(self._rows)

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: Rows | slice) -> Vectors:
        """(n, D) unit float32: what float16 rounded away from length 1 is put back."""
        self._ahead.items(rows, len(self._rows))
        found = widened(np.asarray(self._rows[rows]))
        lengths = np.sqrt(np.einsum("ij,ij->i", found, found))
        found /= np.maximum(lengths, np.float32(1e-12))[:, None]  # in place: no second copy to walk through
        return found

    def raw(self, records: Rows | slice) -> Halves:
        """(n, D) as stored."""
        self._ahead.items(records, len(self._rows))
        return np.asarray(self._rows[records])

    def spoilt(self, records: slice) -> int:
        lengths = np.linalg.norm(self.raw(records).astype(np.float32), axis=1)
        return int(np.count_nonzero(~(np.abs(lengths - 1) < 2e-2)))  # NaN is not near 1 either


def halves(vectors: FloatArray, dimension: int) -> Halves:
    """(n, D) as they will be stored.

    Raises:
        BadRequest: a vector of another length than ``dimension``, not finite, or not of length 1.
    """
    array = np.asarray(vectors, np.float32)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise BadRequest(f"vectors of shape {array.shape} do not fit a shelf of {dimension} numbers each")
    lengths = np.linalg.norm(array, axis=1)
    if not np.all(np.abs(lengths - 1) < 1e-2):  # NaN fails this too
        raise BadRequest("a vector to store is not a finite unit vector: the model gave no usable descriptor")
    return array.astype(np.float16)
