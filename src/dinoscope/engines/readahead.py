"""What will be needed of a mapped file is asked for at once: a disk answers a hundred questions as soon as
one, and pages that are merely touched are waited for one after another."""

from __future__ import annotations

import ctypes
import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows

PAGE = mmap.PAGESIZE
_FEW = 4  # items that are not worth it
_CHUNK = 2**17  # bytes; Linux reads no more than that for one piece of advice, the rest it forgets


class Pages:
    """Of a mapped array: which pages this process has asked for, so that it asks for none twice."""

    def __init__(self, array: NDArray[Any]) -> None:
        """Whoever touches a page gets that page alone from now on, not 30 of its neighbours."""
        self._start = array.ctypes.data // PAGE * PAGE
        self._shift = array.ctypes.data - self._start
        self._size = array.dtype.itemsize * int(np.prod(array.shape[1:], dtype=np.int64))
        self._asked = np.zeros((self._shift + array.nbytes) // PAGE + 1, np.bool_)
        if len(array):
            _advise(self._start, self._shift + array.nbytes, _RANDOM)

    def rows(self, rows: Rows) -> None:
        """These items of the array will be read."""
        if len(rows) < _FEW:
            return
        first = (rows * self._size + self._shift) // PAGE
        most = (self._size - 2) // PAGE + 2  # pages an item can lie on
        last = (rows * self._size + self._shift + self._size - 1) // PAGE
        pages = np.concatenate([np.minimum(first + step, last) for step in range(most)])
        new = np.sort(pages[~self._asked[pages]])
        if not len(new):
            return
        self._asked[new] = True
        breaks = np.flatnonzero(np.diff(new) > 1) + 1
        for start, stop in zip(new[[0, *breaks]], new[[*(breaks - 1), -1]], strict=True):
            _advise(self._start + int(start) * PAGE, int(stop - start + 1) * PAGE, _NEEDED)

    def items(self, rows: Rows | slice, count: int) -> None:
        """As ``rows``, of an array of so many items. After a slice the next one will be read, too; of one
        with steps nothing is asked for."""
        if not isinstance(rows, slice):
            self.rows(rows)
            return
        start, stop, step = rows.indices(count)
        if step == 1 and stop - start >= _FEW:
            first = (start * self._size + self._shift) // PAGE * PAGE
            last = min(2 * stop - start, count)
            _advise(self._start + first, last * self._size + self._shift - first, _NEEDED)


def needed(address: int, size: int) -> None:
    """So many bytes of mapped memory will be read."""
    start = address // PAGE * PAGE
    _advise(start, address + size - start, _NEEDED)


_RANDOM = getattr(mmap, "MADV_RANDOM", None)
_NEEDED = getattr(mmap, "MADV_WILLNEED", None)
_madvise: Any = ctypes.CDLL(None).madvise if _NEEDED is not None else None
if _madvise is not None:
    _madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


def _advise(address: int, size: int, what: int | None) -> None:
    """Nothing where the system takes no advice (Windows); advice that is refused is no harm."""
    if _madvise is None or what is None:
        return
    step = size if what == _RANDOM else _CHUNK
    for start in range(address, address + size, step):
        _madvise(start, min(step, address + size - start), what)
