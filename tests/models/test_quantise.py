"""int8 matrices say nearly the same, and stored integers are used as they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.models.config import dense
from dinoscope.models.quantise import int8_matrix, quantise


def test_no_value_is_further_off_than_half_a_step(rng: np.random.Generator) -> None:
    weight = (rng.standard_normal((6, 40)) * np.logspace(-3, 2, 6)[:, None]).astype(np.float32)
    matrix = quantise(weight)
    back = matrix.values * matrix.scales[:, None]
    assert (np.abs(back - weight) <= 0.5001 * matrix.scales[:, None]).all()
    assert np.abs(matrix.values).max(axis=1).tolist() == [127] * 6


def test_a_row_of_zeros_stays_zero() -> None:
    matrix = quantise(np.zeros((2, 3), np.float32))
    assert (matrix.values == 0).all()
    assert np.isfinite(matrix.scales).all()


def test_stored_integers_are_used_as_they_are_and_multiply_out(rng: np.random.Generator) -> None:
    values = rng.integers(-90, 91, (4, 5)).astype(np.int8)
    scales = rng.random(4).astype(np.float32)
    tensors: dict[str, NDArray[Any]] = {"blocks.0.fc1.weight": values, "blocks.0.fc1.weight.scale": scales}
    matrix = int8_matrix(tensors, "blocks.0.fc1.weight")
    assert (matrix.values == values).all()
    assert (matrix.scales == scales).all()
    np.testing.assert_allclose(
        dense(tensors, "blocks.0.fc1.weight"), np.asarray(values * scales[:, None], np.float32)
    )
