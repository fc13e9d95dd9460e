"""A library moves from exact search to an index and back by its size, unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.library.conftest import MODEL, file, found, plant, vector

from dinoscope.library import optimising
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library


@pytest.fixture(autouse=True)
def _a_small_border(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)


def engine_folders(library: Library) -> list[str]:
    return sorted(path.name for path in library.folder.glob("shelves/1/engine-*"))


def test_an_index_comes_beyond_the_border_and_goes_well_below_it(library: Library) -> None:
    plant(library, [file(number) for number in range(100)])
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "exact"
    plant(library, [file(100)])
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"
    assert engine_folders(library) == ["engine-1"]
    library.remove(parse_filter("bytes<1020"))
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"  # 81: no to and fro
    library.remove(parse_filter("bytes<1060"))
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "exact"
    assert engine_folders(library) == []
    assert found(library, 70) == [70]


def test_new_rows_are_found_before_they_are_merged(library: Library) -> None:
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    plant(library, [file(number) for number in range(200, 205)])
    library.optimise()
    assert engine_folders(library) == ["engine-1"]  # a tail of 2.4 % is searched as it is
    assert found(library, 203) == [203]
    assert found(library, 3) == [3]
    (answer,) = library.shelf(MODEL.key).search(vector(204)[None], 300)
    assert len(answer) == 205
    assert [score for _, score in answer] == sorted((score for _, score in answer), reverse=True)


def test_a_long_tail_is_merged(library: Library) -> None:
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    plant(library, [file(number) for number in range(200, 220)])
    library.optimise()
    assert engine_folders(library) == ["engine-2"]
    assert found(library, 215) == [215]
    assert list(library.verify()) == []


def test_filters_and_tombstones_hold_across_engine_and_tail(library: Library) -> None:
    plant(library, [file(number, f"{number % 2}/{number}.jpg") for number in range(200)])
    library.optimise()
    plant(library, [file(number, f"{number % 2}/{number}.jpg") for number in range(200, 206)])
    library.remove(ids=[1, 201])  # contents 0 and 200
    even = parse_filter("folder=/pictures/0")
    (answer,) = library.shelf(MODEL.key).search(vector(200)[None], 300, even)
    assert {int(one, 16) for one, _ in answer} == set(range(2, 206, 2)) - {200}


def test_a_reader_with_the_old_engine_goes_on(library: Library, folder: Path) -> None:
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    with Library.open(folder) as reader:
        assert found(reader, 5) == [5]
        plant(library, [file(number) for number in range(200, 300)])
        library.optimise()
        assert engine_folders(library) == ["engine-2"]
        assert found(reader, 250) == [250]


def test_cancelling_leaves_everything_as_it_was(library: Library) -> None:
    plant(library, [file(number) for number in range(200)])

    class Cancelled(Exception):
        pass

    def tick(done: int, total: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        library.optimise(tick)
    assert library.shelf(MODEL.key).engine_name == "exact"
    assert engine_folders(library) == []
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"


def test_a_damaged_engine_costs_speed_and_no_answer(
    library: Library, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    next(folder.glob("shelves/1/engine-1/*.faiss")).write_bytes(b"broken")
    with Library.open(folder) as reader:
        assert found(reader, 7) == [7]
    assert "searching every vector instead" in caplog.text


def test_leftovers_of_a_dead_writer_are_cleared(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(200)])
        library.optimise()
    shelf = folder / "shelves/1"
    vectors = shelf / "vectors-1.f16"
    size = vectors.stat().st_size
    with vectors.open("ab") as stream:
        stream.write(bytes(1000))
    (shelf / "engine-2.part").mkdir()
    (shelf / "engine-7").mkdir()
    (shelf / "vectors-2.f16").touch()
    (folder / "shelves/9").mkdir()
    with Library.open(folder) as reader:
        assert list(reader.verify()) == []
    with Library.open(folder, write=True) as library:
        assert vectors.stat().st_size == size
        assert sorted(path.name for path in shelf.iterdir()) == ["engine-1", "vectors-1.f16"]
        assert not (folder / "shelves/9").exists()
        assert found(library, 199) == [199]
