"""Every epoch shows every picture once, and any step can be had without the ones before it."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dinoscope.training.sampling import batch_indices, generator_of

counts = st.integers(1, 40)


@settings(deadline=None)
@given(seed=st.integers(0, 2**63), count=counts, batch=counts, epochs=st.integers(1, 4))
def test_every_epoch_shows_every_picture_once(seed: int, count: int, batch: int, epochs: int) -> None:
    steps = -(-epochs * count // batch)
    seen = np.concatenate([batch_indices(seed, step, batch, count) for step in range(steps)])
    for epoch in np.split(seen[: epochs * count], epochs):
        assert sorted(epoch) == list(range(count))


def test_the_order_differs_between_epochs_and_seeds() -> None:
    first, second = (batch_indices(0, step, 100, 100) for step in (0, 1))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, batch_indices(1, 0, 100, 100))


def test_a_step_is_the_same_whenever_it_is_asked_for() -> None:
    late = batch_indices(3, 1234, 32, 501)
    assert np.array_equal(late, batch_indices(3, 1234, 32, 501))
    assert late.dtype == np.int64


def test_the_batch_size_does_not_change_the_order_of_pictures() -> None:
    small = [batch_indices(5, step, 8, 30) for step in range(15)]
    assert np.array_equal(
        np.concatenate(small), np.concatenate([batch_indices(5, i, 24, 30) for i in range(5)])
    )


def test_every_counter_opens_dice_of_its_own() -> None:
    streams = [(0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 2, 0)]
    draws = [generator_of(9, *stream).random(1000) for stream in streams] + [
        generator_of(8, 0, 0, 0).random(1000)
    ]
    assert len({draw.tobytes() for draw in draws}) == len(draws)
    assert np.abs(np.corrcoef(draws) - np.eye(len(draws))).max() < 0.15  # 1/sqrt(1000) is 0.03
    assert np.array_equal(generator_of(9, 0, 1).random(5), generator_of(9, 0, 1, 0).random(5))
