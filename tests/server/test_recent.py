"""What is kept is kept up to some cost, the latest longest."""

from __future__ import annotations

import numpy as np

from dinoscope.features import Inside
from dinoscope.geometry import PatchGrid, Size
from dinoscope.server.recent import Recent


def seen(patches: int) -> Inside:
    vectors = np.zeros((1, patches, 4), np.float32)
    grid = PatchGrid(1, patches, 16, Size(patches, 1))
    return Inside("m", 1, "tokens", grid, vectors, np.zeros((1, 1, patches), np.float32))


def key(name: str, layer: int = 1) -> tuple[str, int]:
    return name, layer


def recent(most_bytes: int) -> Recent[tuple[str, int], Inside]:
    return Recent(most_bytes, lambda inside: inside.vectors.nbytes)


def test_the_one_used_longest_ago_goes_first() -> None:
    kept = recent(most_bytes=2 * seen(8).vectors.nbytes)
    first, second, third = seen(8), seen(8), seen(8)
    kept.keep(key("a"), first)
    kept.keep(key("b"), second)
    assert kept.get(key("a")) is first
    kept.keep(key("c"), third)
    assert kept.get(key("b")) is None
    assert (kept.get(key("a")), kept.get(key("c"))) == (first, third)
    assert kept.get(key("a", layer=2)) is None


def test_one_that_is_larger_than_the_room_is_kept_alone() -> None:
    kept = recent(most_bytes=10)
    large = seen(100)
    kept.keep(key("a"), seen(1))
    kept.keep(key("b"), large)
    assert kept.get(key("a")) is None
    assert kept.get(key("b")) is large
