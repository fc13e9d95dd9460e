"""How one picture lies on another: points matched, a map most of them agree with, and what pixels say to it.

Each matched pair of points says by itself how far, how turned and how enlarged the one picture lies on the
other (Lowe 2004); the map that most pairs agree with is fitted to all of these, as an affine one or, where
that explains more, a perspective one. Then the pixels decide: laid on each other, do they show the same?
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.pictures.keypoints import Keypoints

Doubles = NDArray[np.float64]
Ints = NDArray[np.int64]

DISTINCT = 0.9  # the best match must be this much nearer than the best one elsewhere in the picture
ELSEWHERE = 0.04  # of the picture's diagonal: nearer points are the same one at another level
MATCHES = 220  # of two pictures at most, the most distinct
_LEVELS = 7  # of the likest, looked at for one that is elsewhere
TURN, GROWTH = 0.45, 0.45  # radians, and natural logarithm: pairs that differ by more do not agree
LOOSE = 0.1  # of the way between two points: what a map told by one pair misses by
SETTLED = 25  # points that agree, if they are half of those matched, are not looked for in the mirror
PLENTY = 12  # pairs from which on a perspective map is tried
_TRIES = 4  # maps told by one pair that are fitted
_SQUEEZED = 4.0  # a map that stretches one way so much more than the other is no view of a picture


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """The map of one picture to another, and the points that agree with it."""

    matrix: Doubles  # (3, 3) from here to there, in pixels of the pictures the points are of
    mirrored: bool  # there is a mirror image in between
    agreeing: int  # distinct points that agree
    matched: int  # points that had a counterpart at all
    here: FloatArray  # (n, 2) where they agree, pixels
    there: FloatArray
    missed: float  # by the median of these points, in pixels of the coarser picture


def align(here: Keypoints, there: Keypoints, mirrored: bool | None = None) -> Alignment | None:
    """The map most points agree with, through a mirror or not; None when not even three do.

    Args:
        mirrored: exchange left and right, or not; None tries both.
    """
    if mirrored is not None:
        return _mirror_aligned(here, there) if mirrored else _aligned(here, there)
    plain = _aligned(here, there)
    if plain is not None and plain.agreeing >= max(SETTLED, plain.matched / 2):
        return plain
    mirror = _mirror_aligned(here, there)
    if plain is None or mirror is None:
        return plain or mirror
    return mirror if mirror.agreeing > plain.agreeing else plain


def _mirror_aligned(here: Keypoints, there: Keypoints) -> Alignment | None:
    found = _aligned(here, there.mirrored())
    if found is None:
        return None
    back = np.asarray([[-1, 0, there.width], [0, 1, 0], [0, 0, 1]], np.float64)
    ends = np.asarray(found.there * [-1, 1] + [there.width, 0], np.float32)
    return replace(found, matrix=back @ found.matrix, mirrored=True, there=ends)


def _aligned(here: Keypoints, there: Keypoints) -> Alignment | None:
    first, second = _matches(here, there)
    if len(first) < 3:
        return None
    start = here.places[first].astype(np.float64) * [here.width, here.height]
    end = there.places[second].astype(np.float64) * [there.width, there.height]
    growth = np.log(there.scales[second].astype(np.float64) / here.scales[first])
    turn = there.angles[second].astype(np.float64) - here.angles[first]
    slack = 1.0 + 1.6 * np.maximum(there.scales[second], here.scales[first] * np.exp(growth))
    agree = _agreement(start, end, growth, turn, slack)
    best: tuple[int, Doubles, NDArray[np.bool_]] | None = None
    tried: list[int] = []
    for seed in np.argsort(-agree.sum(axis=1), kind="stable"):
        if len(tried) == _TRIES:
            break
        if any(agree[other, seed] for other in tried):
            continue
        tried.append(int(seed))
        fitted = _fitted(start, end, slack, agree[seed])
        if fitted is not None and (best is None or fitted[0] > best[0]):
            best = fitted
    if best is None:
        return None
    count, matrix, kept = best
    missed = np.median(np.linalg.norm(moved(matrix, start[kept]) - end[kept], axis=1))
    coarser = max(1.0, float(np.sqrt(abs(np.linalg.det(matrix[:2, :2])))))
    ends = start[kept].astype(np.float32), end[kept].astype(np.float32)
    return Alignment(matrix, False, count, len(first), *ends, float(missed) / coarser)


def _matches(here: Keypoints, there: Keypoints) -> tuple[Ints, Ints]:
    """Indices of points and their counterparts, the most distinct first."""
    nothing = np.zeros(0, np.int64)
    if len(here) < 3 or len(there) < 9:
        return nothing, nothing
    alike = here.descriptors @ there.descriptors.T
    near = alike.argmax(axis=1)
    best = alike[np.arange(len(here)), near]
    rival = _rivals(alike, near, there)
    ratio = np.sqrt(np.maximum(2 - 2 * best, 0) / np.maximum(2 - 2 * rival, 1e-6))
    chosen = np.argsort(ratio, kind="stable")[:MATCHES]
    chosen = chosen[ratio[chosen] < DISTINCT]
    return chosen, near[chosen]


def _rivals(alike: FloatArray, near: Ints, there: Keypoints) -> FloatArray:
    """(n,) likeness of the best match elsewhere in the picture than the best; spoils ``alike``."""
    at = there.places * np.asarray([there.width, there.height], np.float32)
    close = (ELSEWHERE * np.hypot(there.width, there.height)) ** 2
    rival = np.full(len(alike), -1, np.float32)
    lines, struck = np.arange(len(alike)), near
    for _ in range(_LEVELS):
        alike[lines, struck] = -1
        struck = alike[lines].argmax(axis=1)
        rival[lines] = alike[lines, struck]
        there_still = ((at[struck] - at[near[lines]]) ** 2).sum(axis=1) <= close
        lines, struck = lines[there_still], struck[there_still]
        if not len(lines):
            break
    return rival


def _agreement(
    start: Doubles, end: Doubles, growth: Doubles, turn: Doubles, slack: Doubles
) -> NDArray[np.bool_]:
    """(n, n) does pair j lie where the map told by pair i puts it?"""
    (x, y), (u, v) = start.T.astype(np.float32), end.T.astype(np.float32)
    scale, turned = np.exp(growth).astype(np.float32), turn.astype(np.float32)
    across, down = x[None] - x[:, None], y[None] - y[:, None]  # from i to j
    cos, sin = (scale * np.cos(turned))[:, None], (scale * np.sin(turned))[:, None]
    misses = (cos * across - sin * down + u[:, None] - u) ** 2
    misses += (sin * across + cos * down + v[:, None] - v) ** 2
    allowed = LOOSE * scale[:, None] * np.sqrt(across * across + down * down) + slack.astype(np.float32)
    ways = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    agree = (misses < allowed * allowed) & (ways @ ways.T > np.float32(np.cos(TURN)))
    agree &= np.abs(growth[None] - growth[:, None]) < GROWTH
    return np.asarray(agree)


def _fitted(
    start: Doubles, end: Doubles, slack: Doubles, agree: NDArray[np.bool_]
) -> tuple[int, Doubles, NDArray[np.bool_]] | None:
    """(distinct points that agree, the map, which) of the map fitted to pairs, and to those it then fits."""
    if agree.sum() < 3:
        return None
    kept, matrix = agree, similarity(start[agree], end[agree])
    for loose in (2.0, 1.5, 1.0, 1.0):
        kept = _near(matrix, start, end, slack * loose)
        count = distinct(start[kept], end[kept])
        if count < 3:
            return None
        matrix = (affine if count >= 6 else similarity)(start[kept], end[kept])
    if not sane(matrix):
        return None
    kept = _near(matrix, start, end, slack)
    count = distinct(start[kept], end[kept])
    if count < PLENTY:
        return (count, matrix, kept) if count >= 3 else None
    bent = perspective(start[kept], end[kept])
    for _ in range(2):
        wide = _near(bent, start, end, slack)
        if wide.sum() < PLENTY:
            return count, matrix, kept
        bent = perspective(start[wide], end[wide])
    wide = _near(bent, start, end, slack)
    more = distinct(start[wide], end[wide])
    return (more, bent, wide) if more > 1.1 * count else (count, matrix, kept)


def moved(matrix: Doubles, points: Doubles | FloatArray) -> Doubles:
    """(n, 2) points through a (3, 3) map; those behind the horizon go very far away."""
    full = np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]
    depth = full[:, 2:]
    return np.asarray(full[:, :2] / np.where(depth > 1e-9, depth, 1e-9))


def inverse(matrix: Doubles) -> Doubles:
    """The map back."""
    return np.asarray(np.linalg.inv(matrix), np.float64)


def _near(matrix: Doubles, start: Doubles, end: Doubles, slack: Doubles) -> NDArray[np.bool_]:
    return np.asarray(np.linalg.norm(moved(matrix, start) - end, axis=1) < slack)


def distinct(start: Doubles, end: Doubles) -> int:
    """Pairs of places, those within 4 pixels counted once: a point has a counterpart on several levels."""
    if not len(start):
        return 0
    cells = [np.round(side / 4).astype(np.int64) @ [1 << 32, 1] for side in (start, end)]
    return min(len(set(side.tolist())) for side in cells)


def similarity(start: Doubles, end: Doubles) -> Doubles:
    """The (3, 3) shift, turn and scale that brings (n, 2) points nearest to others (Umeyama 1991)."""
    centre, goal = start.mean(axis=0), end.mean(axis=0)
    a = (start - centre) @ [1, 1j]
    b = (end - goal) @ [1, 1j]
    factor = np.vdot(a, b) / max(float(np.vdot(a, a).real), 1e-12)
    turn = np.asarray([[factor.real, -factor.imag], [factor.imag, factor.real]])
    return _whole(turn, goal - turn @ centre)


def affine(start: Doubles, end: Doubles) -> Doubles:
    """The same with two scales and a slant."""
    centre, goal = start.mean(axis=0), end.mean(axis=0)
    turn = np.linalg.lstsq(start - centre, end - goal, rcond=1e-6)[0].T
    return _whole(turn, goal - turn @ centre)


def perspective(start: Doubles, end: Doubles) -> Doubles:
    """The homography, by the direct linear transform with normed points (Hartley 1997)."""
    norms = []
    for points in (start, end):
        centre = points.mean(axis=0)
        size = max(float(np.abs(points - centre).mean()), 1e-9)
        norms.append(
            np.asarray([[1 / size, 0, -centre[0] / size], [0, 1 / size, -centre[1] / size], [0, 0, 1]])
        )
    (x, y), (u, v) = moved(norms[0], start).T, moved(norms[1], end).T
    one, nil = np.ones_like(x), np.zeros_like(x)
    rows = np.concatenate(
        [
            np.stack([x, y, one, nil, nil, nil, -u * x, -u * y, -u], axis=1),
            np.stack([nil, nil, nil, x, y, one, -v * x, -v * y, -v], axis=1),
        ]
    )
    found = np.linalg.inv(norms[1]) @ np.linalg.eigh(rows.T @ rows)[1][:, 0].reshape(3, 3) @ norms[0]
    return np.asarray(found / (found[2, 2] if abs(found[2, 2]) > 1e-12 else 1e-12))


def sane(matrix: Doubles) -> bool:
    """A real view: not folded, not squeezed to a line, of a fair size."""
    long, short = np.linalg.svd(matrix[:2, :2], compute_uv=False)
    turned = np.linalg.det(matrix[:2, :2]) > 0
    return bool(turned and short > 1 / 16 and long < 16 and long < _SQUEEZED * short)


def _whole(turn: Doubles, shift: Doubles) -> Doubles:
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = turn, shift
    return matrix
