"""The library opened for writing, only while somebody here needs it, so that other programs may write too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from dinoscope.library.library import Library


class Writer:
    """One writing ``Library`` shared by a running job and whoever forgets a picture meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = Lock()
        self._users = 0
        self._library: Library | None = None

    @contextmanager
    def open(self) -> Iterator[Library]:
        """The library, locked against other processes until the last user leaves.

        Raises:
            LibraryBusy: another process writes. LibraryReadOnly, DiskFull, LibraryDamaged.
        """
        with self._guard:
            library = self._library or Library.open(self._folder, write=True)
            self._library = library
            self._users += 1
        try:
            yield library
        finally:
            with self._guard:
                self._users -= 1
                if self._users == 0:
                    self._library = None
                    library.close()
