"""Indexing: pictures a second of the whole pipeline, beside the encoder alone and a plain loop.

    python benchmarks/index.py                              # the sample library, three rounds
    python benchmarks/index.py ~/Pictures --limit 500 --rounds 5

*Encoder alone* encodes the same pictures, decoded beforehand, in batches of one shape as large as the
pipeline's. *Plain loop* reads, hashes, decodes, thumbnails and encodes one picture after the other.
*Pipeline* is ``index_folders`` into a new library: walk, read, hash, decode, thumbnail, encode, commit.

The three run in turn within each round, because a shared machine's speed drifts; the ratios are medians
over the rounds. Besides the wall clock, CPU seconds are counted (children included): on a busy machine
they are the steadier measure.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from statistics import median
from time import perf_counter

from dinoscope.features import Pixels
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.batching import Batches, shape_of
from dinoscope.operations.indexing import BATCH, PATIENCE, THUMBNAIL, at_least, index_folders
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash, read_bytes
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.walking import walk
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Spent:
    """What one run over all pictures took."""

    wall: float  # seconds
    cpu: float  # seconds, all threads and children


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=PICTURES)
    parser.add_argument("--limit", type=int, default=200, help="pictures")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    settings = load_settings()
    backbone = load_backbone(settings)
    with tempfile.TemporaryDirectory() as scratch:
        folder = copied(arguments.folder, Path(scratch) / "pictures", arguments.limit)
        paths = sorted(folder.iterdir())
        decoded = [decode_one(path, settings, backbone) for path in paths]
        encoder_alone(decoded[: 2 * BATCH], backbone)  # warm
        ways: dict[str, Callable[[], None]] = {
            "encoder alone": lambda: encoder_alone(decoded, backbone),
            "plain loop": lambda: plain_loop(paths, settings, backbone),
            "pipeline": lambda: pipeline(folder, settings, backbone),
        }
        rounds = [{name: timed(way) for name, way in ways.items()} for _ in range(arguments.rounds)]
    report(rounds, len(paths), backbone)


def copied(source: Path, target: Path, limit: int) -> Path:
    """The first ``limit`` files, so that every run reads from the same warm disk cache."""
    target.mkdir()
    files = (path for path in walk(source) if isinstance(path, Path))
    for number, path in enumerate(islice(files, limit)):
        shutil.copyfile(path, target / f"{number:05}{path.suffix}")
    return target


def decode_one(path: Path, settings: Settings, backbone: Backbone) -> Decoded:
    """As the pipeline decodes it."""
    limits = Limits.of(settings)
    return decode(read_bytes(path, limits), limits, where=str(path), at_least=at_least(backbone))


def encoder_alone(pictures: list[Decoded], backbone: Backbone) -> None:
    """Batches of one shape, nothing else."""
    for batch in batched(pictures):
        backbone.describe(batch)


def batched(pictures: list[Decoded]) -> Iterator[list[Pixels]]:
    """In the order and the sizes the pipeline would form them."""
    batches: Batches[Decoded] = Batches(BATCH, PATIENCE * BATCH, lambda one: shape_of(one.size))
    for picture in pictures:
        batches.add(picture)
        while batch := batches.full():
            yield [one.pixels for one in batch]
    while batch := batches.any():
        yield [one.pixels for one in batch]


def plain_loop(paths: list[Path], settings: Settings, backbone: Backbone) -> None:
    """What a script of ten lines would do."""
    limits = Limits.of(settings)
    for path in paths:
        data = read_bytes(path, limits)
        content_hash(data)
        picture = decode(data, limits, where=str(path), at_least=at_least(backbone))
        thumbnail(picture.pixels, THUMBNAIL)
        backbone.describe([picture.pixels])


def pipeline(folder: Path, settings: Settings, backbone: Backbone) -> None:
    """The real thing, into a library that is thrown away."""
    with tempfile.TemporaryDirectory() as home, Library.open(Path(home) / "library", write=True) as library:
        for _ in index_folders([folder], library, backbone, settings):
            pass


def timed(way: Callable[[], None]) -> Spent:
    """Run it once."""
    wall, cpu = perf_counter(), cpu_seconds()
    way()
    return Spent(perf_counter() - wall, cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """Of this process and the children that have ended."""
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def report(rounds: list[dict[str, Spent]], pictures: int, backbone: Backbone) -> None:
    """Medians, and each way's ratio to the encoder alone in the same round."""
    print(f"{pictures} pictures, {backbone.identity.key}, {len(rounds)} rounds, batches of {BATCH}")
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, {platform.platform()}, load {load:.1f}, {datetime.now(UTC):%Y-%m-%d}")
    print(f"\n{'':16}{'pictures/s':>11}{'CPU ms a picture':>18}{'speed, encoder alone = 1':>27}{'by CPU':>8}")
    for name in rounds[0]:
        wall = median(one[name].wall for one in rounds)
        cpu = median(one[name].cpu for one in rounds)
        speed = median(one["encoder alone"].wall / one[name].wall for one in rounds)
        by_cpu = median(one["encoder alone"].cpu / one[name].cpu for one in rounds)
        print(f"{name:16}{pictures / wall:11.1f}{cpu / pictures * 1000:18.1f}{speed:27.2f}{by_cpu:8.2f}")


if __name__ == "__main__":
    main()
