"""Matching: how many points of one picture are found at their place in another, and how long a pair takes?

    python benchmarks/matching.py                                # animals, and sample photos bent by us
    python benchmarks/matching.py --opencv examples/data         # and two views of one thing, real photos
    python benchmarks/matching.py --sets --times                 # milliseconds a pair by resolution, alone

A point is right when it lies within alpha times a side of its true place (PCK, the percentage of correct
keypoints). *By point* is the share over all points, *by picture* the mean of each pair's share.

*Animals*: points placed by hand (``keypoints/``) on different animals of a kind, in the sample photos; the
side is the longer one of the animal's box. Where several animals show a part, each of them is right.
*Bent*: a sample photo, seen aslant, waved, in other light and mirrored every second time; the flow is known
because we made it; the side is the picture's longer one. *Views* (``--opencv``): a wall and its homography,
a plant and its disparities, out of Debian's ``opencv-doc``; the side is the picture's longer one.

Choices were made on the development half of the animals and of the bent photos. The test half shares no
picture with it. Views are all test.

Contestants have the same weights. ``nearest neighbour`` takes the best patch of the last layer by cosine,
at the model's own resolution; *same features* means those that ``match`` looks at (another layer, more
patches). ``mutual`` gives a point the displacement of the nearest patch whose neighbour's neighbour it is.
Gain is beside the first row; ± is half its 95 % interval from resampling pictures.
"""

from __future__ import annotations

import argparse
import csv
import io
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from time import perf_counter, process_time
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from dinoscope.features import FloatArray, Inside, Pixels
from dinoscope.geometry import PatchGrid, Size
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.correspondence import between
from dinoscope.operations.matching import Matches, match
from dinoscope.operations.pairing import PATCHES, View, look, match_views
from dinoscope.sample import PICTURES
from dinoscope.settings import load_settings

ALPHAS = (0.1, 0.05)
POINTS = 10  # a side, on a bent photo
DRAWS = 1000  # of the bootstrap
BUDGETS = (64, 144, 256, 400, 576, 784, 1024)
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two pictures, by name, and points whose places are known."""

    here: str
    there: str
    points: FloatArray  # (n, 2) (x, y) in pixels of ``here``
    places: tuple[FloatArray, ...]  # for each point (k, 2) in pixels of ``there``; any of them is right
    side: float  # pixels of ``there`` that alpha is a share of
    mirrored: bool | None = None  # whether it is, where that is known


Finder = Callable[[Pair], FloatArray]  # (n, 2) places in ``there``


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="*", choices=("animals", "bent", "views"), help="default: all")
    parser.add_argument("--half", choices=("development", "test"), default="test")
    parser.add_argument("--opencv", type=Path, help="opencv-doc's examples/data")
    parser.add_argument("--photos", type=int, default=60, help="to bend")
    parser.add_argument("--patches", type=int, default=PATCHES, help="of a picture, for match")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--times", action="store_true", help="also time pairs by resolution")
    arguments = parser.parse_args()
    backbone = load_backbone(load_settings().with_overrides(precision=arguments.precision))
    print(f"{backbone.identity.key}, {platform.machine()}, {datetime.now(UTC):%Y-%m-%d}")
    pictures = Pictures(backbone, arguments.patches)
    wanted = ("animals", "bent", "views") if arguments.sets is None else arguments.sets
    if "animals" in wanted:
        report("Animals", list(animals(arguments.half, pictures)), pictures)
    if "bent" in wanted:
        report("Bent photos", list(bent(arguments.half, arguments.photos, pictures)), pictures)
    if "views" in wanted and arguments.opencv:
        report("Views", list(views(arguments.opencv, pictures)), pictures)
    if arguments.times:
        report_times(backbone)


class Pictures:
    """Pictures by name, and what the model sees of them, each looked at once."""

    def __init__(self, backbone: Backbone, patches: int) -> None:
        """``patches``: as many of a picture as ``match`` shall look at."""
        self._backbone = backbone
        self._patches = patches
        self._pixels: dict[str, Pixels] = {}
        self.last = cache(self._last)
        self.inside = cache(self._inside)

    def add(self, name: str, pixels: Pixels) -> Size:
        """Keep a picture; its size."""
        self._pixels[name] = pixels
        return Size(pixels.shape[1], pixels.shape[0])

    def view(self, name: str) -> View:
        """As ``match`` takes it."""
        pixels = self._pixels[name]
        return View(pixels, Size(pixels.shape[1], pixels.shape[0]))

    def _last(self, name: str) -> tuple[FloatArray, PatchGrid]:
        features = self._backbone.encode([self._pixels[name]])[0]
        return features.patches, features.grid

    def _inside(self, name: str) -> Inside:
        return look(self.view(name), self._backbone, self._patches)

    def same(self, name: str) -> tuple[FloatArray, PatchGrid]:
        """What ``match`` looks at."""
        seen = self.inside(name)
        return seen.vectors, seen.grid

    def matched(self, here: str, there: str) -> Matches:
        """By the product."""
        return match(self.inside(here), self.inside(there))


def animals(half: str, pictures: Pictures) -> Iterator[Pair]:
    """Every two animals of a kind that share a part, each way."""
    points: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for row in rows("points.csv"):
        parts = points.setdefault(row["file"], {})
        parts.setdefault(row["part"], []).append((float(row["x"]), float(row["y"])))
    boxes = [row for row in rows("animals.csv") if row["half"] == half]
    for box in boxes:
        with Image.open(PICTURES / box["file"]) as image:
            pictures.add(box["file"], np.asarray(image.convert("RGB")))
    for here in boxes:
        for there in boxes:
            mine, other = points[here["file"]], points[there["file"]]
            shared = [part for part in mine if part in other]
            if here is there or here["kind"] != there["kind"] or not shared:
                continue
            side = max(
                float(there["right"]) - float(there["left"]), float(there["bottom"]) - float(there["top"])
            )
            asked = np.asarray([mine[part][0] for part in shared], np.float32)
            places = tuple(np.asarray(other[part], np.float32) for part in shared)
            yield Pair(here["file"], there["file"], asked, places, side)


def rows(name: str) -> list[dict[str, str]]:
    """A table of ``keypoints/``."""
    with (HERE / "keypoints" / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def bent(half: str, most: int, pictures: Pictures) -> Iterator[Pair]:
    """Sample photos and what we made of them."""
    paths = sorted(PICTURES.rglob("*.webp"))[half == "test" :: 2]
    chosen = np.random.default_rng(0).permutation(len(paths))[:most]
    for number, index in enumerate(chosen):
        random, name = np.random.default_rng(int(index)), paths[index].name
        with Image.open(paths[index]) as image:
            pixels = np.asarray(image.convert("RGB"))
        size, mirrored = pictures.add(name, pixels), number % 2 == 1
        source_of = flow(random, mirrored)
        y, x = np.mgrid[: size.height, : size.width]
        ends = np.stack([(x.ravel() + 0.5) / size.width, (y.ravel() + 0.5) / size.height], axis=1)
        scale = np.asarray([size.width, size.height], np.float32)
        moved = between(pixels.astype(np.float32), source_of(ends.astype(np.float32)) * scale)
        pictures.add(f"{name}, bent", in_other_light(moved.reshape(pixels.shape), random))
        steps = (np.arange(POINTS, dtype=np.float32) + 0.5) / POINTS
        places: FloatArray = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2).astype(np.float32)
        starts = source_of(places)
        kept = ((starts > 0.02) & (starts < 0.98)).all(axis=1)
        yield Pair(
            name,
            f"{name}, bent",
            starts[kept] * scale,
            tuple(place[None] for place in places[kept] * scale),
            float(max(size.width, size.height)),
            mirrored,
        )


def flow(random: np.random.Generator, mirrored: bool) -> Callable[[FloatArray], FloatArray]:
    """A smooth map of the unit square into itself: (n, 2) places in the bent picture to the original's."""
    corners = np.asarray([[0, 0], [1, 0], [1, 1], [0, 1]], np.float64)
    turn = random.uniform(-0.35, 0.35)  # radians: 20 degrees
    zoom = random.uniform(0.6, 1.0)
    rotation = np.asarray([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    ends = (corners - 0.5) * zoom @ rotation.T + 0.5 + random.uniform(-0.1, 0.1, (4, 2))
    plane = homography(corners, ends)
    waves, phases = random.uniform(-1.5, 1.5, (2, 2)), random.uniform(0, 2 * np.pi, 2)

    def source_of(places: FloatArray) -> FloatArray:
        bowed = places + 0.03 * np.sin(2 * np.pi * places @ waves + phases)
        x, y, w = plane @ np.concatenate([bowed.T, np.ones((1, len(bowed)))])
        x = 1 - x / w if mirrored else x / w
        return np.asarray(np.stack([x, y / w], axis=1), np.float32)

    return source_of


def homography(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) that takes four points to four others."""
    lines = []
    for (x, y), (u, v) in zip(starts, ends, strict=True):
        lines += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.asarray(lines), ends.ravel()), 1).reshape(3, 3)


def in_other_light(pixels: FloatArray, random: np.random.Generator) -> Pixels:
    """Brightness, contrast and colour changed, noised, softened and saved as a poor JPEG."""
    noised = pixels + random.normal(0, 6, pixels.shape)
    image = Image.fromarray(np.clip(noised, 0, 255).astype(np.uint8))
    for change in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = change(image).enhance(float(random.uniform(0.5, 1.5)))
    image = image.filter(ImageFilter.GaussianBlur(float(random.uniform(0, 2))))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(random.integers(20, 70)))
    return np.asarray(Image.open(buffer).convert("RGB"))


def views(folder: Path, pictures: Pictures) -> Iterator[Pair]:
    """A painted wall from two sides, and a plant from two places, each way."""
    for name in ("graf1.png", "graf3.png", "aloeL.jpg", "aloeR.jpg"):
        with Image.open(folder / name) as image:
            pictures.add(name, np.asarray(image.convert("RGB")))
    numbers = ElementTree.parse(folder / "H1to3p.xml").findtext(".//data") or ""
    plane = np.asarray(numbers.split(), np.float64).reshape(3, 3)
    yield from both_ways("graf1.png", "graf3.png", pictures, lambda start: mapped(plane, start))
    with Image.open(folder / "aloeGT.png") as image:
        disparity = np.asarray(image.convert("L"), np.float32)

    def shifted(start: FloatArray) -> FloatArray:
        x, y = start.astype(int).T
        shift = disparity[y, x]
        return np.stack([np.where(shift > 0, start[:, 0] - shift, -1), start[:, 1]], axis=1)

    yield from both_ways("aloeL.jpg", "aloeR.jpg", pictures, shifted)


def mapped(plane: NDArray[np.float64], start: FloatArray) -> FloatArray:
    """(n, 2) points through a (3, 3) homography."""
    x, y, w = plane @ np.concatenate([start.T, np.ones((1, len(start)))])
    return np.asarray(np.stack([x / w, y / w], axis=1), np.float32)


def both_ways(
    first: str, second: str, pictures: Pictures, end_of: Callable[[FloatArray], FloatArray]
) -> Iterator[Pair]:
    """Points in rows and columns of the first that the second shows, too, there and back."""
    size, other = pictures.view(first).size, pictures.view(second).size
    x = (np.arange(2 * POINTS, dtype=np.float32) + 0.5) * size.width / (2 * POINTS)
    y = (np.arange(2 * POINTS, dtype=np.float32) + 0.5) * size.height / (2 * POINTS)
    starts: FloatArray = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2).astype(np.float32)
    ends = end_of(starts)
    kept = ((ends >= 0) & (ends < (other.width, other.height))).all(axis=1)
    starts, ends = starts[kept], ends[kept]
    yield Pair(first, second, starts, tuple(ends[:, None]), max(other.width, other.height), False)
    yield Pair(second, first, ends, tuple(starts[:, None]), max(size.width, size.height), False)


def nearest(see: Callable[[str], tuple[FloatArray, PatchGrid]], mutual: bool) -> Finder:
    """The middle of the patch that is most alike, by cosine."""

    def find(pair: Pair) -> FloatArray:
        (mine, here), (other, there) = see(pair.here), see(pair.there)
        cosines: FloatArray = mine.reshape(-1, mine.shape[2]) @ other.reshape(-1, other.shape[2]).T
        asked = patch_of(pair.points, here)
        best = cosines.argmax(axis=1)
        if not mutual:
            return middles(best[asked], there)
        agreed = np.flatnonzero(cosines.argmax(axis=0)[best] == np.arange(len(best)))
        steady = middles(agreed, here)
        apart = ((pair.points[:, None] - steady) ** 2).sum(axis=2).argmin(axis=1)
        sizes = [np.asarray([grid.picture.width, grid.picture.height]) for grid in (here, there)]
        left = (pair.points - steady[apart]) / sizes[0]
        return np.asarray(middles(best[agreed[apart]], there) + left * sizes[1], np.float32)

    return find


def patch_of(points: FloatArray, grid: PatchGrid) -> NDArray[np.int64]:
    """(n, 2) places to (n,) patches, in reading order."""
    size = np.asarray([grid.picture.width, grid.picture.height])
    column, row = (points / size * (grid.columns, grid.rows)).astype(np.int64).T
    row, column = np.clip(row, 0, grid.rows - 1), np.clip(column, 0, grid.columns - 1)
    return np.asarray(row * grid.columns + column, np.int64)


def middles(patches: NDArray[np.int64], grid: PatchGrid) -> FloatArray:
    """(n,) patches in reading order to (n, 2) places."""
    row, column = np.divmod(patches, grid.columns)
    places = np.stack([(column + 0.5) / grid.columns, (row + 0.5) / grid.rows], axis=1)
    return np.asarray(places * (grid.picture.width, grid.picture.height), np.float32)


def report(title: str, pairs: Sequence[Pair], pictures: Pictures) -> None:
    """A row for each contestant, and what the links and the mirror are worth."""

    told: list[bool] = []

    def product(pair: Pair) -> FloatArray:
        matches = pictures.matched(pair.here, pair.there)
        told.append(matches.mirrored == pair.mirrored)
        found = [matches.find((float(x), float(y)))[0].there for x, y in pair.points]
        return np.asarray(found, np.float32)

    finders = {
        "nearest neighbour": nearest(pictures.last, mutual=False),
        "mutual": nearest(pictures.last, mutual=True),
        "nearest neighbour, same features": nearest(pictures.same, mutual=False),
        "mutual, same features": nearest(pictures.same, mutual=True),
        "`match`": product,
    }
    count = sum(len(pair.points) for pair in pairs)
    names = len({pair.here for pair in pairs})
    print(f"\n{title}: {len(pairs)} pairs of {names} pictures, {count} points\n")
    heads = [f"@{alpha} by {what}" for alpha in ALPHAS for what in ("point", "picture")]
    print("| | " + " | ".join(heads) + " | gain @0.1 by point |\n|" + "---|" * (len(heads) + 2))
    first: list[NDArray[np.float64]] | None = None
    for name, find in finders.items():
        missed = [errors(pair, find(pair)) for pair in pairs]
        first = missed if first is None else first
        cells = [f"{100 * score:.1f}" for alpha in ALPHAS for score in scores(missed, alpha)]
        print("| " + " | ".join([name, *cells, gain(pairs, first, missed)]) + " |", flush=True)
    if all(pair.mirrored is not None for pair in pairs):
        print(f"\nmirrored or not: right in {100 * np.mean(told):.0f} % of pairs")


def errors(pair: Pair, found: FloatArray) -> NDArray[np.float64]:
    """(n,) distances from the nearest right place, as a share of the pair's side."""
    apart = [np.hypot(*(places - place).T).min() for places, place in zip(pair.places, found, strict=True)]
    return np.asarray(apart, np.float64) / pair.side


def scores(missed: Sequence[NDArray[np.float64]], alpha: float) -> tuple[float, float]:
    """By point, by picture."""
    right = [each <= alpha for each in missed]
    return float(np.concatenate(right).mean()), float(np.mean([each.mean() for each in right]))


def gain(
    pairs: Sequence[Pair], first: Sequence[NDArray[np.float64]], missed: Sequence[NDArray[np.float64]]
) -> str:
    """Points of a hundred more than the first contestant, by point; half the 95 % interval."""
    names, number = np.unique([pair.here for pair in pairs], return_inverse=True)
    alpha = ALPHAS[0]
    more = np.asarray([(b <= alpha).sum() - (a <= alpha).sum() for a, b in zip(first, missed, strict=True)])
    counts = np.bincount(number, [len(pair.points) for pair in pairs])
    gained = np.bincount(number, more)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), DRAWS)
    low, high = np.quantile(drawn @ gained / (drawn @ counts), (0.025, 0.975))
    return f"{100 * gained.sum() / counts.sum():+.1f} ± {50 * (high - low):.1f}"


def report_times(backbone: Backbone, rounds: int = 7) -> None:
    """From two decoded pictures to their matches: the clock, the processors, and what is not the model's."""
    here, there = (View(resized(path), Size(1024, 768)) for path in sorted(PICTURES.rglob("*.webp"))[:2])
    print("\n| patches | ms a pair | CPU ms | of it without the model |\n|---|---|---|---|")
    for patches in BUDGETS:
        whole, work, rest = [], [], []
        match_views(here, there, backbone, patches=patches)
        for _ in range(rounds):
            started, worked = perf_counter(), process_time()
            match_views(here, there, backbone, patches=patches)
            whole.append(perf_counter() - started)
            work.append(process_time() - worked)
            seen = [look(view, backbone, patches) for view in (here, there)]
            worked = process_time()
            match(*seen)
            rest.append(process_time() - worked)
        cells = (f"{1000 * np.median(seconds):.0f}" for seconds in (whole, work, rest))
        print(f"| {patches} | " + " | ".join(cells) + " |", flush=True)


def resized(path: Path) -> Pixels:
    """A picture at 1024 x 768 pixels."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((1024, 768), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
