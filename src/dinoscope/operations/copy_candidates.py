"""Which pictures may be copies of one another: whitened descriptors, measured against a background.

Descriptors of all pictures have much in common, and strong directions tell the scene, not the picture.
Whitening (Jégou and Chum 2012) makes the directions equal; and a picture that is near to everything is
near to a copy's original by no merit of it, so what it has in common with a background set is taken off
(as the winners of the 2021 image similarity challenge did).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import Basis, Features, FloatArray, TokenTable, Vectors, normalise
from dinoscope.operations.pooling import directions

BACKGROUND = 2000  # pictures that whitening and the norm are fitted on
SHRINK = 0.15  # of the mean variance, added to each: a small library has no say in most directions
PARTS = 0.6  # what the mean of the parts counts beside the whole's descriptor, which counts 1
NEIGHBOURS = 10  # of the background, whose mean nearness is taken off
_BLOCK = 4096  # vectors compared with the background at once: 32 MB
WINDOWS = (
    (0.0, 0.0, 0.55, 0.55),
    (0.45, 0.0, 1.0, 0.55),
    (0.0, 0.45, 0.55, 1.0),
    (0.45, 0.45, 1.0, 1.0),
    (0.2, 0.2, 0.8, 0.8),
)  # left, top, right, bottom as shares: the views of a picture that may propose


@dataclass(frozen=True, slots=True, eq=False)
class Whitening:
    """Fitted on a background of pictures."""

    mean: FloatArray  # (D,)
    matrix: FloatArray  # (D, D)
    background: Vectors  # (m, D) whitened

    @classmethod
    def of(cls, vectors: FloatArray) -> Whitening:
        """From (m, D) descriptors, at least one."""
        mean = vectors.mean(axis=0)
        centred = (vectors - mean).astype(np.float64)
        spread = centred.T @ centred / max(1, len(vectors))
        values, axes = np.linalg.eigh(spread)
        floor = SHRINK * max(float(values.mean()), 1e-9)
        matrix = np.asarray((axes / np.sqrt(np.maximum(values, 0) + floor)) @ axes.T, np.float32)
        whitened = normalise(np.asarray((vectors - mean) @ matrix, np.float32))
        return cls(mean.astype(np.float32), matrix, whitened)

    def __call__(self, vectors: FloatArray) -> Vectors:
        """(n, D) unit vectors."""
        return normalise(np.asarray((vectors - self.mean) @ self.matrix, np.float32))

    def usual(self, vectors: Vectors) -> FloatArray:
        """(n,) how near each whitened vector is to the nearest of the background: its own and copies cut off.

        Those nearer than 0.9 may be the picture itself.
        """
        if len(self.background) <= NEIGHBOURS:
            return np.zeros(len(vectors), np.float32)
        found = np.zeros(len(vectors), np.float32)
        for start in range(0, len(vectors), _BLOCK):
            alike = vectors[start : start + _BLOCK] @ self.background.T
            alike[alike > 0.9] = -1
            nearest = np.partition(alike, -NEIGHBOURS, axis=1)[:, -NEIGHBOURS:]
            found[start : start + _BLOCK] = nearest.mean(axis=1)
        return found


def joined(whole: FloatArray, parts: FloatArray) -> FloatArray:
    """(n, D) descriptors and (n, P) unit means of parts -> (n, D + P) to be whitened together."""
    return np.concatenate([whole, np.float32(PARTS) * parts], axis=1)


def part_means(table: TokenTable, window: tuple[float, float, float, float] | None = None) -> Vectors:
    """(n, P) the mean of each picture's patches, or of those in a window of it; from its tokens."""
    vectors = directions(table.vectors)
    counts = np.zeros(vectors.shape[:2], np.float32)
    for line, (drawn, grid) in enumerate(zip(table.maps, table.grids.tolist(), strict=True)):
        rows, columns = grid
        owners = drawn[: rows * columns].reshape(rows, columns)
        if window is not None:
            left, top, right, bottom = window
            owners = owners[
                int(top * rows) : max(int(top * rows) + 1, round(bottom * rows)),
                int(left * columns) : max(int(left * columns) + 1, round(right * columns)),
            ]
        counts[line] = np.bincount(owners.reshape(-1), minlength=vectors.shape[1])[: vectors.shape[1]]
    return normalise(np.asarray(np.einsum("nk,nkp->np", counts, vectors), np.float32))


def parts_of(features: Features, basis: Basis) -> FloatArray:
    """(P,) the same of a picture just encoded."""
    reduced = basis.reduced(features.patches)
    mean: FloatArray = normalise(reduced.reshape(-1, reduced.shape[-1]).mean(axis=0)[None])[0]
    return mean


def nearest(queries: Vectors, library: Vectors, k: int) -> tuple[NDArray[np.int64], FloatArray]:
    """The k nearest of the library by inner product, (q, k) each, best first."""
    import faiss

    k = min(k, len(library))
    if not k:
        return np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    scores, rows = faiss.knn(
        np.ascontiguousarray(queries, np.float32), np.ascontiguousarray(library, np.float32), k,
        metric=faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    return np.asarray(rows, np.int64), np.asarray(scores, np.float32)
