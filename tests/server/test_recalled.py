"""The same pixels are encoded once, and others are not taken for them."""

from __future__ import annotations

import numpy as np
from tests.operations.conftest import Colours

from dinoscope.features import Features, Pixels
from dinoscope.server.recalled import Recalled
from dinoscope.server.recent import Recent


def picture(seed: int, height: int = 40, width: int = 60) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_what_was_encoded_lately_is_not_encoded_again() -> None:
    plain, kept = Colours(), Recent[bytes, Features](8)
    first = Recalled(plain, kept).encode([picture(1), picture(2)])
    again = Recalled(plain, kept).encode([picture(2).copy(), picture(3), picture(1), picture(3)])
    assert plain.described == 3
    assert again[0] is first[1]
    assert again[2] is first[0]
    for features, seed in zip(again, (2, 3, 1, 3), strict=True):
        np.testing.assert_array_equal(features.patches, Colours().encode([picture(seed)])[0].patches)


def test_other_patches_and_another_shape_of_the_same_bytes_are_others() -> None:
    plain = Colours()
    model = Recalled(plain, Recent[bytes, Features](8))
    few, many = model.encode([picture(1)], 4)[0], model.encode([picture(1)], 64)[0]
    assert few.grid.rows * few.grid.columns <= 4 < many.grid.rows * many.grid.columns
    turned = model.encode([picture(1).reshape(60, 40, 3)], 64)[0]
    assert turned.grid.rows > turned.grid.columns
    assert plain.described == 3


def test_what_was_used_longest_ago_makes_room() -> None:
    plain = Colours()
    model = Recalled(plain, Recent[bytes, Features](2))
    for seed in (1, 2, 3, 3, 2, 1):
        model.encode([picture(seed)])
    assert plain.described == 4
    assert model.encode([]) == []
    assert model.identity == plain.identity
    assert (model.dimension, model.layers) == (plain.dimension, plain.layers)
