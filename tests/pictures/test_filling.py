"""A transparent ground gets the colours beside it, and what is shown stays as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dinoscope.features import Pixels
from dinoscope.geometry import Bools, Mask
from dinoscope.pictures.filling import filled

RED, BLUE = (200, 40, 40), (20, 40, 180)


def halves(side: int = 64) -> tuple[Pixels, Bools]:
    """Red to the left, blue to the right, with a transparent ground above and below."""
    pixels = np.full((side, side, 3), 255, np.uint8)
    there = np.zeros((side, side), np.bool_)
    there[side // 4 : side // 2] = True
    pixels[there] = RED
    pixels[:, side // 2 :][there[:, side // 2 :]] = BLUE
    return pixels, there


def test_the_ground_is_as_what_lies_beside_it() -> None:
    pixels, there = halves()
    found = filled(pixels, Mask(there)).astype(int)
    assert (found[there] == pixels[there]).all()
    np.testing.assert_allclose(found[14, 4], RED, atol=40)
    np.testing.assert_allclose(found[33, 60], BLUE, atol=40)
    np.testing.assert_allclose(found[2, 32], (110, 40, 110), atol=40)  # of both, far from either
    assert found[~there].max() <= 205, "no white is left"


def test_what_is_shown_may_be_known_at_another_scale() -> None:
    pixels, there = halves(64)
    coarse = Mask(there[::2, ::2].copy())
    np.testing.assert_array_equal(filled(pixels, coarse), filled(pixels, Mask(there)))


@settings(max_examples=40, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_every_shape_is_filled_within_the_colours_there_are(there: Bools) -> None:
    pixels = np.full((*there.shape, 3), 255, np.uint8)
    pixels[there] = (60, 70, 80)
    if not there.any():
        return
    assert (filled(pixels, Mask(there)) == (60, 70, 80)).all(axis=2).mean() == pytest.approx(1)
