"""A library in shards: what another node adds to indexing, and what Ray costs a search.

    python benchmarks/cluster.py                                # the sample pictures, 1 and 2 nodes
    python benchmarks/cluster.py --pretend 200 --nodes 1,2,4    # encoders elsewhere

Nodes are started on this machine with one core each, so two of them are all that two cores can show. With
``--pretend`` a picture's encoding takes so many milliseconds of the clock and none of these cores, as if each
node had a machine of its own: what is left to do here is everything else. Indexing is timed from the first
batch that is told of to the last, which leaves out starting encoders (some seconds, once a run); what is idle
at the end is part of it. The last line counts the sample pictures of which one of ten hits has another score.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from time import perf_counter, sleep
from typing import Any

import numpy as np

from dinoscope.cluster.asking import LocalShards
from dinoscope.cluster.indexing import BATCH, Load, index_in_shards
from dinoscope.cluster.manifest import Manifest
from dinoscope.cluster.serving import served
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.cluster.starting import QUIET, joined
from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels, normalise
from dinoscope.geometry import Box, Size, fit_grid
from dinoscope.library.library import Library
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.loading import load_backbone
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings, load_settings

MEMORY = 80 * 2**20  # bytes of object store a node
SAME = 1e-3  # vectors are kept in half precision
ASKED = 40  # queries timed, after 10 that are not


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--nodes", default="1,2", help="how many, separated by commas")
    parser.add_argument(
        "--pretend", type=int, default=0, metavar="MS", help="of waiting, instead of encoding"
    )
    parser.add_argument("--repeat", type=int, default=2, help="runs of each, of which the fastest counts")
    options = parser.parse_args()
    os.environ.update(QUIET)
    warnings.simplefilter("ignore")  # Ray's own
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = load_settings().with_overrides(threads=1)
        load = waiting(options.pretend / 1000) if options.pretend else load_backbone
        alone = None if options.pretend else one_machine(folder, settings)
        print("\n| nodes of one core | pictures/s | of one node |\n|---|---|---|")
        first = None
        for nodes in map(int, options.nodes.split(",")):
            rates = [
                indexed(folder / f"{nodes}-{run}", settings, nodes, options.shards, load)
                for run in range(options.repeat)
            ]
            first = first or max(rates)
            print(f"| {nodes} | {max(rates):.1f} | {max(rates) / first:.2f} |", flush=True)
        if alone is not None:
            searches(replace(settings, library=alone), folder / f"{nodes}-0")


def one_machine(folder: Path, settings: Settings) -> Path:
    """The same pictures in an ordinary library, one thread."""
    with Library.open(folder / "one", write=True) as library:
        session = Session(library, settings)
        last = list(index_folders([PICTURES], library, session.backbone, settings))[-1]
    print(f"one machine, one thread and a decoder: {last.added / last.seconds:.1f} pictures/s")
    return folder / "one"


def waiting(seconds: float) -> Load:
    """Gives an encoder that only waits so long for each picture."""
    return lambda settings: Pretending(seconds)


class Pretending:
    """Waits as long as an encoder on a machine of its own would work; what it says is noise."""

    identity = ModelIdentity("pretending", "0" * 16, "fit256-none", "fp32")
    dimension = 384
    batch = 8
    layers = 12

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        """Random unit vectors, the same for the same picture."""
        sleep(self._seconds * len(pictures))
        return [self._features(pixels) for pixels in pictures]

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        """The same."""
        return np.stack([features.descriptor for features in self.encode(pictures)])

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """Nobody asks."""
        raise NotImplementedError

    def _features(self, pixels: Pixels) -> Features:
        rng = np.random.default_rng(int(pixels[::16, ::16].sum()))
        grid = fit_grid(Size(pixels.shape[1], pixels.shape[0]), 14, self.identity.budget)
        patches = rng.normal(size=(grid.rows, grid.columns, self.dimension)).astype(np.float32)
        attention = rng.random((1, grid.rows, grid.columns)).astype(np.float32)
        vector = normalise(rng.normal(size=self.dimension).astype(np.float32))
        return Features(self.identity.key, grid, vector, normalise(patches), attention)


@contextmanager
def cluster(nodes: int) -> Iterator[None]:
    """So many nodes of one core, and this process joined to them."""
    from ray.cluster_utils import Cluster

    started = Cluster(
        initialize_head=True,
        head_node_args={"num_cpus": 1, "include_dashboard": False, "object_store_memory": MEMORY},
    )
    for _ in range(nodes - 1):
        started.add_node(num_cpus=1, object_store_memory=MEMORY)
    try:
        with joined(started.address):
            yield
    finally:
        started.shutdown()


def indexed(library: Path, settings: Settings, nodes: int, shards: int, load: Load) -> float:
    """Pictures a second, once every encoder is warm."""
    told: list[tuple[float, int]] = []
    with cluster(nodes):
        mine = replace(settings, library=library)
        for step in index_in_shards([PICTURES], mine, shards=shards, load=load):
            if step.added and (not told or step.added != told[-1][1]):
                told.append((perf_counter(), step.added))
    warm = told[nodes - 1 :]  # each encoder's first batch waits for its model
    (began, before), (ended, after) = warm[0], warm[-1]
    assert after - before > 2 * BATCH, "too few pictures to time"
    return (after - before) / (ended - began)


def searches(settings: Settings, shards: Path) -> None:
    """How long a search takes, and whether it is the same."""
    print("\n| way | picture p50 ms | p95 ms | part p50 ms | p95 ms |\n|---|---|---|---|---|")
    with Session(Library.open(settings.library), settings) as one:
        _ = one.backbone
        row("one library", one)
        manifest = Manifest.read(shards)
        local = ShardedLibrary(shards, manifest, LocalShards(shards, manifest))
        row(f"{manifest.shards} shards in one process", Session(local, settings, one.backbone))
        with cluster(2), served(replace(settings, library=shards)) as many:
            row(f"{manifest.shards} shards through Ray", many)
            print(f"\nnot alike: {differing(one, many)} of {one.library.count()}")


def row(name: str, session: Session) -> None:
    """A line of the table, for pictures of the library."""
    ids = [picture.id for picture in session.library.page(limit=ASKED + 10, order="path").pictures]
    whole = timed(lambda id: session.search_like(id, k=20), ids)
    part = timed(lambda id: region(session, id), ids)
    print(f"| {name} | {whole[0]:.1f} | {whole[1]:.1f} | {part[0]:.1f} | {part[1]:.1f} |", flush=True)


def region(session: Session, id: int) -> Any:
    """A large part, so that nothing is encoded again: its tokens and the search are what is timed."""
    from dinoscope.operations.regions import search_region
    from dinoscope.operations.selection import Selection

    size = session.library.picture(id).size
    part = Selection.of(Box(0, 0, 0.8 * size.width, 0.8 * size.height))
    return search_region(session.library, session.backbone, id, part, k=20, refine=False)


def timed(ask: Callable[[int], Any], ids: list[int]) -> tuple[float, float]:
    """(p50, p95) in ms."""
    taken = []
    for id in ids:
        started = perf_counter()
        ask(id)
        taken.append(1000 * (perf_counter() - started))
    cuts = quantiles(taken[10:], n=20)
    return cuts[9], cuts[18]


def differing(one: Session, many: Session) -> int:
    """Queries of which a hit's score is another by more than what encoding in other batches changes."""

    def scores(session: Session, path: Path) -> list[float]:
        known = session.library.find(path)
        assert known is not None
        return [hit.score for hit in session.search_like(known.id, k=10).hits]

    every = [picture.path for picture in one.library.page(limit=1000).pictures]
    pairs = [zip(scores(one, path), scores(many, path), strict=True) for path in every]
    return sum(any(abs(here - there) > SAME for here, there in pair) for pair in pairs)


if __name__ == "__main__":
    main()
