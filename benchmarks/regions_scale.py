"""Region search in a large library: time of a search, and bytes a picture.

    python benchmarks/regions_scale.py                       # 1,000 and 10,000 pictures
    python benchmarks/regions_scale.py --sizes 1000000 --keep ~/scale       # 4 GB, an hour to build

The sample pictures are real and asked for by a box each; all others are *filler*: a record of tokens is
drawn from a sample picture, half of another's tokens are mixed in, and noise turns each token away by
some 25 degrees. So the tokens lie about where real ones do, in as tight bunches, but nobody took these
pictures. A search is ``search_region`` from the encoded query picture to places: the part is encoded from
near, which the time includes and a line above the table tells, and hits get no second look. A
query's first search is not counted; "first" is the p50 of those. "Same" is the share of the ten best that
the exact engine has, too, which is asked up to 100,000 pictures.
"""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeAlias

import numpy as np

from dinoscope.features import Basis, Features, Pixels, RegionTokens, normalise
from dinoscope.geometry import Box, Size
from dinoscope.library.library import Library
from dinoscope.library.records import LibraryInfo, NewFile, NewRegions
from dinoscope.models.backbone import Backbone, ModelIdentity
from dinoscope.models.loading import load_backbone
from dinoscope.operations.pooling import directions, fit_basis, levels, pool
from dinoscope.operations.region_answers import RegionAnswer
from dinoscope.operations.regions import search_region
from dinoscope.operations.selection import Selection
from dinoscope.sample import PICTURES
from dinoscope.settings import load_settings

TURNED = 0.47  # tangent of the angle by which a filler's token is turned away
BATCH = 2_000  # pictures a commit
ROOT = Path("/filler")
EXACT = 100_000  # pictures up to which every token is compared, too
HEADS = (
    *("pictures", "tokens", "engine", "first ms", "p50 ms", "p95 ms", "same"),
    *("tokens' bytes a picture", "engines'", "all", "built in s"),
)
Asked: TypeAlias = tuple[Pixels, Features]
Timed: TypeAlias = tuple[float, float, RegionAnswer]  # seconds


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,10000", help="pictures, separated by commas")
    parser.add_argument("--keep", type=Path, help="folder for the libraries, used again; default: temporary")
    parser.add_argument("--real", type=int, default=120, help="sample pictures encoded, half of them asked")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    backbone = load_backbone(load_settings().with_overrides(precision=arguments.precision))
    images = sampled(arguments.real)
    pictures = [backbone.encode([image])[0] for image in images]
    basis = fit_basis(np.concatenate([one.patches.reshape(-1, one.patches.shape[-1]) for one in pictures]))
    asked = list(zip(images, pictures, strict=True))[: arguments.real // 2]
    print(f"{backbone.identity.key}, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}")
    print(f"encoding one picture: {1000 * encoding(backbone, images[:20]):.0f} ms\n")
    print("| " + " | ".join(HEADS) + " |\n|" + "---|" * len(HEADS))
    for size in map(int, arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory(prefix="dinoscope-bench-") as temporary:
            folder = (arguments.keep or Path(temporary)) / str(size)
            with Library.open(folder, write=True) as library:
                fill(library, backbone.identity, basis, pictures, size)
                measure(library, backbone, asked)


def sampled(count: int) -> list[Pixels]:
    """Sample pictures of every group."""
    from PIL import Image

    paths = sorted(PICTURES.rglob("*.webp"))
    chosen = paths[:: max(1, len(paths) // count)][:count]
    return [np.asarray(Image.open(path).convert("RGB")) for path in chosen]


def encoding(backbone: Backbone, images: Sequence[Pixels]) -> float:
    """Seconds, the median."""
    seconds = []
    for image in images:
        started = perf_counter()
        backbone.encode([image])
        seconds.append(perf_counter() - started)
    return float(np.median(seconds))


def fill(
    library: Library, model: ModelIdentity, basis: Basis, pictures: Sequence[Features], size: int
) -> None:
    """The real pictures first, then filler up to ``size``."""
    real = [pool(basis.reduced(one.patches), one.attention) for one in pictures]
    descriptors = np.stack([one.descriptor for one in pictures])
    for start in range(library.count(), size, BATCH):
        random = np.random.default_rng(start)
        names = [f"{number:064x}" for number in range(start, min(size, start + BATCH))]
        tokens = [
            real[number] if number < len(real) else filler(real, random)
            for number in range(start, start + len(names))
        ]
        owners = random.integers(0, len(real), len(names))
        noise = random.standard_normal((len(names), descriptors.shape[1]), np.float32)
        vectors = normalise(descriptors[owners] + 0.03 * noise)
        files = [
            NewFile(ROOT / f"{name[-3:]}/{name}.jpg", ROOT, name, "jpeg", Size(640, 480), 100_000, 0)
            for name in names
        ]
        library.commit(
            model,
            descriptors.shape[1],
            files,
            dict(zip(names, vectors, strict=True)),
            NewRegions(basis, dict(zip(names, tokens, strict=True))),
        )


def filler(real: Sequence[RegionTokens], random: np.random.Generator) -> RegionTokens:
    """One picture's map with every other token from another picture, all turned a little."""
    one, other = (real[int(number)] for number in random.integers(0, len(real), 2))
    vectors = directions(one.vectors)
    shared = min(one.count, other.count) // 2
    vectors[:shared] = directions(other.vectors[:shared])
    noise = random.standard_normal(vectors.shape, np.float32) * (TURNED / vectors.shape[1] ** 0.5)
    vectors[: one.count] = normalise(vectors[: one.count] + noise[: one.count])
    vectors[one.count :] = 0
    return RegionTokens(levels(vectors), one.count, one.map)


def measure(library: Library, backbone: Backbone, asked: Sequence[Asked]) -> None:
    """One row for each engine."""
    truth = None
    if library.count() <= EXACT:
        library.optimise(engine="exact")
        truth = timed(library, backbone, asked)
        print(row(truth, truth, library.info(), "-"), flush=True)
    there = library.info().shelves[0].region_engine == "ivf_rabitq"  # kept from a run before
    started = perf_counter()
    library.optimise(engine="ivf_rabitq")
    built = "-" if there else f"{perf_counter() - started:.0f}"
    print(row(timed(library, backbone, asked), truth, library.info(), built), flush=True)


def timed(library: Library, backbone: Backbone, asked: Sequence[Asked]) -> list[Timed]:
    """Seconds of the first search and of the second, and answers, for a box in the middle of each picture,
    from a tenth to a half of its sides."""
    found = []
    for number, (image, features) in enumerate(asked):
        width, height = features.grid.picture.width, features.grid.picture.height
        share = 0.1 + 0.4 * number / len(asked)
        box = Box(*(side * (0.5 + sign * share / 2) for sign in (-1, 1) for side in (width, height)))
        seconds = []
        for _ in range(2):
            started = perf_counter()
            answer = search_region(
                library, backbone, features, Selection.of(box), k=20, pixels=partial(near, image)
            )
            seconds.append(perf_counter() - started)
        found.append((seconds[0], seconds[1], answer))
    return found


def near(image: Pixels, at_least: int) -> Pixels:
    """The query picture, for its part to be seen from near."""
    return image


def row(found: Sequence[Timed], truth: Sequence[Timed] | None, info: LibraryInfo, built: str) -> str:
    """What was measured with one engine."""
    first = np.median([1000 * cold for cold, _, _ in found])
    p50, p95 = np.percentile([1000 * warm for _, warm, _ in found], (50, 95))
    same = "-"
    if truth is not None:
        shares = [len(ids(one[2]) & ids(two[2])) / 10 for one, two in zip(found, truth, strict=True)]
        same = f"{np.mean(shares):.3f}"
    count, (shelf,) = info.contents, info.shelves
    return (
        f"| {count:,} | {32 * count:,} | {found[0][2].engine} | {first:.0f} | {p50:.0f} | {p95:.0f} | {same} "
        f"| {shelf.region_bytes / count:,.0f} | {shelf.engine_bytes / count:,.0f} "
        f"| {info.bytes / count:,.0f} | {built} |"
    )


def ids(answer: RegionAnswer) -> set[int]:
    return {hit.picture.id for hit in answer.hits[:10]}


if __name__ == "__main__":
    main()
