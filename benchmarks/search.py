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
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from dinoscope.engines import ENGINES
from dinoscope.features import Vectors, normalise
from dinoscope.library.vectors import VectorFile

sys.path.append(str(Path(__file__).resolve().parent.parent))
from benchmarks._search_contenders import CONTENDERS, DIMENSION, K

QUERIES = 500
WARM_UP = 50
ENOUGH = 0.98  # recall at which a peer's effort is raised no further


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
