"""Patches under a face leave no trace in what is stored of a picture's parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from dinoscope.features import Features
from dinoscope.geometry import Box


def without_faces(features: Features, faces: Sequence[Box]) -> Features:
    """Each patch that touches a face becomes what the nearest patch beside the faces is.

    So no region token is made of it, and a search for what surrounds the face still finds the picture.

    Args:
        features: of the pixels that the boxes lie in, their faces hidden already.
        faces: boxes in those pixels.
    """
    if not faces:
        return features
    grid = features.grid
    rows, columns = features.patches.shape[:2]
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    high, wide = grid.picture.height / rows, grid.picture.width / columns
    under = np.zeros((rows, columns), np.bool_)
    for box in faces:
        under |= (
            (x * wide < box.right)
            & ((x + 1) * wide > box.left)
            & (y * high < box.bottom)
            & ((y + 1) * high > box.top)
        )
    patches = features.patches.copy()
    if under.all():  # hidden pixels are all there is
        patches[:] = features.descriptor if features.descriptor.shape == patches.shape[2:] else 0
        return replace(features, patches=patches)
    free = np.argwhere(~under)
    for row, column in np.argwhere(under):
        nearest = free[np.abs(free - (row, column)).sum(axis=1).argmin()]
        patches[row, column] = features.patches[tuple(nearest)]
    return replace(features, patches=patches)
