"""Pictures of the library as WebP of some side: from the store, from memory, or made on demand."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import BinaryIO

from dinoscope.errors import Unreadable
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.indexing import THUMBNAIL
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.sniffing import sniff
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.workers import DecodeWorkers

MEMORY = 64 * 2**20  # bytes of WebP kept; a thumbnail takes ~20 KB, a large view ~300 KB


@dataclass(frozen=True, slots=True)
class Rendered:
    """A WebP, and whether it shows the bytes the library knows: a changed file may not be cached for long."""

    webp: bytes
    current: bool


class Images:
    """Makes and remembers. Safe from several threads."""

    def __init__(
        self, library: Library, workers: DecodeWorkers, limits: Limits, memory: int = MEMORY
    ) -> None:
        self._library = library
        self._limits = limits
        self._workers = workers
        self._memory = memory
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._bytes = 0
        self._guard = Lock()

    def thumbnail(self, picture: Picture, side: int) -> Rendered:
        """At most ``side`` pixels a side; for THUMBNAIL and below it is still there when the file is gone.

        Raises:
            Unreadable, NotAPicture, PictureTooLarge: it must be made from the file, which is not as it was.
        """
        if side > THUMBNAIL:
            return self.large(picture, side)
        stored = self._library.thumbnail(picture.content)
        if stored is None:
            made = self._from_file(picture, THUMBNAIL)
            if not made.current:
                return made
            stored = made.webp
            self._library.put_thumbnail(picture.content, stored)
        if side == THUMBNAIL:
            return Rendered(stored, True)
        return Rendered(self._remembered(picture.content, side, lambda: self.smaller(stored, side)), True)

    def large(self, picture: Picture, side: int) -> Rendered:
        """From the file, re-encoded without its metadata. Raises as ``thumbnail``."""
        known = self._recall(picture.content, side)
        if known is not None:
            return Rendered(known, True)
        made = self._from_file(picture, side)
        if made.current:
            self._remember(picture.content, side, made.webp)
        return made

    def smaller(self, webp: bytes, side: int) -> bytes:
        """One of our own WebPs at another side, never enlarged."""
        return thumbnail(self._workers.decode(webp, where="the thumbnail", trust="own").pixels, side)

    def _from_file(self, picture: Picture, side: int) -> Rendered:
        path = self._library.original(picture, self._limits)
        loaded = self._workers.read(path, at_least=side, thumbnail=side, known=picture.content)
        if loaded.thumbnail is None:
            raise RuntimeError("the decode worker made no thumbnail")
        return Rendered(loaded.thumbnail, loaded.content == picture.content)

    def _remembered(self, content: str, side: int, make: Callable[[], bytes]) -> bytes:
        known = self._recall(content, side)
        if known is None:
            known = make()
            self._remember(content, side, known)
        return known

    def _recall(self, content: str, side: int) -> bytes | None:
        with self._guard:
            known = self._kept.get((content, side))
            if known is not None:
                self._kept.move_to_end((content, side))
            return known

    def _remember(self, content: str, side: int, webp: bytes) -> None:
        with self._guard:
            before = self._kept.pop((content, side), b"")
            self._kept[content, side] = webp
            self._bytes += len(webp) - len(before)
            while self._bytes > self._memory:
                self._bytes -= len(self._kept.popitem(last=False)[1])


def open_original(picture: Picture, path: Path) -> BinaryIO:
    """The file as it lies, or as it was fetched to ``path``, open for reading.

    Only what still is a picture: a path whose file was replaced, be it by a link to something
    private, gives nothing away.

    Raises:
        Unreadable: it is gone, or it is no picture any more.
    """
    gone = Unreadable(f"{picture.path} is not there any more as it was: index its folder again")
    if not path.is_file():  # also keeps a pipe from blocking the open
        raise gone
    try:
        file = path.open("rb")
    except OSError:
        raise gone from None
    if sniff(file.read(64)) != picture.kind:
        file.close()
        raise gone
    file.seek(0)
    return file
