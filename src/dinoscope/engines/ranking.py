"""What every engine does alike: refuse bad queries, keep the best k, score exactly, order by rule."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows, VectorSource
from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Vectors

# A float32 matrix product of unit vectors errs by less than this up to D = 4096; candidates this
# near the k-th are kept and scored again in float64, so that the answer never depends on BLAS.
MARGIN = 1e-5
_CHUNK = 8_192  # rows scored at a time: 25 MB of float64 at D = 384


def checked(queries: Vectors, dimension: int) -> Vectors:
    """(q, D) contiguous float32.

    Raises:
        BadRequest: not two-dimensional, not of ``dimension`` numbers, or not finite.
    """
    array = np.ascontiguousarray(queries, np.float32)
    if array.ndim != 2 or array.shape[1] != dimension:
        raise BadRequest(
            f"a query of shape {array.shape} cannot be compared with vectors of {dimension} numbers"
        )
    if not np.isfinite(array).all():
        raise BadRequest("a query vector holds NaN or infinity: the model gave no usable descriptor")
    return array


def nothing(queries: int, k: int) -> tuple[Rows, FloatArray]:
    """(q, k) answers that hold no row yet."""
    k = max(k, 0)
    return np.full((queries, k), -1, np.int64), np.full((queries, k), -np.inf, np.float32)


def contenders(rows: Rows, scores: FloatArray, k: int) -> tuple[Rows, FloatArray]:
    """The candidates that can still be among the best k, in no order; never fewer than k where there are."""
    if len(scores) <= k:
        return rows, scores
    kth = np.partition(scores, len(scores) - k)[len(scores) - k]
    keep = scores >= kth - MARGIN
    return rows[keep], scores[keep]


def exact_scores(source: VectorSource, query: FloatArray, rows: Rows) -> NDArray[np.float64]:
    """(n,) cosine similarities in float64, each independent of which other rows are asked."""
    scores = np.empty(len(rows), np.float64)
    wide = query.astype(np.float64)
    for start in range(0, len(rows), _CHUNK):
        block = source.read(rows[start : start + _CHUNK]).astype(np.float64)
        block *= wide
        scores[start : start + _CHUNK] = block.sum(axis=1)
    return scores


def ordered(rows: Rows, scores: NDArray[np.float64], k: int) -> tuple[Rows, FloatArray]:
    """The best k rows by score; scores equal in float32 order by row."""
    rounded = scores.astype(np.float32)
    best = np.lexsort((rows, -rounded))[:k]
    return rows[best], rounded[best]


def merged(one: tuple[Rows, FloatArray], other: tuple[Rows, FloatArray], k: int) -> tuple[Rows, FloatArray]:
    """The best k of two answers (q, k) each, whose rows do not overlap."""
    rows = np.concatenate([one[0], other[0]], axis=1)
    scores = np.concatenate([one[1], other[1]], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]  # row -1 carries -inf and so comes last
    return np.take_along_axis(rows, order, 1), np.take_along_axis(scores, order, 1)
