"""Edits change a picture, each in its own way, and never its type; the smallest picture survives them."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.features import Pixels
from dinoscope.operations.edits import EDITS, edited


def picture() -> Pixels:
    """A gradient from dark left to bright right, red on top: nothing about it is symmetric."""
    rows, columns = np.mgrid[0:120, 0:160]
    return np.stack([255 - rows * 2, columns, rows], -1).astype(np.uint8)


def test_each_edit_does_what_its_name_says() -> None:
    found = dict(zip(EDITS, edited(picture()), strict=True))
    assert found["cropped"].shape == (72, 96, 3)
    assert found["shrunk"].shape == (48, 64, 3)
    np.testing.assert_array_equal(found["mirrored"], picture()[:, ::-1])
    assert (found["grey"][..., 0] == found["grey"][..., 2]).all()
    assert found["dark"].mean() < 0.5 * picture().mean()
    assert 1 < np.abs(found["squeezed"].astype(int) - picture()).mean() < 20
    assert found["turned"].shape == (90, 120, 3)
    slope = np.diff(found["turned"][:, 20:100, 2].astype(float).mean(axis=0)).mean()
    assert abs(slope) == pytest.approx(np.sin(np.radians(15)), abs=0.03), "rows rise by its sine"


@pytest.mark.parametrize("shape", [(120, 160), (160, 120), (100, 100), (60, 240)])
def test_a_turned_picture_has_no_empty_corner(shape: tuple[int, int]) -> None:
    turned = dict(zip(EDITS, edited(np.full((*shape, 3), 200, np.uint8)), strict=True))["turned"]
    assert turned.min() == 200
    assert turned.shape[0] / turned.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (3, 2)])
def test_the_smallest_pictures_survive(shape: tuple[int, int]) -> None:
    for result in edited(np.full((*shape, 3), 99, np.uint8)):
        assert result.ndim == 3
        assert min(result.shape) >= 1
        assert result.dtype == np.uint8
