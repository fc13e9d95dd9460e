"""An engine's file that is taken away, flipped in a bit or cut is noticed, and made anew from the vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.library.conftest import MODEL, file, found, plant

from dinoscope.library import checksums, optimising
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(bytes(data))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-3]),
    "a bit at the start": lambda path: flip(path, 40),
    "a bit of a code": lambda path: flip(path, path.stat().st_size - 5),
}


@pytest.fixture
def indexed(library: Library, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the engine of 300 pictures lies."""
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(300)])
    library.optimise()
    (engine,) = library.folder.glob("shelves/1/engine-*/*.faiss")
    return engine


@pytest.mark.parametrize("damage", DAMAGE)
def test_it_is_noticed_and_healed_by_the_next_index(library: Library, indexed: Path, damage: str) -> None:
    DAMAGE[damage](indexed)
    (finding,) = library.verify()
    assert "a file is missing or was changed" in finding.what
    with Library.open(library.folder) as reader:
        assert found(reader, 7) == [7]  # by comparing all vectors
    library.optimise()
    assert not indexed.exists()
    assert list(library.verify()) == []
    assert library.shelf(MODEL.key).engine_name == "ivf_rabitq"
    assert found(library, 222) == [222]


def test_nothing_is_built_upon_a_damaged_engine(
    library: Library, indexed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bit flipped far from the start, where opening does not look, is not merged into the next engine."""
    monkeypatch.setattr(checksums, "BEGINNING", 100)
    (indexed.parent / checksums.NAME).unlink()
    checksums.write(indexed.parent)
    flip(indexed, indexed.stat().st_size - 3)  # a row's number
    assert checksums.begin_right(indexed.parent)
    assert not checksums.right(indexed.parent)
    plant(library, [file(number) for number in range(300, 400)])
    library.optimise()
    assert list(library.verify()) == []
    assert [found(library, number) for number in (0, 299, 399)] == [[0], [299], [399]]


def test_an_engine_without_sums_is_taken_as_it_is(library: Library, indexed: Path) -> None:
    (indexed.parent / checksums.NAME).unlink()
    assert checksums.right(indexed.parent)
    assert list(library.verify()) == []
    library.optimise()
    assert indexed.exists()


def test_sums_that_are_damaged_themselves_cost_a_build(library: Library, indexed: Path) -> None:
    (indexed.parent / checksums.NAME).write_text('{"ivf_rabitq.faiss": 3}')
    assert not checksums.begin_right(indexed.parent)
    library.optimise()
    assert list(library.verify()) == []


def test_removed_pictures_stay_out_of_a_healed_engine(library: Library, indexed: Path) -> None:
    library.remove(parse_filter("bytes=1007"))
    indexed.unlink()
    library.optimise()
    assert 7 not in found(library, 7, k=300)
