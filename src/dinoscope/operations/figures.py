"""What of a window is the thing and what its surroundings, patch by patch; and a thing to propose."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Bools, Box
from dinoscope.operations.places import connected, risen
from dinoscope.operations.region_query import Seen

TWINS = 3  # patches that one is compared with, on either side
USUAL, BEST = 0.75, 0.9  # quantiles of what is outside, and inside
MIDWAY, STEEP = 0.5, 8.0  # where between them a patch may be either, and how fast that changes
POINTED = 0.5  # of the way from a picture's usual to its best, from which a patch belongs to those pointed at
ALIKE, UNLIKE = 0.9, 1e-3  # likeness from which two patches are linked anyhow; link of those that are not
FLAT = 1e-3  # deviation of the likenesses of a picture of one colour


def figure(seen: Seen, wanted: FloatArray, others: Sequence[FloatArray] = ()) -> FloatArray:
    """(rows, columns) in [0, 1]: how likely each patch is the thing's rather than its surroundings'.

    In other photos the thing is the same and what is around it is not; of one photo alone it is only known
    what is outside.

    Args:
        wanted: (rows, columns) what a person marked, in [0, 1]; outside of it nothing is the thing's.
        others: (n, P) each, what is marked in other photos of the thing.
    """
    inside, outside = wanted >= 0.5, wanted < 0.1
    if not inside.any():
        inside = wanted >= wanted.max()
    if not outside.any():
        return np.asarray(wanted, np.float32)
    own = twins(seen.reduced, seen.reduced[inside], inside)
    if others:
        own = (own + np.maximum.reduce([twins(seen.reduced, other) for other in others])) / 2
    like = own - twins(seen.reduced, seen.reduced[outside], outside)
    return np.asarray(parted(like, inside, outside) * wanted, np.float32)


def parted(like: FloatArray, inside: Bools, outside: Bools) -> FloatArray:
    """(rows, columns) in [0, 1] from numbers of no scale: a half lies midway from what is usual outside to
    the best inside."""
    low = float(np.quantile(like[outside], USUAL)) if outside.any() else float(like.min())
    high = float(np.quantile(like[inside], BEST)) if inside.any() else float(like.max())
    span = max(high - low, 1e-3)
    odds = STEEP * np.clip((like - low) / span - MIDWAY, -3, 3)
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)


def proposed(seen: Seen, others: Sequence[Seen] = ()) -> Box:
    """Around what stands out: alike in itself and unlike the rest, attended, and also in the other pictures.

    The patches are parted in two by a normalised cut (Shi and Malik, 2000; of a model's patches: Wang and
    others, TokenCut, 2022). What has less of the picture's rim is the figure. 20 ms.

    Raises:
        BadRequest: nothing does.
    """
    score = np.ones(seen.reduced.shape[:2], np.float32) if seen.says is None else seen.says**2
    for other in others:
        like = twins(seen.reduced, other.reduced.reshape(-1, seen.reduced.shape[-1]), count=1)
        score = score * np.clip(like, 0.05, 1)
    part = _parted(seen)
    rim = np.ones_like(part)
    rim[1:-1, 1:-1] = False
    labels = connected(part if part[rim].mean() < 0.5 else ~part)
    pieces = np.unique(labels[labels >= 0])
    if not len(pieces):
        raise BadRequest("nothing stands out in the picture: mark the thing with --box, --point or --mask")
    best = labels == max(pieces, key=lambda label: float(score[labels == label].sum()))
    return seen.grid.box_around(best)


def _parted(seen: Seen) -> Bools:
    """(rows, columns) one of two groups of patches, each alike in itself."""
    rows, columns, dimension = seen.reduced.shape
    patches = seen.reduced.reshape(-1, dimension)
    alike = patches @ patches.T
    if float(alike.std()) < FLAT:
        return np.zeros((rows, columns), np.bool_)
    least = min(float(np.median(alike) + alike.std() / 2), ALIKE)
    linked = np.where(alike > least, 1.0, UNLIKE)
    say = 1 / np.sqrt(linked.sum(axis=1))
    second = np.linalg.eigh(np.eye(len(say)) - say[:, None] * linked * say)[1][:, 1] * say
    return np.asarray(second > second.mean()).reshape(rows, columns)


def grown(seen: Seen, seed: Bools) -> FloatArray:
    """(rows, columns) in [0, 1]: what is like the patches somebody pointed at, and touches them."""
    like = twins(seen.reduced, seen.reduced[seed], count=1)
    rise = risen(np.asarray(like, np.float32))
    labels = connected((rise >= POINTED) | seed)
    return np.isin(labels, np.unique(labels[seed])).astype(np.float32)


def twins(patches: FloatArray, among: FloatArray, own: Bools | None = None, count: int = TWINS) -> FloatArray:
    """(rows, columns) mean cosine with the most alike of some (n, P).

    Args:
        own: (rows, columns) patches that are among them, whose likeness to themselves says nothing.
    """
    alike = np.sort(patches @ among.T, axis=-1)
    mean = alike[..., -count:].mean(axis=-1)
    if own is not None and alike.shape[-1] > 1:
        mean = np.where(own, alike[..., -count - 1 : -1].mean(axis=-1), mean)
    return np.asarray(mean, np.float32)
