"""The nearest of all pictures, asked for few at a time or for all of them at once.

One by one against all is a matrix product, and for a few pictures the quickest there is. For a library
against itself its cost grows with the square: then the pictures are sorted into lists, by k-means, and a
picture is compared with the lists it is nearest to. Copies are near by more than what that loses.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Vectors
from dinoscope.operations.copy_candidates import nearest

Rows = NDArray[np.int64]
Bits = NDArray[np.uint8]

SORTED = 20_000  # pictures from which lists pay where many are asked for
MANY = 2_000  # pictures asked for from which they are made: it takes as long as so many products
PROBED = 16  # lists a picture is compared with
_TRAINED = 40  # pictures a list that k-means is run on
_ROUNDS = 8  # of k-means
_CHUNKS, _CHUNK = 14, 18  # pieces of a fingerprint, and bits of each, one of which differs by a bit at most


class Neighbours:
    """Unit vectors to be asked for their nearest."""

    def __init__(self, vectors: Vectors, asked: int) -> None:
        """Args:
        vectors: (n, D), n > 0.
        asked: how many will be asked for.
        """
        self._vectors = vectors
        self._index: Any = _listed(vectors) if len(vectors) >= SORTED and asked >= MANY else None

    def __call__(self, queries: Vectors, k: int) -> tuple[Rows, FloatArray]:
        """(q, k) rows and inner products, best first; rows are -1 where there are no more."""
        if self._index is None:
            return nearest(queries, self._vectors, k)
        scores, rows = self._index.search(np.ascontiguousarray(queries, np.float32), k)
        return np.asarray(rows, np.int64), np.asarray(scores, np.float32)


def _listed(vectors: Vectors) -> Any:
    import faiss

    n, width = vectors.shape
    lists = int(2 * np.sqrt(n))
    index = faiss.IndexIVFScalarQuantizer(
        faiss.IndexFlatIP(width), width, lists, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.by_residual = False
    index.cp.niter, index.cp.max_points_per_centroid = _ROUNDS, _TRAINED
    index.cp.min_points_per_centroid = 1  # fewer are no reason to warn
    index.train(vectors)
    index.add(vectors)
    index.nprobe = PROBED
    return index


def alike_index(bits: Bits, asked: int) -> Any:
    """FAISS's index of (n, 32) fingerprints for ``range_search``.

    Among very many, only those are looked at that have a piece in common but for one bit: of two that differ
    by 31 bits in all, 0.2 % have none.
    """
    import faiss

    width = 8 * bits.shape[1]
    index: Any
    if len(bits) >= SORTED and asked >= MANY:
        index = faiss.IndexBinaryMultiHash(width, _CHUNKS, _CHUNK)
        index.nflip = 1
    else:
        index = faiss.IndexBinaryFlat(width)
    index.add(np.ascontiguousarray(bits))
    return index
