"""The points of a picture in 14 bytes each, by which parts of it are known again in any other picture.

A descriptor of a point, 4 x 4 cells of 8 directions, is nearly decorrelated by cosine waves over the cells
and a Fourier series over the directions, as well as by axes fitted to descriptors, so nothing is fitted to a
library: a point's code never changes. Of the 64 strongest waves each gives a bit, as in Hamming embedding
(Jégou, Douze and Schmid 2008); the first bits are the key under which it is listed. Points in a mirror are
told by what leans to the left being turned to the right before that (as Guo and others did, MIFT 2010).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.pictures.keypoints import STEP, Keypoints

ASKED, LISTED = 256, 96  # points of a picture that are asked for, and the first of them, in which is looked
SIDE = 256  # units: a picture's longer side
KEYS = 16  # bits of a code that may be a key
WEAK = 4  # of these the least certain, kept
POINT = np.dtype(
    [
        ("code", "<u8"),
        ("weak", "<u2"),  # four times four bits: the places of the least certain bits of the key
        ("x", "u1"),  # in 256ths of the longer side
        ("y", "u1"),
        ("turn", "u1"),  # in 256ths of a turn
        ("scale", "u1"),  # 2 ** ((scale & 127) / 8 - 8) units are a pixel of the level
    ]
)
MIRRORED = 128  # set in scale where left and right were exchanged
Points = NDArray[Any]  # (n,) of POINT

# The waves by their variance, and the median of each in thousandths: of 57,000 points of 2,055 photos
_WAVES = (
    9, 1, 3, 2, 8, 11, 34, 17, 4, 25, 66, 35, 0, 36, 10, 42, 12, 49, 41, 74, 16, 33, 19, 44, 98, 5, 50, 82,
    13, 32, 43, 40, 7, 67, 51, 18, 57, 64, 52, 68, 73, 27, 20, 106, 81, 6, 75, 65, 38, 76, 37, 14, 114, 89,
    72, 48, 15, 24, 99, 100, 21, 84, 46, 28,
)  # fmt: skip
_MEDIANS = (
    -16, 107, 138, 3, 4, -1, -3, -119, -3, 1, 0, -3, 781, 2, 2, -32, 0, 3, 1, 2, -120, 5, -44, 0, -1, 31,
    0, 0, -2, -39, 0, -1, 28, -16, 3, 0, 0, -82, -1, 1, 1, 0, 0, 5, 19, 0, 0, -10, 1, -2, 2, 0, 1, 2, -1, 7,
    0, 1, 4, -1, -23, 0, -1, -3,
)  # fmt: skip


def coded(points: Keypoints) -> Points:
    """At most ASKED points, the best for being found by among the first LISTED; 1 ms."""
    cells = points.descriptors.reshape(-1, 4, 4, 8)
    strong = (cells * cells).sum(axis=(2, 3))
    leans = strong[:, 2:].sum(axis=1) < strong[:, :2].sum(axis=1)
    descriptors = np.where(leans[:, None], points.mirrored().descriptors, points.descriptors)
    waves = descriptors @ _basis() - np.asarray(_MEDIANS, np.float32) / 1000
    longer = max(points.width, points.height)
    made = np.zeros(len(points), POINT)
    made["code"] = np.packbits(waves > 0, axis=1, bitorder="little").view("<u8").ravel()
    weak = np.argsort(np.abs(waves[:, :KEYS]), axis=1, kind="stable")[:, :WEAK]
    made["weak"] = (weak << np.arange(0, 4 * WEAK, 4)).sum(axis=1)
    places = points.places * np.asarray([points.width, points.height], np.float32) * (SIDE / longer)
    made["x"], made["y"] = np.clip(places, 0, SIDE - 1).astype(np.uint8).T
    made["turn"] = np.rint(points.angles * (256 / (2 * np.pi))).astype(np.int64) & 255
    scales = np.rint(8 * (np.log2(points.scales * (SIDE / longer)) + 8))
    made["scale"] = np.clip(scales, 0, MIRRORED - 1).astype(np.uint8) | (leans * MIRRORED).astype(np.uint8)
    return made[_order(points)][:ASKED]


def _order(points: Keypoints) -> NDArray[np.int64]:
    """Of each level its share, the strongest, before the rest."""
    levels, starts, counts = np.unique(points.scales, return_index=True, return_counts=True)
    share = np.maximum(3, np.rint(LISTED * STEP ** -np.arange(len(levels)) / _levels(len(levels))))
    later = np.zeros(len(points), np.bool_)
    for start, count, most in zip(starts.tolist(), counts.tolist(), share.astype(int).tolist(), strict=True):
        later[start + min(count, most) : start + count] = True
    return np.argsort(later, kind="stable")


def _levels(count: int) -> float:
    return float((STEP ** -np.arange(count)).sum())


@cache
def _basis() -> FloatArray:
    """(128, 64) the waves as columns."""
    cosines = np.cos(np.pi * np.arange(4)[:, None] * (2 * np.arange(4) + 1) / 8)
    cosines /= np.linalg.norm(cosines, axis=1, keepdims=True)
    turns = 2 * np.pi * np.arange(8) / 8
    series = [
        np.ones(8),
        *(wave(k * turns) for k in (1, 2, 3) for wave in (np.cos, np.sin)),
        np.cos(4 * turns),
    ]
    ways = np.stack([one / np.linalg.norm(one) for one in series])
    full = np.einsum("ai,bj,cw->abcijw", cosines, cosines, ways).reshape(128, 128)
    return np.ascontiguousarray(full[list(_WAVES)].T.astype(np.float32))
