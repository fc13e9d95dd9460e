"""What only the inverted file promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.engines.conftest import Held, clustered

from dinoscope.engines.ivf_making import lists_for
from dinoscope.engines.ivf_rabitq import IvfRabitq
from dinoscope.errors import LibraryDamaged
from dinoscope.features import Vectors


def test_it_takes_a_bit_a_dimension(many: Vectors, tmp_path: Path) -> None:
    IvfRabitq.build(Held(many), threads=1).save(tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.iterdir())
    bits, factors, number = 48 / 8, 8, 8
    centroids = lists_for(len(many)) * 48 * 4
    assert size <= 1.1 * (len(many) * (bits + factors + number) + centroids) + 65_536


@pytest.mark.parametrize("damage", ["missing", "cut", "other"])
def test_a_damaged_file_is_named(many: Vectors, tmp_path: Path, damage: str) -> None:
    IvfRabitq.build(Held(many[:11_000]), threads=1).save(tmp_path)
    file = next(tmp_path.iterdir())
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:5_000] if damage == "cut" else b"no index at all")
    with pytest.raises(LibraryDamaged, match="ivf_rabitq"):
        IvfRabitq.load(tmp_path, Held(many))


def test_an_engine_of_other_vectors_is_refused(many: Vectors, tmp_path: Path) -> None:
    IvfRabitq.build(Held(many[:11_000]), threads=1).save(tmp_path)
    with pytest.raises(LibraryDamaged, match="11000 vectors of 48"):
        IvfRabitq.load(tmp_path, Held(clustered(11_000, 32, 5)))
    with pytest.raises(LibraryDamaged, match="has 10 of 48"):
        IvfRabitq.load(tmp_path, Held(many[:10]))


def test_more_probes_buy_recall() -> None:
    vectors = np.ascontiguousarray(clustered(40_000, 24, 40_000, seed=4))  # no clusters: the hardest case
    engine = IvfRabitq.build(Held(vectors), threads=1)
    truth = [set(np.argsort(-(vectors @ query))[:10].tolist()) for query in vectors[:30]]

    def found(probes: int) -> int:
        rows, _ = engine.search(vectors[:30], 10, None, probes)
        return sum(len(set(line.tolist()) & best) for line, best in zip(rows, truth, strict=True))

    assert found(1) < found(8) < found(128)


def test_a_million_rows_get_four_thousand_lists() -> None:
    assert [lists_for(count) for count in (0, 10, 50_000, 1_000_000, 5_000_000)] == [1, 1, 1024, 4096, 8192]
