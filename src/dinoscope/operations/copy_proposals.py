"""Which pictures of a library may be copies of one another: pairs for whoever looks at them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Vectors
from dinoscope.library.copybook import CopyBook
from dinoscope.library.library import Library
from dinoscope.library.shelves import drawn
from dinoscope.operations.copy_index import Rows, Whole, windows_of
from dinoscope.operations.copy_neighbours import Neighbours, alike_index
from dinoscope.operations.copy_pasted import PointIndex
from dinoscope.operations.copy_points import POINT, Points
from dinoscope.pictures.fingerprint import ALIKE, PLAIN, turned_bits

WHOLES, PIECES = 6, 3  # nearest pictures looked at for a whole picture, and for each of its windows
NEAR, NEAR_PIECE = 0.15, 0.2  # how much nearer than the background two pictures, and a piece, must be
SURELY = 0.35  # so much nearer is looked at whatever it costs
# Everything has near neighbours among very many: pairs that are looked at, the likest, for each picture as a
# whole and for each of its windows, and so many in any library
WORTH, WORTH_PIECE = 0.25, 0.04
IN_ALL, IN_ALL_PIECES = 20_000, 4_000
_DRAWN = 1000  # pictures by which it is told how near that is
FEW = 300  # pictures: of so small a library the nearest are looked at however far they are
_BLOCK = 2048  # pictures whose points are read at once
TWINS = 50  # pictures of one fingerprint that each is laid on: a thousand blank forms are a million pairs

Pairs = dict[tuple[int, int], float]  # rows, the smaller first -> how much nearer than the background


class Proposer:
    """Of one library as it is; keep it, for it has read all descriptors."""

    def __init__(self, library: Library, book: CopyBook, whole: Whole) -> None:
        self._library = library
        self._book = book
        self._whole = whole
        self._bits: tuple[NDArray[np.uint8], Rows] | None = None
        self._useful: Rows = np.zeros(0, np.int64)
        self._alike: Any = None  # FAISS's index, of the fingerprints that tell something
        self._near: Neighbours | None = None
        self._near_parts: Neighbours | None = None
        self._points: PointIndex | None = None
        self._least: tuple[float, float] = (-1.0, -1.0)

    def renew(self, asked: int) -> None:
        """Get ready for so many pictures to be asked for; fingerprints are read anew."""
        self._bits = self._alike = None
        self._near = Neighbours(self._whole.vectors, asked)
        self._near_parts = Neighbours(self._whole.parts, asked)
        bits, quality = self.fingerprints()
        self._useful = np.flatnonzero(quality >= PLAIN)
        self._alike = alike_index(bits[self._useful], asked) if len(self._useful) else None
        self._least = self._leads()

    @property
    def ready(self) -> bool:
        """Can pairs be asked for with no further ado?"""
        return self._near is not None

    def rest(self) -> None:
        """Let go of what only ``pairs`` needs; it is made anew when pairs are asked for."""
        self._near = self._near_parts = self._alike = self._points = None

    def pairs(self, rows: Rows) -> Pairs:
        """Pairs of these rows and any others that may be copies."""
        if not self.ready:
            self.renew(len(rows))
        whole, found = self._whole, Pairs()
        least, least_piece = self._least
        found.update(_above(rows, *self._wholes(rows), least))
        pieces: set[tuple[int, int]] = set()
        for window in windows_of(self._library, whole, rows):
            pieces |= dict(_above(rows, *self._pieces(window), least_piece)).keys()
        pieces.update(self._fingerprint_pairs(rows))
        fresh = sorted(pieces - found.keys())
        return found | dict(zip(fresh, self.nearness(fresh).tolist(), strict=True))

    def pasted(self, rows: Rows) -> set[tuple[int, int]]:
        """Pairs of these rows and any others of which one may show a piece of the other, however small."""
        if self._points is None:
            count = len(self._whole)
            blocks = (np.arange(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK))
            self._points = PointIndex((one for block in blocks for one in self._pointed(block)), count)
        found = self._points.proposed(list(self._pointed(rows)))
        return {(min(row, other), max(row, other)) for row, other in found}

    def _pointed(self, rows: Rows) -> Iterator[tuple[int, Points]]:
        """Each of these rows whose points are kept, and these."""
        contents = [self._whole.contents[row] for row in rows.tolist()]
        kept = self._book.points(contents)
        for row, content in zip(rows.tolist(), contents, strict=True):
            if content in kept:
                yield row, np.frombuffer(kept[content], POINT)

    def _wholes(self, rows: Rows) -> tuple[Rows, FloatArray]:
        """The nearest of each, and how much nearer than the background."""
        assert self._near is not None
        whole = self._whole
        near, scores = self._near(whole.vectors[rows], WHOLES + 1)
        return near, np.asarray(scores - (whole.usual[rows, None] + whole.usual[near]) / 2, np.float32)

    def _pieces(self, window: Vectors) -> tuple[Rows, FloatArray]:
        assert self._near_parts is not None
        near, scores = self._near_parts(window, PIECES + 1)
        return near, np.asarray(scores - self._whole.usual_parts[near], np.float32)

    def _leads(self) -> tuple[float, float]:
        """How much nearer than the background a whole and a piece must be to be looked at."""
        whole = self._whole
        if len(whole) <= FEW:
            return -1.0, -1.0
        rows = drawn(len(whole), _DRAWN, 1)
        worth, worth_piece = max(WORTH, IN_ALL / len(whole)), max(WORTH_PIECE, IN_ALL_PIECES / len(whole))
        least = _exceeded(rows, *self._wholes(rows), worth)
        windows = windows_of(self._library, whole, rows)
        pieces = [_exceeded(rows, *self._pieces(window), worth_piece) for window in windows]
        piece = float(np.mean(pieces)) if pieces else NEAR_PIECE
        return min(SURELY, max(NEAR, least)), min(SURELY, max(NEAR_PIECE, piece))

    def nearness(self, pairs: Iterable[tuple[int, int]]) -> FloatArray:
        """(n,) how much nearer the two of each pair are than the background is to them."""
        whole = self._whole
        one, other = np.asarray(list(pairs), np.int64).reshape(-1, 2).T
        alike = np.einsum("nd,nd->n", whole.vectors[one], whole.vectors[other])
        return np.asarray(alike - (whole.usual[one] + whole.usual[other]) / 2, np.float32)

    def fingerprints(self) -> tuple[NDArray[np.uint8], Rows]:
        """(n, 32) bits in the order of the rows, and (n,) qualities, -1 where there is none."""
        if self._bits is None:
            contents, bits, qualities = self._book.fingerprints()
            at = {content: index for index, content in enumerate(contents)}
            order = np.asarray([at.get(content, -1) for content in self._whole.contents], np.int64)
            full = np.zeros((len(order), 32), np.uint8)
            quality = np.full(len(order), -1, np.int64)
            there = order >= 0
            if len(contents):
                full[there], quality[there] = bits[order[there]], qualities[order[there]]
            self._bits = full, quality
        return self._bits

    def _fingerprint_pairs(self, rows: Rows) -> Iterator[tuple[int, int]]:
        """Pairs whose fingerprints are alike in some orientation, of pictures that can be told by them."""
        bits, quality = self.fingerprints()
        asked = rows[quality[rows] >= PLAIN]
        if not len(asked) or self._alike is None:
            return
        turned = np.concatenate([turned_bits(bits[row]) for row in asked])
        ends, _, found = self._alike.range_search(turned, ALIKE + 1)  # 0.1 ms each among 100,000
        for number, (start, end) in enumerate(itertools.pairwise(ends.tolist())):
            row = int(asked[number // 8])
            for other in self._useful[found[start : min(end, start + TWINS)]].tolist():
                if other != row:
                    yield min(row, other), max(row, other)


def _above(rows: Rows, near: Rows, lead: FloatArray, least: float) -> Iterator[tuple[tuple[int, int], float]]:
    """Pairs of a row and one near to it that lead by more than ``least``."""
    good = (near >= 0) & (near != rows[:, None]) & (lead > least)
    at, _ = np.nonzero(good)
    for row, other, nearness in zip(rows[at].tolist(), near[good].tolist(), lead[good].tolist(), strict=True):
        yield (min(row, other), max(row, other)), nearness


def _exceeded(rows: Rows, near: Rows, lead: FloatArray, share: float) -> float:
    """The lead that so many pairs a row exceed."""
    leads = np.where((near >= 0) & (near != rows[:, None]), lead, -1.0).ravel()
    most = min(len(leads) - 1, int(share * len(rows)))
    return float(-np.partition(-leads, most)[most])


def joined(pairs: Mapping[tuple[int, int], float]) -> Rows:
    """The rows of pairs, each once."""
    return np.unique(np.asarray(list(pairs), np.int64))
