"""The making of an inverted file: centres of its lists, and the codes of vectors. Ranking is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows, VectorSource
from dinoscope.features import Vectors

BLOCK = 32_768  # rows added at a time: 50 MB of float32 at D = 384
_PER_LIST = 48  # training vectors a centroid, or
_FEWEST = 32  # at least so many where memory ends
_SAMPLE_NUMBERS = 2**27  # of all training vectors: 0.5 GB
_GRAPH_FROM = 8_192  # lists, about 4 million vectors; and
_GRAPH_PAYS = 4  # vectors to place for each list: making the graph costs as much as comparing these


def lists_for(count: int) -> int:
    """Inverted lists for so many vectors: the power of two nearest 4 sqrt(n), 4,096 at a million."""
    return int(2 ** max(0, round(np.log2(4 * max(count, 1) ** 0.5)))) if count >= _PER_LIST else 1


def trained(source: VectorSource, seed: int) -> Any:
    """An index without rows. Its lists' centres are fitted here: faiss would copy the sample twice."""
    import faiss

    count, dimension = len(source), source.dimension
    most = min(count, _SAMPLE_NUMBERS // dimension)
    lists = lists_for(count)
    while lists > 1 and lists * _FEWEST > most:
        lists //= 2
    factory = f"RR{dimension},IVF{lists},RaBitQ"  # rotated: RaBitQ's bound assumes no privileged axes
    index: Any = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
    ivf = faiss.extract_index_ivf(index)
    rotation = index.chain.at(0)
    some = np.eye(1, dimension, dtype=np.float32)
    rotation.train(some)
    sample = rotation.apply(some)  # an empty engine needs a centre, too
    if count:
        sample = _sample(source, min(most, lists * _PER_LIST), seed, rotation)
    ivf.cp.seed = seed + 1
    ivf.cp.niter = 10
    ivf.cp.max_points_per_centroid, ivf.cp.min_points_per_centroid = _PER_LIST, 1
    faiss.Clustering(dimension, lists, ivf.cp).train(sample, ivf.quantizer)
    index.train(sample[:1])  # what is left to train has no parameters
    return index


def _sample(source: VectorSource, size: int, seed: int, rotation: Any) -> Vectors:
    """(size, D) rotated rows drawn without replacement."""
    chosen = np.sort(np.random.default_rng(seed).choice(len(source), size, replace=False))
    sample = np.empty((size, source.dimension), np.float32)
    for start in range(0, size, BLOCK):
        rows = chosen[start : start + BLOCK]
        sample[start : start + BLOCK] = rotation.apply(source.read(rows))
    return sample


def emptied(index: Any, ivf: Any) -> Any:
    """A copy without its rows: the lists' centres and the rotation."""
    import faiss

    lists, kept = ivf.invlists, (index.ntotal, ivf.ntotal)
    nothing = faiss.ArrayInvertedLists(int(ivf.nlist), int(ivf.code_size))
    ivf.invlists = nothing
    try:
        index.ntotal = ivf.ntotal = 0
        return faiss.deserialize_index(faiss.serialize_index(index))
    finally:
        ivf.invlists = lists
        index.ntotal, ivf.ntotal = kept


def encoder(index: Any, expected: int) -> Callable[[Vectors], tuple[Rows, NDArray[np.uint8]]]:
    """Says of vectors, of which so many are expected, which lists they belong to, and their codes there.

    Among many lists a graph of their centres is asked: 20 us a vector where comparing 16,384 takes 51,
    and 9,999 of 10,000 go to the same list (one core, region tokens, 2026-11-25).
    """
    import faiss

    ivf: Any = faiss.extract_index_ivf(index)
    centres = ivf.quantizer
    if ivf.nlist >= _GRAPH_FROM and expected > _GRAPH_PAYS * ivf.nlist:
        centres = faiss.IndexHNSWFlat(ivf.d, 16, faiss.METRIC_INNER_PRODUCT)
        centres.hnsw.efConstruction, centres.hnsw.efSearch = 80, 32
        with with_threads(1):  # several threads would give another graph each time
            centres.add(ivf.quantizer.reconstruct_n(0, ivf.nlist))

    def encode(vectors: Vectors) -> tuple[Rows, NDArray[np.uint8]]:
        rotated = index.chain.at(0).apply(vectors)
        lists = np.ascontiguousarray(centres.search(rotated, 1)[1][:, 0])
        codes = np.empty((len(rotated), int(ivf.code_size)), np.uint8)
        pointers = (faiss.swig_ptr(one) for one in (rotated, lists, codes))
        ivf.encode_vectors(len(rotated), *pointers)
        return lists, codes

    return encode


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """faiss's thread count is global to the process: put it back."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count or before)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
