"""The whitening descriptor, judged by the covariance it leaves."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.training.whitening import POWER, whitening


def test_each_axis_keeps_its_variance_to_the_power_that_is_left(rng: np.random.Generator) -> None:
    spread = np.array([8.0, 4.0, 2.0, 1.0])
    mix = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    cls = ((rng.normal(size=(20_000, 4)) * spread) @ mix + [5, 0, -3, 1]).astype(np.float32)
    found = whitening(cls)
    seen = (cls - found["descriptor.mean"]) @ found["descriptor.projection"].T
    covariance = np.cov(seen.T)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.diag(covariance), spread ** (2 - 4 * POWER), rtol=0.05)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.02


def test_the_longest_axes_are_kept_when_there_are_too_many(rng: np.random.Generator) -> None:
    cls = rng.normal(size=(900, 300)).astype(np.float32)
    cls[:, 7] *= 30
    projection = whitening(cls)["descriptor.projection"]
    assert projection.shape == (256, 300)
    assert np.abs(projection[0]).argmax() == 7


def test_pictures_that_are_all_alike_give_numbers_and_a_single_one_a_sentence() -> None:
    found = whitening(np.ones((5, 8), np.float32))
    assert all(np.isfinite(tensor).all() for tensor in found.values())
    with pytest.raises(BadRequest, match="at least 2"):
        whitening(np.ones((1, 8), np.float32))
