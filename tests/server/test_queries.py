"""Uploads are kept by use, within bounds."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import NoSuchPicture
from dinoscope.features import Features
from dinoscope.geometry import PatchGrid, Size
from dinoscope.server.queries import Upload, Uploads


def made(length: int, patches: int = 0) -> Upload:
    """One of so many bytes of WebP and so many patches of 12 bytes."""
    grid = PatchGrid(1, max(1, patches), 16, Size(1, 1))
    seen = np.zeros((1, patches, 3), np.float32)
    features = Features("colours", grid, np.zeros(3, np.float32), seen, np.zeros((1, 1, patches), np.float32))
    return Upload(b"w" * length, Size(1, 1), "png", features, 0.0)


def test_names_are_long_and_differ() -> None:
    uploads = Uploads()
    names = {uploads.add(made(1)) for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) >= 16 for name in names)


def test_the_least_recently_used_is_forgotten_first() -> None:
    uploads = Uploads(most=3)
    first, second, third = (uploads.add(made(1)) for _ in range(3))
    uploads.get(first)
    uploads.add(made(1))
    assert uploads.get(first)
    assert uploads.get(third)
    with pytest.raises(NoSuchPicture, match="send it again"):
        uploads.get(second)


def test_many_large_ones_stay_within_the_bytes() -> None:
    uploads = Uploads(most_bytes=100)
    names = [uploads.add(made(40)) for _ in range(5)]
    assert len(uploads) == 2
    assert uploads.get(names[-1])


def test_what_the_model_saw_of_them_counts_too() -> None:
    uploads = Uploads(most_bytes=100)
    names = [uploads.add(made(4, patches=3)) for _ in range(5)]
    assert len(uploads) == 2
    assert uploads.get(names[-1]).bytes == 40


def test_one_that_is_larger_than_all_room_is_still_kept() -> None:
    uploads = Uploads(most_bytes=100)
    uploads.add(made(10))
    name = uploads.add(made(1000))
    assert len(uploads) == 1
    assert uploads.get(name)
