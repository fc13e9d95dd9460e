"""Where a view may lie in a window, by patches that are alike."""

from __future__ import annotations

import numpy as np
import pytest
from tests.operations.test_aligning import roughly

from dinoscope.features import FloatArray, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations.posing import MIRRORED, Placed, maps, squared

GRID = PatchGrid(12, 12, 1, Size(120, 120))


def scattered(seed: int, count: int) -> FloatArray:
    """(count, 24) unit vectors that are like nothing else."""
    return normalise(np.random.default_rng(seed).standard_normal((count, 24)).astype(np.float32))


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_map_is_found_among_patches_that_are_like_nothing(mirrored: bool) -> None:
    places = squared(GRID)[:40] * 0.5 + 0.2
    patches = scattered(1, len(places))
    true = roughly(35, 0.1, -0.05, mirrored=mirrored)[0]
    there = (true[:, :2] @ places.T + true[:, 2:]).T.astype(np.float32)
    noise = squared(GRID)[:60]
    window = Placed(np.concatenate([scattered(2, 60), patches[5:]]), np.concatenate([noise, there[5:]]))
    poses = np.full(len(places), MIRRORED if mirrored else 0, np.float32)
    (found,) = maps(Placed(patches, places), np.full(len(places), 1 / 40, np.float32), poses, window)
    assert np.abs(found - true).max() < 0.03


def test_the_pose_that_agrees_comes_first() -> None:
    places = squared(GRID)[:40]
    seen, other = scattered(1, 40), scattered(3, 40)
    view = Placed(np.concatenate([other, seen]), np.concatenate([places, places]))
    poses = np.repeat(np.array([0, 2], np.float32), 40)
    found = maps(view, np.full(80, 1 / 40, np.float32), poses, Placed(seen, places))
    assert np.abs(found[0] - roughly(0)[0]).max() < 0.01


def test_too_few_patches_say_nothing() -> None:
    view = Placed(scattered(1, 2), squared(GRID)[:2])
    one = np.full(2, 0.5, np.float32)
    assert maps(view, one, np.zeros(2, np.float32), Placed(scattered(2, 9), squared(GRID)[:9])).shape == (
        0,
        2,
        3,
    )


def test_an_oblong_grid_lies_in_the_middle_of_its_square() -> None:
    places = squared(PatchGrid(1, 2, 1, Size(100, 50)))
    assert np.allclose(places, [[0.25, 0.5], [0.75, 0.5]])
