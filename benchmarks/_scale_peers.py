"""What others make of the same vectors: built from blocks, searched one query at a time with one thread.

Each answers (q, D) -> rows. Memory and time are limited by whoever starts the process. Where a peer has
an effort, it is raised until recall@10 reaches 0.99 or the ladder ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.features import FloatArray, Vectors

K = 10
Search = Callable[[FloatArray], Rows]  # (D,) -> (<= K,)
Peer = Callable[[Iterable[Vectors], int, int, Path], tuple[Callable[[int], Search], Sequence[int]]]


def hnswlib(blocks: Iterable[Vectors], count: int, dimension: int, folder: Path) -> Any:
    import hnswlib as library

    index = library.Index("ip", dimension)
    index.init_index(count, M=16, ef_construction=200, random_seed=0)
    for block in blocks:
        index.add_items(block)
    index.save_index(str(folder / "index"))
    index.set_num_threads(1)

    def at(effort: int) -> Search:
        index.set_ef(effort)
        return lambda query: np.asarray(index.knn_query(query[None], K)[0][0], np.int64)

    return at, (32, 64, 128, 256, 512, 1024)


def usearch(blocks: Iterable[Vectors], count: int, dimension: int, folder: Path) -> Any:
    from usearch.index import Index

    index: Any = Index(ndim=dimension, metric="ip", dtype="f16", connectivity=16, expansion_add=128)
    done = 0
    for block in blocks:
        index.add(np.arange(done, done + len(block)), block, threads=1)
        done += len(block)
    index.save(str(folder / "index"))
    del index
    mapped: Any = Index(ndim=dimension, metric="ip", dtype="f16", connectivity=16)
    mapped.view(str(folder / "index"))

    def at(effort: int) -> Search:
        mapped.expansion_search = effort
        return lambda query: np.asarray(mapped.search(query, K, threads=1).keys, np.int64)

    return at, (32, 64, 128, 256, 512, 1024)


def faiss_hnsw(blocks: Iterable[Vectors], count: int, dimension: int, folder: Path) -> Any:
    import faiss

    made: Any = faiss.IndexHNSWSQ
    index = made(dimension, faiss.ScalarQuantizer.QT_fp16, 16, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 128
    for block in blocks:
        if not index.is_trained:
            index.train(block)
        index.add(block)
    faiss.write_index(index, str(folder / "index"))

    def at(effort: int) -> Search:
        index.hnsw.efSearch = effort
        return lambda query: np.asarray(index.search(query[None], K)[1][0])

    return at, (32, 64, 128, 256, 512, 1024)


def faiss_ivf_pq(blocks: Iterable[Vectors], count: int, dimension: int, folder: Path) -> Any:
    import faiss

    lists = int(2 ** np.round(np.log2(4 * count**0.5)))
    index: Any = faiss.index_factory(dimension, f"IVF{lists},PQ48x8", faiss.METRIC_INNER_PRODUCT)
    kept: list[Vectors] = []
    for block in blocks:
        if not index.is_trained:
            kept.append(block)
            if sum(map(len, kept)) < min(count, 48 * lists):
                continue
            block = np.concatenate(kept)  # noqa: PLW2901 - the first rows are the sample
            index.train(block)
        index.add(block)
    faiss.write_index(index, str(folder / "index"))

    def at(effort: int) -> Search:
        index.nprobe = effort
        return lambda query: np.asarray(index.search(query[None], K)[1][0])

    return at, (16, 32, 64, 128)


def lancedb(blocks: Iterable[Vectors], count: int, dimension: int, folder: Path) -> Any:
    import lancedb as library
    import pyarrow as pa

    schema = pa.schema([("row", pa.int64()), ("vector", pa.list_(pa.float32(), dimension))])

    def tables() -> Iterable[Any]:
        done = 0
        for block in blocks:
            rows = pa.array(np.arange(done, done + len(block)))
            vectors = pa.FixedSizeListArray.from_arrays(pa.array(block.ravel()), dimension)
            yield pa.record_batch([rows, vectors], schema=schema)
            done += len(block)

    table = library.connect(folder).create_table("vectors", tables(), schema=schema)
    table.create_index(metric="dot", num_partitions=max(1, count // 4096), num_sub_vectors=48)

    def at(effort: int) -> Search:
        def search(query: FloatArray) -> Rows:
            asked = table.search(query).metric("dot").nprobes(effort).refine_factor(10).limit(K)
            return np.asarray(asked.select(["row"]).to_arrow()["row"])

        return search

    return at, (20, 40, 80, 160)


PEERS: dict[str, Peer] = {
    "hnswlib": hnswlib,
    "usearch, float16, mapped": usearch,
    "FAISS HNSW, float16": faiss_hnsw,
    "FAISS IVF-PQ48, no rerank": faiss_ivf_pq,
    "LanceDB IVF-PQ, refined": lancedb,
}
