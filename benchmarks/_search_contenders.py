"""Engines beside each other: each is built in one process and searched in another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines import ENGINES
from dinoscope.features import FloatArray
from dinoscope.geometry import Size
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile
from dinoscope.library.vectors import VectorFile
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.metadata import Metadata

DIMENSION = 384
K = 10
MODEL = ModelIdentity("synthetic", "0" * 16, "none", "fp32")
Search = Callable[[FloatArray], "np.ndarray[Any, np.dtype[Any]]"]  # (1, D) -> (<= K,) row numbers


class Contender:
    """An index to build in one process and to search in another."""

    needs: str | None = None  # the module that must be importable
    efforts: tuple[int, ...] = (0,)

    def build(self, work: Path, count: int) -> None: ...

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        """From an effort to a search."""
        raise NotImplementedError

    def files(self, work: Path) -> list[Path]:
        """What lies on the disk for it, the vectors it ranks by included."""
        raise NotImplementedError


def full(work: Path, count: int) -> FloatArray:
    return np.memmap(work / "vectors.f32", np.float32, "r", shape=(count, DIMENSION))


class Engine(Contender):
    """An engine of Dinoscope by itself, over the memory-mapped vectors."""

    def __init__(self, name: str) -> None:
        self._name = name

    def build(self, work: Path, count: int) -> None:
        (work / self._name).mkdir()
        source = VectorFile(work / "vectors.f16", DIMENSION, count)
        ENGINES[self._name].build(source).save(work / self._name)

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        source = VectorFile(work / "vectors.f16", DIMENSION, count)
        engine = ENGINES[self._name].load(work / self._name, source)
        return lambda _: lambda query: engine.search(query, K)[0][0]

    def files(self, work: Path) -> list[Path]:
        return [work / "vectors.f16", work / self._name]


class Through(Contender):
    """The whole library: a snapshot, an engine, the names of the answers, and a filter where there is one."""

    def __init__(self, where: str = "") -> None:
        self._where = where

    def build(self, work: Path, count: int) -> None:
        if (work / "library").exists():
            return
        source = VectorFile(work / "vectors.f16", DIMENSION, count)
        with Library.open(work / "library", write=True) as library:
            for start in range(0, count, 20_000):
                rows = range(start, min(start + 20_000, count))
                vectors = source.read(slice(rows.start, rows.stop))
                files = [planted(row) for row in rows]
                library.commit(MODEL, DIMENSION, files, {f"{row:040x}": vectors[row - start] for row in rows})
            library.optimise()

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        shelf = Library.open(work / "library").shelf(MODEL.key)
        where: Filter | None = parse_filter(self._where)

        def search(query: FloatArray) -> np.ndarray[Any, np.dtype[Any]]:
            return np.array([int(content, 16) for content, _ in shelf.search(query, K, where)[0]])

        return lambda _: search

    def files(self, work: Path) -> list[Path]:
        return [work / "library"]


def planted(row: int) -> NewFile:
    camera = ("Canon EOS R5", "Nikon Z6", None, None)[row % 4]
    taken = datetime(2000 + row % 25, 1 + row % 12, 1 + row % 28, tzinfo=UTC)
    about = Metadata(taken, camera)
    path = Path(f"/pictures/{row // 500:05d}/{row:07d}.jpg")
    return NewFile(
        path, path.parents[1], f"{row:040x}", "jpeg", Size(4000, 3000), 3_000_000 + row, row, about
    )


class FaissIvfPq(Contender):
    needs = "faiss"
    efforts = (8, 16, 32, 64, 128, 256)

    def build(self, work: Path, count: int) -> None:
        import faiss

        lists = 4096 if count >= 500_000 else 1024
        index = faiss.index_factory(DIMENSION, f"IVF{lists},PQ48x8", faiss.METRIC_INNER_PRODUCT)
        vectors = full(work, count)
        index.train(vectors[np.random.default_rng(0).permutation(count)[: 48 * lists]])
        for start in range(0, count, 50_000):
            index.add(vectors[start : start + 50_000])
        faiss.write_index(index, str(work / "ivfpq"))

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        import faiss

        index: Any = faiss.read_index(str(work / "ivfpq"))

        def at(effort: int) -> Search:
            index.nprobe = effort
            return lambda query: np.asarray(index.search(query, K)[1][0])

        return at

    def files(self, work: Path) -> list[Path]:
        return [work / "ivfpq"]


class Hnswlib(Contender):
    needs = "hnswlib"
    efforts = (32, 64, 128, 256, 512)

    def build(self, work: Path, count: int) -> None:
        import hnswlib

        index = hnswlib.Index("ip", DIMENSION)
        index.init_index(count, M=16, ef_construction=200, random_seed=0)
        vectors = full(work, count)
        for start in range(0, count, 50_000):
            index.add_items(vectors[start : start + 50_000])
        index.save_index(str(work / "hnsw"))

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        import hnswlib

        index = hnswlib.Index("ip", DIMENSION)
        index.load_index(str(work / "hnsw"))
        index.set_num_threads(1)

        def at(effort: int) -> Search:
            index.set_ef(effort)
            return lambda query: np.asarray(index.knn_query(query, K)[0][0], np.int64)

        return at

    def files(self, work: Path) -> list[Path]:
        return [work / "hnsw"]


class Usearch(Contender):
    """float16 graph, memory-mapped when searched: its frugal setting."""

    needs = "usearch"
    efforts = (32, 64, 128, 256, 512)

    def build(self, work: Path, count: int) -> None:
        from usearch.index import Index

        index = Index(ndim=DIMENSION, metric="ip", dtype="f16", connectivity=16, expansion_add=128)
        vectors = full(work, count)
        for start in range(0, count, 50_000):
            stop = min(start + 50_000, count)
            index.add(np.arange(start, stop), np.asarray(vectors[start:stop]), threads=os.cpu_count() or 1)
        index.save(str(work / "usearch"))

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        from usearch.index import Index

        index = Index(ndim=DIMENSION, metric="ip", dtype="f16", connectivity=16)
        index.view(str(work / "usearch"))

        def at(effort: int) -> Search:
            index.expansion_search = effort
            return lambda query: np.asarray(index.search(query[0], K, threads=1).keys, np.int64)

        return at

    def files(self, work: Path) -> list[Path]:
        return [work / "usearch"]


class Lance(Contender):
    """IVF-PQ with its own rerank from the stored vectors, as its guide advises."""

    needs = "lancedb"
    efforts = (10, 20, 40, 80, 160)

    def build(self, work: Path, count: int) -> None:
        import lancedb
        import pyarrow

        shape = pyarrow.schema(
            [("row", pyarrow.int64()), ("vector", pyarrow.list_(pyarrow.float32(), DIMENSION))]
        )

        def batches() -> Iterator[Any]:
            vectors = full(work, count)
            for start in range(0, count, 50_000):
                block = np.asarray(vectors[start : start + 50_000])
                flat = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.ravel()), DIMENSION)
                numbers = pyarrow.array(np.arange(start, start + len(block)))
                yield pyarrow.RecordBatch.from_arrays([numbers, flat], schema=shape)

        table = lancedb.connect(str(work / "lance")).create_table("pictures", batches(), schema=shape)
        lists = int(count**0.5)
        table.create_index(
            metric="dot", num_partitions=lists, num_sub_vectors=48, vector_column_name="vector"
        )

    def open(self, work: Path, count: int) -> Callable[[int], Search]:
        import lancedb

        table: Any = lancedb.connect(str(work / "lance")).open_table("pictures")

        def at(effort: int) -> Search:
            def search(query: FloatArray) -> np.ndarray[Any, np.dtype[Any]]:
                asked = table.search(query[0]).distance_type("dot").limit(K).nprobes(effort).refine_factor(10)
                return np.asarray(asked.select(["row"]).to_arrow()["row"].to_numpy(), np.int64)

            return search

        return at

    def files(self, work: Path) -> list[Path]:
        return [work / "lance"]


CONTENDERS: dict[str, Contender] = {
    "dinoscope ivf_rabitq": Engine("ivf_rabitq"),
    "dinoscope exact": Engine("exact"),
    "dinoscope library": Through(),
    "dinoscope library, camera~canon": Through("camera~canon"),
    "dinoscope library, one folder": Through("folder=/pictures/00007"),
    "faiss IVF,PQ48": FaissIvfPq(),
    "hnswlib": Hnswlib(),
    "usearch f16": Usearch(),
    "lancedb IVF_PQ": Lance(),
}
