"""Compaction frees room and changes nothing that anybody can see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import DIMENSION, MODEL, OTHER, content, file, found, plant, vector

from dinoscope.engines import ivf_rabitq
from dinoscope.errors import DiskFull
from dinoscope.library import compacting, optimising
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.shelf_rows import shelf_rows

WEBP = b"RIFF\x04\x00\x00\x00WEBP"


def test_it_drops_what_is_dead_and_keeps_what_lives(library: Library) -> None:
    plant(library, [file(number) for number in range(200)])
    plant(library, [file(number) for number in range(100)], OTHER)
    for number in (3, 7):
        library.put_thumbnail(content(number), WEBP)
    library.remove(parse_filter("bytes<1100 and bytes!=1007"))
    before = library.page(limit=1000)
    report = library.compact()
    assert (report.vectors, report.thumbnails) == (99 + 99, 1)
    assert report.freed > 198 * DIMENSION * 2
    assert library.page(limit=1000) == before
    assert [shelf.dead for shelf in library.info().shelves] == [0, 0]
    for number in (7, 100, 150, 199):
        assert found(library, number) == [number]
        np.testing.assert_allclose(
            library.shelf(MODEL.key).vector(content(number)), vector(number), atol=1e-3
        )
    assert found(library, 7, k=5, model=OTHER) == [7]
    assert not library.has(content(3), MODEL.key)
    assert library.thumbnail(content(7)) == WEBP
    assert library.thumbnail(content(3)) is None
    assert list(library.verify()) == []


def test_it_may_be_done_again_and_written_on(library: Library) -> None:
    plant(library, [file(number) for number in range(20)])
    for number in (0, 19, 5, 6):
        picture = library.find(file(number).path)
        assert picture is not None
        library.remove(ids=[picture.id])
        assert library.compact().vectors == 1
        plant(library, [file(number + 100)])
    assert library.compact().vectors == 0
    assert library.shelf(MODEL.key).count == 20
    assert all(found(library, number) == [number] for number in (1, 18, 100, 119))
    assert list(library.verify()) == []


def test_everything_may_be_dead(library: Library) -> None:
    plant(library, [file(number) for number in range(5)])
    library.remove(parse_filter("kind=jpeg"))
    assert library.compact().vectors == 5
    assert library.shelf(MODEL.key).search(vector(1)[None], 3) == [[]]
    plant(library, [file(2)])
    assert found(library, 2) == [2]


def test_a_reader_keeps_its_view_while_the_files_are_swapped(library: Library, folder: Path) -> None:
    plant(library, [file(number) for number in range(50)])
    with Library.open(folder) as reader:
        shelf = reader.shelf(MODEL.key)
        with shelf._vectors.snapshot() as (_, state):
            library.remove(parse_filter("bytes<1025"))
            library.compact()
            np.testing.assert_allclose(state.source.read(slice(3, 4))[0], vector(3), atol=1e-3)
        assert found(reader, 30) == [30]
        assert shelf.count == 25


def test_a_failure_in_the_middle_leaves_the_old_library(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(library, [file(number) for number in range(50)])
    library.remove(parse_filter("bytes<1025"))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(compacting, "_renumber", full)
        with pytest.raises(DiskFull):
            library.compact()
    assert list(library.verify()) == []
    assert library.info().shelves[0].dead == 25
    assert library.compact().vectors == 25
    assert len(list((library.folder / "shelves/1").iterdir())) == 1


def test_the_engine_is_built_again_over_the_new_rows(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(300)])
    library.optimise()
    library.remove(parse_filter("bytes<1100"))
    library.compact()
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"
    assert found(library, 222) == [222]
    library.remove(parse_filter("bytes<1280"))
    library.compact()
    assert library.shelf(MODEL.key).engine_name == "exact"
    assert found(library, 290) == [290]
    assert list(library.verify()) == []


def test_a_broken_engine_is_built_again(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(300)])
    library.optimise()
    (engine,) = library.folder.glob("shelves/1/engine-*/*.faiss")
    engine.write_bytes(b"broken")
    assert ["cannot be loaded" in finding.what for finding in library.verify()] == [True]
    library.compact()
    assert list(library.verify()) == []
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"


@pytest.mark.parametrize("seed", range(4))
def test_an_engine_goes_on_with_the_codes_it_has(
    library: Library, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Removed from the middle, the end and from what no engine covers: nothing is trained or counted anew."""
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(300)])
    library.optimise()
    plant(library, [file(number) for number in range(300, 310)])  # behind the engine
    random = np.random.default_rng(seed)
    gone = {int(one) for one in random.choice(310, (1, 40, 120, 200)[seed], replace=False)}
    library.remove(ids=[number + 1 for number in gone])
    with library._connections.read() as db:
        (before,) = shelf_rows(db)
    monkeypatch.setattr(ivf_rabitq, "trained", None)
    assert library.compact().vectors == len(gone)
    with library._connections.read() as db:
        (row,) = shelf_rows(db)
        kept = db.execute("SELECT count(*) FROM vectors WHERE row >= ?", (row.count,)).fetchone()[0]
    assert (row.engine, row.covered, row.count, row.dead, kept) == (
        "ivf_rabitq",
        *[310 - len(gone)] * 2,
        0,
        0,
    )
    assert row.engine_folder != before.engine_folder
    assert list(library.verify()) == []
    left = [number for number in range(310) if number not in gone]
    assert [found(library, number) for number in left] == [[number] for number in left]
    (answer,) = library.shelf(MODEL.key).search(vector(0)[None], 400)
    assert sorted(int(one, 16) for one, _ in answer) == left
    plant(library, [file(number) for number in range(400, 500)])
    library.optimise()
    assert [found(library, number) for number in (left[0], 450)] == [[left[0]], [450]]


def test_few_records_get_another_number(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as were removed, not all that come after the first gap."""
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(300)])
    library.optimise()
    library.remove(ids=[3, 50, 299])
    with library._connections.read() as db:
        before = dict(db.execute("SELECT content, row FROM vectors").fetchall())
    library.compact()
    with library._connections.read() as db:
        after = dict(db.execute("SELECT content, row FROM vectors").fetchall())
    assert len(after) == 297
    assert sum(before[content] != row for content, row in after.items()) == 2
