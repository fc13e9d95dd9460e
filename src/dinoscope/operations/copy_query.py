"""Is this picture a copy of one in the library? One picture against all, in one query."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from dinoscope.features import Basis, Features, FloatArray, Pixels
from dinoscope.geometry import Size
from dinoscope.library.records import Picture
from dinoscope.models.backbone import Backbone
from dinoscope.operations.copies import CopyFinder, alike, likeness, told
from dinoscope.operations.copy_answers import IDENTICAL, CopyAnswer, CopyHit, Found
from dinoscope.operations.copy_candidates import joined, nearest, parts_of
from dinoscope.operations.copy_evidence import Seen, examine, probability
from dinoscope.operations.copy_groups import COPY, SIMILAR
from dinoscope.operations.copy_index import Rows
from dinoscope.operations.copy_proposals import FEW
from dinoscope.pictures.fingerprint import PLAIN
from dinoscope.pictures.keypoints import SIDE

NEAR, NEAR_PIECE = 0.03, 0.05  # how much nearer than the background; a query may take its time
SURE = 0.9  # a copy this sure ends the search for others with views of the picture
FIRST, VIEWED = 10, 4  # pictures of the library looked at for the whole, and for each view
TILES, TILE = 3, 0.4  # across and down, and a side as a share: parts of the picture in which another may lie
COARSE = 100  # patches of a tile: nine cost less than three at the model's own 256
LIKEST = 16  # pictures of the library looked at for all tiles
MOST = 48  # laid on the picture altogether
DOUBTS, TILE_DOUBTS = 2, 6  # of those proposed at once, so many are looked at again from near
CLOSER = 640  # pixels a side at which a picture in doubt is looked at again
SIMILAR_SHOWN = 20


def copies_of(
    finder: CopyFinder,
    backbone: Backbone,
    basis: Basis | None,
    pixels: Pixels,
    size: Size,
    *,
    content: str | None = None,
    at_least: float = COPY,
    thorough: bool = False,
    quick: bool = False,
    exclude: int | None = None,
) -> CopyAnswer:
    """What of the library the picture is a copy of, or the other way round.

    Args:
        pixels: of the picture, at any scale.
        size: of the original.
        content: its file's hash, by which equal files are found.
        thorough: look with all views even where a copy is found at once.
        quick: look with none: half a second instead of one or two, and pieces of it are missed.
        exclude: the id of a picture that is not to be answered: the one that is asked about.
    """
    started = perf_counter()
    query = _Query(finder, pixels, size)
    same = finder.library.pictures_of([content]).get(content, ()) if content else ()
    hits = {picture.id: CopyHit(picture, IDENTICAL) for picture in same if picture.id != exclude}
    if content is not None:
        query.done |= {row for row, known in enumerate(finder.whole.contents) if known == content}
    query.look(query.by_fingerprint())
    query.look(likest([query.leads(backbone.encode([pixels])[0], basis, FIRST, first=True)]))
    if thorough or (query.best < SURE and not quick):
        for group in views(pixels):
            if query.spent:
                break
            tiled = len(group) > 1
            seen = backbone.encode(group, min(COARSE, backbone.identity.budget) if tiled else None)
            leads = [query.leads(one, basis, VIEWED) for one in seen]
            query.look(likest(leads)[:LIKEST], TILE_DOUBTS if tiled else DOUBTS)
            if not thorough and query.best >= SURE:
                break
    found = [*hits.values(), *query.hits()]
    copies = [hit for hit in found if hit.found.copy >= at_least]
    rest = [hit for hit in found if hit.found.copy < at_least and hit.found.similar >= SIMILAR]
    return CopyAnswer(
        tuple(sorted(copies, key=lambda hit: -hit.found.copy)),
        tuple(sorted(rest, key=lambda hit: -hit.found.similar)[:SIMILAR_SHOWN]),
        finder.library.count(),
        len(query.found),
        perf_counter() - started,
        finder.key,
    )


class _Query:
    """One picture, and what was found for it so far."""

    def __init__(self, finder: CopyFinder, pixels: Pixels, size: Size) -> None:
        self._finder = finder
        self._pixels, self._size = pixels, size
        self._seen = Seen.of(pixels, size)
        self._near: Seen | None = None
        self.done: set[int] = set()  # rows looked at
        self.found: dict[int, tuple[Picture, Found]] = {}
        self._nearness: dict[int, float] = {}

    @property
    def best(self) -> float:
        """The probability of the surest copy."""
        return max((found.copy for _, found in self.found.values()), default=0.0)

    @property
    def spent(self) -> bool:
        return len(self.done) >= MOST

    def hits(self) -> Iterator[CopyHit]:
        for picture, found in self.found.values():
            for file in self._finder.library.pictures_of([picture.content]).get(picture.content, ()):
                yield CopyHit(file, found)

    def by_fingerprint(self) -> list[int]:
        """Rows whose fingerprint is alike in some orientation."""
        bits, quality = self._finder.fingerprints()
        if self._seen.quality < PLAIN or not len(bits):
            return []
        return [int(row) for row in alike(self._seen.fingerprints, bits) if quality[row] >= PLAIN]

    def leads(
        self, view: Features, basis: Basis | None, most: int, *, first: bool = False
    ) -> dict[int, float]:
        """Rows that are nearer to a view than the background is, and by how much.

        Args:
            view: the picture, or a part of it, or it turned.
            most: rows asked for, as a whole and again by the parts.
            first: is the view the picture itself, whose likeness is told?
        """
        whole, parts = view.descriptor, None if basis is None else parts_of(view, basis)
        known = self._finder.whole
        leads: dict[int, float] = {}
        if parts is None or known.parts_whitening is None:
            vector = known.whitening(whole[None])
        else:
            vector = known.whitening(joined(whole[None], parts[None]))
            pieces = known.parts_whitening(parts[None])
            leads |= ahead(
                nearest(pieces, known.parts, most),
                known.usual_parts,
                NEAR_PIECE if len(known) > FEW else -1.0,
            )
        near = ahead(nearest(vector, known.vectors, most), known.usual, -1.0)
        if first:
            self._nearness = near
        for row, lead in near.items():
            if lead > NEAR or len(known) <= FEW:
                leads[row] = max(leads.get(row, -1.0), lead)
        return leads

    def look(self, rows: list[int], doubts: int = DOUBTS) -> None:
        """Lay these pictures of the library on the query, those not looked at yet.

        Args:
            doubts: so many of the first are looked at from near where it is not sure.
        """
        fresh = [row for row in rows if row not in self.done][: MOST - len(self.done)]
        ids = [self._finder.whole.pictures[row] for row in fresh]
        pictures = {picture.id: picture for picture in self._finder.library.pictures(ids)}
        for number, (row, id) in enumerate(zip(fresh, ids, strict=True)):
            self.done.add(row)
            picture = pictures.get(id)
            there = self._finder.gallery.seen(picture) if picture is not None else None
            if picture is None or there is None:
                continue
            evidence, here = examine(self._seen, there), self._seen
            doubtful = evidence is None or probability(evidence.score) < SURE
            if doubtful and number < doubts and max(self._pixels.shape) > SIDE:
                again = examine(self._closer(), there)
                if again is not None and (evidence is None or again.score > evidence.score):
                    evidence, here = again, self._closer()
            similar = likeness(self._nearness.get(row, 0.0))
            if evidence is None:
                self.found[row] = picture, Found(0.0, similar)
            else:
                copy = probability(evidence.score)
                kept = told(evidence, here, there)
                self.found[row] = picture, Found.read(copy, max(copy, similar), kept)

    def _closer(self) -> Seen:
        if self._near is None:
            self._near = Seen.of(self._pixels, self._size, CLOSER)
        return self._near


def ahead(found: tuple[Rows, FloatArray], usual: FloatArray, least: float) -> dict[int, float]:
    """Rows near to one query -> how much nearer than the background, where by more than ``least``."""
    rows, scores = found
    leads = scores[0] - usual[rows[0]]
    return {int(row): float(lead) for row, lead in zip(rows[0], leads, strict=True) if lead > least}


def likest(leads: list[dict[int, float]]) -> list[int]:
    """Rows by the largest lead they have, the likest first."""
    best: dict[int, float] = {}
    for one in leads:
        for row, lead in one.items():
            best[row] = max(best.get(row, -1.0), lead)
    return sorted(best, key=lambda row: -best[row])


def views(pixels: Pixels) -> Iterator[list[Pixels]]:
    """Other ways to see a picture, which may only propose: without border, in tiles, mirrored, turned.

    Those of one list are asked for together.
    """
    inner = trimmed(pixels)
    if inner is not None:
        yield [inner]
    height, width = pixels.shape[:2]
    if TILE * min(height, width) >= 32:
        starts = np.linspace(0, 1 - TILE, TILES)
        yield [
            np.ascontiguousarray(
                pixels[int(y * height) : int((y + TILE) * height), int(x * width) : int((x + TILE) * width)]
            )
            for y in starts
            for x in starts
        ]
    yield [np.ascontiguousarray(pixels[:, ::-1])]
    for quarters in (1, 2, 3):
        yield [np.ascontiguousarray(np.rot90(pixels, quarters))]


def trimmed(pixels: Pixels, spread: float = 6.0) -> Pixels | None:
    """What is left when rows and columns of one colour are cut off around; None when nothing much is."""
    values = pixels.astype(np.float32).mean(axis=2)
    rows = np.flatnonzero(values.std(axis=1) > spread)
    columns = np.flatnonzero(values.std(axis=0) > spread)
    if len(rows) < 32 or len(columns) < 32:
        return None
    inner = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    share = inner.shape[0] * inner.shape[1] / (pixels.shape[0] * pixels.shape[1])
    return np.ascontiguousarray(inner) if share < 0.93 and min(inner.shape[:2]) >= 32 else None
