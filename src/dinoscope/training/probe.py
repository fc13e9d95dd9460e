"""What the loss does not tell: does the teacher see better than before?

With a labelled folder (a sub-folder per class), weighted k-NN as the paper evaluates (k 20, temperature
0.07, cosine; Wu et al. 2018, https://arxiv.org/abs/1805.01978). Without labels, whether a view of a picture
finds another view of the same picture among 256, and the effective rank of the descriptors (RankMe, Garrido
et al. 2023, https://arxiv.org/abs/2210.02885), which falls when a run collapses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.errors import BadRequest, DinoscopeError, Unreadable
from dinoscope.features import FloatArray, Pixels, normalise
from dinoscope.models.vit import Vit
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.walking import walk
from dinoscope.training.crops import cut, draw_box
from dinoscope.training.eyes import chosen, descriptors, middle
from dinoscope.training.items import Item, Items
from dinoscope.training.neighbours import weighted_knn
from dinoscope.training.recipe import Span
from dinoscope.training.sampling import generator_of

K, TEMPERATURE = 20, 0.07
PICTURES = 256  # fixed ones, for consistency and rank
KNOWN, ASKED = 2000, 1000  # labelled pictures that answers come from, and that are asked about
_BYTES = 512 * 2**20  # most memory for labelled pictures
_SCALE: Span = (0.25, 0.6)  # of the area that a view shows; less than half, so that views may not overlap
_PIXELS = 32  # side at which raw pixels are compared
_VIEWS, _SHUFFLE = 78, 79  # dice of their own, see sampling.generator_of


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures with the number of their class; the first ``known`` answer for the others."""

    pictures: Pixels  # (n, side, side, 3)
    labels: NDArray[np.int64]  # (n,)
    known: int
    classes: int


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Fixed pictures that every measurement uses, decoded once."""

    views: tuple[Pixels, Pixels]  # two of each picture, (n, side, side, 3); empty when none can be read
    labelled: Labelled | None = None

    def measure(self, vit: Vit, half: bool = False) -> dict[str, float]:
        """What the backbone makes of them.

        Args:
            vit: on any device; left as it was.
            half: compute in bf16.

        Returns:
            ``consistency``: share of views whose nearest other view is of the same picture, chance 1 / n.
            ``rank``: effective rank of the descriptors, 1 to min(n, D). ``std``: spread of unit descriptors
            times the root of D, 1 when they point everywhere alike, 0 when all are the same. ``knn``: share
            of labelled pictures named rightly, where there are some.
        """
        scores: dict[str, float] = {}
        if len(self.views[0]) > 1:
            here, there = (descriptors(vit, views, half) for views in self.views)
            scores |= {"consistency": consistency(here, there), "rank": rank_me(here), "std": spread(here)}
        if self.labelled is not None:
            scores["knn"] = _knn(descriptors(vit, self.labelled.pictures, half), self.labelled)
        return scores

    def baseline(self) -> dict[str, float]:
        """``pixels``: the same k-NN on raw pixels at 32 x 32, to know what learning has to beat."""
        if self.labelled is None:
            return {}
        small = [
            np.asarray(Image.fromarray(picture).resize((_PIXELS, _PIXELS), Image.Resampling.BOX), np.float32)
            for picture in self.labelled.pictures
        ]
        rows = np.stack(small).reshape(len(small), -1)
        return {"pixels": _knn(rows - rows.mean(0), self.labelled)}


def make_probe(items: Items, side: int, limits: Limits, labelled: Path | None = None) -> Probe:
    """Decode the pictures of a probe.

    Args:
        items: of the training; 256 of them are looked at.
        side: pixels, of a global view.
        labelled: a folder with a folder per class.

    Raises:
        Unreadable: no such folder.
        BadRequest: fewer than two classes, or fewer than ten pictures in them.
    """
    pairs = [pair for number, item in _numbered(items) if (pair := _two_views(item, number, side, limits))]
    empty = np.zeros((0, side, side, 3), np.uint8)
    views = (
        (np.stack([one for one, _ in pairs]), np.stack([two for _, two in pairs]))
        if pairs
        else (empty, empty)
    )
    return Probe(views, read_labelled(labelled, side, limits) if labelled else None)


def _numbered(items: Items) -> Iterator[tuple[int, Item]]:
    yield from zip(range(PICTURES), chosen(items, PICTURES), strict=False)


def _two_views(item: Item, number: int, side: int, limits: Limits) -> tuple[Pixels, Pixels] | None:
    dice = generator_of(0, _VIEWS, number)
    try:
        image = Image.fromarray(item.read(limits, side * 2).pixels)
    except DinoscopeError:
        return None
    one, two = (np.asarray(cut(image, draw_box(*image.size, _SCALE, dice), side)) for _ in range(2))
    return one, two[:, ::-1]


def read_labelled(folder: Path, side: int, limits: Limits) -> Labelled:
    """At most 3,000 pictures of a folder whose sub-folders are the classes; what cannot be read is left out.

    Raises:
        Unreadable: no such folder.
        BadRequest: fewer than two classes, or fewer than ten pictures in them.
    """
    if not folder.is_dir():
        raise Unreadable(f"{folder} is no folder: give --probe one with a sub-folder per class")
    files = [path for path in walk(folder) if not isinstance(path, Refusal)]
    inside = sorted(path for path in files if len(path.relative_to(folder).parts) > 1)
    order = generator_of(0, _SHUFFLE).permutation(len(inside))
    wanted = min(KNOWN + ASKED, _BYTES // (3 * side * side))
    pictures, names = [], []
    for index in order:
        picture = middle(Item(inside[index]), side, limits)
        if picture is not None:
            pictures.append(picture)
            names.append(inside[index].relative_to(folder).parts[0])
        if len(pictures) == wanted:
            break
    classes, labels = np.unique(np.array(names), return_inverse=True)
    if len(classes) < 2 or len(pictures) < 10:
        raise BadRequest(
            f"{folder} holds {len(pictures)} pictures in {len(classes)} classes, too few to probe with: "
            "give a folder with a sub-folder per class"
        )
    known = len(pictures) * KNOWN // (KNOWN + ASKED)
    return Labelled(np.stack(pictures), labels.astype(np.int64), known, len(classes))


def _knn(rows: FloatArray, labelled: Labelled) -> float:
    known, rows = labelled.known, normalise(rows)
    guesses = weighted_knn(
        rows[:known], labelled.labels[:known], rows[known:], k=min(K, known), temperature=TEMPERATURE
    )
    return guesses.accuracy(labelled.labels[known:])


def consistency(here: FloatArray, there: FloatArray) -> float:
    """Share of (n, D) rows whose most similar row of ``there`` is the one of the same number."""
    nearest = (normalise(here) @ normalise(there).T).argmax(1)
    return float((nearest == np.arange(len(here))).mean())


def rank_me(rows: FloatArray) -> float:
    """exp of the entropy of the singular values of (n, D) rows."""
    values = np.linalg.svd(rows.astype(np.float64), compute_uv=False)
    shares = values / max(values.sum(), 1e-12) + 1e-7  # the published epsilon
    return float(np.exp(-(shares * np.log(shares)).sum()))


def spread(rows: FloatArray) -> float:
    """Mean standard deviation over the axes of (n, D) rows made unit, times the root of D."""
    return float(normalise(rows).std(0).mean() * np.sqrt(rows.shape[1]))
