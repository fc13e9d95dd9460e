"""What is asked for ahead is what will be read, once, and never too little."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.engines.conftest import Held

from dinoscope.engines import readahead
from dinoscope.engines.ivf_rabitq import IvfRabitq
from dinoscope.engines.readahead import PAGE, Pages
from dinoscope.features import Vectors

Asked = list[tuple[int, int]]  # addresses from, to

pytestmark = pytest.mark.skipif(readahead._madvise is None, reason="this system takes no advice")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    found: Asked = []

    def record(address: int, size: int, what: int) -> None:
        assert address % PAGE == 0
        if what == readahead._NEEDED:
            found.append((address, address + size))

    monkeypatch.setattr(readahead, "_madvise", record)
    return found


def mapped(tmp_path: Path, count: int, numbers: int) -> np.ndarray:
    path = tmp_path / "array"
    np.zeros((count, numbers), np.float16).tofile(path)
    return np.asarray(np.memmap(path, np.float16, "r", shape=(count, numbers)))


@pytest.mark.parametrize("numbers", [16, 384, 3000, 9000])
def test_every_byte_of_the_rows_is_asked_for_once(tmp_path: Path, asked: Asked, numbers: int) -> None:
    array = mapped(tmp_path, 3000, numbers)
    pages = Pages(array)
    rows = np.random.default_rng(0).choice(3000, 60, replace=False)
    pages.rows(rows)
    wanted = {
        byte // PAGE
        for row in rows
        for byte in (array[row : row + 1].ctypes.data + np.arange(0, 2 * numbers, 2)).tolist()
    }
    got = [page for start, stop in asked for page in range(start // PAGE, -(-stop // PAGE))]
    assert set(got) == wanted
    assert len(got) == len(wanted)
    asked.clear()
    pages.rows(rows[::-1])
    assert asked == []


def test_a_stretch_is_asked_for_in_one_with_the_next(tmp_path: Path, asked: Asked) -> None:
    array = mapped(tmp_path, 3000, 384)
    pages = Pages(array)
    pages.items(slice(100, 1000), 3000)
    pages.items(slice(1000, 2900), 3000)
    assert all(stop - start <= 2**17 for start, stop in asked)
    joined = [one for one in asked if one[0] not in {stop for _, stop in asked}]
    ends = [stop for _, stop in asked if stop not in {start for start, _ in asked}]
    assert joined[0][0] <= array[100:].ctypes.data < joined[0][0] + PAGE
    assert ends == [array[1900:].ctypes.data, array.ctypes.data + array.nbytes]
    asked.clear()
    pages.items(slice(0, 3000, 500), 3000)
    assert asked == []


def test_nothing_is_asked_of_nothing(asked: Asked) -> None:
    pages = Pages(np.empty((0, 16), np.float16))
    pages.items(slice(0, 0), 0)
    pages.rows(np.empty(0, np.int64))
    assert asked == []


def test_lists_of_a_mapped_index_are_asked_for_at_the_first_visit(
    many: Vectors, tmp_path: Path, asked: Asked
) -> None:
    IvfRabitq.build(Held(many), threads=1).save(tmp_path)
    engine = IvfRabitq.load(tmp_path, Held(many))
    first, _ = engine.search(many[:3], 10)
    bytes_asked = sum(stop - start for start, stop in asked)
    assert len(asked) > 1
    assert bytes_asked < 2 * (tmp_path / "ivf_rabitq.faiss").stat().st_size
    asked.clear()
    again, _ = engine.search(many[:3], 10)
    assert asked == []
    np.testing.assert_array_equal(first, again)
