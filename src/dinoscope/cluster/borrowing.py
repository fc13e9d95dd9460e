"""Originals that lie elsewhere, kept for a while where decoders can open them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, get_ident

from dinoscope.library.records import Picture

ROOM = 512 * 2**20  # bytes


class Borrowed:
    """Files by content, the least recently used deleted first. Safe from several threads."""

    def __init__(self, room: int = ROOM) -> None:
        self._room = room
        self._files: OrderedDict[str, int] = OrderedDict()  # content -> bytes
        self._used = 0
        self._guard = Lock()
        self._folder: TemporaryDirectory[str] | None = None

    def file(self, picture: Picture, fetch: Callable[[], bytes]) -> Path:
        """The picture's own path where it is on this machine, else a copy of what ``fetch`` gives."""
        if picture.path.is_file():
            return picture.path
        with self._guard:
            if self._folder is None:
                self._folder = TemporaryDirectory(prefix="dinoscope-")
            path = Path(self._folder.name) / f"{picture.content}{picture.path.suffix}"
            if path.is_file():
                self._files.move_to_end(picture.content)
                return path
        data = fetch()
        unfinished = path.with_name(f"{path.name}.{get_ident()}.part")  # others may fetch the same just now
        unfinished.write_bytes(data)
        unfinished.replace(path)
        self._remember(picture, len(data))
        return path

    def close(self) -> None:
        with self._guard:
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None
            self._files.clear()
            self._used = 0

    def _remember(self, picture: Picture, size: int) -> None:
        with self._guard:
            if self._folder is None:
                return
            self._used += size - self._files.pop(picture.content, 0)
            self._files[picture.content] = size
            while self._used > self._room and len(self._files) > 1:
                old, bytes = self._files.popitem(last=False)
                self._used -= bytes
                for path in Path(self._folder.name).glob(f"{old}*"):
                    path.unlink(missing_ok=True)
