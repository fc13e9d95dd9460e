"""All pictures of a library, made ready to propose copies: descriptors whitened, fingerprints read."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import DinoscopeError, NoRegions, NotAPicture
from dinoscope.features import FloatArray, Vectors
from dinoscope.library.copybook import CopyBook
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf, drawn
from dinoscope.operations.copy_candidates import BACKGROUND, WINDOWS, Whitening, joined, part_means
from dinoscope.operations.copy_evidence import Seen, reduced
from dinoscope.operations.copy_points import ASKED, coded
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.fingerprint import fingerprint
from dinoscope.pictures.keypoints import SIDE, grey_of, keypoints
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash, read_bytes
from dinoscope.pictures.thumbnails import thumbnail, thumbnail_pixels

_BLOCK = 2048  # pictures read at once
_KEPT = 400  # pictures made ready that are kept: 0.8 MB each at 320 pixels a side
THUMBNAIL = 320

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Every content of a library, in one order."""

    key: str  # of the model
    contents: tuple[str, ...]
    pictures: tuple[int, ...]  # of each content the id of its oldest file
    vectors: Vectors  # (n, D + P) whitened
    parts: Vectors  # (n, P) means of the pictures' parts; (n, 0) where there are no region tokens
    usual: FloatArray  # (n,) how near each is to the background
    usual_parts: FloatArray  # (n,)
    whitening: Whitening
    parts_whitening: Whitening | None
    token_rows: Rows  # (n,) in the token view, -1 where there are none

    def __len__(self) -> int:
        return len(self.contents)


def whole_of(library: Library, key: str) -> Whole:
    """Read all descriptors; a second for 10,000 pictures.

    Raises:
        NoSuchModel: none was indexed with this model.
    """
    shelf = library.shelf(key)
    with shelf.vectors() as view:
        points = view.points()
        found = library.pictures(points.pictures.tolist())
        named = {one.id: one.content for one in found if one.moment is None}  # moments of a video are alike
        kept = np.asarray(
            [index for index, id in enumerate(points.pictures.tolist()) if id in named], np.int64
        )
        ids = points.pictures[kept].tolist()
        described = [
            view.read(points.rows[kept][start : start + _BLOCK]) for start in range(0, len(kept), _BLOCK)
        ]
    contents = tuple(named[id] for id in ids)
    vectors = np.concatenate(described) if described else np.zeros((0, shelf.dimension), np.float32)
    parts, rows = _parts(shelf, contents)
    chosen = drawn(len(contents), BACKGROUND, 0)
    together = joined(vectors, parts) if parts.shape[1] else vectors
    whitening = Whitening.of(together[chosen])
    whitened = whitening(together)
    own = Whitening.of(parts[chosen]) if parts.shape[1] else None
    means = own(parts) if own is not None else parts
    usual_parts = own.usual(means) if own is not None else np.zeros(len(contents), np.float32)
    return Whole(
        key,
        contents,
        tuple(ids),
        whitened,
        means,
        whitening.usual(whitened),
        usual_parts,
        whitening,
        own,
        rows,
    )


def _parts(shelf: Shelf, contents: Sequence[str]) -> tuple[Vectors, Rows]:
    """(n, P) means of each picture's parts, zero where it has none, and their rows."""
    rows = np.full(len(contents), -1, np.int64)
    try:
        with shelf.tokens() as view:
            known = view.rows_of(contents)
            for index, content in enumerate(contents):
                rows[index] = known.get(content, -1)
            found = np.zeros((len(contents), view.basis.dimension), np.float32)
            there = np.flatnonzero(rows >= 0)
            for start in range(0, len(there), _BLOCK):
                part = there[start : start + _BLOCK]
                found[part] = part_means(view.read(rows[part]))
    except NoRegions:
        return np.zeros((len(contents), 0), np.float32), rows
    return found, rows


def stills(library: Library) -> int:
    """Distinct pictures, moments of videos left out."""
    frames = {video.content: video.frames for video in library.videos.all()}
    return max(0, library.info().contents - sum(frames.values()))


def windows_of(library: Library, whole: Whole, rows: Rows) -> Vectors:
    """(windows, n, P) means of the parts in each window of these pictures, whitened."""
    if whole.parts_whitening is None:
        return np.zeros((0, len(rows), 0), np.float32)
    found = np.zeros((len(WINDOWS), len(rows), whole.parts.shape[1]), np.float32)
    there = np.flatnonzero(whole.token_rows[rows] >= 0)
    if len(there):
        with library.shelf(whole.key).tokens() as view:
            table = view.read(whole.token_rows[rows[there]])
        for number, window in enumerate(WINDOWS):
            found[number, there] = whole.parts_whitening(part_means(table, window))
    return found


class Gallery:
    """Thumbnails of the library's pictures made ready to be compared, the latest kept."""

    def __init__(self, library: Library, limits: Limits, side: int = SIDE, kept: int = _KEPT) -> None:
        """``side``: pixels at which pictures are compared."""
        self._library = library
        self._limits = limits
        self._side = side
        self._most = kept
        self._kept: OrderedDict[str, Seen] = OrderedDict()
        self._guard = Lock()

    def __len__(self) -> int:
        """Pictures that are ready."""
        return len(self._kept)

    def seen(self, picture: Picture) -> Seen | None:
        """None where neither thumbnail nor file can be read. Safe from several threads."""
        with self._guard:
            known = self._kept.get(picture.content)
            if known is not None:
                self._kept.move_to_end(picture.content)
                return known
        pixels = self.pixels(picture)
        if pixels is None:
            return None
        made = Seen.of(pixels, picture.size, self._side)
        with self._guard:
            self._kept[picture.content] = made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made

    def forget(self) -> None:
        """Keep none: 320 MB where as many are kept as may be."""
        with self._guard:
            self._kept.clear()

    def prepare(self, pictures: Iterable[Picture]) -> None:
        """Make these ready on all cores, as many as are kept."""
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="dinoscope-points") as pool:
            list(pool.map(self.seen, islice(pictures, self._most)))

    def pixels(self, picture: Picture) -> NDArray[np.uint8] | None:
        """Of the thumbnail, or of the file, whose thumbnail is then kept."""
        kept = self._library.thumbnail(picture.content)
        try:
            if kept is not None:
                with suppress(NotAPicture):  # made anew
                    return thumbnail_pixels(kept)
            path = self._library.original(picture, self._limits)
            data = read_bytes(path, self._limits)
            if content_hash(data) != picture.content:
                return None
            pixels = decode(data, self._limits, where=str(path), at_least=THUMBNAIL, trust="known").pixels
        except DinoscopeError:
            return None
        small = reduced(pixels)
        self._library.put_thumbnail(picture.content, thumbnail(small, THUMBNAIL))
        return small


def fingerprinted(
    library: Library, book: CopyBook, gallery: Gallery, whole: Whole, pointed: Collection[str] = ()
) -> Iterator[tuple[int, int]]:
    """Make the fingerprints that are missing, some 3 ms each, and say how far it is: (done, total).

    Args:
        pointed: contents whose points are wanted, too, in another 20 ms each.
    """
    known, bare = set(book.fingerprints()[0]), set(pointed) - book.pointed()
    missing = [
        id
        for content, id in zip(whole.contents, whole.pictures, strict=True)
        if content not in known or content in bare
    ]

    def made(picture: Picture) -> tuple[str, NDArray[np.uint8], int, bytes | None] | None:
        pixels = gallery.pixels(picture)
        if pixels is None:
            return None
        small = reduced(pixels)
        points = coded(keypoints(grey_of(small), ASKED)).tobytes() if picture.content in bare else None
        return (picture.content, *fingerprint(small), points)

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="dinoscope-fingerprint") as pool:
        for start in range(0, len(missing), 256):
            found = [one for one in pool.map(made, library.pictures(missing[start : start + 256])) if one]
            book.put_points({content: points for content, *_, points in found if points is not None})
            book.put_fingerprints({content: (bits, quality) for content, bits, quality, _ in found})
            yield min(start + 256, len(missing)), len(missing)
