"""FAISS ``IVFn,RaBitQ``: one bit a dimension to find candidates, the stored vectors to rank them.

Jianyang Gao and Cheng Long, "RaBitQ: Quantizing High-Dimensional Vectors with a Theoretical Error Bound
for Approximate Nearest Neighbor Search", SIGMOD 2024. About 70-80 bytes a vector at D = 384, memory-mapped.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from contextlib import closing
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines import ranking, readahead
from dinoscope.engines.engine import Mask, Renumbering, Rows, Tick, VectorSource
from dinoscope.engines.exact import Exact
from dinoscope.engines.inverted_lists import Collector, left, renamed, spans_of
from dinoscope.engines.ivf_making import BLOCK, emptied, encoder, trained, with_threads
from dinoscope.errors import LibraryDamaged
from dinoscope.features import FloatArray, Vectors

PROBES = 32  # inverted lists visited a query, or
PROBED = 48  # one in so many
RERANK = 300  # candidates ranked by their stored vectors, at least; 4 k where that is more
DEEPEST = 6_400  # and at most, three rounds later, for a query with nothing near: ~10 ms
EXACT_BELOW = 10_000  # so few allowed rows are gathered and compared exactly: ~10 ms at D = 384
RETRAIN_GROWTH = 4  # centroids trained on a quarter of the rows still serve; beyond that, train anew
_PLAIN = 0.9  # share of allowed rows near a query from which a filter is none to it
_MASKS = 8  # prepared masks remembered: an eighth of a byte a row and 8 bytes a list each
_FILE = "ivf_rabitq.faiss"

Counts = NDArray[np.int64]
Near = tuple[FloatArray, Rows]  # (q, p) likeness to the centres of the nearest lists, and their numbers


class IvfRabitq:
    """Approximate candidates from a compressed inverted file, exact scores from the source."""

    name: ClassVar[str] = "ivf_rabitq"

    def __init__(self, source: VectorSource, index: Any) -> None:
        import faiss

        self._source = source
        self._index = index  # IndexPreTransform: random rotation, then IndexIVFRaBitQ
        self._ivf: Any = faiss.extract_index_ivf(index)
        self._folder: Path | None = None  # whose file is mapped
        self._visited: Mask | None = None  # of a mapped file: the lists that a search has read
        self._size_of: Counts | None = None
        self._list_of: NDArray[np.int32] | None = None
        self._masks: list[tuple[weakref.ref[Mask], NDArray[np.uint8], Counts]] = []

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
        """Train on a bounded sample and add the rows in blocks.

        With a ``scratch`` folder the peak is some 0.6 GB, whatever the number of rows; without one it is
        the index three times besides.

        With a ``previous`` engine of the same vectors that has not been outgrown, only the rows it
        does not cover are encoded, and its codes are taken over.
        """
        import faiss

        count = len(source)
        with with_threads(threads):
            first, before = 0, None
            if previous is not None and previous._serves(count, renumbered):
                first, before = previous.covered, spans_of(previous._ivf.invlists)
                if renumbered is not None:
                    first, before = left(first, renumbered), renamed(before, renumbered)
                index = emptied(previous._index, previous._ivf)
            else:
                index = trained(source, seed)
            ivf: Any = faiss.extract_index_ivf(index)
            encode = encoder(index, count - first)
            with closing(Collector(int(ivf.nlist), int(ivf.code_size), first, scratch)) as codes:
                for start in range(first, count, BLOCK):
                    if tick is not None:
                        tick(start, count)
                    codes.add(*encode(source.read(slice(start, min(start + BLOCK, count)))))
                index.ntotal = ivf.ntotal = count
                built = cls._written(
                    source,
                    partial(codes.write, faiss.serialize_index(index).tobytes(), before=before),
                    scratch,
                )
        if tick is not None:
            tick(count, count)
        return built

    @classmethod
    def _written(cls, source: VectorSource, write: Callable[[IO[bytes]], None], scratch: Path | None) -> Self:
        """The engine of the file that ``write`` writes."""
        import faiss

        if scratch is None:
            memory = BytesIO()
            write(memory)
            return cls(source, faiss.deserialize_index(np.frombuffer(memory.getbuffer(), np.uint8)))
        with (scratch / _FILE).open("wb", buffering=2**20) as file:
            write(file)
        return cls.load(scratch, source)

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
        engine = cls(source, index)
        engine._folder = folder
        engine._visited = np.zeros(int(engine._ivf.nlist), np.bool_)
        return engine

    def save(self, folder: Path) -> None:
        import faiss

        if folder != self._folder:
            faiss.write_index(self._index, str(folder / _FILE))

    @property
    def covered(self) -> int:
        return int(self._index.ntotal)

    def search(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        queries = ranking.checked(queries, self._source.dimension)
        eligible = self._eligible(allowed)
        if k <= 0:
            return ranking.nothing(len(queries), k)
        if eligible <= max(EXACT_BELOW, 2 * k):
            return Exact(_Covered(self._source, self.covered)).search(queries, k, allowed)
        answer = ranking.nothing(len(queries), k)
        pending = np.arange(len(queries))
        wanted = min(max(RERANK, 4 * k), eligible)
        visits = probes or self._probes(wanted)
        while len(pending):
            found, estimates = self._candidates(queries[pending], wanted, allowed, visits)
            deepest, all_visited = wanted >= min(DEEPEST, eligible), visits >= self._ivf.nlist
            settled = np.ones(len(pending), np.bool_)
            for line, index in enumerate(pending):
                rows = found[line][found[line] >= 0]
                scores = self._source.read(rows) @ queries[index]
                if len(rows) < min(k, eligible):
                    settled[line] = all_visited
                elif len(rows) == wanted and not deepest:
                    settled[line] = _settled(scores, estimates[line], k)
                rows, _ = ranking.contenders(rows, scores, k)
                exact = ranking.exact_scores(self._source, queries[index], rows)
                best, marks = ranking.ordered(rows, exact, k)
                answer[0][index, : len(best)] = best
                answer[1][index, : len(best)] = marks
            pending, visits = pending[~settled], 2 * visits
            wanted = wanted if deepest else min(4 * wanted, eligible)
        return answer

    def nearby(
        self, queries: Vectors, k: int, allowed: Mask | None = None, probes: int | None = None
    ) -> tuple[Rows, FloatArray]:
        queries = ranking.checked(queries, self._source.dimension)
        if k <= 0 or self._eligible(allowed) <= max(EXACT_BELOW, 2 * k):
            return self.search(queries, k, allowed)
        return self._candidates(queries, k, allowed, probes or PROBES)

    def _serves(self, count: int, renumbered: Renumbering | None) -> bool:
        """Are the lists of use for so many vectors?"""
        if renumbered is not None:
            return self.covered < RETRAIN_GROWTH * count and count < RETRAIN_GROWTH * self.covered
        return 0 < self.covered <= count < RETRAIN_GROWTH * self.covered

    def _probes(self, wanted: int) -> int:
        """Lists visited a query for so many candidates: more of them where there are many, for each holds
        less of what is near; and where they are short, for it takes four rows to find a good one."""
        lists = int(self._ivf.nlist)
        return max(PROBES, lists // PROBED, 4 * wanted * lists // self.covered)

    def _eligible(self, allowed: Mask | None) -> int:
        if allowed is None:
            return self.covered
        known = self._known(allowed)
        return int(np.count_nonzero(allowed) if known is None else known[1].sum())

    def _candidates(
        self, queries: Vectors, wanted: int, allowed: Mask | None, probes: int
    ) -> tuple[Rows, FloatArray]:
        """(q, wanted) rows and their estimated similarities, best first; row -1 where there are no more."""
        import faiss

        rotated = self._index.chain.at(0).apply(queries)
        near: Near = self._ivf.quantizer.search(rotated, min(probes, int(self._ivf.nlist)))
        if allowed is None:
            return self._probed(rotated, wanted, near, None)
        bits, per_list = self._prepared(allowed)
        selector = faiss.IDSelectorBitmap(len(bits) * 8, faiss.swig_ptr(bits))
        rows, estimates = ranking.nothing(len(queries), wanted)
        needed = self._lists_needed(rotated, near[1], wanted, per_list)
        for count in np.unique(needed):
            same = needed == count
            if count == near[1].shape[1]:
                visited: Near = (near[0][same], near[1][same])
            else:
                visited = self._ivf.quantizer.search(rotated[same], int(count))
            rows[same], estimates[same] = self._probed(rotated[same], wanted, visited, selector)
        return rows, estimates

    def _probed(self, rotated: Vectors, wanted: int, near: Near, selector: Any) -> tuple[Rows, FloatArray]:
        import faiss

        likeness, lists = near
        self._ahead(lists)
        made: Any = faiss.IVFRaBitQSearchParameters
        parameters = made(nprobe=lists.shape[1], sel=selector)  # this call's own
        rows, estimates = ranking.nothing(len(rotated), wanted)
        arrays = (faiss.swig_ptr(one) for one in (rotated, lists, likeness, estimates, rows))
        asked, at, alike, found, numbers = arrays
        self._ivf.search_preassigned_c(
            len(rotated), asked, wanted, at, alike, found, numbers, False, parameters
        )  # faiss's own wrapper takes no parameters
        return rows, estimates

    def _ahead(self, lists: Rows) -> None:
        """Of a mapped file, ask for all lists at once that no search has read before."""
        if self._visited is None:
            return
        asked = np.zeros(len(self._visited), np.bool_)
        asked[lists[lists >= 0]] = True
        new = np.flatnonzero(asked & ~self._visited)
        self._visited |= asked
        stored = self._ivf.invlists
        for number in new.tolist():  # the rows follow the codes
            size = int(stored.list_size(number)) * (int(self._ivf.code_size) + 8)
            if size:
                readahead.needed(int(stored.get_codes(number)), size)

    def _lists_needed(self, rotated: Vectors, nearest: Rows, wanted: int, per_list: Counts) -> Counts:
        """(q,) nearest lists to visit so that a filter costs no recall.

        A filter such as a folder is correlated with what its pictures show: the lists near the query
        may hold few or none of its rows. So as many *allowed* rows are visited as a search without
        a filter visits rows, however far that leads. Rounded up to a power of two: few searches.
        Where it excludes hardly any near the query, as tombstones do, nothing changes.
        """
        lists, probes = int(self._ivf.nlist), nearest.shape[1]
        enough = max(probes * self.covered // lists, 4 * wanted)
        near, all_near = per_list[nearest].sum(axis=1), self._sizes()[nearest].sum(axis=1)
        plain = (near >= _PLAIN * all_near) & (near >= 4 * wanted)
        needed = np.full(len(rotated), probes)
        pending, depth = np.flatnonzero(~plain), min(2 * probes, lists)
        while len(pending):
            nearest = self._ivf.quantizer.search(rotated[pending], depth)[1]
            visited = np.cumsum(per_list[nearest], axis=1)
            done = (visited[:, -1] >= enough) | (depth == lists)
            counts = 1 + np.argmax(visited >= np.minimum(enough, visited[:, -1:]), axis=1)
            needed[pending[done]] = counts[done]
            pending, depth = pending[~done], min(4 * depth, lists)
        rounded = np.asarray(2 ** np.ceil(np.log2(np.maximum(needed, probes))), np.int64)
        return np.where(plain, needed, np.minimum(rounded, lists))

    def _prepared(self, allowed: Mask) -> tuple[NDArray[np.uint8], Counts]:
        """(bitmap, allowed rows a list) of a mask, remembered: the library asks with the same few masks."""
        known = self._known(allowed)
        if known is not None:
            return known
        bits = np.packbits(allowed, bitorder="little")
        excluded = np.flatnonzero(~allowed)
        if 2 * len(excluded) < len(allowed):
            per_list = self._sizes() - np.bincount(self._lists()[excluded], minlength=int(self._ivf.nlist))
        else:
            per_list = np.bincount(self._lists()[allowed], minlength=int(self._ivf.nlist))
        self._masks = [(weakref.ref(allowed), bits, per_list), *self._masks][:_MASKS]
        return bits, per_list

    def _known(self, allowed: Mask) -> tuple[NDArray[np.uint8], Counts] | None:
        """What is remembered of a mask; counting the rows it allows takes 0.2 ms at five million."""
        for reference, bits, per_list in self._masks:
            if reference() is allowed:
                return bits, per_list
        return None

    def _sizes(self) -> Counts:
        """(lists,) rows of each."""
        stored = self._ivf.invlists
        if self._size_of is None:
            sizes = [int(stored.list_size(number)) for number in range(int(self._ivf.nlist))]
            self._size_of = np.array(sizes, np.int64)
        return self._size_of

    def _lists(self) -> NDArray[np.int32]:
        """(covered,) the list of each row; 4 MB at a million, read from the index at the first filter."""
        import faiss

        if self._list_of is None:
            lists = np.empty(self.covered, np.int32)
            stored = self._ivf.invlists
            for number in range(int(self._ivf.nlist)):
                size = int(stored.list_size(number))
                if size:
                    lists[faiss.rev_swig_ptr(stored.get_ids(number), size)] = number
            self._list_of = lists
        return self._list_of


def _settled(scores: FloatArray, estimates: FloatArray, k: int) -> bool:
    """Is it unlikely that a row beyond these candidates belongs among the best k?

    The next row's estimate is at most the last one's. It belongs there when the estimate errs by
    more than the gap to the k-th exact score; one standard deviation of the errors seen keeps easy
    queries at one round (the gap is 10 deviations among clusters) and sends hard ones further.
    """
    if len(scores) <= k:
        return False
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    return bool(estimates[-1] + np.std(scores - estimates) < kth)


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


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[-1][:200]
