"""What region search is held against: each ranks pictures by a part of one, and most say where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Box, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.pooling import directions, levels

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
