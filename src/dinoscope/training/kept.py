"""Decoded pictures kept on disk, so that a training decodes each of its pictures once and not every epoch.

A photograph of 12 megapixels takes 30 ms to decode, all its views 2 ms to cut. What is kept is what the
decoder gave, reduced to what the views need, so that views do not depend on it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from dinoscope.features import Pixels
from dinoscope.training.items import Item

MOST = 8 * 2**30  # bytes; 46,000 pictures of the laptop preset, all of them seen 60 times
_HEAD = 8  # bytes of a slot: height and width
_SHAPE = 4 / 3  # longer : shorter side for which a slot has room; panoramas are decoded again


class Kept:
    """One sparse file of equal slots, picture n in slot n. Any number of processes may use it at once.

    Anything that goes wrong with it costs time and nothing else: a full disk ends the keeping, and a slot
    that was begun and not finished counts as empty.

    Args:
        path: the file; made when missing.
        side: pixels the shorter side was asked to keep (``decode``'s ``at_least``).
        slots: pictures there is room for; the others are never kept.
    """

    def __init__(self, path: Path, side: int, slots: int) -> None:
        self.path, self.side, self.slots = path, side, slots
        self._room = slot_bytes(side)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """The file stays."""
        os.close(self._file)

    def read(self, item: Item) -> Pixels | None:
        """(height, width, 3), or None when it is not there."""
        start = self._start(item)
        if start is None:
            return None
        os.lseek(self._file, start, os.SEEK_SET)
        head = os.read(self._file, _HEAD)
        height, width = (int(side) for side in np.frombuffer(head.ljust(_HEAD, b"\0"), np.uint32))
        if not height:
            return None
        body = os.read(self._file, 3 * height * width)
        return np.frombuffer(body, np.uint8).reshape(height, width, 3).copy() if body else None

    def write(self, item: Item, pixels: Pixels) -> None:
        """Keep a picture if there is a place for it."""
        start = self._start(item)
        if start is None or _HEAD + pixels.nbytes > self._room:
            return
        height, width = pixels.shape[:2]
        try:
            self._put(start + _HEAD, np.ascontiguousarray(pixels).tobytes())
            self._put(start, np.array([height, width], np.uint32).tobytes())  # last: now it counts
        except OSError:
            self.slots = 0  # the disk is full, or gone

    def _put(self, start: int, data: bytes) -> None:
        os.lseek(self._file, start, os.SEEK_SET)
        if os.write(self._file, data) < len(data):
            raise OSError("written in part")

    def _start(self, item: Item) -> int | None:
        return item.number * self._room if 0 <= item.number < self.slots else None


def slot_bytes(side: int) -> int:
    """Bytes of a slot: decoding reduces by whole numbers, so a shorter side is under twice what was asked."""
    return _HEAD + int(3 * _SHAPE * (2 * side) ** 2)


def slots_for(pictures: int, side: int, folder: Path) -> int:
    """How many may be kept there: at most 8 GiB and a quarter of what the disk has free."""
    free = 0
    with suppress(OSError):
        free = shutil.disk_usage(folder).free
    return min(pictures, min(MOST, free // 4) // slot_bytes(side))
