"""Regions: does a part of one picture find the other pictures that have it, and the place in them?

    python benchmarks/regions.py                         # 106 details, to be found in the sample library
    python scripts/make_scenes.py packages walls --count 1940 --objects 194 --size 448 --share 0.07 0.6
    python benchmarks/regions.py --scenes walls --distractors photos.tar --half test

*Details*: the query is a picture cut out of a sample picture, some 2 % of its area; right is the picture
it was cut from. *Scenes*: the query is a box round an object in one scene; each other scene of
the same object is right. Its rank is counted among the pictures of other objects, so that a small
appearance is not hidden behind the object's larger ones. Every second object belongs to the half that
choices were made on (development), the others to the half nothing was chosen on (test).

Contestants: ``all patches`` compares every patch in the box with every patch of every picture, in full
(the judge) and in the coordinates our tokens have; ``crop and search`` embeds the box as a picture of its
own; ``grid`` has as many bytes as our tokens, spent on a grid of windows; then ``search_region``, the
product's own, without and with a second look, as it comes and where pictures were indexed tile by tile.

A number is a mean over pairs of query and right picture, ± half its 95 % interval from resampling
objects. Of those found among the first ten, "centre" is the share whose best place has its centre in the
object's box, "IoU" the share whose place overlaps it by half. Of the details, places are known roughly.
"""

from __future__ import annotations

import argparse
import csv
import platform
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Box, Size
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.bases import basis_of_model
from dinoscope.operations.pooling import directions, levels
from dinoscope.operations.session import Session
from dinoscope.sample import PICTURES, details
from dinoscope.settings import load_settings

BANDS = (0.0, 0.02, 0.05, 0.15, 1.0)  # of the object's box, as a share of the picture it is looked for in
DEPTH = 10
LOST = 10**6
DRAWS = 1000  # of the bootstrap
WINDOWS = 34  # of 128 bytes: 4,352, and ours have 4,360


@dataclass(frozen=True, slots=True)
class Query:
    """A part of a picture, and where it is to be found."""

    path: Path
    box: Box
    right: dict[Path, Box]  # picture and place; none of them counts as wrong for another
    kind: str  # what resampling keeps together


@dataclass(frozen=True, slots=True)
class Found:
    path: Path
    place: Box | None


Finder = Callable[[Query, int], list[Found]]  # the int: how many are wanted, best first
Pooled = tuple[FloatArray, NDArray[np.intp]]  # (k, P) vectors, (rows, columns) which of them a patch has


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scenes", type=Path, nargs="+", help="folders of make_scenes.py; default: details")
    parser.add_argument(
        "--distractors", type=Path, help="a .tar of pictures of no object, added to the scenes"
    )
    parser.add_argument("--half", choices=("development", "test"), default="test")
    parser.add_argument("--queries", type=int, default=150, help="parts asked for, at most")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    settings = load_settings().with_overrides(precision=arguments.precision)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        backbone = load_backbone(settings)
        if arguments.scenes:
            paths = list(unpacked(arguments.distractors, work / "photos")) if arguments.distractors else []
            queries, scenes = in_scenes(arguments.scenes, arguments.half == "test", arguments.queries)
            paths += [*scenes, *sorted(PICTURES.rglob("*.webp"))]
        else:
            queries, paths = in_sample(arguments.queries), sorted(PICTURES.rglob("*.webp"))
        pictures, basis = Pictures(paths, backbone), basis_of_model(backbone, settings)
        copied(paths, work / "pictures")
        with (
            Library.open(work / "library", write=True) as library,
            Library.open(work / "fine", write=True) as tiled,
        ):
            session = Session(library, settings, backbone)
            fine = Session(tiled, settings.with_overrides(fine=True), backbone)
            for each in (session, fine):
                started = process_time()
                for _ in each.index(work / "pictures"):
                    pass
                print(f"indexed in {1000 * (process_time() - started) / len(paths):.0f} CPU ms a picture")
            print(f"{len(queries)} queries, {len(paths)} pictures, {backbone.identity.key}")
            print(f"{platform.machine()}, {datetime.now(UTC):%Y-%m-%d}\n")
            finders = {
                "all patches": compared(pictures, np.asarray, every_patch),
                "all patches, our axes": compared(pictures, basis.reduced, every_patch),
                "crop and search": crop_and_search(pictures),
                "grid, our axes": compared(pictures, basis.reduced, windows),
                "search_region": product(session, paths, refine=False),
                "search_region, second look": product(session, paths, refine=True),
                "search_region, fine": product(fine, paths, refine=False),
                "search_region, fine, second look": product(fine, paths, refine=True),
            }
            report(finders, queries)


def in_scenes(folders: Sequence[Path], test: bool, most: int) -> tuple[list[Query], list[Path]]:
    """Boxes to ask for, in turn one of each object of the half, and all scenes of the half."""
    places: dict[str, dict[Path, Box]] = {}
    for folder in folders:
        with (folder / "places.csv").open(encoding="utf-8") as file:
            for line in csv.DictReader(file):
                path = folder / line["file"]
                edges = (float(line[edge]) for edge in ("left", "top", "right", "bottom"))
                places.setdefault(path.parent.name, {})[path] = Box(*edges)
    kinds = sorted(places)[test::2]
    random = np.random.default_rng(0)
    asked = {kind: random.permutation(len(places[kind])) for kind in kinds}
    queries = []
    for turn in range(1 + most // len(kinds)):
        for kind in kinds:
            path, box = list(places[kind].items())[asked[kind][turn]]
            right = {other: place for other, place in places[kind].items() if other != path}
            queries.append(Query(path, box, right, kind))
    return queries[:most], [path for kind in kinds for path in places[kind]]


def in_sample(most: int) -> list[Query]:
    """Whole details, which are crops; right is the picture each was cut from."""
    queries = []
    for detail in details()[:most]:
        size, source = size_of(detail.path), size_of(detail.source)
        x, y = (
            share * side for share, side in zip(detail.centre, (source.width, source.height), strict=True)
        )
        across, down = size.width / 2, size.height / 2
        place = Box(x - across, y - down, x + across, y + down)
        whole = Box(0, 0, size.width, size.height)
        queries.append(Query(detail.path, whole, {detail.source: place}, detail.source.stem))
    return queries


def unpacked(archive: Path, folder: Path) -> list[Path]:
    """An archive's pictures as files."""
    with tarfile.open(archive) as tar:
        members = [each for each in tar if each.isfile() and each.name.endswith((".jpg", ".png", ".webp"))]
        tar.extractall(folder, members, filter="data")
    return [folder / member.name for member in members]


def size_of(path: Path) -> Size:
    with Image.open(path) as image:
        return Size(*image.size)


def pixels_of(path: Path) -> Pixels:
    """What every contestant sees. The details are cut out round, with what was beside them still there."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


class Parts:
    """Pictures as sets of vectors, compared one by one: the sum of each asked vector's best likeness."""

    def __init__(self, vectors: Sequence[FloatArray], maps: Sequence[NDArray[np.intp]]) -> None:
        """``vectors``: (k, P) of each picture; ``maps``: (rows, columns), which of them a patch has."""
        self._vectors = np.concatenate(vectors)
        self._starts = np.cumsum([0, *(len(each) for each in vectors)])
        self._maps = maps

    def search(
        self, asked: FloatArray, weights: FloatArray
    ) -> tuple[FloatArray, Callable[[int], FloatArray]]:
        """(n,) scores of all pictures, and from a picture's number to its (rows, columns) of likeness."""
        cosines = self._vectors @ asked.T
        scores = np.maximum.reduceat(cosines, self._starts[:-1]) @ weights

        def heat(number: int) -> FloatArray:
            mine = cosines[self._starts[number] : self._starts[number + 1]] @ weights
            return np.asarray(mine[self._maps[number]], np.float32)

        return scores, heat


class Pictures:
    """All pictures' features in memory, for the contestants that are no product."""

    def __init__(self, paths: Sequence[Path], backbone: Backbone) -> None:
        self.paths = list(paths)
        self.backbone = backbone
        self.features = [backbone.encode([pixels_of(path)])[0] for path in paths]
        self.descriptors = np.stack([features.descriptor for features in self.features])
        self._numbers = {path: number for number, path in enumerate(paths)}

    def asked(self, query: Query) -> tuple[FloatArray, FloatArray]:
        """(q, D) patches mostly in the box, at least one, and (q,) their weights, sum 1."""
        number = self._numbers.get(query.path)
        known = None if number is None else self.features[number]
        features = known or self.backbone.encode([pixels_of(query.path)])[0]
        covered = features.grid.coverage(query.box)
        chosen = covered >= min(0.5, float(covered.max()))
        return features.patches[chosen], covered[chosen] / covered[chosen].sum()

    def ranked(
        self, wanted: int, scores: FloatArray, heat: Callable[[int], FloatArray] | None = None
    ) -> list[Found]:
        best = np.argsort(-scores, kind="stable")[:wanted]
        return [
            Found(self.paths[number], None if heat is None else self._place(number, heat(number)))
            for number in best
        ]

    def _place(self, number: int, heat: FloatArray) -> Box:
        """Round the patches above half the way from the usual likeness to the best that touch the best."""
        usual = float(np.median(heat))
        inside = heat >= usual + (float(heat.max()) - usual) / 2
        reached = np.zeros_like(inside)
        reached[np.unravel_index(int(heat.argmax()), heat.shape)] = True
        for _ in range(heat.size):
            wider = reached.copy()
            wider[1:] |= reached[:-1]
            wider[:-1] |= reached[1:]
            wider[:, 1:] |= reached[:, :-1]
            wider[:, :-1] |= reached[:, 1:]
            wider &= inside
            if (wider == reached).all():
                break
            reached = wider
        return self.features[number].grid.box_around(reached)


def compared(
    pictures: Pictures, axes: Callable[[FloatArray], FloatArray], pooled: Callable[[FloatArray], Pooled]
) -> Finder:
    """Each patch asked for looks for its best likeness among what ``pooled`` leaves of a picture.

    Args:
        axes: (..., D) -> (..., P), the coordinates in which patches are pooled and compared.
    """
    vectors, maps = zip(*(pooled(axes(features.patches)) for features in pictures.features), strict=True)
    parts = Parts(vectors, maps)

    def find(query: Query, wanted: int) -> list[Found]:
        asked, weights = pictures.asked(query)
        return pictures.ranked(wanted, *parts.search(axes(asked), weights))

    return find


def every_patch(patches: FloatArray) -> Pooled:
    """Nothing is left out."""
    rows, columns, dimension = patches.shape
    return patches.reshape(-1, dimension), np.arange(rows * columns).reshape(rows, columns)


def windows(patches: FloatArray) -> Pooled:
    """The means of at most WINDOWS windows in rows and columns, as square as possible."""
    rows, columns, dimension = patches.shape
    shapes = [(high, min(columns, WINDOWS // high)) for high in range(1, min(rows, WINDOWS) + 1)]
    high, wide = max(shapes, key=lambda s: s[0] * s[1] - abs(rows / s[0] - columns / s[1]) * 4)
    y, x = np.arange(rows) * high // rows, np.arange(columns) * wide // columns
    owners = y[:, None] * wide + x[None, :]
    sums = np.zeros((high * wide, dimension), np.float32)
    np.add.at(sums, owners, patches)
    return directions(levels(sums)), owners


def crop_and_search(pictures: Pictures) -> Finder:
    """What every picture search can do: the part as a picture of its own."""

    def find(query: Query, wanted: int) -> list[Found]:
        left, top, right, bottom = (
            round(edge) for edge in (query.box.left, query.box.top, query.box.right, query.box.bottom)
        )
        crop = pixels_of(query.path)[top : max(bottom, top + 1), left : max(right, left + 1)]
        return pictures.ranked(wanted, pictures.descriptors @ pictures.backbone.describe([crop])[0])

    return find


def product(session: Session, paths: Sequence[Path], refine: bool) -> Finder:
    """``Session.search_region`` on the library the pictures were indexed into."""

    def find(query: Query, wanted: int) -> list[Found]:
        answer = session.search_region(pixels_of(query.path), query.box, k=wanted, refine=refine)
        return [Found(paths[int(Path(hit.picture.path).stem)], hit.places[0].box) for hit in answer.hits]

    return find


def copied(paths: Sequence[Path], folder: Path) -> None:
    """The pictures, numbered."""
    folder.mkdir()
    for number, path in enumerate(paths):
        shutil.copy(path, folder / f"{number:06}{path.suffix}")


@dataclass(frozen=True, slots=True)
class Pair:
    """A query and one right picture."""

    kind: str
    area: float  # of the place, as a share of the right picture
    rank: int  # 1 is best; LOST when it was not among those asked for
    centred: bool
    overlap: float


def pairs_of(query: Query, found: Sequence[Found]) -> list[Pair]:
    """A right picture's rank is counted among wrong ones."""
    wrong, places = 0, dict[Path, tuple[int, Box | None]]()
    for each in found:
        if each.path in query.right:
            places[each.path] = wrong + 1, each.place
        elif each.path != query.path:
            wrong += 1
    pairs = []
    for path, true in query.right.items():
        rank, place = places.get(path, (LOST, None))
        centred = place is not None and true.holds(*place.centre)
        area = true.area / size_of(path).pixels
        pairs.append(Pair(query.kind, area, rank, centred, place.overlap(true) if place else 0.0))
    return pairs


def report(finders: dict[str, Finder], queries: Sequence[Query]) -> None:
    """A row for each contestant."""
    heads = [
        "",
        "@1",
        "@5",
        "@10",
        *(f"@10, {band}" for band in names()),
        "centre",
        "IoU",
        "p50 ms",
        "p95 ms",
    ]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for name, find in finders.items():
        pairs, seconds = [], []
        for query in queries:
            started = perf_counter()
            found = find(query, DEPTH + len(query.right) + 1)
            seconds.append(perf_counter() - started)
            pairs += pairs_of(query, found)
        print(row(name, pairs, seconds), flush=True)


def names() -> list[str]:
    return [f"{100 * low:g}-{100 * high:g} %" for low, high in pairwise(BANDS)]


def row(name: str, pairs: Sequence[Pair], seconds: Sequence[float]) -> str:
    bands = [[pair for pair in pairs if low <= pair.area < high] for low, high in pairwise(BANDS)]
    seen = [pair for pair in pairs if pair.rank <= DEPTH]
    cells = [
        name,
        *(f"{share([pair.rank <= k for pair in pairs]):.3f}" for k in (1, 5)),
        with_interval(pairs),
        *(with_interval(band) for band in bands),
        f"{share([pair.centred for pair in seen]):.2f}",
        f"{share([pair.overlap >= 0.5 for pair in seen]):.2f}",
        *(f"{1000 * np.quantile(seconds, level):.0f}" for level in (0.5, 0.95)),
    ]
    return "| " + " | ".join(cells) + " |"


def share(truths: Sequence[bool]) -> float:
    return float(np.mean(truths)) if truths else float("nan")


def with_interval(pairs: Sequence[Pair]) -> str:
    """Found among the first ten, +- half the 95 % interval over resampled kinds."""
    if not pairs:
        return "-"
    kinds, number = np.unique([pair.kind for pair in pairs], return_inverse=True)
    found = np.bincount(number, [pair.rank <= DEPTH for pair in pairs])
    drawn = np.random.default_rng(0).multinomial(len(kinds), np.full(len(kinds), 1 / len(kinds)), DRAWS)
    low, high = np.quantile(drawn @ found / (drawn @ np.bincount(number)), (0.025, 0.975))
    return f"{found.sum() / len(pairs):.3f} ± {(high - low) / 2:.3f}"


if __name__ == "__main__":
    main()
