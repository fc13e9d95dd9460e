"""All of a large library asked for their nearest: by lists nearly what one by one gives, only sooner."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.features import normalise
from dinoscope.operations import copy_neighbours
from dinoscope.operations.copy_candidates import nearest
from dinoscope.operations.copy_neighbours import Neighbours, alike_index


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two thousand are many."""
    monkeypatch.setattr(copy_neighbours, "SORTED", 2000)
    monkeypatch.setattr(copy_neighbours, "MANY", 100)


def test_a_copy_is_nearest_in_lists_too(large: None) -> None:
    dice = np.random.default_rng(0)
    centres = dice.standard_normal((40, 32), np.float32)
    vectors = normalise(
        centres[dice.integers(0, 40, 2500)] + 0.6 * dice.standard_normal((2500, 32), np.float32)
    )
    copies = normalise(vectors[:200] + 0.05 * dice.standard_normal((200, 32), np.float32))
    listed, alone = Neighbours(vectors, 200), Neighbours(vectors, 99)
    rows, scores = listed(copies, 3)
    expected, exact = alone(copies, 3)
    assert (rows[:, 0] == np.arange(200)).mean() > 0.98
    assert (rows == expected).mean() > 0.9
    assert np.abs(scores[:, 0] - exact[:, 0]).max() < 2e-3, "halves are close enough"
    assert np.array_equal(expected, nearest(copies, vectors, 3)[0]), "for a few, one by one"


def test_fingerprints_that_differ_by_31_bits_are_found_among_very_many(large: None) -> None:
    dice = np.random.default_rng(1)
    bits = dice.integers(0, 256, (3000, 32)).astype(np.uint8)
    asked = np.unpackbits(bits[:200], axis=1)
    for line in asked:
        line[dice.choice(256, 31, replace=False)] ^= 1
    ends, _, found = alike_index(bits, 200).range_search(np.packbits(asked, axis=1), 32)
    right = sum(row in found[ends[row] : ends[row + 1]] for row in range(200))
    assert right >= 195
    assert len(found) <= 210, "and nothing else"
