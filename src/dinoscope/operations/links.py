"""A few links between two pictures that say the most: sure ones, spread over what is to be seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray

NEAR = 0.6  # share of an even spread that links keep apart at first
CLOSEST = 0.05  # of the picture's longer side: no two links start nearer, however small the thing
CROWDED = 0.35  # of that distance, in the other picture: many to one is no correspondence


@dataclass(frozen=True, slots=True)
class MatchLink:
    """A place in one picture and the place in the other that shows the same part."""

    here: tuple[float, float]  # (x, y) in original pixels
    there: tuple[float, float]  # (x, y) in original pixels of the other picture
    similarity: float  # cosine of the two places, centred on both pictures, in [-1, 1]
    confidence: float  # in [0, 1]


def spread(here: FloatArray, there: FloatArray, scores: FloatArray, most: int) -> NDArray[np.int64]:
    """Indices of at most ``most`` candidates, best first, that keep their distance in both pictures.

    Greedy: the best of those that are far enough from all chosen before. When too few are, the distance
    is halved and the rest asked again, so that small things get their links, too.

    Args:
        here, there: (n, 2) places of the candidates in units of each picture's longer side.
        scores: (n,) positive ones are candidates, the higher the better.
    """
    order = [int(index) for index in np.argsort(-scores, kind="stable") if scores[index] > 0]
    if not order or most < 1:
        return np.zeros(0, np.int64)
    extent = np.ptp(here[order], axis=0)
    apart = max(CLOSEST, NEAR * float(np.sqrt(max(float(extent.prod()), 1e-6) / most)))
    chosen: list[int] = []
    for _ in range(3):
        for index in order:
            if len(chosen) == most:
                break
            if index in chosen:
                continue
            if _clear(here, chosen, index) >= apart and _clear(there, chosen, index) >= apart * CROWDED:
                chosen.append(index)
        apart = max(apart / 2, CLOSEST)
    chosen.sort(key=lambda index: -float(scores[index]))
    return np.asarray(chosen, np.int64)


def _clear(places: FloatArray, chosen: list[int], index: int) -> float:
    """How far a candidate lies from the nearest chosen one."""
    return float(np.hypot(*(places[chosen] - places[index]).T).min(initial=np.inf))
