"""Copies: pictures that are the same one, whatever was done to it; apart from those that are only alike.

Cheap stages propose, the last one decides. Equal bytes are copies without a look. Fingerprints (PDQ, in 8
orientations) propose what was recompressed, recoloured or turned; whitened descriptors what was cropped,
written on or pasted; means of the parts in a picture's windows what is but a piece of another. Each pair is
then laid on each other by the points they share, and their pixels compared (``copy_evidence``). Pairs are
kept with both probabilities, so that a threshold is chosen later, without looking again.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dinoscope.library.copybook import CopyBook, Pair
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.copy_candidates import nearest
from dinoscope.operations.copy_evidence import Evidence, Seen, examine, probability
from dinoscope.operations.copy_index import Gallery, Rows, fingerprinted, whole_of, windows_of
from dinoscope.operations.copy_naming import name_edits
from dinoscope.operations.copy_pixels import common_outline
from dinoscope.pictures.fingerprint import ALIKE, BYTES, PLAIN, turned_bits
from dinoscope.pictures.limits import Limits

METHOD = 1  # one more whenever pairs would come out otherwise: they are looked for anew
COPY = 0.5  # probability from which two pictures count as copies, unless another is asked for
KEPT = 0.02  # pairs less likely than this, and no more likely to be alike, are not kept
WHOLES, PIECES = 6, 3  # nearest pictures looked at for a whole picture, and for each of its windows
NEAR, NEAR_PIECE = 0.15, 0.2  # how much nearer than the background two pictures, and a piece, must be
SIMILAR = (14.0, -2.6)  # logistic: how much nearer than the background -> probability of the same subject
FEW = 300  # pictures: of so small a library the nearest are looked at however far they are
TWINS = 50  # pictures of one fingerprint that each is laid on: a thousand blank forms are a million pairs
_BLOCK = 256  # pictures compared with all others at once, and kept together


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far looking through a library is."""

    stage: str  # "Fingerprints", "Comparing"
    done: int
    total: int
    copies: int  # pairs found since it began


class CopyFinder:
    """Looks through one library with one model; keep it, for it has read all descriptors."""

    def __init__(self, library: Library, book: CopyBook, key: str, limits: Limits) -> None:
        self.library = library
        self.book = book
        self.key = key
        self.method = f"{METHOD} {key}"
        self.gallery = Gallery(library, limits)
        self.whole = whole_of(library, key)
        self._bits: tuple[np.ndarray[Any, np.dtype[np.uint8]], Rows] | None = None
        self._index: Any = None  # FAISS's, of the fingerprints that tell something
        self._useful: Rows = np.zeros(0, np.int64)

    def look(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[CopyProgress]:
        """Compare the pictures that were not compared yet with all others.

        What is done is kept every 256 pictures: stopped or killed, it goes on from there.
        """
        for step in self.fingerprint():
            yield step
            if cancelled():
                return
        known = self.book.checked(self.method)
        fresh = np.asarray(
            [row for row, content in enumerate(self.whole.contents) if content not in known], np.int64
        )
        copies, known_pairs = 0, set[tuple[int, int]]()
        for start in range(0, len(fresh), _BLOCK):
            rows = fresh[start : start + _BLOCK]
            pairs = {pair: lead for pair, lead in self.proposed(rows).items() if pair not in known_pairs}
            known_pairs.update(pairs)  # the other one of two proposes the pair again
            found = self.examined(pairs)
            self.book.put(self.method, [self.whole.contents[row] for row in rows.tolist()], found)
            copies += sum(copy >= COPY for copy, _, _ in found.values())
            yield CopyProgress("Comparing", min(start + _BLOCK, len(fresh)), len(fresh), copies)
            if cancelled():
                return
        yield CopyProgress("Comparing", len(fresh), len(fresh), copies)

    def fingerprint(self) -> Iterator[CopyProgress]:
        """Make the fingerprints that are missing, some 8 ms each."""
        for done, total in fingerprinted(self.library, self.book, self.gallery, self.whole):
            yield CopyProgress("Fingerprints", done, total, 0)
        self._bits = self._index = None

    def proposed(self, rows: Rows) -> dict[tuple[int, int], float]:
        """Pairs of rows that may be copies -> how much nearer the two are than the background."""
        whole, found = self.whole, {}
        least, least_piece = (NEAR, NEAR_PIECE) if len(whole) > FEW else (-1.0, -1.0)
        near, scores = nearest(whole.vectors[rows], whole.vectors, WHOLES + 1)
        for row, others, marks in zip(rows.tolist(), near.tolist(), scores.tolist(), strict=True):
            for other, score in zip(others, marks, strict=True):
                if other != row and score - self._usual(row, other) > least:
                    found[min(row, other), max(row, other)] = score - self._usual(row, other)
        for window in windows_of(self.library, whole, rows):
            near, scores = nearest(window, whole.parts, PIECES + 1)
            for row, others, marks in zip(rows.tolist(), near.tolist(), scores.tolist(), strict=True):
                for other, score in zip(others, marks, strict=True):
                    if other != row and score - float(whole.usual_parts[other]) > least_piece:
                        found.setdefault((min(row, other), max(row, other)), self.nearness(row, other))
        for row, other in self._fingerprint_pairs(rows):
            found.setdefault((min(row, other), max(row, other)), self.nearness(row, other))
        return found

    def nearness(self, row: int, other: int) -> float:
        """How much nearer two pictures are than the background is to them."""
        return float(self.whole.vectors[row] @ self.whole.vectors[other]) - self._usual(row, other)

    def _usual(self, row: int, other: int) -> float:
        return float(self.whole.usual[row] + self.whole.usual[other]) / 2

    def fingerprints(self) -> tuple[np.ndarray[Any, np.dtype[np.uint8]], Rows]:
        """(n, 32) bits in the order of the rows, and (n,) qualities, -1 where there is none."""
        if self._bits is None:
            contents, bits, qualities = self.book.fingerprints()
            at = {content: index for index, content in enumerate(contents)}
            order = np.asarray([at.get(content, -1) for content in self.whole.contents], np.int64)
            full = np.zeros((len(order), 32), np.uint8)
            quality = np.full(len(order), -1, np.int64)
            there = order >= 0
            if len(contents):
                full[there], quality[there] = bits[order[there]], qualities[order[there]]
            self._bits = full, quality
        return self._bits

    def _fingerprint_pairs(self, rows: Rows) -> Iterator[tuple[int, int]]:
        """Pairs whose fingerprints are alike in some orientation, of pictures that can be told by them."""
        import faiss

        bits, quality = self.fingerprints()
        asked = rows[quality[rows] >= PLAIN]
        if not len(asked):
            return
        if self._index is None:
            index = faiss.IndexBinaryFlat(8 * BYTES)
            self._useful = np.flatnonzero(quality >= PLAIN)
            index.add(np.ascontiguousarray(bits[self._useful]))
            self._index = index
        turned = np.concatenate([turned_bits(bits[row]) for row in asked])
        ends, _, found = self._index.range_search(turned, ALIKE + 1)  # 0.1 ms each among 100,000
        for number, (start, end) in enumerate(itertools.pairwise(ends.tolist())):
            row = int(asked[number // 8])
            for other in self._useful[found[start : min(end, start + TWINS)]].tolist():
                if other != row:
                    yield row, other

    def examined(
        self, pairs: dict[tuple[int, int], float]
    ) -> dict[Pair, tuple[float, float, dict[str, Any]]]:
        """What the pictures themselves say to the proposed pairs; the unlikely ones are left out."""
        ids = sorted({row for pair in pairs for row in pair})
        pictures = dict(zip(ids, self._pictures([self.whole.pictures[row] for row in ids]), strict=True))
        self.gallery.prepare(picture for picture in pictures.values() if picture is not None)
        found: dict[Pair, tuple[float, float, dict[str, Any]]] = {}
        for (row, other), nearness in sorted(pairs.items()):
            one, two = pictures[row], pictures[other]
            if one is None or two is None:
                continue
            if one.content > two.content:
                one, two = two, one
            here, there = self.gallery.seen(one), self.gallery.seen(two)
            similar = likeness(nearness)
            evidence = examine(here, there) if here is not None and there is not None else None
            copy = 0.0 if evidence is None else probability(evidence.score)
            if max(copy, similar) > KEPT:
                about = (
                    {} if evidence is None or here is None or there is None else told(evidence, here, there)
                )
                found[one.content, two.content] = copy, max(copy, similar), about
        return found

    def _pictures(self, ids: Sequence[int]) -> list[Picture | None]:
        known = {picture.id: picture for picture in self.library.pictures(ids)}
        return [known.get(id) for id in ids]


def alike(turned: np.ndarray[Any, np.dtype[np.uint8]], bits: np.ndarray[Any, np.dtype[np.uint8]]) -> Rows:
    """Rows of (n, 32) fingerprints that are alike to one in any of its (8, 32) orientations."""
    words = np.ascontiguousarray(bits).view(np.uint64)
    near = np.zeros(len(words), np.bool_)
    for one in np.ascontiguousarray(turned).view(np.uint64):
        near |= np.bitwise_count(words ^ one).sum(axis=1) <= ALIKE
    return np.flatnonzero(near)


def likeness(nearness: float) -> float:
    """How much nearer two pictures are than the background -> probability of the same subject."""
    return probability(SIMILAR[0] * nearness + SIMILAR[1])


def told(evidence: Evidence, here: Seen, there: Seen) -> dict[str, Any]:
    """What is kept of the evidence: the edits, the map, and the outlines of what both show."""
    naming = name_edits(evidence, here, there)
    sizes = [(float(one.size.width), float(one.size.height)) for one in (here, there)]
    outlines = common_outline(evidence.matrix, sizes[0], sizes[1])
    return {
        "edits": list(naming.edits),
        "copy": naming.copy,
        "matrix": [float(f"{number:.6g}") for number in evidence.matrix.ravel()],
        "here": [] if outlines is None else np.round(outlines[0], 1).tolist(),
        "there": [] if outlines is None else np.round(outlines[1], 1).tolist(),
        "shared": [round(share, 4) for share in evidence.shared],
        "sharper": round(evidence.laid.sharpness, 3),
    }
