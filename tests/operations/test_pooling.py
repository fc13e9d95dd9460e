"""What the tokens of a picture keep, and that they are made quickly and always alike."""

from __future__ import annotations

from time import process_time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.features import FloatArray, normalise
from dinoscope.operations.pooling import directions, fit_basis, levels, pool, says


def fields(rng: np.random.Generator, rows: int, columns: int, noise: float = 0.2) -> FloatArray:
    """Four quarters of a grid, each of one descriptor and some noise."""
    base = normalise(rng.normal(size=(4, 32)).astype(np.float32))
    quarter = (np.arange(rows) * 2 // rows)[:, None] * 2 + np.arange(columns) * 2 // columns
    drawn = base[quarter] + noise / 32**0.5 * rng.normal(size=(rows, columns, 32))
    return normalise(drawn.astype(np.float32))


def even(rows: int, columns: int) -> FloatArray:
    return np.full((2, rows, columns), 0.1, np.float32)


def test_a_token_is_the_mean_of_its_patches(rng: np.random.Generator) -> None:
    reduced = fields(rng, 8, 12)
    tokens = pool(reduced, even(8, 12), 8)
    assert tokens.map.shape == (8, 12)
    assert sorted(np.unique(tokens.map)) == list(range(tokens.count))
    for token in range(tokens.count):
        mean = normalise(reduced[tokens.map == token].mean(axis=0))
        assert directions(tokens.vectors)[token] @ mean > 0.999
    assert not tokens.vectors[tokens.count :].any()


def test_four_fields_have_four_tokens(rng: np.random.Generator) -> None:
    reduced = fields(rng, 8, 8, noise=0.05)
    tokens = pool(reduced, even(8, 8), 4)
    quarters = [tokens.map[:4, :4], tokens.map[:4, 4:], tokens.map[4:, :4], tokens.map[4:, 4:]]
    assert sorted(int(np.unique(quarter)[0]) for quarter in quarters) == [0, 1, 2, 3]
    assert all(len(np.unique(quarter)) == 1 for quarter in quarters)


def test_one_strange_patch_keeps_a_token_to_itself(rng: np.random.Generator) -> None:
    reduced = fields(rng, 16, 16)
    reduced[5, 9] = normalise(rng.normal(size=32).astype(np.float32))
    tokens = pool(reduced, even(16, 16))
    own = tokens.map[5, 9]
    assert (tokens.map == own).sum() == 1
    assert directions(tokens.vectors)[own] @ reduced[5, 9] > 0.999


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 40), st.integers(0, 5))
def test_every_grid_has_tokens_and_always_the_same(rows: int, columns: int, most: int, seed: int) -> None:
    reduced = normalise(np.random.default_rng(seed).normal(size=(rows, columns, 8)).astype(np.float32))
    tokens, again = pool(reduced, even(rows, columns), most), pool(reduced, even(rows, columns), most)
    assert 1 <= tokens.count <= min(most, rows * columns)
    assert tokens.vectors.shape == (most, 8)
    assert int(tokens.map.max()) == tokens.count - 1
    np.testing.assert_array_equal(tokens.vectors, again.vectors)
    np.testing.assert_array_equal(tokens.map, again.map)


def test_a_blank_picture_has_few_tokens_and_no_direction_may_be_zero() -> None:
    blank = np.zeros((16, 16, 8), np.float32)
    assert np.isfinite(directions(pool(blank, even(16, 16)).vectors)).all()
    blank[..., 0] = 1
    assert pool(blank, even(16, 16)).count <= 32


def test_a_token_tells_what_attention_its_patches_had(rng: np.random.Generator) -> None:
    attention = even(8, 8)
    attention[:, :4, :4] *= 4
    tokens = pool(fields(rng, 8, 8, noise=0.05), attention, 4)
    told = says(tokens.vectors)[tokens.map]
    np.testing.assert_allclose(told[:4, :4], 1)
    np.testing.assert_allclose(told[4:], (0.28 / 1.03) ** 0.2, atol=0.005)


def test_rounding_turns_a_vector_by_less_than_half_a_degree(rng: np.random.Generator) -> None:
    vectors = normalise(rng.normal(size=(500, 128)).astype(np.float32))
    cosines = np.einsum("np,np->n", directions(levels(vectors)), vectors)
    assert cosines.min() > 0.9999


def test_a_basis_keeps_what_varies_most_and_makes_it_vary_alike(rng: np.random.Generator) -> None:
    spread = rng.normal(size=(3000, 24)) * np.array([3.0, 2.0, 2.0, 1.0] + [0.05] * 20)
    patches = normalise((spread + 0.5).astype(np.float32))
    basis = fit_basis(patches, 4)
    assert basis.projection.shape == (4, 24)
    coordinates = (patches - basis.mean) @ basis.projection.T
    np.testing.assert_allclose(np.cov(coordinates.T), np.eye(4), atol=0.01)
    assert np.abs(basis.projection[:, 4:]).max() < 0.2 * np.abs(basis.projection[:, :4]).max()


@pytest.mark.parametrize("patches", [np.zeros((3, 8), np.float32), np.eye(8, dtype=np.float32)[:1]])
def test_a_basis_of_patches_that_do_not_vary_is_finite(patches: FloatArray) -> None:
    basis = fit_basis(patches, 16)
    assert basis.projection.shape == (8, 8)
    assert np.isfinite(basis.reduced(patches)).all()


@pytest.mark.slow
def test_pooling_takes_at_most_three_milliseconds(rng: np.random.Generator) -> None:
    reduced = normalise(rng.normal(size=(16, 16, 128)).astype(np.float32))
    pool(reduced, even(16, 16))
    started = process_time()
    for _ in range(20):
        pool(reduced, even(16, 16))
    assert (process_time() - started) / 20 < 0.003
