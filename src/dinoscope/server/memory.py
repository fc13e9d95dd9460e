"""What a server that runs for weeks does about memory that its C library would keep.

glibc gives threads arenas of their own, up to eight a core, and each keeps what was once freed in it: with
pictures of tens of megabytes in ten threads that is hundreds of megabytes nobody uses. Two arenas are enough
for code that mostly waits for one lock, and what lies free is given back while nobody asks for anything.
Where the C library is another one, nothing is done.
"""

from __future__ import annotations

import ctypes
import sys
from threading import Event, Thread

ARENAS = 2
EVERY = 30.0  # seconds between two times that free memory is given back, some milliseconds each
_M_ARENA_MAX = -8  # of malloc.h


class Tidy:
    """Gives memory back to the system until it is closed."""

    def __init__(self, every: float = EVERY) -> None:
        self._every = every
        self._closed = Event()
        self._libc = _glibc()
        if self._libc is not None:
            self._libc.mallopt(_M_ARENA_MAX, ARENAS)
            Thread(target=self._run, name="dinoscope-tidy", daemon=True).start()

    def close(self) -> None:
        self._closed.set()

    def _run(self) -> None:
        assert self._libc is not None
        while not self._closed.wait(self._every):
            self._libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
