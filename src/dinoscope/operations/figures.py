"""What of a window is the thing and what its surroundings, patch by patch; and a thing to propose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Bools, Box
from dinoscope.operations.places import connected, finer_box, risen
from dinoscope.operations.region_query import Seen

TWINS = 3  # patches that one is compared with, on either side
STEEP = 8.0  # log odds per cosine that a patch is more like the inside than like the outside
PROPOSED = 0.5  # of the way from a picture's usual to its best, from which a patch is proposed
LEAST, MOST = 0.002, 0.7  # share of the picture that is proposed


def figure(seen: Seen, wanted: FloatArray) -> FloatArray:
    """(rows, columns) in [0, 1]: how likely each patch is the thing's rather than its surroundings'.

    Args:
        wanted: (rows, columns) what a person marked, in [0, 1]; outside of it nothing is the thing's.
    """
    inside, outside = wanted >= 0.5, wanted < 0.1
    if not inside.any():
        inside = wanted >= wanted.max()
    if not outside.any():
        return np.asarray(wanted, np.float32)
    own = _twins(seen.reduced, seen.reduced[inside], TWINS, inside)
    other = _twins(seen.reduced, seen.reduced[outside], TWINS)
    chance = 1 / (1 + np.exp(-STEEP * (own - other)))
    return np.asarray(chance * wanted, np.float32)


def proposed(seen: Seen, others: Sequence[Seen] = ()) -> Box:
    """Around what stands out: attended, unlike the picture's rim, and also in the other pictures.

    Raises:
        BadRequest: nothing does.
    """
    rows, columns, _ = seen.reduced.shape
    rim = np.zeros((rows, columns), np.bool_)
    rim[[0, -1]], rim[:, [0, -1]] = True, True
    unlike = np.clip(1 - _twins(seen.reduced, seen.reduced[rim], TWINS, rim), 0, 1)
    score = unlike * (1 if seen.says is None else seen.says**4)
    for other in others:
        score = score * np.clip(
            _twins(seen.reduced, other.reduced.reshape(-1, seen.reduced.shape[-1]), 1), 0.05, 1
        )
    if float(score.max()) < 1e-3:
        raise BadRequest("nothing stands out in the picture: mark the thing with --box, --point or --mask")
    rise = risen(np.asarray(score, np.float32))
    labels = connected(rise >= PROPOSED)
    best = max(np.unique(labels[labels >= 0]), key=lambda label: float(score[labels == label].sum()))
    box = finer_box(seen.grid, labels == best, rise)
    if not LEAST <= box.area / seen.grid.picture.pixels <= MOST:
        raise BadRequest("no one thing stands out in the picture: mark it with --box, --point or --mask")
    return box


def grown(seen: Seen, seed: Bools) -> FloatArray:
    """(rows, columns) in [0, 1]: what is like the patches somebody pointed at, and touches them."""
    like = _twins(seen.reduced, seen.reduced[seed], 1)
    rise = risen(np.asarray(like, np.float32))
    labels = connected((rise >= PROPOSED) | seed)
    return np.isin(labels, np.unique(labels[seed])).astype(np.float32)


def _twins(patches: FloatArray, among: FloatArray, count: int, own: Bools | None = None) -> FloatArray:
    """(rows, columns) mean cosine with the most alike of some (n, P).

    Args:
        own: (rows, columns) patches that are among them, whose likeness to themselves says nothing.
    """
    alike = np.sort(patches @ among.T, axis=-1)
    mean = alike[..., -count:].mean(axis=-1)
    if own is not None and alike.shape[-1] > 1:
        mean = np.where(own, alike[..., -count - 1 : -1].mean(axis=-1), mean)
    return np.asarray(mean, np.float32)
