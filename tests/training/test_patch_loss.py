"""Masks are blocks of the size asked for, the same however a batch is cut; the loss weighs views equally."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from dinoscope.training.patch_loss import block_mask, patch_loss, view_masks  # noqa: E402

GRID = (14, 14)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 16), st.integers(1, 16), st.integers(0, 999), st.data())
def test_exactly_so_many_patches_are_hidden(rows: int, columns: int, seed: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, rows * columns))
    mask = block_mask(np.random.default_rng(seed), (rows, columns), count)
    assert mask.shape == (rows, columns)
    assert mask.sum() == count


def test_what_is_hidden_hangs_together() -> None:
    """Of a hidden patch's neighbours most are hidden too: far more than of patches drawn one by one."""
    shares = []
    for seed in range(30):
        mask = block_mask(np.random.default_rng(seed), GRID, 60)
        pairs = np.concatenate([(mask[1:] & mask[:-1]).ravel(), (mask[:, 1:] & mask[:, :-1]).ravel()])
        shares.append(pairs.sum() / 60)
    assert np.mean(shares) > 1.2  # of at most 2; one by one it is 2 * 60 / 196 = 0.6


def test_masks_follow_the_place_in_the_batch_alone() -> None:
    def masks(samples: range, seed: int = 3, step: int = 7) -> np.ndarray:
        return view_masks(seed, step, samples, GRID, share=0.5, ratio=(0.1, 0.5))

    whole = masks(range(32))
    parts = [masks(range(start, start + 8)) for start in range(0, 32, 8)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    assert (masks(range(32), step=8) != whole).any()
    assert (masks(range(32), seed=4) != whole).any()


def test_half_the_views_are_masked_by_a_tenth_to_a_half() -> None:
    shares = view_masks(0, 0, range(1000), GRID, share=0.5, ratio=(0.1, 0.5)).mean(1)
    masked = shares[shares > 0]
    assert len(masked) == pytest.approx(500, abs=50)
    assert masked.min() >= 0.095
    assert masked.max() <= 0.505
    assert masked.mean() == pytest.approx(0.3, abs=0.02)


def test_the_loss_is_the_mean_of_the_views_means() -> None:
    rng = np.random.default_rng(0)
    masked = torch.tensor([[True, True, False], [False, False, False], [False, False, True]])
    scores, targets = (
        torch.from_numpy(rng.standard_normal((3, 5))),
        torch.from_numpy(rng.dirichlet(np.ones(5), 3)),
    )
    each = -(targets * torch.log_softmax(scores / 0.1, -1)).sum(-1)
    wanted = (each[:2].mean() + 0 + each[2]) / 3
    assert float(patch_loss(scores, targets, masked)) == pytest.approx(float(wanted))


def test_nothing_hidden_costs_nothing_and_still_has_a_gradient() -> None:
    scores = torch.zeros(0, 5, requires_grad=True)
    loss = patch_loss(scores, torch.zeros(0, 5), torch.zeros(4, 9, dtype=torch.bool))
    loss.backward()
    assert float(loss.detach()) == 0.0
