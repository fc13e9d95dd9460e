"""The lists are written in parts, and the file is the one faiss would write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.engines.conftest import Held

from dinoscope.engines import inverted_lists
from dinoscope.engines.ivf_rabitq import IvfRabitq
from dinoscope.features import Vectors


def plainly(engine: IvfRabitq, vectors: Vectors) -> bytes:
    """What faiss makes of the same vectors in the same lists, all in memory."""
    import faiss

    index: Any = faiss.deserialize_index(faiss.serialize_index(engine._index))
    index.reset()
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)  # several would round otherwise
    try:
        index.add(vectors)
    finally:
        faiss.omp_set_num_threads(before)
    return bytes(faiss.serialize_index(index))


@pytest.mark.parametrize("on_disk", [True, False])
@pytest.mark.parametrize("part", [40_000, 300_000, 2**27])
def test_the_file_is_the_one_faiss_writes(
    many: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: int, on_disk: bool
) -> None:
    monkeypatch.setattr(inverted_lists, "PART_BYTES", part)  # 1,800 rows, 13,600, or all
    vectors = many[:15_000]
    engine = IvfRabitq.build(Held(vectors), threads=1, scratch=tmp_path if on_disk else None)
    engine.save(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["ivf_rabitq.faiss"]
    assert (tmp_path / "ivf_rabitq.faiss").read_bytes() == plainly(engine, vectors)


def test_rows_added_later_lie_where_they_would_have_lain_at_once(
    many: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverted_lists, "PART_BYTES", 40_000)
    first = IvfRabitq.build(Held(many[:12_000]), threads=1)
    grown = IvfRabitq.build(Held(many[:15_000]), threads=1, previous=first, scratch=tmp_path)
    assert (grown.covered, first.covered) == (15_000, 12_000)
    assert (tmp_path / "ivf_rabitq.faiss").read_bytes() == plainly(first, many[:15_000])
    rows, _ = first.search(many[11_990:11_995], 1)  # the one before is as it was
    assert rows.ravel().tolist() == list(range(11_990, 11_995))


def test_what_is_read_at_a_time_is_bounded(many: Vectors, tmp_path: Path) -> None:
    from dinoscope.engines import ivf_making

    source = Held(many)
    IvfRabitq.build(source, threads=1, scratch=tmp_path)
    assert source.largest_read <= ivf_making.BLOCK


def test_a_build_that_is_cancelled_says_so_and_leaves_nothing(
    many: Vectors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inverted_lists, "PART_BYTES", 40_000)  # some parts are on the disk by then

    class Cancelled(Exception):
        pass

    def tick(done: int, total: int) -> None:
        if done:
            raise Cancelled

    with pytest.raises(Cancelled):
        IvfRabitq.build(Held(np.concatenate([many, many])), threads=1, tick=tick, scratch=tmp_path)
    assert list(tmp_path.iterdir()) == []
