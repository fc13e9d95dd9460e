"""FAISS ``IVFn,RaBitQ``: one bit a dimension to find candidates, the stored vectors to rank them.

Jianyang Gao and Cheng Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound
for Approximate Nearest Neighbor Search", SIGMOD 2024. About 70-80 bytes a vector at D = 384, memory-mapped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from dinoscope.engines import ranking
from dinoscope.engines.engine import Mask, Rows, Tick, VectorSource
from dinoscope.engines.exact import Exact
from dinoscope.errors import LibraryDamaged
from dinoscope.features import FloatArray, Vectors

PROBES = 32  # inverted lists visited a query
RERANK = 100  # candidates ranked by their stored vectors, at least; 4 k where that is more
EXACT_BELOW = 10_000  # so few allowed rows are gathered and compared exactly: ~10 ms at D = 384
RETRAIN_GROWTH = 4  # centroids trained on a quarter of the rows still serve; beyond that, train anew
_BLOCK = 32_768  # rows added at a time: 50 MB of float32 at D = 384
_PER_LIST = 48  # training vectors a centroid; faiss warns below 39
_FILE = "ivf_rabitq.faiss"


class IvfRabitq:
    """Approximate candidates from a compressed inverted file, exact scores from the source."""

    name: ClassVar[str] = "ivf_rabitq"

    def __init__(self, source: VectorSource, index: Any) -> None:
        import faiss

        self._source = source
        self._index = index  # IndexPreTransform: random rotation, then IndexIVFRaBitQ
        self._ivf = faiss.extract_index_ivf(index)

    @classmethod
    def build(
        cls,
        source: VectorSource,
        *,
        seed: int = 0,
        threads: int = 0,
        previous: Self | None = None,
        tick: Tick | None = None,
    ) -> Self:
        """Train on a bounded sample and add the rows in blocks; peak memory is the index and ~200 MB.

        With a ``previous`` engine of the same vectors that has not been outgrown, only the rows it
        does not cover are added to a copy of it.
        """
        import faiss

        count = len(source)
        with _threads(threads):
            if previous is not None and 0 < previous.covered <= count < RETRAIN_GROWTH * previous.covered:
                index = faiss.deserialize_index(faiss.serialize_index(previous._index))
            else:
                index = _trained(source, seed)
            for start in range(index.ntotal, count, _BLOCK):
                if tick is not None:
                    tick(start, count)
                index.add(source.read(slice(start, min(start + _BLOCK, count))))
        if tick is not None:
            tick(count, count)
        return cls(source, index)

    @classmethod
    def load(cls, folder: Path, source: VectorSource) -> Self:
        import faiss

        file = folder / _FILE
        try:
            index = faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:  # faiss raises nothing finer
            raise LibraryDamaged(f"the search index {file} cannot be read ({_first_line(error)})") from None
        if index.d != source.dimension or index.ntotal > len(source):
            raise LibraryDamaged(
                f"the search index {file} holds {index.ntotal} vectors of {index.d} numbers, "
                f"but its library has {len(source)} of {source.dimension}"
            )
        return cls(source, index)

    def save(self, folder: Path) -> None:
        import faiss

        faiss.write_index(self._index, str(folder / _FILE))

    @property
    def covered(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        queries = ranking.checked(queries, self._source.dimension)
        eligible = self.covered if allowed is None else int(np.count_nonzero(allowed))
        if k <= 0 or eligible == 0:
            return ranking.nothing(len(queries), k)
        if eligible <= max(EXACT_BELOW, 2 * k):
            return Exact(_Covered(self._source, self.covered)).search(queries, k, allowed)
        wanted = min(max(RERANK, 4 * k), eligible)
        found = self._candidates(queries, wanted, allowed, self._probes(probes, eligible))
        answer = ranking.nothing(len(queries), k)
        for index, rows in enumerate(found):
            best, scores = ranking.ranked(self._source, queries[index], rows[rows >= 0], k)
            answer[0][index, : len(best)] = best
            answer[1][index, : len(best)] = scores
        return answer

    def _probes(self, asked: int | None, eligible: int) -> int:
        """Lists to visit: more under a filter, because each list holds fewer rows that may be answered."""
        thinned = self.covered / eligible
        return max(1, min(int((asked or PROBES) * min(thinned, 8.0)), int(self._ivf.nlist)))

    def _candidates(self, queries: Vectors, wanted: int, allowed: Mask | None, probes: int) -> Rows:
        """(q, wanted) rows, -1 where there are no more: visits further lists until a filter is satisfied.

        A filter such as a folder is correlated with what its pictures show, so the nearest lists may
        hold none of its rows; doubling costs at most twice the visit that would have sufficed.
        """
        import faiss

        bits = None if allowed is None else np.packbits(allowed, bitorder="little")
        selector = None if bits is None else faiss.IDSelectorBitmap(len(bits) * 8, faiss.swig_ptr(bits))
        pending = np.arange(len(queries))
        rows = np.full((len(queries), wanted), -1, np.int64)
        while len(pending):
            inner = faiss.IVFRaBitQSearchParameters(nprobe=probes, sel=selector)
            outer = faiss.SearchParametersPreTransform(index_params=inner)
            rows[pending] = self._index.search(queries[pending], wanted, params=outer)[1]
            if probes >= self._ivf.nlist:
                break
            pending = pending[rows[pending, -1] < 0]
            probes = min(2 * probes, int(self._ivf.nlist))
        return rows


class _Covered:
    """The first rows of a source: what an engine knows of a file that has grown since."""

    def __init__(self, source: VectorSource, count: int) -> None:
        self._source = source
        self._count = count

    @property
    def dimension(self) -> int:
        return self._source.dimension

    def __len__(self) -> int:
        return self._count

    def read(self, rows: Rows | slice) -> Vectors:
        return self._source.read(rows)


def lists_for(count: int) -> int:
    """Inverted lists for so many vectors: the power of two nearest 4 sqrt(n), 4,096 at a million."""
    return int(2 ** max(0, round(np.log2(4 * max(count, 1) ** 0.5)))) if count >= _PER_LIST else 1


def _trained(source: VectorSource, seed: int) -> Any:
    import faiss

    count, dimension = len(source), source.dimension
    lists = lists_for(count)
    while lists > 1 and lists * _PER_LIST > count:
        lists //= 2
    factory = f"RR{dimension},IVF{lists},RaBitQ"  # rotated: RaBitQ's bound assumes no privileged axes
    index = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.extract_index_ivf(index)
    ivf.cp.seed = seed + 1
    ivf.cp.niter = 10
    ivf.cp.max_points_per_centroid = _PER_LIST
    size = min(count, lists * _PER_LIST)
    sample = np.sort(np.random.default_rng(seed).choice(count, size, replace=False)) if count else []
    # an empty engine still needs a centroid to be searchable
    index.train(
        source.read(np.asarray(sample, np.int64)) if count else np.eye(1, dimension, dtype=np.float32)
    )
    return index


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """faiss's thread count is global to the process: put it back."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[-1][:200]
