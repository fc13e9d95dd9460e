"""Descriptors are pushed from their nearest neighbour, and doubles do no harm."""

from __future__ import annotations

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from dinoscope.training.koleo import NEAREST, koleo_loss  # noqa: E402


def test_it_is_minus_the_mean_log_of_the_nearest_distance(rng: np.random.Generator) -> None:
    points = rng.standard_normal((20, 6))
    unit = points / np.linalg.norm(points, axis=1, keepdims=True)
    distances = np.linalg.norm(unit[:, None] - unit[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    assert float(koleo_loss(torch.from_numpy(points))) == pytest.approx(
        -np.log(distances.min(1)).mean(), rel=1e-6
    )


def test_a_step_along_the_gradient_spreads_them() -> None:
    torch.manual_seed(0)
    points = (torch.randn(16, 4) * 0.1 + 1).requires_grad_()
    before = koleo_loss(points)
    before.backward()
    assert koleo_loss(points.detach() - 0.01 * points.grad) < before


def test_the_same_picture_twice_costs_no_more_than_very_near_ones_and_pushes_nothing() -> None:
    points = torch.ones(4, 8, requires_grad=True)
    loss = koleo_loss(points)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(-np.log(NEAREST))
    assert not points.grad.any()


def test_one_picture_has_no_neighbour() -> None:
    assert float(koleo_loss(torch.randn(1, 8))) == 0.0


def test_half_precision_does_not_decide_who_is_nearest() -> None:
    torch.manual_seed(0)
    points = torch.randn(64, 8) * 0.01 + 1
    with torch.autocast("cpu", torch.bfloat16):
        inside = koleo_loss(points)
    torch.testing.assert_close(inside, koleo_loss(points))
