"""What was the thing a moment ago is the thing now: labels handed on from patch to patch.

Each patch of the new picture takes the mean label of the patches most like it, of those not far from it, as
in the video segmentation of DINO (Caron et al., 2021, 4.2.2). Features change slowly from frame to frame,
and so do outlines that are made of such labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from dinoscope.features import FloatArray
from dinoscope.geometry import Bools
from dinoscope.operations.region_query import Seen

ALIKE = 5  # patches that each takes its label from
WARMTH = 0.1  # of the softmax over their cosines
REACH = 0.35  # sides of the window within which they lie


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """A window whose thing is known."""

    seen: Seen
    share: FloatArray  # (rows, columns) how much of each patch is the thing, in [0, 1]
    anywhere: bool = False  # it may have moved within the window since

    @classmethod
    def of(cls, seen: Seen, mask: Bools, *, anywhere: bool = False) -> Labelled:
        """From (height, width) of the window, at any scale."""
        rows, columns = seen.reduced.shape[:2]
        image = Image.fromarray(mask.astype(np.float32), "F").resize((columns, rows), Image.Resampling.BOX)
        return cls(seen, np.asarray(image, np.float32).clip(0, 1), anywhere)


def handed_on(now: Seen, before: Sequence[Labelled]) -> FloatArray:
    """(rows, columns) in [0, 1]: how much of each patch is the thing, by what it was in other windows.

    Args:
        before: at least one; all have the same say.
    """
    return np.asarray(np.mean([_labels(now, one) for one in before], axis=0), np.float32)


def _labels(now: Seen, before: Labelled) -> FloatArray:
    alike = _flat(now) @ _flat(before.seen).T  # (n, m)
    if not before.anywhere:
        alike = np.where(_apart(now, before.seen) <= REACH, alike, -1)
    count = min(ALIKE, alike.shape[1])
    best = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    cosines = np.take_along_axis(alike, best, axis=1)
    say = np.exp((cosines - cosines.max(axis=1, keepdims=True)) / WARMTH)
    labels = (say * before.share.reshape(-1)[best]).sum(axis=1) / say.sum(axis=1)
    return np.asarray(labels.reshape(now.reduced.shape[:2]), np.float32)


def likeness(now: Seen, share: FloatArray, before: Labelled) -> float:
    """Mean cosine, -1 to 1, of what is taken for the thing now with what is most alike of it before."""
    thing = _flat(before.seen)[before.share.reshape(-1) >= 0.5 * before.share.max()]
    say = share.reshape(-1)
    return float((say * (_flat(now) @ thing.T).max(axis=1)).sum() / max(float(say.sum()), 1e-6))


def _apart(one: Seen, other: Seen) -> FloatArray:
    """(n, m) how far patches of two windows lie apart, in sides of the windows."""
    (down, across), (below, aside) = _places(one), _places(other)
    return np.asarray(np.hypot(down[:, None] - below, across[:, None] - aside), np.float32)


def _places(seen: Seen) -> tuple[FloatArray, FloatArray]:
    rows, columns = seen.reduced.shape[:2]
    down, across = np.indices((rows, columns), np.float32)
    return ((down + 0.5) / rows).reshape(-1), ((across + 0.5) / columns).reshape(-1)


def _flat(seen: Seen) -> FloatArray:
    return seen.reduced.reshape(-1, seen.reduced.shape[-1])
