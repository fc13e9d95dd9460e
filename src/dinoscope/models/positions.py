"""Where a patch is: learned positions stretched to any grid, and rotary angles, in numpy.

A checkpoint's positions were trained on one grid. Each original stretches them to other grids in its
own way, and the features shift by per cents when another way is taken (2.8 % at 96 px between the first
two below), so the rule belongs to the model:

- ``offset``: DINO and DINOv2 without registers. Bicubic with the scale factor (n + 0.1) / trained, the
  0.1 being a guard against rounding that became part of the models
  (facebookresearch/dino ``vision_transformer.interpolate_pos_encoding``; dinov2 ``interpolate_offset``).
- ``plain``: transformers' ``Dinov2Model`` and ``ViTModel``: bicubic to the exact size.
- ``antialias``: DINOv2 with registers: exact size, and low-pass filtered when shrinking.
- ``rope``: DINOv3: nothing learned; queries and keys of patches are turned by angles instead.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.models.config import PositionRule

_OFFSET = 0.1
_CUBIC = -0.75  # torch's bicubic kernel
_CUBIC_ANTIALIASED = -0.5  # torch's antialiased one, which is Pillow's


def stretched(
    positions: FloatArray, trained: tuple[int, int], grid: tuple[int, int], rule: PositionRule
) -> FloatArray:
    """Positions of the patches of ``grid`` (rows, columns), row by row.

    Args:
        positions: (1 + rows * columns of ``trained``, D); row 0, the CLS token's, is not stretched.

    Returns:
        (rows * columns of ``grid``, D).
    """
    if grid == trained:
        return positions[1:]
    plane = positions[1:].reshape(*trained, -1)
    down, across = (
        resampling(old, new, rule).astype(np.float32) for old, new in zip(trained, grid, strict=True)
    )
    wide = np.einsum("cn,rnd->rcd", across, plane, optimize=True)
    tall = np.tensordot(down, wide, axes=(1, 0))
    return np.ascontiguousarray(tall.reshape(grid[0] * grid[1], -1), np.float32)


@lru_cache(maxsize=256)
def resampling(old: int, new: int, rule: PositionRule) -> NDArray[np.float64]:
    """(new, old): each row says which old samples make one new one, along one axis of a grid."""
    if rule == "antialias":
        return _antialiased(old, new)
    step = old / (new + _OFFSET) if rule == "offset" else old / new
    return _bicubic(old, new, step)


def _bicubic(old: int, new: int, step: float) -> NDArray[np.float64]:
    # torch computes source coordinates in the tensor's float32; double precision is within 1e-6 of it
    at = step * (np.arange(new) + 0.5) - 0.5
    first = np.floor(at).astype(int)
    matrix = np.zeros((new, old))
    for tap in range(-1, 3):
        column = np.clip(first + tap, 0, old - 1)  # the border is repeated
        np.add.at(matrix, (np.arange(new), column), _kernel(at - (first + tap), _CUBIC))
    return matrix


def _antialiased(old: int, new: int) -> NDArray[np.float64]:
    step = old / new
    widening = max(step, 1.0)
    centre = step * (np.arange(new) + 0.5)
    support = 2.0 * widening
    matrix = np.zeros((new, old))
    for row in range(new):
        first = max(int(centre[row] - support + 0.5), 0)
        last = min(int(centre[row] + support + 0.5), old)
        taps = np.arange(first, last)
        weights = _kernel((taps - centre[row] + 0.5) / widening, _CUBIC_ANTIALIASED)
        matrix[row, first:last] = weights / weights.sum()
    return matrix


def _kernel(distance: np.ndarray, a: float) -> np.ndarray:
    """Keys' cubic convolution kernel (1981) with parameter a."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * a * x - 4 * a
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


def rotary(
    grid: tuple[int, int], prefix: int, head_dimension: int, theta: float
) -> tuple[FloatArray, FloatArray]:
    """Cosines and signed sines that turn queries and keys, DINOv3's axial rotary embedding.

    Turned x is ``x * cosines + swap_halves(x) * sines``. The first ``prefix`` tokens (CLS, registers)
    are left as they are by cosine 1 and sine 0.

    Returns:
        Two arrays (prefix + rows * columns, head_dimension).
    """
    rows, columns = grid
    frequencies = theta ** -np.arange(0, 1, 4 / head_dimension, dtype=np.float64)
    y, x = np.meshgrid(_centres(rows), _centres(columns), indexing="ij")
    centres = np.stack([y.ravel(), x.ravel()], axis=1)  # (patches, 2) in [-1, 1]
    angles = (2 * pi * centres[:, :, None] * frequencies).reshape(rows * columns, -1)
    cosines, sines = np.cos(angles), np.sin(angles)
    cosines = np.concatenate([cosines, cosines], axis=1)
    sines = np.concatenate([-sines, sines], axis=1)
    still = np.ones((prefix, head_dimension)), np.zeros((prefix, head_dimension))
    return (
        np.concatenate([still[0], cosines]).astype(np.float32),
        np.concatenate([still[1], sines]).astype(np.float32),
    )


def _centres(patches: int) -> np.ndarray:
    return 2 * (np.arange(patches) + 0.5) / patches - 1
