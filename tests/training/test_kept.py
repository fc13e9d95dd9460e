"""What is kept comes back as it was, and trouble with the disk is no trouble of the training."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dinoscope.features import Pixels
from dinoscope.training.items import Item
from dinoscope.training.kept import Kept, slot_bytes, slots_for

SIDE = 16


def picture(height: int, width: int) -> Pixels:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


def item(number: int) -> Item:
    return Item(Path("x.jpg"), number=number)


def test_what_is_kept_comes_back_also_to_another_process_s_eyes(tmp_path: Path) -> None:
    with Kept(tmp_path / "k", SIDE, 9) as kept, Kept(tmp_path / "k", SIDE, 9) as other:
        pictures = {number: picture(16 + number, 40 - number) for number in (3, 0, 8)}
        for number, pixels in pictures.items():
            kept.write(item(number), pixels[:, ::-1])  # not contiguous
        for number, pixels in pictures.items():
            found = other.read(item(number))
            assert found is not None
            assert np.array_equal(found, pixels[:, ::-1])
        assert [other.read(item(number)) for number in (1, 7, 9, -1)] == [None] * 4


def test_the_largest_that_decoding_gives_has_room_and_a_panorama_is_not_kept(tmp_path: Path) -> None:
    with Kept(tmp_path / "k", SIDE, 2) as kept:
        kept.write(item(0), picture(31, 41))
        kept.write(item(1), picture(31, 120))
        assert kept.read(item(0)) is not None
        assert kept.read(item(1)) is None


def test_a_picture_half_written_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Kept(tmp_path / "k", SIDE, 2) as kept:
        real = os.write
        monkeypatch.setattr(os, "write", lambda file, data: real(file, data[: len(data) // 2]))
        kept.write(item(0), picture(20, 20))
        monkeypatch.undo()
        assert kept.read(item(0)) is None
        kept.write(item(1), picture(20, 20))
        assert kept.read(item(1)) is None  # the disk is full: nothing more is tried


def test_room_is_bounded_by_the_pictures_and_the_disk(tmp_path: Path) -> None:
    assert slots_for(10, 107, tmp_path) == 10
    assert slots_for(10**9, 107, tmp_path) * slot_bytes(107) <= 8 * 2**30
    assert slots_for(10, 107, tmp_path / "gone") == 0
