"""The engine that looks at every vector: the default of small libraries, and the judge of the others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from dinoscope.engines import ranking
from dinoscope.engines.engine import Mask, Renumbering, Rows, Tick, VectorSource
from dinoscope.features import FloatArray, Vectors

BLOCK = 16_384  # rows compared at a time: 25 MB of float32 at D = 384
CACHE_BYTES = 128 * 2**20  # float32 kept between searches; 87,000 vectors at D = 384


class Exact:
    """Blocked matrix products over the source. What is built is a cache, filled by the first search."""

    name: ClassVar[str] = "exact"

    def __init__(self, source: VectorSource, kept: dict[int, Vectors] | None = None) -> None:
        self._source = source
        self._kept = kept if kept is not None else {}

    @classmethod
    def build(
        cls,
        source: VectorSource,
        *,
        seed: int = 0,
        threads: int = 0,
        previous: Self | None = None,
        tick: Tick | None = None,
        scratch: Path | None = None,
        renumbered: Renumbering | None = None,
    ) -> Self:
        """An engine over the source; full blocks that ``previous`` already converted are taken over."""
        return cls(source, dict(previous._kept) if previous is not None and renumbered is None else None)

    @classmethod
    def load(cls, folder: Path, source: VectorSource) -> Self:
        return cls(source)

    def save(self, folder: Path) -> None:
        """Nothing: the vectors are all there is."""

    @property
    def covered(self) -> int:
        return len(self._source)

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        queries = ranking.checked(queries, self._source.dimension)
        if k <= 0:
            return ranking.nothing(len(queries), 0)
        best: list[tuple[Rows, FloatArray]] = [
            (np.empty(0, np.int64), np.empty(0, np.float32)) for _ in queries
        ]
        floor = np.full(len(queries), -np.inf, np.float32)
        for rows, vectors in self._blocks(allowed):
            scores = queries @ vectors.T
            for index, line in enumerate(scores):
                near = line >= floor[index]
                if not near.any():
                    continue
                seen = np.concatenate([best[index][0], rows[near]])
                held = np.concatenate([best[index][1], line[near]])
                best[index] = ranking.contenders(seen, held, k)
                if len(best[index][0]) >= k:
                    floor[index] = best[index][1].min()
        answer = ranking.nothing(len(queries), k)
        for index, (rows, _) in enumerate(best):
            scores = ranking.exact_scores(self._source, queries[index], rows)
            found, scored = ranking.ordered(rows, scores, k)
            answer[0][index, : len(found)] = found
            answer[1][index, : len(found)] = scored
        return answer

    def nearby(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        return self.search(queries, k, allowed)

    def _blocks(self, allowed: Mask | None) -> Iterator[tuple[Rows, Vectors]]:
        """(rows, vectors) of all that may be answered, in row order."""
        count = len(self._source)
        if allowed is not None and 4 * np.count_nonzero(allowed) < count:  # gathering beats scanning
            wanted = np.flatnonzero(allowed)
            for start in range(0, len(wanted), BLOCK):
                rows = wanted[start : start + BLOCK]
                yield rows, self._source.read(rows)
            return
        for start in range(0, count, BLOCK):
            stop = min(start + BLOCK, count)
            rows, vectors = np.arange(start, stop), self._block(start, stop)
            if allowed is not None:
                mask = allowed[start:stop]
                rows, vectors = rows[mask], vectors[mask]
            yield rows, vectors

    def _block(self, start: int, stop: int) -> Vectors:
        kept = self._kept.get(start)
        if kept is not None and len(kept) == stop - start:
            return kept
        vectors = self._source.read(slice(start, stop))
        if stop * self._source.dimension * 4 <= CACHE_BYTES:
            self._kept[start] = vectors  # two threads may both do this: the same values, harmless
        return vectors
