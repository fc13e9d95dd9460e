"""Scores a model on labelled pictures: leave-one-out, is the nearest picture of the same label?

    python scripts/score_model.py starter src/dinoscope/sample/pictures
    python scripts/score_model.py starter tiny-imagenet-val-4k.tar --every 4

A picture's label is the name of its folder. Prints the share of pictures whose nearest neighbour has
their label (1-NN), and the mean share among their ten nearest (P@10).
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from dinoscope.features import Pixels, Vectors
from dinoscope.models.loading import load_backbone
from dinoscope.settings import load_settings

BATCH = 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", help="a card's name or a path to weights")
    parser.add_argument("pictures", type=Path, help="a folder or .tar with a folder per label")
    parser.add_argument("--every", type=int, default=1, help="take every n-th picture")
    parser.add_argument("--precision", default="auto")
    arguments = parser.parse_args()
    backbone = load_backbone(load_settings().with_overrides(precision=arguments.precision), arguments.model)
    labels: list[str] = []
    vectors: list[Vectors] = []
    waiting: list[Pixels] = []
    for label, pixels in labelled(arguments.pictures, arguments.every):
        labels.append(label)
        waiting.append(pixels)
        if len(waiting) == BATCH:
            vectors.append(backbone.describe(waiting))
            waiting = []
    if waiting:
        vectors.append(backbone.describe(waiting))
    nearest, ten = scores(np.concatenate(vectors), np.array(labels))
    print(f"{backbone.identity.key}: {len(labels)} pictures, {len(set(labels))} labels")
    print(f"1-NN {nearest:.3f}  P@10 {ten:.3f}")


def labelled(source: Path, every: int) -> Iterator[tuple[str, Pixels]]:
    """(label, pixels) of every n-th picture, in the order of their paths."""
    if source.is_dir():
        for path in sorted(path for path in source.rglob("*") if path.is_file())[::every]:
            yield path.parent.name, np.asarray(Image.open(path).convert("RGB"))
        return
    with tarfile.open(source) as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        for member in members[::every]:
            file = archive.extractfile(member)
            picture = Image.open(io.BytesIO(file.read() if file else b""))
            yield Path(member.name).parent.name, np.asarray(picture.convert("RGB"))


def scores(vectors: Vectors, labels: np.ndarray[tuple[int], np.dtype[np.str_]]) -> tuple[float, float]:
    """(1-NN, P@10), each picture against all others."""
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -np.inf)
    order = np.argsort(-similar, axis=1)[:, :10]
    same = labels[order] == labels[:, None]
    return float(same[:, 0].mean()), float(same.mean())


if __name__ == "__main__":
    main()
