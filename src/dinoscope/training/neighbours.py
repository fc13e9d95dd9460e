"""How well labels can be read off descriptors without training anything: weighted nearest neighbours.

Wu et al. 2018 (https://arxiv.org/abs/1805.01978), as DINO's ``eval_knn``: each of the k nearest training
pictures votes for its label by exp(cosine / temperature). A result says nothing without its k and
temperature: name them beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, normalise

TEMPERATURE = 0.07
_CHUNK = 1024  # tested at a time: with 100,000 training pictures 400 MB of cosines

Labels = NDArray[np.int64]  # 0 <= label < classes


@dataclass(frozen=True, slots=True, eq=False)
class Guesses:
    """What the neighbours say of each tested picture."""

    votes: NDArray[np.float64]  # (m, classes), at least 0

    def ranked(self, best: int) -> Labels:
        """(m, best) labels, the most voted first; of equals the smaller."""
        return np.argsort(-self.votes, axis=1, kind="stable")[:, :best]

    def accuracy(self, labels: Labels, best: int = 1) -> float:
        """Share of the pictures, in [0, 1], whose label (m,) is among the ``best`` most voted."""
        return float((self.ranked(best) == labels[:, None]).any(axis=1).mean())


def weighted_knn(
    train: FloatArray, labels: Labels, test: FloatArray, *, k: int = 20, temperature: float = TEMPERATURE
) -> Guesses:
    """Votes of the k nearest training pictures for each tested one.

    Args:
        train: (n, D) descriptors, of any length: only their direction counts.
        labels: (n,) of the training pictures.
        test: (m, D) descriptors.
        k: neighbours; all of them when there are fewer.
        temperature: how much nearer neighbours count more.

    Raises:
        BadRequest: there is nothing to compare with, or as many labels as pictures there are not.
    """
    if not len(train) or len(train) != len(labels) or k < 1:
        raise BadRequest(
            f"{len(train)} descriptors with {len(labels)} labels and k = {k} cannot vote: give each its label"
        )
    known, asked = normalise(train), normalise(test)
    classes, k = int(labels.max()) + 1, min(k, len(train))
    votes = np.zeros((len(asked), classes))
    for start in range(0, len(asked), _CHUNK):
        cosines = asked[start : start + _CHUNK] @ known.T
        nearest = np.argpartition(-cosines, k - 1, axis=1)[:, :k]
        weights = np.exp(np.take_along_axis(cosines, nearest, axis=1).astype(np.float64) / temperature)
        rows = np.arange(start, start + len(cosines))[:, None]
        np.add.at(votes, (rows, labels[nearest]), weights)
    return Guesses(votes)
