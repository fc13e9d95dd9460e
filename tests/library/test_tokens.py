"""Region tokens come back as they were given, of whatever pictures are there, in whatever order they came."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import (
    BASIS,
    DIMENSION,
    MODEL,
    OTHER,
    SHORT,
    TOKENS,
    aged,
    content,
    file,
    found,
    parts,
    plant,
    plant_regions,
    unit,
    vector,
)

from dinoscope.engines.engine import Rows
from dinoscope.errors import BadRequest, LibraryDamaged, NoRegions
from dinoscope.features import Basis, FloatArray, RegionTokens, normalise
from dinoscope.library import optimising, token_views
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.recordfile import append
from dinoscope.library.records import NewRegions
from dinoscope.library.tokens import TokenFile, layout, records_of

Answers = list[list[tuple[int, int, float]]]  # a line a query: content, token, similarity
RECORD = layout(TOKENS, SHORT, 256)


def judged(queries: FloatArray, numbers: list[int], n: int) -> Answers:
    """(content, token, similarity) of the nearest n, by looking at everything."""
    answers = []
    for query in queries:
        near = [
            (number, token, float(mark))
            for number in numbers
            for token, mark in enumerate(unit(number) @ query)
        ]
        answers.append(sorted(near, key=lambda one: -one[2])[:n])
    return answers


def asked(library: Library, queries: FloatArray, n: int, where: str | None = None) -> Answers:
    """What the library answers, as contents."""
    with library.shelf(MODEL.key).tokens() as view:
        rows, tokens, marks = view.nearby(queries, n, parse_filter(where))
        lines = []
        for line, (row, token, mark) in enumerate(zip(rows, tokens, marks, strict=True)):
            good: Rows = row[row >= 0]
            assert np.all(row[len(good) :] == -1), f"query {line} has gaps"
            assert np.all(mark[len(good) :] == -np.inf)
            names = [int(one, 16) for one in view.contents(good)]
            lines.append(list(zip(names, token.tolist(), mark.tolist(), strict=False)))
        return lines


def same(one: Answers, other: Answers) -> None:
    """The same tokens that are of any use: what points away from the query may be left out."""
    one, other = ([[hit for hit in line if hit[2] > 1e-3] for line in answers] for answers in (one, other))
    assert [[hit[:2] for hit in line] for line in one] == [[hit[:2] for hit in line] for line in other]
    for line, expected in zip(one, other, strict=True):
        np.testing.assert_allclose([hit[2] for hit in line], [hit[2] for hit in expected], atol=1e-5)


QUERIES = normalise(np.random.default_rng(5).normal(size=(3, SHORT)).astype(np.float32))


# The file


def test_tokens_come_back_bit_for_bit(tmp_path: Path) -> None:
    given = [parts(number) for number in range(9)]
    append(tmp_path / "t", 0, records_of(given, RECORD))
    table = TokenFile(tmp_path / "t", RECORD, 9).table(np.array([8, 0, 3]))
    for index, number in enumerate((8, 0, 3)):
        back = table[index]
        np.testing.assert_array_equal(back.vectors, given[number].vectors)
        np.testing.assert_array_equal(back.map, given[number].map)
        assert back.count == given[number].count


def test_a_token_file_is_a_source_of_unit_vectors(tmp_path: Path) -> None:
    append(tmp_path / "t", 0, records_of([parts(number) for number in range(9)], RECORD))
    source = TokenFile(tmp_path / "t", RECORD, 9)
    assert (len(source), source.dimension) == (9 * TOKENS, SHORT)
    whole = source.read(slice(None))
    assert whole.shape == (9 * TOKENS, SHORT)
    np.testing.assert_allclose(whole[TOKENS : TOKENS + 3], unit(1), atol=1e-6)
    for start, stop, step in [(0, 3, 1), (3, 7, 1), (5, 6, 1), (4, 4, 1), (1, 30, 3)]:
        np.testing.assert_array_equal(source.read(slice(start, stop, step)), whole[start:stop:step])
    np.testing.assert_array_equal(source.read(np.array([30, 2, 2])), whole[[30, 2, 2]])
    used = source.used(np.array([[0, 1, 2], [TOKENS + 2, TOKENS + 3, -1]]))
    np.testing.assert_array_equal(used, [[True, True, False], [True, False, False]])


def test_a_record_is_as_small_as_promised() -> None:
    assert layout(32, 128, 256).itemsize == 4360


def test_a_short_token_file_is_damage(tmp_path: Path) -> None:
    append(tmp_path / "t", 0, records_of([parts(1)], RECORD))
    with pytest.raises(LibraryDamaged, match="shorter than the 2 pictures' region tokens"):
        TokenFile(tmp_path / "t", RECORD, 2)


@pytest.mark.parametrize(
    "bad",
    [
        RegionTokens(np.zeros((TOKENS, SHORT + 1), np.int8), 1, np.zeros((2, 2), np.uint8)),
        RegionTokens(np.zeros((TOKENS, SHORT), np.int8), 0, np.zeros((2, 2), np.uint8)),
        RegionTokens(np.zeros((TOKENS, SHORT), np.int8), TOKENS + 1, np.zeros((2, 2), np.uint8)),
        RegionTokens(np.zeros((TOKENS, SHORT), np.int8), 2, np.full((2, 2), 2, np.uint8)),
        RegionTokens(np.zeros((TOKENS, SHORT), np.int8), 2, np.zeros((17, 16), np.uint8)),
        RegionTokens(np.zeros((TOKENS, SHORT), np.int8), 2, np.zeros((0, 4), np.uint8)),
    ],
)
def test_tokens_that_contradict_themselves_are_refused(bad: RegionTokens) -> None:
    with pytest.raises(BadRequest, match="do not fit"):
        records_of([parts(1), bad], RECORD)


# The shelf


def test_the_nearest_tokens_are_found_with_their_pictures(library: Library) -> None:
    plant(library, [file(number) for number in range(20)], regions=True)
    same(asked(library, QUERIES, 7), judged(QUERIES, list(range(20)), 7))


def test_filters_tombstones_and_late_tokens(library: Library) -> None:
    plant(library, [file(number) for number in range(10)])
    plant(library, [file(number) for number in range(10, 20)], regions=True)
    library.remove(parse_filter("bytes=1012"))
    there = [number for number in range(10, 20) if number != 12]
    same(asked(library, QUERIES, 9), judged(QUERIES, there, 9))
    plant_regions(library, [7, 3])  # in an order of their own
    same(asked(library, QUERIES, 9), judged(QUERIES, [*there, 3, 7], 9))
    same(asked(library, QUERIES, 9, "bytes<1014"), judged(QUERIES, [3, 7, 10, 11, 13], 9))


def test_what_is_asked_beyond_what_is_there_stays_empty(library: Library) -> None:
    plant(library, [file(3), file(4)], regions=True)
    (line,) = asked(library, QUERIES[:1], 50)  # of 8 places for tokens, 5 are in use
    assert len(line) == len(unit(3)) + len(unit(4))
    library.remove(parse_filter("kind=jpeg"))
    assert asked(library, QUERIES[:1], 5) == [[]]
    library.compact()
    assert asked(library, QUERIES[:1], 5) == [[]]


def test_a_view_says_what_it_knows(library: Library) -> None:
    plant(library, [file(number) for number in range(6)])
    plant(library, [file(0, "copy.jpg")])
    plant_regions(library, [4, 2])
    with library.shelf(MODEL.key).tokens() as view:
        assert (view.count, view.engine, view.exact) == (2, "exact", True)
        np.testing.assert_array_equal(view.basis.projection, BASIS.projection)
        np.testing.assert_array_equal(view.basis.mean, BASIS.mean)
        row = view.row_of(content(2))
        assert row is not None
        assert view.row_of(content(0)) is None
        assert view.contents(np.array([row, row])) == [content(2)] * 2
        np.testing.assert_array_equal(view.read(np.array([row]))[0].map, parts(2).map)
        assert view.missing() == 5
        assert view.missing(parse_filter("bytes>=1004")) == 1
    plant_regions(library, [0, 1, 3, 5])
    with library.shelf(MODEL.key).tokens() as view:
        assert view.missing() == 0


def test_a_view_sees_one_state(library: Library, folder: Path) -> None:
    plant(library, [file(number) for number in range(10)], regions=True)
    with Library.open(folder) as reader, reader.shelf(MODEL.key).tokens() as view:
        before = view.nearby(QUERIES, 8)
        library.remove(parse_filter("bytes<1005"))
        library.compact()
        plant(library, [file(number) for number in range(30, 40)], regions=True)
        for one, other in zip(before, view.nearby(QUERIES, 8), strict=True):
            np.testing.assert_array_equal(one, other)
        assert view.count == 10
        row = view.row_of(content(2))
        assert row is not None
        np.testing.assert_array_equal(view.read(np.array([row]))[0].vectors, parts(2).vectors)


def test_what_is_missing_is_remembered_for_so_many_filters(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_views, "_COUNTED", 3)
    plant(library, [file(number) for number in range(6)])
    plant_regions(library, [4])
    with library.shelf(MODEL.key).tokens() as view:
        found = [view.missing(parse_filter(f"bytes>={least}")) for least in range(1000, 1006)]
        assert found == [view.missing(parse_filter(f"bytes>={least}")) for least in range(1000, 1006)]
        assert len(view._state.missing) == 3


def test_no_tokens_are_said_and_what_to_do(library: Library) -> None:
    plant(library, [file(1)])
    with pytest.raises(NoRegions, match="index their folders again"), library.shelf(MODEL.key).tokens():
        pass
    assert library.region_basis(MODEL.key) is None
    assert not library.has(content(1), MODEL.key, regions=True)
    plant_regions(library, [1])
    assert library.has(content(1), MODEL.key, regions=True)
    basis = library.region_basis(MODEL.key)
    assert basis is not None
    np.testing.assert_array_equal(basis.projection, BASIS.projection)


def test_tokens_of_a_content_that_has_some_are_ignored(library: Library) -> None:
    plant(library, [file(1)], regions=True)
    other = replace(parts(1), map=np.zeros((2, 2), np.uint8))
    library.commit(MODEL, DIMENSION, [], {}, NewRegions(BASIS, {content(1): other}))
    with library.shelf(MODEL.key).tokens() as view:
        np.testing.assert_array_equal(view.read(np.array([0]))[0].map, parts(1).map)
        assert view.count == 1


def test_tokens_of_a_content_that_was_compacted_away_meanwhile_are_ignored(library: Library) -> None:
    plant(library, [file(1), file(2)])
    library.remove(parse_filter("bytes=1002"))
    library.compact()
    plant_regions(library, [2, 1])
    same(asked(library, QUERIES, 9), judged(QUERIES, [1], 9))
    assert list(library.verify()) == []


def test_tokens_of_another_basis_are_refused_whole(library: Library) -> None:
    plant(library, [file(1)], regions=True)
    twisted = Basis(BASIS.mean, BASIS.projection[::-1].copy())
    with pytest.raises(BadRequest, match="another basis"):
        library.commit(
            MODEL,
            DIMENSION,
            [file(3)],
            {content(3): vector(3)},
            NewRegions(twisted, {content(3): parts(3)}),
        )
    assert library.count() == 1
    assert list(library.verify()) == []


def test_tokens_belong_to_one_model_and_go_with_it(library: Library) -> None:
    plant(library, [file(number) for number in range(5)], regions=True)
    plant(library, [file(number) for number in range(5)], OTHER, regions=True)
    assert library.models() == (MODEL.key, OTHER.key)
    library.drop_model(MODEL.key)
    assert library.models() == (OTHER.key,)
    assert [path.name for path in (library.folder / "shelves").iterdir()] == ["3", "4"]
    with library.shelf(OTHER.key).tokens() as view:
        assert view.count == 5
    plant(library, [file(9)], regions=True)  # a new shelf with the right to a basis of its own
    assert list(library.verify()) == []


def test_compaction_keeps_the_tokens_of_what_lives(library: Library) -> None:
    plant(library, [file(number) for number in range(30)])
    plant_regions(library, [25, *range(20)])
    library.remove(parse_filter("bytes<1010 and bytes!=1004"))
    assert library.compact().vectors == 9
    there = [4, 25, *range(10, 20)]
    same(asked(library, QUERIES, 12), judged(QUERIES, there, 12))
    with library.shelf(MODEL.key).tokens() as view:
        for number in there:
            row = view.row_of(content(number))
            assert row is not None
            np.testing.assert_array_equal(view.read(np.array([row]))[0].vectors, parts(number).vectors)
        assert view.row_of(content(1)) is None
    assert found(library, 22) == [22]
    assert list(library.verify()) == []
    plant(library, [file(1)], regions=True)
    same(asked(library, QUERIES, 12), judged(QUERIES, [*there, 1], 12))


def test_the_library_tells_their_bytes(library: Library) -> None:
    plant(library, [file(number) for number in range(10)])
    (shelf,) = library.info().shelves
    assert (shelf.regions, shelf.region_engine, shelf.region_bytes) == (0, None, 0)
    plant_regions(library, range(8))
    library.remove(parse_filter("bytes=1003"))
    library.optimise(engine="ivf_rabitq")
    (shelf,) = library.info().shelves
    assert (shelf.vectors, shelf.regions, shelf.dead) == (9, 7, 1)
    assert (shelf.vector_bytes, shelf.region_bytes) == (10 * DIMENSION * 2, 8 * RECORD.itemsize)
    assert (shelf.engine, shelf.region_engine) == ("ivf_rabitq", "ivf_rabitq")
    assert shelf.bytes == shelf.vector_bytes + shelf.region_bytes + shelf.engine_bytes
    assert shelf.engine_bytes > 100


# The engine


def test_an_index_answers_as_exact_search_does(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimising, "EXACT_NUMBERS", 100 * SHORT)
    plant(library, [file(number) for number in range(25)], regions=True)
    library.optimise()
    with library.shelf(MODEL.key).tokens() as view:
        assert view.exact, "100 tokens are not more than 100"
    plant(library, [file(number) for number in range(25, 60)], regions=True)
    library.optimise()
    assert library.shelf(MODEL.key).engine_name == "exact", "the vectors are few"
    plant(library, [file(60)], regions=True)  # the tail
    library.remove(parse_filter("bytes=1007"))
    with library.shelf(MODEL.key).tokens() as view:
        assert (view.engine, view.exact) == ("ivf_rabitq", False)
    there = [number for number in range(61) if number != 7]
    same(asked(library, QUERIES, 10), judged(QUERIES, there, 10))
    same(asked(library, QUERIES, 10, "bytes>1050"), judged(QUERIES, list(range(51, 61)), 10))
    library.compact()
    assert library.info().shelves[0].region_engine == "ivf_rabitq"
    same(asked(library, QUERIES, 10), judged(QUERIES, there, 10))
    assert list(library.verify()) == []


# Damage, and what a killed writer leaves


def statement(text: str) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        db = sqlite3.connect(folder / "library.sqlite")
        with db:
            db.execute(text)
        db.close()

    return act


def rewrite(field: str, value: int) -> Callable[[Path], None]:
    def act(folder: Path) -> None:
        records = np.memmap(folder / "shelves/2/tokens-1.i8", RECORD, "r+")
        records[field][5] = value
        records.flush()

    return act


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (rewrite("count", 0), "1 region tokens of .* contradict themselves"),
        (rewrite("count", 1), "1 region tokens of .* contradict themselves"),
        (rewrite("rows", 300), "1 region tokens of .* contradict themselves"),
        (rewrite("map", 200), "1 region tokens of .* contradict themselves"),
        (lambda folder: (folder / "shelves/2/tokens-1.i8").unlink(), "region tokens .* cannot be read"),
        (lambda folder: (folder / "shelves/2/tokens-1.i8").write_bytes(b"short"), "shorter than the 60"),
        (lambda folder: next(folder.glob("shelves/2/engine-1/*.f*")).unlink(), "engine .* cannot be loaded"),
        (statement("DELETE FROM vectors WHERE row = 7 AND shelf = 2"), "counts 60 region tokens but"),
        (statement("DELETE FROM bases"), "nobody knows what"),
        (statement("UPDATE shelves SET covered = 40 WHERE id = 2"), "holds 240 vectors, not 40"),
    ],
)  # fmt: skip
def test_a_contradiction_is_found(
    folder: Path, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], what: str
) -> None:
    import re

    monkeypatch.setattr(optimising, "EXACT_NUMBERS", 100 * SHORT)
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(60)], regions=True)
        library.optimise()
        assert list(library.verify()) == []
    damage(folder)
    with Library.open(folder) as library:
        findings = list(library.verify())
    assert [finding for finding in findings if re.search(what, finding.what)], findings
    assert all(finding.mend for finding in findings)


def test_leftovers_of_a_dead_writer_are_cleared_and_the_tokens_stay(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [file(number) for number in range(5)], regions=True)
    tokens = folder / "shelves/2/tokens-1.i8"
    size = tokens.stat().st_size
    with tokens.open("ab") as stream:
        stream.write(bytes(1000))
    (folder / "shelves/2/tokens-2.i8").touch()
    (folder / "shelves/2/engine-3.part").mkdir()
    with Library.open(folder) as reader:
        assert list(reader.verify()) == []
    with Library.open(folder, write=True) as library:
        assert [path.name for path in (folder / "shelves/2").iterdir()] == [tokens.name]
        assert tokens.stat().st_size == size == 5 * RECORD.itemsize
        same(asked(library, QUERIES, 5), judged(QUERIES, list(range(5)), 5))


def test_a_library_from_before_regions_is_read_as_it_is_and_brought_forward_by_a_writer(
    folder: Path,
) -> None:
    with Library.open(folder, write=True) as old:
        plant(old, [file(number) for number in range(5)])
        old.set_calibration(MODEL.key, {"spread": 0.5})
    aged(folder, 1)
    with Library.open(folder) as reader:
        assert found(reader, 3) == [3]
        assert reader.info().shelves[0].regions == 0
        assert list(reader.verify()) == []
        with pytest.raises(NoRegions), reader.shelf(MODEL.key).tokens():
            pass
        with Library.open(folder, write=True) as library:
            assert library.calibration(MODEL.key) == {"spread": 0.5}
            plant_regions(library, [3, 1])
        same(asked(reader, QUERIES, 3), judged(QUERIES, [1, 3], 3))
        assert found(reader, 3) == [3]
        assert list(reader.verify()) == []
