"""How may a view of a thing lie in a window? As the patches say that are alike in both.

Every patch of the view has one that is most like it in the window. Any two such pairs make a similarity: a
turn, a scale and a shift. Of many, the one that most pairs agree with is kept (RANSAC: Fischler and Bolles,
1981), for each of the poses in which the view was seen; the mirrored one makes mirrored maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.geometry import PatchGrid

MIRRORED = 1  # number of the pose that is mirrored
DRAWN = 300  # pairs of pairs
APART = 0.08  # of the window's side that two patches are from each other at least
NEAR = 0.06  # of it by which a patch may lie elsewhere than a map says
SCALES = 0.45, 1.9
MUTUAL, ONE_SIDED = 0.1, 0.2  # a pair counts less where the window's patch is more like one so far away

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Patches and where they lie."""

    patches: FloatArray  # (n, P) unit
    places: FloatArray  # (n, 2) x, y in a square, its side 1


def squared(grid: PatchGrid) -> FloatArray:
    """(rows * columns, 2) x, y of the middles of patches in their picture made square, in [0, 1]."""
    rows, columns = np.mgrid[: grid.rows, : grid.columns]
    wide, high = grid.picture.width, grid.picture.height
    x, y = (columns + 0.5) / grid.columns - 0.5, (rows + 0.5) / grid.rows - 0.5
    found = np.stack([x * wide, y * high], axis=-1).reshape(-1, 2) / max(wide, high) + 0.5
    return found.astype(np.float32)


def maps(view: Placed, weights: FloatArray, poses: FloatArray, window: Placed) -> Doubles:
    """(t, 2, 3) from the view's square to the window's, likeliest first: at most one for each pose.

    Args:
        weights: (n,) say of the view's patches.
        poses: (n,) which pose each was seen in; its place is that in the view as it is.
    """
    found = []
    for pose in np.unique(poses):
        mine = poses == pose
        if mine.sum() >= 3:
            one = _best(view.places[mine], view.patches[mine], weights[mine], window, pose == MIRRORED)
            found += [] if one is None else [one]
    found.sort(key=lambda one: -one[0])
    return np.stack([each for _, each in found]) if found else np.zeros((0, 2, 3))


def _best(
    places: FloatArray, patches: FloatArray, weights: FloatArray, window: Placed, mirrored: bool
) -> tuple[float, Doubles] | None:
    """How much agrees with the best map, and the map. Places are complex numbers: x + iy."""
    start, end, say = _pairs(places, patches, weights, window)
    if mirrored:
        start = -start.conj()
    turns, shifts = _drawn(start, end, say)
    if not len(turns):
        return None
    off = np.abs(turns[:, None] * start + shifts[:, None] - end)
    agreed = (np.exp(-((off / NEAR) ** 2)) * say).sum(axis=1)
    best = int(agreed.argmax())
    turn, shift = _adjusted(start, end, np.exp(-((off[best] / NEAR) ** 2)) * say)
    if not SCALES[0] < abs(turn) < SCALES[1]:
        turn, shift = turns[best], shifts[best]
    found = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    if mirrored:
        found[:, 0] *= -1
    return float(agreed[best]), found


def _pairs(
    places: FloatArray, patches: FloatArray, weights: FloatArray, window: Placed
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], Doubles]:
    """(n,) each patch of the view and the most alike of the window, and their say."""
    alike = patches @ window.patches.T
    there, back = alike.argmax(axis=1), alike.argmax(axis=0)
    returned = np.abs(places - places[back[there]]).max(axis=1) < MUTUAL
    say = weights * np.where(returned, 1, ONE_SIDED) * np.maximum(alike[np.arange(len(patches)), there], 0)
    found = window.places[there]
    return places[:, 0] + 1j * places[:, 1], found[:, 0] + 1j * found[:, 1], np.asarray(say, np.float64)


def _drawn(
    start: NDArray[np.complex128], end: NDArray[np.complex128], say: Doubles
) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Similarities z -> turn z + shift, each of two pairs drawn by their say."""
    if say.sum() <= 0:
        return start[:0], start[:0]
    dice = np.random.default_rng(0)
    one, other = dice.choice(len(say), (2, DRAWN), p=say / say.sum())
    across = start[other] - start[one]
    apart = np.abs(across) > APART
    one, other, across = one[apart], other[apart], across[apart]
    turns = (end[other] - end[one]) / across
    sized = (np.abs(turns) > SCALES[0]) & (np.abs(turns) < SCALES[1])
    turns, one = turns[sized], one[sized]
    return turns, end[one] - turns * start[one]


def _adjusted(
    start: NDArray[np.complex128], end: NDArray[np.complex128], say: Doubles
) -> tuple[complex, complex]:
    """The similarity by least squares of those that agree."""
    total = max(float(say.sum()), 1e-9)
    first, last = (say * start).sum() / total, (say * end).sum() / total
    spread = max(float((say * np.abs(start - first) ** 2).sum()), 1e-9)
    turn = complex((say * (end - last) * (start - first).conj()).sum() / spread)
    return turn, complex(last - turn * first)
