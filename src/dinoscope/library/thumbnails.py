"""Small pictures kept as files by content. A cache: losing one is harmless, a broken one counts as lost."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_CONTENT = re.compile(r"[0-9a-f]{8,128}")


class Thumbnails:
    """``ab/ab….webp`` below one folder. Safe from several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, content: str) -> bytes | None:
        """The WebP file, None when there is none or it is not whole."""
        try:
            data = self._path(content).read_bytes()
        except OSError:
            return None
        return data if _whole(data) else None

    def put(self, content: str, data: bytes) -> bool:
        """Keep a WebP file; False when the disk refuses, which costs only remaking it next time."""
        path = self._path(content)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(data)  # not synced: a torn file is noticed by its length
            unfinished.replace(path)
        except OSError:
            with suppress(OSError):
                unfinished.unlink()
            return False
        return True

    def drop(self, content: str) -> int:
        """Delete one; the number of bytes freed."""
        path = self._path(content)
        try:
            size = path.stat().st_size
            path.unlink()
        except OSError:
            return 0
        return size

    def contents(self) -> Iterator[str]:
        """The contents that have a thumbnail."""
        for path in self._files():
            if path.suffix == ".webp":
                yield path.stem

    def bytes(self) -> int:
        """What they take on the disk; looks at every file."""
        total = 0
        for path in self._files():
            try:
                total += path.stat().st_size
            except OSError:
                continue  # dropped meanwhile
        return total

    def clean(self) -> None:
        """Delete what interrupted writers left; for the one writer of the library."""
        for path in self._files():
            if path.suffix == ".part":
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[Path]:
        if not self._folder.is_dir():
            return
        for drawer in self._folder.iterdir():
            if drawer.is_dir():
                yield from drawer.iterdir()

    def _path(self, content: str) -> Path:
        if not _CONTENT.fullmatch(content):
            raise ValueError(f"{content!r} is no content hash")
        return self._folder / content[:2] / f"{content}.webp"


def _whole(data: bytes) -> bool:
    """A RIFF file says its own length at byte 4."""
    return data[:4] == b"RIFF" and int.from_bytes(data[4:8], "little") + 8 <= len(data)
