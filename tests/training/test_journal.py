"""The journal: written by one, read by anyone at any moment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from dinoscope.errors import DiskFull
from dinoscope.training.journal import Journal, Measure, last_measure, read_measures


def rows(*steps: int) -> list[Measure]:
    return [Measure(step, step * 2.0, loss=1.5 / (step + 1), probe={"knn": 0.25}) for step in steps]


def test_what_was_written_is_read_back_in_order_and_from_any_step(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for row in rows(1, 3, 5):
        Journal(path).append(row)
    assert [row.step for row in read_measures(path)] == [1, 3, 5]
    assert list(read_measures(path, since=3)) == rows(5)
    assert last_measure(path) == rows(5)[0]


def test_half_a_line_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    Journal(path).append(rows(1)[0])
    whole = path.read_bytes()
    for cut in range(1, len(whole)):  # every place a write can be interrupted at
        path.write_bytes(whole + whole[:cut])
        assert [row.step for row in read_measures(path)] == [1]
        assert last_measure(path) == rows(1)[0]


def test_a_line_of_something_else_is_no_row(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('[1]\n{"step": 2}\nnull\n{"step": 4, "seconds": 1.0, "new": 3}\n')
    assert [row.step for row in read_measures(path)] == [4]


def test_a_number_that_is_not_finite_becomes_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    Journal(path).append(
        replace(rows(1)[0], loss=float("nan"), gradient=float("inf"), probe={"rank": float("nan")})
    )
    (row,) = read_measures(path)
    assert row.loss is None
    assert row.gradient is None
    assert row.probe == {}
    assert json.loads(path.read_text())["step"] == 1


def test_rewinding_drops_what_comes_after(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    for row in rows(1, 3, 5):
        Journal(path).append(row)
    Journal(path).rewind(3)
    assert [row.step for row in read_measures(path)] == [1, 3]


def test_the_newest_row_of_a_long_journal_is_found_at_its_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert last_measure(path) is None
    for row in rows(*range(3000)):
        Journal(path).append(row)
    assert last_measure(path) == rows(2999)[0]


def test_no_room_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="then resume"):
        Journal(tmp_path / "nowhere" / "metrics.jsonl").append(rows(1)[0])
