from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.features import Basis, TokenTable, normalise, widened


def test_every_vector_gets_length_one(rng: np.random.Generator) -> None:
    vectors = rng.normal(scale=50, size=(3, 4, 16)).astype(np.float32)
    unit = normalise(vectors)
    assert unit.shape == vectors.shape
    assert unit.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(unit, axis=-1), 1, rtol=1e-6)


def test_direction_is_kept(rng: np.random.Generator) -> None:
    vectors = rng.normal(size=(5, 8)).astype(np.float32)
    np.testing.assert_allclose(normalise(vectors), normalise(vectors * 7), rtol=1e-5)
    assert (np.sign(normalise(vectors)) == np.sign(vectors)).all()


def test_a_zero_vector_stays_zero() -> None:
    assert not normalise(np.zeros((2, 4), np.float32)).any()


@given(st.lists(st.floats(-1e3, 1e3, width=32), min_size=1, max_size=8))
def test_no_vector_becomes_longer_than_one(values: list[float]) -> None:
    unit = normalise(np.array(values, np.float32))
    assert np.isfinite(unit).all()
    assert np.linalg.norm(unit) <= 1.0001


def test_every_finite_float16_is_widened_exactly() -> None:
    every = np.arange(2**16).astype(np.uint16).view(np.float16)
    halves = every[np.isfinite(every)].reshape(2, -1)
    wide = widened(halves)
    assert wide.dtype == np.float32
    assert wide.view(np.uint32).tolist() == halves.astype(np.float32).view(np.uint32).tolist()  # -0 is not 0


def test_a_basis_gives_unit_vectors_about_its_mean(rng: np.random.Generator) -> None:
    basis = Basis(rng.normal(size=8).astype(np.float32), rng.normal(size=(3, 8)).astype(np.float32))
    patches = rng.normal(size=(4, 5, 8)).astype(np.float32)
    reduced = basis.reduced(patches)
    assert reduced.shape == (4, 5, basis.dimension)
    expected = (patches[2, 3] - basis.mean) @ basis.projection.T
    np.testing.assert_allclose(reduced[2, 3], expected / np.linalg.norm(expected), rtol=1e-4, atol=1e-6)


def test_a_table_gives_each_picture_its_own_map() -> None:
    maps = np.arange(12, dtype=np.uint8).reshape(2, 6)
    grids = np.array([[2, 3], [2, 2]])
    table = TokenTable(np.zeros((2, 4, 8), np.int8), np.array([4, 3]), maps, grids)
    assert len(table) == 2
    assert table[1].map.tolist() == [[6, 7], [8, 9]]
    assert (table[1].rows, table[1].columns, table[1].count) == (2, 2, 3)
    assert (table[0].rows, table[0].columns) == (2, 3)
