"""Go through the pictures of a library with the gate, as if each came in now; and take out what would not."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from os import cpu_count

from dinoscope.errors import DinoscopeError, FaceRefused, FacesUnchecked
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.indexing import decode_workers
from dinoscope.operations.queries import AT_LEAST
from dinoscope.pictures import faces
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.settings import Settings

_PAGE = 500  # pictures read from the library at once


@dataclass(frozen=True, slots=True)
class Rechecked:
    """How far it is."""

    done: int
    total: int
    face: Picture | None = None  # one that looks like a human face
    unread: Picture | None = None  # one whose file is gone or changed, and that has no thumbnail either


def recheck(library: Library, settings: Settings) -> Iterator[Rechecked]:
    """Look at every picture of a library; one whose file is gone is judged by its thumbnail.

    Raises:
        FacesUnchecked: the detector cannot run.
    """
    faces.ready()
    limits = replace(Limits.of(settings), faces="block")
    count, done, total = decode_workers(cpu_count() or 1), 0, library.count()
    with ExitStack() as stack:
        workers = stack.enter_context(DecodeWorkers(count, limits))
        pool = stack.enter_context(ThreadPoolExecutor(count))
        stack.callback(workers.close)  # first, for the pool waits for pictures that are being decoded
        for pictures in _pages(library):
            for picture, found in zip(
                pictures, pool.map(lambda one: _face(library, workers, one, limits), pictures), strict=True
            ):
                done += 1
                yield Rechecked(done, total, picture if found else None, picture if found is None else None)


def take_out(library: Library, ids: list[int]) -> int:
    """Forget pictures, and leave nothing of them in the library's files. How many.

    Raises: LibraryReadOnly, DiskFull.
    """
    gone = sum(library.remove(ids=list(some)) for some in _some(ids))
    library.compact()
    return gone


def _face(library: Library, workers: DecodeWorkers, picture: Picture, limits: Limits) -> bool | None:
    """Does it look like a face? None: there is nothing to look at."""
    try:
        path = library.original(picture, limits)
        if workers.read(path, at_least=AT_LEAST).content == picture.content:
            return False
    except FaceRefused:
        return True
    except FacesUnchecked:
        raise
    except DinoscopeError:  # gone, or no picture any more
        pass
    kept = library.thumbnail(picture.content)
    if kept is None:
        return None
    try:
        workers.decode(kept, where="the thumbnail")
    except FaceRefused:
        return True
    return False


def _pages(library: Library) -> Iterator[list[Picture]]:
    after: str | None = None
    while True:
        page = library.page(None, after, _PAGE)
        yield list(page.pictures)
        after = page.next
        if after is None:
            return


def _some(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), _PAGE):
        yield ids[start : start + _PAGE]
