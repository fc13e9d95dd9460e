"""The vectors file: what is committed is exact, on the disk before its rows, and what is not is invisible."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import DIMENSION, file, plant, vector

from dinoscope.errors import BadRequest, LibraryDamaged
from dinoscope.library.library import Library
from dinoscope.library.recordfile import append, cut
from dinoscope.library.vectors import VectorFile, halves

ROWS = np.stack([vector(number) for number in range(10)])


def test_vectors_come_back_as_unit_vectors_within_half_precision(tmp_path: Path) -> None:
    append(tmp_path / "v", 0, halves(ROWS, DIMENSION))
    source = VectorFile(tmp_path / "v", DIMENSION, 10)
    assert (len(source), source.dimension) == (10, DIMENSION)
    np.testing.assert_allclose(source.read(slice(None)), ROWS, atol=5e-4)
    np.testing.assert_allclose(np.linalg.norm(source.read(slice(None)), axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(source.read(np.array([7, 2, 7])), source.read(slice(None))[[7, 2, 7]])
    assert source.raw(slice(0, 3)).dtype == np.float16


def test_only_the_committed_rows_are_seen_and_the_rest_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "v"
    append(path, 0, halves(ROWS[:4], DIMENSION))
    append(path, 4, halves(ROWS[8:], DIMENSION))  # a writer that died before its commit
    assert len(VectorFile(path, DIMENSION, 4)) == 4
    append(path, 4, halves(ROWS[4:6], DIMENSION))
    np.testing.assert_allclose(VectorFile(path, DIMENSION, 6).read(slice(4, 6)), ROWS[4:6], atol=5e-4)


def test_leftovers_are_cut_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "v"
    append(path, 0, halves(ROWS, DIMENSION))
    cut(path, DIMENSION * 2, 4)
    assert path.stat().st_size == 4 * DIMENSION * 2
    cut(path, DIMENSION * 2, 9)
    assert path.stat().st_size == 4 * DIMENSION * 2
    cut(tmp_path / "none", DIMENSION * 2, 0)


def test_a_short_file_is_damage_and_a_missing_one_is_missing(tmp_path: Path) -> None:
    append(tmp_path / "v", 0, halves(ROWS, DIMENSION))
    with pytest.raises(LibraryDamaged, match="shorter than the 11 vectors"):
        VectorFile(tmp_path / "v", DIMENSION, 11)
    with pytest.raises(FileNotFoundError):
        VectorFile(tmp_path / "none", DIMENSION, 1)
    assert VectorFile(tmp_path / "none", DIMENSION, 0).read(slice(None)).shape == (0, DIMENSION)


@pytest.mark.parametrize("bad", [ROWS * 1.05, ROWS[:, :5], ROWS[0], np.full_like(ROWS, np.nan), ROWS * 0])
def test_only_unit_vectors_are_kept(bad: np.ndarray) -> None:
    with pytest.raises(BadRequest):
        halves(bad, DIMENSION)


def test_the_vectors_are_on_the_disk_before_their_rows_are_committed(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(library, [file(1)])
    events: list[str] = []
    synced = os.fsync

    def fsync(handle: int) -> None:
        events.append(f"sync {os.fstat(handle).st_size}")
        synced(handle)

    def traced(statement: str) -> None:
        if statement == "COMMIT":
            events.append("commit")

    monkeypatch.setattr(os, "fsync", fsync)
    library._connections.demand_writer().set_trace_callback(traced)
    plant(library, [file(2), file(3)])
    assert events == [f"sync {3 * DIMENSION * 2}", "commit"]
    with library._connections.alone() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
