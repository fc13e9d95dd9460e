"""A descriptor that weighs its axes alike: a PCA of CLS tokens, each axis divided by a power of its variance.

Retrieval with whitened descriptors is Jégou and Chum 2012 (https://hal.science/hal-00722622); the power,
which stops half-way, is what measured best for the starter (models/starter/CARD.md).
"""

from __future__ import annotations

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray

POWER = 0.25  # of the variance: 0 leaves the descriptors as they are, 1/2 whitens them fully
DIMENSIONS = 256  # at most
FLOOR = 1e-3  # of the mean variance, added to all, so that noise is not blown up


def whitening(cls: FloatArray) -> dict[str, FloatArray]:
    """The optional tensors of ``models.config`` that make unit(projection @ (cls - mean)) the descriptor.

    Args:
        cls: (n, D) CLS tokens after the final norm, of unlabelled pictures; n >= D makes sense.

    Returns:
        ``descriptor.mean`` (D,) and ``descriptor.projection`` (min(D, DIMENSIONS), D).

    Raises:
        BadRequest: fewer than two pictures, so that nothing varies.
    """
    if len(cls) < 2:
        raise BadRequest("whitening needs at least 2 pictures, better 1,000: give more or leave it out")
    mean = cls.mean(axis=0, dtype=np.float64)
    variances, axes = np.linalg.eigh(np.cov((cls - mean).T))
    variances = np.maximum(variances, 0) + FLOOR * max(variances.mean(), 1e-12)
    main = np.argsort(-variances)[:DIMENSIONS]
    projection = axes[:, main].T * variances[main, None] ** -POWER
    return {
        "descriptor.mean": mean.astype(np.float32),
        "descriptor.projection": projection.astype(np.float32),
    }
