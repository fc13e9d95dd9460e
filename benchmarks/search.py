"""Search: latency, recall, memory and build time of Dinoscope's engines beside exact search and peers.

    python benchmarks/search.py --sizes 100000            # about five minutes on two cores
    python benchmarks/search.py --sizes 100000,1000000    # an hour, most of it the graphs of the peers

The vectors are synthetic: clusters of clusters with sizes by a power law and a spectrum that decays as
that of real DINOv2 descriptors does; queries are fresh draws, not members. Real libraries are easier
where they hold bursts and copies, harder where they hold none.

Every index is built in one process (all cores) and searched in another (one thread, one query at a
time, after 50 queries of warming up). A peer's effort (ef, nprobe) is raised until recall@10 reaches
0.98 or the end of its ladder. Memory is what the searching process holds beyond its imports: private,
and mapped from files. Peers that are not installed are left out and named.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines import ENGINES
from dinoscope.features import FloatArray, Vectors, normalise
from dinoscope.geometry import Size
from dinoscope.library.filters import Filter, parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile
from dinoscope.library.vectors import VectorFile
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.metadata import Metadata

DIMENSION = 384
K = 10
QUERIES = 500
WARM_UP = 50
ENOUGH = 0.98  # recall at which a peer's effort is raised no further
MODEL = ModelIdentity("synthetic", "0" * 16, "none", "fp32")
Search = Callable[[FloatArray], "np.ndarray[Any, np.dtype[Any]]"]  # (1, D) -> (<= K,) row numbers


class Space:
    """Where synthetic descriptors come from."""

    def __init__(self, count: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        spectrum = (1 + np.arange(DIMENSION)) ** -0.35
        broad = random.normal(size=(max(10, count // 5_000), DIMENSION)) * spectrum
        clusters = max(50, count // 60)
        parents = random.integers(0, len(broad), clusters)
        self._centres = (broad[parents] + 0.9 * random.normal(size=(clusters, DIMENSION)) * spectrum).astype(
            "f4"
        )
        weights = (1 + random.permutation(clusters)) ** -0.6
        self._weights = weights / weights.sum()
        self._spectrum = spectrum.astype("f4")

    def draw(self, count: int, seed: int) -> Vectors:
        random = np.random.default_rng(seed)
        chosen = random.choice(len(self._centres), count, p=self._weights)
        spread = 0.8 * random.standard_normal((count, DIMENSION), np.float32) * self._spectrum
        return normalise(self._centres[chosen] + spread)


def prepare(folder: Path, count: int) -> None:
    """vectors.f16 and vectors.f32 (the same numbers), queries and the exact answers."""
    space = Space(count)
    with (folder / "vectors.f16").open("wb") as half, (folder / "vectors.f32").open("wb") as full:
        for start in range(0, count, 50_000):
            block = space.draw(min(50_000, count - start), seed=1 + start).astype(np.float16)
            half.write(block.tobytes())
            full.write(normalise(block.astype(np.float32)).tobytes())
    queries = space.draw(QUERIES + WARM_UP, seed=10**9)
    np.save(folder / "queries.npy", queries)
    source = VectorFile(folder / "vectors.f16", DIMENSION, count)
    np.save(folder / "truth.npy", ENGINES["exact"].build(source).search(queries[WARM_UP:], K)[0])


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


def on_disk(path: Path) -> int:
    if path.is_dir():
        return sum(child.stat().st_size for child in path.rglob("*") if child.is_file())
    return path.stat().st_size


def memory() -> tuple[int, int]:
    """(private, mapped from files) bytes resident in this process."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0, 0
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(fields["RssAnon"].split()[0]) * 1024, int(fields["RssFile"].split()[0]) * 1024


def measure(name: str, work: Path, count: int) -> dict[str, float]:
    """In a process of its own: what searching costs."""
    contender = CONTENDERS[name]
    if contender.needs:
        __import__(contender.needs)
    queries, truth = np.load(work / "queries.npy"), np.load(work / "truth.npy")
    filtered = "," in name and name.startswith("dinoscope library")
    private, mapped = memory()
    at = contender.open(work, count)
    result: dict[str, float] = {}
    for effort in contender.efforts:
        search = at(effort)
        for query in queries[:WARM_UP]:
            search(query[None])
        seconds, found = [], []
        for query in queries[WARM_UP:]:
            started = time.perf_counter()
            found.append(search(query[None]))
            seconds.append(time.perf_counter() - started)
        shares = [
            len(set(line.tolist()) & set(best.tolist())) / K for line, best in zip(found, truth, strict=True)
        ]
        result = {
            "effort": effort,
            "recall": float("nan") if filtered else float(np.mean(shares)),
            "p50": float(np.percentile(seconds, 50)) * 1e3,
            "p95": float(np.percentile(seconds, 95)) * 1e3,
        }
        if result["recall"] >= ENOUGH:
            break
    now_private, now_mapped = memory()
    return result | {"private": now_private - private, "mapped": now_mapped - mapped}


def child(action: str, name: str, work: Path, count: int, threads: int) -> dict[str, float]:
    """Run one action on one contender in a fresh interpreter."""
    limits = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads)
    )
    program = [sys.executable, __file__, "--child", action, name, str(work), str(count)]
    started = time.perf_counter()
    done = subprocess.run(program, env=os.environ | limits, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{name}: {action} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return {}
    answer: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer | {"seconds": time.perf_counter() - started}


def rows(work: Path, count: int, names: list[str]) -> Iterator[tuple[str, dict[str, float]]]:
    for name in names:
        built = child("build", name, work, count, os.cpu_count() or 1)
        if not built:
            continue
        searched = child("search", name, work, count, 1)
        if searched:
            disk = sum(on_disk(path) for path in CONTENDERS[name].files(work))
            yield name, searched | {"build": built["build"], "disk": disk / count}


def table(work: Path, count: int, names: list[str]) -> None:
    print(f"\n{count:,} vectors of {DIMENSION} numbers, {QUERIES} queries, k = {K}\n")
    print(
        "| engine | effort | recall@10 | p50 ms | p95 ms | p50 / ours | build s | bytes a vector "
        "| private MB | mapped MB |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    ours = float("nan")
    for name, row in rows(work, count, names):
        ours = row["p50"] if name == "dinoscope ivf_rabitq" else ours
        recall = "-" if row["recall"] != row["recall"] else f"{row['recall']:.3f}"  # no truth under a filter
        print(
            f"| {name} | {row['effort']:.0f} | {recall} | {row['p50']:.2f} | {row['p95']:.2f} "
            f"| {row['p50'] / ours:.2f} | {row['build']:.0f} | {row['disk']:.0f} "
            f"| {row['private'] / 2**20:.0f} | {row['mapped'] / 2**20:.0f} |",
            flush=True,
        )


def machine() -> str:
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        name = names[0] if names else name
    return (
        f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Search latency, recall and memory beside peers")
    parser.add_argument("--sizes", default="100000", help="numbers of vectors, separated by commas")
    parser.add_argument("--only", default="", help="a regular expression, e.g. 'rabitq|hnswlib'")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        action, name, work, count = arguments.child
        started = time.perf_counter()
        if action == "build":
            CONTENDERS[name].build(Path(work), int(count))
            print(json.dumps({"build": time.perf_counter() - started}))
        else:
            print(json.dumps(measure(name, Path(work), int(count))))
        return
    names = [name for name in CONTENDERS if re.search(arguments.only, name)]
    absent = [
        name for name in names if (needed := CONTENDERS[name].needs) and not importlib.util.find_spec(needed)
    ]
    print(machine())
    if absent:
        print(f"not installed, left out: {', '.join(absent)}")
    for size in arguments.sizes.split(","):
        with tempfile.TemporaryDirectory(prefix="dinoscope-bench-") as folder:
            prepare(Path(folder), int(size))
            table(Path(folder), int(size), [name for name in names if name not in absent])


if __name__ == "__main__":
    main()
