"""Files of records of one size: appended by the writer, memory-mapped by readers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows, VectorSource
from dinoscope.errors import LibraryDamaged

Records = NDArray[Any]  # (n, ...) of whatever a file keeps


class RecordFile(VectorSource, Protocol):
    """The committed records of a file. What lies beyond them does not exist.

    As a VectorSource it has ``each`` vectors a record, in the order of the records.
    """

    each: int

    def raw(self, records: Rows | slice) -> Records:
        """Records as stored."""
        ...

    def spoilt(self, records: slice) -> int:
        """How many of these no writer can have meant: not finite, not of length 1, out of range."""
        ...


def mapped(path: Path, record: np.dtype[Any], count: int, what: str) -> Records:
    """The first ``count`` records; costs no reading.

    Raises:
        LibraryDamaged: the file is shorter than that.
        FileNotFoundError: it is gone (a compaction has replaced it).
    """
    if not count:
        return np.empty(0, record)
    if path.stat().st_size < count * record.itemsize:
        raise LibraryDamaged(
            f"{path} is shorter than the {count} {what} it should hold: restore it from a backup, "
            "or drop the model from the library and index again"
        )
    return np.asarray(np.memmap(path, record, "r", shape=(count,)))  # without memmap's cost at each use


def append(path: Path, committed: int, records: Records) -> None:
    """Write records after the ``committed`` ones and make them durable; what lay there is overwritten.

    Raises:
        OSError: as the system says; the committed records are untouched.
    """
    new = not path.exists()
    with path.open("r+b" if not new else "xb", buffering=0) as file:
        file.seek(committed * (records.nbytes // len(records)))
        data = memoryview(records.tobytes())
        while data:
            data = data[file.write(data) :]
        os.fsync(file.fileno())
    if new:
        sync_folder(path.parent)


def cut(path: Path, size: int, count: int) -> None:
    """Drop what lies beyond ``count`` records of ``size`` bytes: the trace of a writer that died."""
    if path.exists() and path.stat().st_size > count * size:
        os.truncate(path, count * size)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder durable; Windows does so by itself and cannot open folders."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
