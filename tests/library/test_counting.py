"""What is counted as it changes is what counting would say."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.library.conftest import MODEL, OTHER, aged, file, found, plant, plant_regions

from dinoscope.library import schema
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.shelf_rows import dead_rows, shelf_rows


def agree(library: Library) -> None:
    with library._connections.read() as db:
        files, contents = db.execute("SELECT files, contents FROM library").fetchone()
        assert files == db.execute("SELECT count(*) FROM files").fetchone()[0]
        assert contents == db.execute("SELECT count(*) FROM contents WHERE files > 0").fetchone()[0]
        for row in shelf_rows(db):
            assert row.dead == len(dead_rows(db, row.id))


ACTS = st.sampled_from(["add", "copy", "regions", "other", "remove", "replace", "compact", "forget"])


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(ACTS, st.integers(0, 5)), max_size=12))
def test_they_agree_after_anything(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    with Library.open(tmp_path_factory.mktemp("counted") / "library", write=True) as library:
        for act, number in acts:
            if act == "add":
                plant(library, [file(number)])
            elif act == "copy":
                plant(library, [file(number, f"copy-{number}.jpg")])
            elif act == "regions":
                plant(library, [file(number)])
                plant_regions(library, [number])
            elif act == "other":
                plant(library, [file(number)], OTHER)
            elif act == "remove":
                library.remove(parse_filter(f"bytes={1000 + number}"))
            elif act == "replace":  # the same path shows something else now
                plant(library, [file(number + 10, f"{number}.jpg")])
            elif act == "compact":
                library.compact()
            elif MODEL.key in library.models():
                library.drop_model(MODEL.key)
            agree(library)


def test_a_library_from_before_is_counted_when_it_is_brought_forward(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(5)])
        library.remove(ids=[2, 3])
    aged(folder, schema.COUNTED - 1)
    with Library.open(folder) as reader:  # as it is
        assert (reader.count(), reader.shelf(MODEL.key).count) == (3, 3)
        assert (reader.info().contents, reader.info().shelves[0].dead) == (3, 2)
        assert found(reader, 4) == [4]
    with Library.open(folder, write=True) as library:
        agree(library)
        assert (library.count(), library.shelf(MODEL.key).count) == (3, 3)


def test_a_search_counts_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its statements take the same time in a library of any size: none walks through a table."""
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(50)])
        library.remove(ids=[3])
    seen: list[str] = []
    with Library.open(folder) as reader:
        with reader._connections.read() as db:
            db.set_trace_callback(seen.append)
        shelf = reader.shelf(MODEL.key)
        assert (reader.count(), shelf.count, shelf.engine_name) == (49, 49, "exact")
        assert found(reader, 5) == [5]
        with reader._connections.read() as db:
            db.set_trace_callback(None)
            plans = [
                _plan(db, statement) for statement in dict.fromkeys(seen) if statement.startswith("SELECT")
            ]
    assert len(plans) >= 4
    scans = {line for plan in plans for line in plan if line.startswith("SCAN")}
    assert scans <= {"SCAN library", "SCAN shelves", "SCAN contents USING INDEX dead_contents"}
    walks = ("SEARCH vectors USING PRIMARY KEY (shelf=?)", "SEARCH files USING INDEX files_by_root (root=?)")
    assert not [line for plan in plans for line in plan if line in walks]


def _plan(db: sqlite3.Connection, statement: str) -> list[str]:
    return [str(line[3]) for line in db.execute(f"EXPLAIN QUERY PLAN {statement}")]
