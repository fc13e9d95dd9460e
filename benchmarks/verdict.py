"""The verdict: how often it calls chance a match, and how often it sees a match, with classes held out.

    python benchmarks/verdict.py                                     # the sample library
    python benchmarks/verdict.py --distractors photos.tar            # among unrelated photos
    python benchmarks/verdict.py --labelled tiny-imagenet-val-4k.tar # folders named by class

For each query the library is searched twice by the real ``calibration.verdict``: without any picture of
the query's class (a "found" is a false alarm) and with them (a "found" is a detection). A detection can
only be as good as the model: "best is right" is the share of queries whose nearest picture is of their
class, and detections are given for those, too. Each row of levels is chance < level.
"""

from __future__ import annotations

import argparse
import csv
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import Pixels, Vectors
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.calibration import CHANCE, COHORT, calibration_of, verdict
from dinoscope.sample import PICTURES
from dinoscope.settings import load_settings

LEVELS = (0.05, 0.2, 0.5, CHANCE)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--labelled", type=Path, help="a .tar of class/picture; default: the sample library")
    parser.add_argument(
        "--distractors", type=Path, help="a .tar of pictures of no class, added to the library"
    )
    parser.add_argument("--limit", type=int, default=2000, help="pictures of each source")
    parser.add_argument("--queries", type=int, default=300)
    arguments = parser.parse_args()
    backbone = load_backbone(load_settings())
    source = in_tar(arguments.labelled) if arguments.labelled else in_sample()
    labels, vectors = encoded(source, arguments.limit, backbone)
    if arguments.distractors:
        _, more = encoded(in_tar(arguments.distractors), arguments.limit, backbone)
        labels += [f"distractor {number}" for number in range(len(more))]
        vectors = np.concatenate([vectors, more])
    print(f"{len(labels)} pictures, {backbone.identity.key}, {datetime.now(UTC):%Y-%m-%d}")
    report(np.array(labels), vectors, arguments.queries)


def in_sample() -> Iterator[tuple[str, Pixels]]:
    """(label, pixels) of the packaged pictures."""
    with (PICTURES.parent / "labels.csv").open(encoding="utf-8") as file:
        for line in csv.DictReader(file):
            with Image.open(PICTURES / line["file"]) as image:
                yield line["label"], np.asarray(image.convert("RGB"))


def in_tar(path: Path) -> Iterator[tuple[str, Pixels]]:
    """(folder, pixels) of an archive."""
    with tarfile.open(path) as archive:
        for member in archive:
            if member.isfile() and member.name.lower().endswith((".jpg", ".jpeg", ".png", ".webp")):
                file = archive.extractfile(member)
                assert file is not None
                with Image.open(io.BytesIO(file.read())) as image:
                    yield Path(member.name).parent.name, np.asarray(image.convert("RGB"))


def encoded(
    source: Iterator[tuple[str, Pixels]], limit: int, backbone: Backbone
) -> tuple[list[str], Vectors]:
    """Labels, and (n, D) descriptors."""
    labels: list[str] = []
    vectors: list[Vectors] = []
    for label, pixels in source:
        labels.append(label)
        vectors.append(backbone.describe([pixels]))
        if len(labels) == limit:
            break
    return labels, np.concatenate(vectors)


def report(labels: NDArray[np.str_], vectors: Vectors, queries: int) -> None:
    """Hold each query's class out, and put it back."""
    random = np.random.default_rng(0)
    names, counts = np.unique(labels, return_counts=True)
    shared = np.isin(labels, names[counts > 1])
    chosen = random.permutation(np.flatnonzero(shared))[:queries]
    alarms, found, right = [], [], []
    for query in chosen:
        others = np.arange(len(labels)) != query
        alarms.append(chance(vectors[query], vectors[labels != labels[query]], random))
        found.append(chance(vectors[query], vectors[others], random))
        best = np.flatnonzero(others)[np.argmax(vectors[others] @ vectors[query])]
        right.append(labels[best] == labels[query])
    is_right = np.array(right)
    print(f"{len(chosen)} queries; best is right {is_right.mean():.3f}\n")
    print(f"{'chance <':>10}{'false alarms':>14}{'detections':>12}{'where best is right':>21}")
    for level in LEVELS:
        alarm, detected = np.array(alarms) < level, np.array(found) < level
        where = detected[is_right].mean() if is_right.any() else float("nan")
        print(f"{level:10.2f}{alarm.mean():14.3f}{detected.mean():12.3f}{where:21.3f}")


def chance(query: Vectors, library: Vectors, random: np.random.Generator) -> float:
    """As a search of that library would judge it."""
    cohort = library[random.permutation(len(library))[:COHORT]]
    scores = np.sort(library @ query)[::-1][:10].tolist()
    return verdict(scores, query, cohort, calibration_of(cohort, len(library)), len(library)).chance


if __name__ == "__main__":
    main()
