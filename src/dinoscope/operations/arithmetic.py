"""Keep numpy's matrix products on the thread that asks for them, where other work has all the cores."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np


class _Asked:
    """How many contexts are open, in all threads, and how many threads there were before the first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._open = 0
        self._before: int | None = None

    def enter(self) -> None:
        with self._lock:
            self._open += 1
            if self._open == 1:
                self._before = threads()
                _set(1)

    def leave(self) -> None:
        with self._lock:
            self._open -= 1
            if self._open == 0 and self._before is not None:
                _set(self._before)


_asked = _Asked()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let OpenBLAS, which numpy's wheels bring, work in one thread; the whole process's while it is open.

    Its threads share products from 64 x 64 x 64 on, and wait for the next one spinning: beside an encoder
    that has every core, region tokens took 50 ms of CPU a picture so instead of 3. With another library
    under numpy this does nothing.
    """
    _asked.enter()
    try:
        yield
    finally:
        _asked.leave()


def threads() -> int | None:
    """Of numpy's OpenBLAS; None where it is another library."""
    library = _openblas()
    return None if library is None else int(library.scipy_openblas_get_num_threads64_())


def _set(count: int) -> None:
    library = _openblas()
    if library is not None:
        library.scipy_openblas_set_num_threads64_(count)


@cache
def _openblas() -> Any:
    """The library that numpy has loaded already, by the names its wheels give file and functions."""
    package = Path(np.__file__).parent
    for folder in (package.parent / "numpy.libs", package / ".dylibs"):
        for path in sorted(folder.glob("libscipy_openblas64_*")):
            try:
                library = ctypes.CDLL(str(path))
            except OSError:
                continue
            if hasattr(library, "scipy_openblas_set_num_threads64_"):
                return library
    return None
