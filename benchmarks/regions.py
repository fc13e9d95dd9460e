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
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from dinoscope.geometry import Box
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations import refining
from dinoscope.operations.bases import basis_of_model
from dinoscope.operations.session import Session
from dinoscope.sample import PICTURES, details
from dinoscope.settings import Settings, load_settings

sys.path.append(str(Path(__file__).resolve().parent.parent))
from benchmarks._region_rivals import (
    Finder,
    Found,
    Pictures,
    Query,
    compared,
    crop_and_search,
    every_patch,
    pixels_of,
    size_of,
    windows,
)

BANDS = (0.0, 0.02, 0.05, 0.15, 1.0)  # of the object's box, as a share of the picture it is looked for in
DEPTH = 10
LOST = 10**6
DRAWS = 1000  # of the bootstrap


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
    parser.add_argument("--looks", default=str(refining.LOOKED_AT), help="hits looked at from near, 8,12")
    parser.add_argument("--only", default="", help="a regular expression, e.g. 'fine'")
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
            names = re.compile(arguments.only)
            finders = rivals(paths, backbone, settings) if any(map(names.search, RIVALS)) else {}
            for looks in [0, *map(int, arguments.looks.split(","))]:
                looked = f", {looks} looked at" if looks else ""
                finders[f"search_region{looked}"] = product(session, paths, looks)
                finders[f"search_region, fine{looked}"] = product(fine, paths, looks)
            report({name: find for name, find in finders.items() if names.search(name)}, queries)


RIVALS = ("all patches", "all patches, our axes", "crop and search", "grid, our axes")


def rivals(paths: Sequence[Path], backbone: Backbone, settings: Settings) -> dict[str, Finder]:
    """By the names above."""
    pictures, basis = Pictures(paths, backbone), basis_of_model(backbone, settings)
    return dict(
        zip(
            RIVALS,
            [
                compared(pictures, np.asarray, every_patch),
                compared(pictures, basis.reduced, every_patch),
                crop_and_search(pictures),
                compared(pictures, basis.reduced, windows),
            ],
            strict=True,
        )
    )


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


def product(session: Session, paths: Sequence[Path], looks: int) -> Finder:
    """``Session.search_region`` on the library of the pictures, with so many hits looked at from near."""

    def find(query: Query, wanted: int) -> list[Found]:
        refining.LOOKED_AT = looks
        answer = session.search_region(pixels_of(query.path), query.box, k=wanted, refine=looks > 0)
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
