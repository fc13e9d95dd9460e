"""The steps of ``scale.py``: each makes or measures one thing of the library that grows."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, sleep, thread_time
from typing import Any, cast

import numpy as np
from benchmarks._descriptors import BLOCK, NAMES, Stream, World, drawn, fit, statistics
from benchmarks._scale_peers import PEERS

from dinoscope.features import FloatArray, Pixels, Vectors
from dinoscope.geometry import Size
from dinoscope.library.library import Library
from dinoscope.library.optimising import EXACT_UP_TO
from dinoscope.library.records import NewFile
from dinoscope.models.backbone import Backbone, ModelIdentity
from dinoscope.operations.searching import calibrate
from dinoscope.operations.session import Session
from dinoscope.settings import load_settings

DIMENSION = 384
MODEL = ModelIdentity("synthetic", "0" * 16, "fit256-none", "fp32")
QUERIES = 200
TIMED = 1_000
K = 10
COMMIT = 20_000  # pictures
MORE = 10_000_000  # the number of the first picture that a size only borrows
MERGED = 13_000  # pictures
COLD = 10  # times
ALLOWED = 16 * 2**30  # bytes of memory a peer may have
Row = dict[str, Any]
Timed = tuple[float, float]


@contextmanager
def watched() -> Iterator[Row]:
    """Seconds, CPU seconds, and the most memory held, sampled every 10 ms."""
    row: Row = {}
    most = {"RssAnon": 0, "RssFile": 0}
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set():
            for name, value in resident().items():
                most[name] = max(most[name], value)
            sleep(0.01)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    wall, cpu = perf_counter(), process_time()
    yield row
    row |= {"wall": perf_counter() - wall, "cpu": process_time() - cpu}
    ended.set()
    watcher.join()
    row |= {"peak_anonymous": most["RssAnon"], "peak_mapped": most["RssFile"]}


def resident() -> dict[str, int]:
    """Bytes of this process in memory: anonymous, and pages of mapped files."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(fields[name].split()[0]) * 1024 for name in ("RssAnon", "RssFile")}


def forget(folder: Path) -> None:
    """Drop the folder's files from the system's cache."""
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


# The data


def prepare(keep: Path, real: Path | None) -> None:
    """Fit the world, once."""
    path = keep / "world.npz"
    if path.exists():
        return
    descriptors = described(real)
    world = fit(descriptors, DIMENSION)
    made = drawn(world, len(descriptors))
    rows = {"real": statistics(descriptors), "made": statistics(made)}
    row = {"step": "statistics", "size": len(descriptors), "dimension": descriptors.shape[1], **rows}
    row["numbers"] = dict(zip(NAMES, world.numbers, strict=True))
    with (keep / "results.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")
    np.savez(path, mean=world.mean, axes=world.axes, deviations=world.deviations, numbers=world.numbers)


def described(real: Path | None) -> Vectors:
    """(n, D) descriptors of real pictures by the starter model."""
    if real is not None and real.suffix == ".npy":
        return cast(Vectors, np.load(real).astype("f4"))
    from PIL import Image

    from dinoscope.models.loading import load_backbone
    from dinoscope.sample import PICTURES

    backbone = load_backbone(load_settings())
    endings = (".webp", ".jpg", ".jpeg", ".png")
    paths = [path for path in sorted((real or PICTURES).rglob("*")) if path.suffix.lower() in endings]
    images: list[Pixels] = [np.asarray(Image.open(path).convert("RGB")) for path in paths]
    return backbone.describe(images)


def stream(keep: Path) -> Stream:
    found = np.load(keep / "world.npz")
    numbers = tuple(float(value) for value in found["numbers"])
    return Stream(World(found["mean"], found["axes"], found["deviations"], numbers))


def queries(keep: Path, count: int) -> Vectors:
    """(count, D) descriptors that no picture has."""
    return stream(keep).block(-1)[:count]


def planted(number: int) -> NewFile:
    path = Path(f"/pictures/{number // 500:05d}/{number:08d}.jpg")
    return NewFile(path, path.parents[1], f"{number:040x}", "jpeg", Size(4000, 3000), 3_000_000, number)


def add(library: Library, numbers: Sequence[int], vectors: Vectors) -> None:
    """One commit."""
    files = [planted(number) for number in numbers]
    library.commit(
        MODEL, DIMENSION, files, {file.content: line for file, line in zip(files, vectors, strict=True)}
    )


class Named:
    """A model of which nothing but the name is needed: searches have their descriptors."""

    identity = MODEL


def opened(keep: Path, *, write: bool = False) -> Session:
    library = Library.open(keep / "library", write=write)
    return Session(library, load_settings(), cast(Backbone, Named()))


# The steps


def fill(keep: Path, size: int) -> Row:
    """Commit pictures until there are ``size``; the time of making descriptors is left out."""
    source = stream(keep)
    seconds = cpu = 0.0
    with Library.open(keep / "library", write=True) as library:
        start = library.count()
        for first in range(start, size, COMMIT):
            count = min(COMMIT, size - first)
            blocks = range(first // BLOCK, -(-(first + count) // BLOCK))
            vectors = np.concatenate([source.block(number) for number in blocks])
            vectors = vectors[first - blocks.start * BLOCK :][:count]
            began = perf_counter(), process_time()
            add(library, range(first, first + count), vectors)
            seconds, cpu = seconds + perf_counter() - began[0], cpu + process_time() - began[1]
        return {
            "added": size - start,
            "seconds": seconds,
            "cpu_seconds": cpu,
            "disk": sizes(keep / "library"),
        }


def build(keep: Path, size: int) -> Row:
    """Train and add all; ``ticks`` are CPU seconds at the end of training and of adding."""
    ticks: list[float] = []

    def tick(done: int, total: int) -> None:
        if done in (0, total):
            ticks.append(process_time())

    with Library.open(keep / "library", write=True) as library:
        library.optimise(engine="exact")
        start = process_time()
        if size > EXACT_UP_TO:
            library.optimise(tick, engine="ivf_rabitq")
        train, rest = (ticks[0] - start, process_time() - ticks[0]) if ticks else (0.0, 0.0)
        calibrate(library, MODEL.key)
        return {"train": train, "add": rest, "disk": sizes(keep / "library")}


def truth(keep: Path, size: int) -> Row:
    """The K best similarities of each query among all vectors, kept for ``warm``."""
    asked = queries(keep, QUERIES)
    best = np.full((QUERIES, K), -np.inf, np.float32)
    with Library.open(keep / "library") as library, library.shelf(MODEL.key).vectors() as view:
        alive = view.alive()
        for start in range(0, len(alive), 20_000):
            scores = asked @ view.read(alive[start : start + 20_000]).T
            best = np.sort(np.concatenate([best, scores], axis=1), axis=1)[:, -K:]
    np.save(keep / f"truth-{size}.npy", best[:, ::-1])
    return {}


def warm(keep: Path, size: int) -> Row:
    """Latencies once all is in memory, recall, and what is resident."""
    imports = resident()["RssAnon"]
    asked, more = queries(keep, QUERIES), queries(keep, QUERIES + TIMED)[QUERIES:]
    best = np.load(keep / f"truth-{size}.npy")
    before = resident()["RssAnon"]
    began = perf_counter()
    with opened(keep) as session:
        session.library.models()
        open_s = perf_counter() - began
        found = [session.answer([query], k=K) for query in asked]
        for query in more:
            session.answer([query], k=K)
        hits = [[hit.score for hit in answer.hits] for answer in found]
        recall = [
            np.mean(np.array(line) >= worst - 2e-6) for line, worst in zip(hits, best[:, -1], strict=True)
        ]
        one = timed(session, list(more))
        ids = [hit.picture.id for answer in found for hit in answer.hits][:TIMED]
        by_id = timed(session, ids)
        two = side_by_side(session, list(more))
        now = resident()
    return {
        "open": open_s,
        "recall": float(np.mean(recall)),
        "engine": found[0].engine,
        "one": spread(one),
        "by_id": spread(by_id),
        "two": spread(two[0]) | {"a_second": two[1]},
        "imports": imports,
        "anonymous": now["RssAnon"],
        "grown": now["RssAnon"] - before,
        "mapped": now["RssFile"],
    }


def timed(session: Session, asked: Sequence[FloatArray | int]) -> list[Timed]:
    """(ms, CPU ms of this thread) of each."""
    found = []
    for query in asked:
        began, cpu = perf_counter(), thread_time()
        session.answer([query], k=K)
        found.append((1000 * (perf_counter() - began), 1000 * (thread_time() - cpu)))
    return found


def side_by_side(session: Session, asked: Sequence[FloatArray | int]) -> tuple[list[Timed], float]:
    """Those of all, from two threads, and searches a second."""
    found: list[Timed] = []

    def ask(part: Sequence[FloatArray | int]) -> None:
        found.extend(timed(session, part))

    halves = [threading.Thread(target=ask, args=(asked[half::2],)) for half in (0, 1)]
    began = perf_counter()
    for thread in halves:
        thread.start()
    for thread in halves:
        thread.join()
    return found, len(asked) / (perf_counter() - began)


def spread(found: Sequence[Timed]) -> Row:
    """Percentiles of both; a busy machine makes the first longer, not the second."""
    row: Row = {}
    for name, values in zip(("", "cpu_"), zip(*found, strict=True), strict=True):
        p50, p95, p99 = (float(value) for value in np.percentile(values, (50, 95, 99)))
        row |= {f"{name}p50": p50, f"{name}p95": p95, f"{name}p99": p99, f"{name}most": max(values)}
    return row


def cold(keep: Path, size: int) -> Row:
    """Opening and the first searches; the parent has dropped the caches."""
    asked = queries(keep, QUERIES)[np.random.default_rng().permutation(QUERIES)[:20]]
    began = perf_counter()
    with opened(keep) as session:
        session.library.models()
        open_s = perf_counter() - began
        return {"open": open_s, "searches": timed(session, list(asked))}


def merge(keep: Path, size: int) -> Row:
    """Pictures more, committed and merged."""
    with Library.open(keep / "library", write=True) as library:
        vectors = stream(keep).block(-2)
        vectors = np.concatenate([vectors, stream(keep).block(-3)])[:MERGED]
        add(library, range(MORE, MORE + MERGED), vectors)
        began = perf_counter(), process_time()
        library.optimise()
        return {"seconds": perf_counter() - began[0], "cpu_seconds": process_time() - began[1]}


def churn(keep: Path, size: int) -> Row:
    """Adding and removing with a search after each; then everything borrowed goes, and the room of it."""
    source, first = stream(keep).block(-4), MORE + MERGED
    adds: list[float] = []
    removals: list[float] = []
    searches: list[Timed] = []
    asked = queries(keep, QUERIES)
    with opened(keep, write=True) as session:
        library = session.library
        session.answer([asked[0]], k=K)
        for turn in range(20):
            numbers = range(first + 100 * turn, first + 100 * turn + 100)
            adds.append(clock(partial(add, library, numbers, source[100 * turn : 100 * turn + 100])))
            searches += timed(session, [asked[turn]])
        for turn in range(20):
            ids = there(library, range(first + 100 * turn, first + 100 * turn + 100))
            removals.append(clock(partial(library.remove, ids=ids)))
            searches += timed(session, [asked[turn]])
        library.remove(ids=there(library, range(MORE, MORE + MERGED)))
        after = timed(session, [*asked[:100]])
        compacted = clock(library.compact)
    return {
        "adds_a_second": 100 / float(np.median(adds)),
        "removals_a_second": 100 / float(np.median(removals)),
        "searches": spread(searches),
        "with_dead": spread(after[1:]),
        "compact": compacted,
    }


def there(library: Library, numbers: Sequence[int]) -> list[int]:
    """The ids of pictures by number."""
    found = [library.find(planted(number).path) for number in numbers]
    return [picture.id for picture in found if picture is not None]


def peer(keep: Path, size: int, name: str) -> Row:
    """Another index of the same vectors, in a process that may have so much memory and no more."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (ALLOWED, ALLOWED))
    asked, best = queries(keep, QUERIES), np.load(keep / f"truth-{size}.npy")
    with (
        Library.open(keep / "library") as library,
        library.shelf(MODEL.key).vectors() as view,
        tempfile.TemporaryDirectory(dir=keep) as temporary,
    ):
        rows = view.alive()
        blocks = (view.read(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK))
        began = process_time()
        at, efforts = PEERS[name](blocks, len(rows), DIMENSION, Path(temporary))
        row: Row = {"build": process_time() - began}
        for effort in efforts:
            search, spent, shares = at(effort), [], []
            for query, line in zip(asked, best, strict=True):
                started, cpu = perf_counter(), process_time()
                found = search(query)
                spent.append((1000 * (perf_counter() - started), 1000 * (process_time() - cpu)))
                scores = view.read(rows[found]) @ query
                shares.append(float(np.mean(scores >= line[-1] - 2e-6)) * len(found) / K)
            row |= {"effort": effort, "recall": float(np.mean(shares)), "one": spread(spent)}
            if row["recall"] >= 0.99:
                break
        files = [path for path in Path(temporary).rglob("*") if path.is_file()]
        return row | {"disk": sum(path.stat().st_size for path in files), "anonymous": resident()["RssAnon"]}


def clock(what: Callable[[], object]) -> float:
    began = perf_counter()
    what()
    return perf_counter() - began


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of tables, vectors and engines."""
    found = {"tables": 0, "vectors": 0, "engine": 0}
    for path in folder.rglob("*"):
        if path.is_file():
            kind = "vectors" if path.suffix == ".f16" else "engine" if "engine-" in str(path) else "tables"
            found[kind] += path.stat().st_size
    return found


STEPS: dict[str, Callable[[Path, int], Row]] = {
    "fill": fill,
    "build": build,
    "truth": truth,
    "warm": warm,
    "cold": cold,
    "merge": merge,
    "churn": churn,
}
