"""From many numbers a picture to two: who is alike lies together on a map.

PaCMAP (Wang et al. 2021, https://arxiv.org/abs/2012.04456; extra ``map``) keeps neighbourhoods and, roughly,
how these lie to each other. Without it there are the two principal components, which keep only the coarsest
differences. Either is fitted on at most FITTED pictures; all others, and those that come later, are placed
among their nearest of these, so nothing that was on the map ever moves.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import Literal

import numpy as np

from dinoscope.errors import MissingExtra
from dinoscope.features import FloatArray, Vectors
from dinoscope.library.vector_views import Names

Method = Literal["pacmap", "pca"]

FITTED = 20_000  # pictures that a map is fitted on: 5 s of CPU for PaCMAP
FEW = 12  # pictures below which there are no neighbourhoods to keep
NEIGHBOURS = 10  # of a picture, that PaCMAP keeps near
ANCHORS = 8  # neighbours that a picture is placed among
APART = 0.06  # of the map's side: what lies farther from the nearest neighbour is another neighbourhood
SOFTNESS = 0.03  # cosine by which one neighbour must be nearer to count e times as much
SCATTER = 0.004  # of the map's side: how far from the exact place, so that nothing lies on something else
EDGE = 0.02  # of the map's side, free around it
AT_ONCE = 4096  # pictures placed together


def best_method() -> Method:
    """PaCMAP where it is installed."""
    return "pacmap" if find_spec("pacmap") is not None else "pca"


def project(vectors: Vectors, method: Method) -> FloatArray:
    """(n, D) -> (n, 2) places in [0, 1]; the same vectors give the same map.

    Raises:
        MissingExtra: PaCMAP is asked for and not installed.
    """
    if len(vectors) < 3:
        return np.asarray(np.linspace(0.25, 0.75, len(vectors))[:, None] * (1, 1), np.float32)
    flat = _principal(vectors) if method == "pca" or len(vectors) < FEW else _pacmap(vectors)
    return _on_map(flat)


def place(vectors: Vectors, names: Names, anchors: Vectors, places: FloatArray) -> FloatArray:
    """Where new pictures lie on a map: among their nearest that are on it.

    The nearest one decides the neighbourhood; of the next those count that lie there, too. Between two
    neighbourhoods nothing is placed: it would be like neither.

    Args:
        vectors: (m, D) of the new pictures.
        names: (m,) of these; they decide how a place is scattered, so that it is always the same.
        anchors: (a, D) of those on the map, at least one.
        places: (a, 2) of these, in [0, 1].

    Returns:
        (m, 2) in [0, 1].
    """
    import faiss

    found = np.empty((len(vectors), 2), np.float32)
    for start in range(0, len(vectors), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        cosines, nearest = faiss.knn(
            np.ascontiguousarray(vectors[part]),
            np.ascontiguousarray(anchors),
            min(ANCHORS, len(anchors)),
            metric=faiss.METRIC_INNER_PRODUCT,
        )
        around = places[nearest]  # (m, k, 2)
        near = np.linalg.norm(around - around[:, :1], axis=2) <= APART
        weights = np.exp((cosines - cosines[:, :1]) / SOFTNESS) * near
        found[part] = (around * weights[..., None]).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    return np.asarray(np.clip(found + _scatter(names), 0, 1), np.float32)


def _pacmap(vectors: Vectors) -> FloatArray:
    try:
        import pacmap
    except ImportError:
        raise MissingExtra("a map by PaCMAP needs an optional part: pip install 'dinoscope[map]'") from None
    logging.getLogger("pacmap").setLevel(logging.ERROR)
    fit = pacmap.PaCMAP(n_components=2, n_neighbors=min(NEIGHBOURS, len(vectors) // 4), random_state=0)
    return np.asarray(fit.fit_transform(vectors, init="pca"), np.float32)


def _principal(vectors: Vectors) -> FloatArray:
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, :-3:-1]  # (D, 2), the largest first
    signs = np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    return np.asarray(centred @ (axes * signs), np.float32)


def _on_map(flat: FloatArray) -> FloatArray:
    """Turned so that it is widest across, as screens are, and fitted into the unit square, its shape kept.

    The few farthest out are drawn in to the edge.
    """
    turned = _principal(flat)
    low, high = np.quantile(turned, [0.002, 0.998], axis=0)
    side = max(float((high - low).max()), 1e-9) * (1 + 2 * EDGE)
    return np.asarray(np.clip((turned - (low + high) / 2) / side + 0.5, 0, 1), np.float32)


def _scatter(names: Names) -> FloatArray:
    """(m, 2) small steps in directions that the names decide."""
    angles = (names % np.uint64(6283)).astype(np.float32) / 1000
    far = SCATTER * np.sqrt(((names // np.uint64(6283)) % np.uint64(1000)).astype(np.float32) / 1000)
    return np.stack([far * np.cos(angles), far * np.sin(angles)], axis=1)
