"""Neighbours in one picture are neighbours in the other: what a smooth map adds to the evidence.

Voting (``correspondence``) knows one displacement for the whole picture. A thing that is turned, nearer, or
bent at the neck has many, and they change little from patch to patch. So a map is fitted to the pairs that
prefer each other: one affine map for all of them, robustly (iteratively reweighted least squares, so that a
second animal does not pull), and about each patch an affine correction from the pairs around it, the weaker
the fewer they are (moving least squares, Schaefer et al. 2006). A pair is then judged by its cosine *and*
by how far it lies from where the map says. Better pairs make a better map: it is done ITERATIONS times.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray

Doubles = NDArray[np.float64]

REACH = 0.12  # of the picture: how far the pairs around a patch have a say, standard deviation
SPREADS = (0.15, 0.1, 0.08)  # of the picture: how far from the map a pair may lie, step by step
FARTHEST = 0.05  # odds of a pair anywhere else: the map is a hint, and a second animal may be right
DOUBT = 0.15  # of the picture: a pair so far from the common map has a quarter of a say in it
ROUNDS = 5  # of reweighting
STIFF = 0.05, 0.2  # of the pairs expected about a patch: as if so many said "as the rest", of place and tilt


def middles(shape: tuple[int, ...]) -> Doubles:
    """(rows * columns, 2) middles of patches (x, y), as shares of the picture."""
    rows, columns = shape
    y, x = np.mgrid[:rows, :columns]
    return np.stack([(x.ravel() + 0.5) / columns, (y.ravel() + 0.5) / rows], axis=1)


def expected(starts: Doubles, ends: Doubles, weights: Doubles) -> Doubles:
    """Where a smooth map has each of ``starts``, whose counterparts may be wrong.

    Args:
        starts, ends: (n, 2) places (x, y), as shares of the two pictures.
        weights: (n,) how much each pair is to be believed, not all 0.

    Returns:
        (n, 2) shares of the second picture.
    """
    weights = weights / weights.sum()
    common, trusted = _common(starts, ends, weights)
    return common + _corrections(starts, ends - common, weights * trusted)


def nearness(ends: Doubles, places: Doubles, spread: float) -> FloatArray:
    """(n, m) log odds, at most 0, of each of m ``ends`` when n ``places`` are where they should be."""
    odds = _bell(places, ends, spread)
    return np.asarray(np.log((odds + np.float32(FARTHEST)) / np.float32(1 + FARTHEST)), np.float32)


def _bell(first: Doubles, second: Doubles, spread: float) -> FloatArray:
    """(n, m) how near each of ``first`` is to each of ``second``, in (0, 1]: a Gaussian of the distance."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1) - 2 * first @ second.T
    return np.exp(np.asarray(np.maximum(squares, 0) / (-2 * spread**2), np.float32))


def _common(starts: Doubles, ends: Doubles, weights: Doubles) -> tuple[Doubles, Doubles]:
    """(n, 2) places by the affine map most pairs agree on, and (n,) how far each agrees, in (0, 1]."""
    design = np.column_stack([np.ones(len(starts)), starts])
    trusted = np.ones(len(starts))
    places = ends
    for _ in range(ROUNDS):
        weighted = design * (weights * trusted)[:, None]
        tilt = np.linalg.solve(weighted.T @ design + 1e-6 * np.eye(3), weighted.T @ ends)
        places = design @ tilt
        trusted = (1 + ((ends - places) ** 2).sum(axis=1) / DOUBT**2) ** -2.0
    return places, trusted


def _corrections(starts: Doubles, left: Doubles, weights: Doubles) -> Doubles:
    """(n, 2) what an affine map about each patch makes of the (n, 2) rest ``left`` by the common one."""
    near = _bell(starts, starts, REACH) * weights
    # Moments of (1, x, y) and of the rest, about each patch: sums over all, moved by the patch's place.
    design = np.column_stack([np.ones(len(starts)), starts])
    squares = (near @ (design[:, :, None] * design[:, None]).reshape(-1, 9)).reshape(-1, 3, 3)
    products = (near @ (design[:, :, None] * left[:, None]).reshape(-1, 6)).reshape(-1, 3, 2)
    move = np.tile(np.eye(3), (len(starts), 1, 1))
    move[:, 1:, 0] = -starts
    squares, products = move @ squares @ move.transpose(0, 2, 1), move @ products
    usual = weights.sum() * 2 * np.pi * REACH**2  # weight about a patch, were it even over the picture
    place, tilt = STIFF
    squares += usual * np.diag([place, tilt * REACH**2, tilt * REACH**2])
    fitted: Doubles = np.linalg.solve(squares, products)[:, 0]
    return fitted
