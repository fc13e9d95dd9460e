"""The vectors file: float16 rows one after another, appended by the writer, memory-mapped by readers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows
from dinoscope.errors import BadRequest, LibraryDamaged
from dinoscope.features import FloatArray, Vectors, normalise

Halves = NDArray[np.float16]
ITEM = 2  # bytes a number


class VectorFile:
    """The committed rows of a vectors file. What lies beyond ``count`` does not exist."""

    def __init__(self, path: Path, dimension: int, count: int) -> None:
        """Map the rows; costs no reading.

        Raises:
            LibraryDamaged: the file is shorter than its committed rows.
            FileNotFoundError: it is gone (a compaction has replaced it).
        """
        self._dimension = dimension
        self._rows: Halves = np.empty((0, dimension), np.float16)
        if count:
            if path.stat().st_size < count * dimension * ITEM:
                raise LibraryDamaged(
                    f"{path} is shorter than the {count} vectors it should hold: restore it from a backup, "
                    "or drop the model from the library and index again"
                )
            self._rows = np.memmap(path, np.float16, "r", shape=(count, dimension))

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, rows: Rows | slice) -> Vectors:
        """(n, D) unit float32: what float16 rounded away from length 1 is put back."""
        return normalise(np.asarray(self._rows[rows], np.float32))

    def raw(self, rows: Rows | slice) -> Halves:
        """(n, D) as stored."""
        return np.asarray(self._rows[rows])


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


def append(path: Path, committed: int, rows: Halves) -> None:
    """Write rows after the ``committed`` ones and make them durable; uncommitted leftovers are overwritten.

    Raises:
        OSError: as the system says; the committed rows are untouched.
    """
    new = not path.exists()
    with path.open("r+b" if not new else "xb", buffering=0) as file:
        file.seek(committed * rows.shape[1] * ITEM)
        data = memoryview(rows.tobytes())
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
    if new:
        sync_folder(path.parent)


def cut(path: Path, dimension: int, count: int) -> None:
    """Drop what lies beyond the committed rows: the trace of a writer that died before its commit."""
    if path.exists() and path.stat().st_size > count * dimension * ITEM:
        os.truncate(path, count * dimension * ITEM)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable; Windows does so by itself and cannot open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
