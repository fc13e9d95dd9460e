"""Weights as int8, one scale per output channel, ready for an integer matrix product."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.models.config import Tensors

LIMIT = 127  # symmetric: -128 is left out, so that the zero point is 0


@dataclass(frozen=True, slots=True, eq=False)
class Int8Matrix:
    """W = values * scales[:, None]."""

    values: NDArray[np.int8]  # (rows, columns)
    scales: FloatArray  # (rows,)


def quantise(weight: FloatArray) -> Int8Matrix:
    """Nearest int8 values, each row scaled by its own largest magnitude; a zero row has scale 1."""
    largest = np.abs(weight).max(axis=1)
    scales = np.where(largest > 0, largest / LIMIT, 1).astype(np.float32)
    return Int8Matrix(np.rint(weight / scales[:, None]).astype(np.int8), scales)


def int8_matrix(tensors: Tensors, name: str) -> Int8Matrix:
    """The matrix as int8: the stored integers where the file has them, else its float32 quantised."""
    tensor = tensors[name]
    if tensor.dtype == np.int8:
        return Int8Matrix(np.asarray(tensor), np.asarray(tensors[f"{name}.scale"], np.float32))
    return quantise(np.asarray(tensor, np.float32))
