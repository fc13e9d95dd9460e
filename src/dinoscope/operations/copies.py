"""Copies: pictures that are the same one, whatever was done to it; apart from those that are only alike.

Cheap stages propose, the last one decides. Equal bytes are copies without a look. Fingerprints (PDQ, in 8
orientations) propose what was recompressed, recoloured or turned; whitened descriptors what was cropped,
written on or pasted; means of the parts in a picture's windows what is but a piece of another. Each pair is
then laid on each other by the points they share, and their pixels compared (``copy_evidence``). Pairs are
kept with both probabilities, so that a threshold is chosen later, without looking again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.library.copybook import CopyBook, Pair
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.copy_evidence import Evidence, Seen, examine, probability
from dinoscope.operations.copy_index import Gallery, Rows, fingerprinted, whole_of
from dinoscope.operations.copy_naming import name_edits
from dinoscope.operations.copy_pixels import common_outline
from dinoscope.operations.copy_points import LISTED, POINT
from dinoscope.operations.copy_proposals import FEW, Proposer, joined
from dinoscope.pictures.fingerprint import ALIKE
from dinoscope.pictures.limits import Limits

METHOD = 3  # one more whenever pairs would come out otherwise: they are looked for anew
COPY = 0.5  # probability from which two pictures count as copies, unless another is asked for
KEPT = 0.02  # pairs less likely than this, and no more likely to be alike, are not kept
SIMILAR = (14.0, -2.6)  # logistic: how much nearer than the background -> probability of the same subject
GLANCE, GLANCES = 112, 1000  # pixels a side of a first look, and pictures kept for it: 0.2 MB each
WORTH = 0.02  # probability of a copy at first look from which there is a second: 99 of 100 copies have it
_BLOCK = 256  # pictures compared with all others at once, and kept together

Kept = tuple[
    float, float, dict[str, Any]
]  # probabilities of a copy and of the same subject; what else was found


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
        self._glances = Gallery(library, limits, GLANCE, GLANCES)
        self.whole = whole_of(library, key)
        self.proposer = Proposer(library, book, self.whole)
        self._guard = Lock()
        self._looking = 0  # threads

    def look(self, cancelled: Callable[[], bool] = lambda: False) -> Iterator[CopyProgress]:
        """Compare the pictures that were not compared yet with all others.

        What is done is kept every 256 pictures: stopped or killed, it goes on from there.
        """
        with self._guard:
            self._looking += 1
        try:
            yield from self._looked(cancelled)
        finally:
            self._rest()

    def _rest(self) -> None:
        """Let go of what looking needs: a server keeps its finder for weeks, and looks for minutes."""
        with self._guard:
            self._looking -= 1
            if not self._looking:
                self.proposer.rest()
                self.gallery.forget()
                self._glances.forget()

    def _looked(self, cancelled: Callable[[], bool]) -> Iterator[CopyProgress]:
        known = self.book.checked(self.method)
        fresh = np.asarray(
            [row for row, content in enumerate(self.whole.contents) if content not in known], np.int64
        )
        for step in self.fingerprint([self.whole.contents[row] for row in fresh.tolist()]):
            yield step
            if cancelled():
                return
        self.proposer.renew(len(fresh))
        copies, known_pairs = 0, set[tuple[int, int]]()
        for start in range(0, len(fresh), _BLOCK):
            rows = fresh[start : start + _BLOCK]
            pairs, pasted = self.proposer.pairs(rows), self.proposer.pasted(rows)
            missing = sorted(pasted - pairs.keys())
            pairs |= dict(zip(missing, self.proposer.nearness(missing).tolist(), strict=True))
            pairs = {pair: lead for pair, lead in pairs.items() if pair not in known_pairs}
            known_pairs.update(pairs)  # the other one of two proposes the pair again
            found = self.examined(pairs, pasted)
            contents = [self.whole.contents[row] for row in rows.tolist()]
            self.book.put(self.method, contents, found)
            self.book.trim_points(contents, LISTED * POINT.itemsize)
            copies += sum(copy >= COPY for copy, _, _ in found.values())
            yield CopyProgress("Comparing", min(start + _BLOCK, len(fresh)), len(fresh), copies)
            if cancelled():
                return
        yield CopyProgress("Comparing", len(fresh), len(fresh), copies)

    def fingerprint(self, pointed: Collection[str] = ()) -> Iterator[CopyProgress]:
        """Make the fingerprints that are missing, some 3 ms each, and the points of these contents."""
        for done, total in fingerprinted(self.library, self.book, self.gallery, self.whole, pointed):
            yield CopyProgress("Fingerprints", done, total, 0)
        self.proposer.renew(0)

    def fingerprints(self) -> tuple[NDArray[np.uint8], Rows]:
        """(n, 32) bits in the order of the rows, and (n,) qualities, -1 where there is none."""
        return self.proposer.fingerprints()

    def examined(
        self, pairs: Mapping[tuple[int, int], float], pasted: Collection[tuple[int, int]] = ()
    ) -> dict[Pair, Kept]:
        """What the pictures themselves say to the proposed pairs; the unlikely ones are left out.

        In a large library most of what is proposed is none, and a glance at small pictures tells.

        Args:
            pairs: rows, and how much nearer they are than the background.
            pasted: those of which one may show a small piece of the other, which no glance would tell.
        """
        ids = joined(pairs).tolist()
        pictures = dict(zip(ids, self._pictures([self.whole.pictures[row] for row in ids]), strict=True))

        gallery = self._glances if len(self.whole) > FEW else self.gallery
        gallery.prepare(picture for picture in pictures.values() if picture is not None)

        def looked(pair: tuple[tuple[int, int], float]) -> tuple[Pair, Kept] | None:
            one, two = (pictures[row] for row in pair[0])
            if one is None or two is None:
                return None
            return self._laid(one, two, pair[1], glanced=pair[0] not in pasted)

        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="dinoscope-copies") as pool:
            found = list(pool.map(looked, sorted(pairs.items())))
        return dict(one for one in found if one is not None)

    def _laid(
        self, one: Picture, two: Picture, nearness: float, *, glanced: bool
    ) -> tuple[Pair, Kept] | None:
        """Two pictures laid on each other; None where that makes nothing likely."""
        if one.content > two.content:
            one, two = two, one
        similar = likeness(nearness)
        if glanced and len(self.whole) > FEW and self._glance(one, two) < WORTH:
            return ((one.content, two.content), (0.0, similar, {})) if similar > KEPT else None
        here, there = self.gallery.seen(one), self.gallery.seen(two)
        evidence = examine(here, there) if here is not None and there is not None else None
        copy = 0.0 if evidence is None else probability(evidence.score)
        if max(copy, similar) <= KEPT:
            return None
        about = {} if evidence is None or here is None or there is None else told(evidence, here, there)
        return (one.content, two.content), (copy, max(copy, similar), about)

    def _glance(self, one: Picture, two: Picture) -> float:
        """The probability of a copy as two small pictures tell it."""
        here, there = self._glances.seen(one), self._glances.seen(two)
        evidence = None if here is None or there is None else examine(here, there)
        return 0.0 if evidence is None else probability(evidence.score)

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
