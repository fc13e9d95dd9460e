"""A search sees one committed state, whole, whatever other threads and processes commit meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from tests.library.conftest import MODEL, content, file, found, parts, plant, vector

from dinoscope.library import checksums, optimising
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.shelf_rows import shelf_rows


def test_a_search_that_began_before_what_another_thread_has_loaded_sees_its_own_state(
    library: Library,
) -> None:
    plant(library, [file(number) for number in range(10)])
    library.remove(ids=[2])  # so that there is a mask
    followed = library.shelf(MODEL.key)._vectors
    with library._connections.read() as early:
        early.execute("SELECT generation FROM library").fetchone()  # from here on it sees ten
        plant(library, [file(number) for number in range(10, 15)])
        assert found(library, 12) == [12]
        state = followed._current(early)
        rows, _ = state.search(early, vector(12)[None], 20, None)
        assert sorted(rows[rows >= 0].tolist()) == [0, *range(2, 10)]
    assert found(library, 12) == [12]


class Forgetful(dict[str, Any]):
    """As when other threads ask for so many other filters that each is forgotten at once."""

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        super().__delitem__(key)


def test_a_filter_that_other_threads_crowd_out_of_the_memory_still_holds(library: Library) -> None:
    plant(library, [file(number) for number in range(10)])
    with library.shelf(MODEL.key)._vectors.snapshot() as (db, state):
        state._masks = Forgetful()
        rows, _ = state.search(db, vector(3)[None], 10, parse_filter("bytes>=1006"))
        assert sorted(rows[rows >= 0].tolist()) == [6, 7, 8, 9]


def indexed(library: Library, monkeypatch: pytest.MonkeyPatch, count: int = 300) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(count)])
    library.optimise()


def engine_name(reader: Library) -> str:
    """Of what really searches."""
    with reader.shelf(MODEL.key)._vectors.snapshot() as (_, state):
        return state.engine.name


def test_an_engine_that_is_replaced_while_it_is_opened_is_no_damage(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All vectors would be compared, seconds at five million, and a damage told that is none."""
    indexed(library, monkeypatch)
    plant(library, [file(number) for number in range(300, 400)])
    honest = checksums.begin_right

    def overtaken(folder: Path) -> bool:
        monkeypatch.setattr(checksums, "begin_right", honest)
        library.optimise()  # merges, and deletes the folder that the reader's transaction names
        return honest(folder)

    with Library.open(library.folder) as reader:
        monkeypatch.setattr(checksums, "begin_right", overtaken)
        assert found(reader, 350) == [350]
        assert engine_name(reader) == "ivf_rabitq"
    assert caplog.messages == []


def test_an_engine_that_is_gone_for_good_is_told_and_done_without(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    indexed(library, monkeypatch)
    (engine,) = library.folder.glob("shelves/1/engine-*/*.faiss")
    engine.unlink()
    with Library.open(library.folder) as reader:
        assert [found(reader, number) for number in (7, 222)] == [[7], [222]]
        assert engine_name(reader) == "exact"
    assert [message.split(":")[0] for message in caplog.messages] == ["searching every vector instead"]


def test_what_is_committed_while_traces_are_cleared_stays(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that ends clears up while another thread of the server commits: on a shelf, or a new one."""
    plant(library, [file(number) for number in range(10)])
    committing = Thread(target=lambda: plant(library, [file(number) for number in range(10, 20)]))
    listed = shelf_rows

    def then_commit(*arguments: object) -> object:
        rows = listed(*arguments)  # type: ignore[arg-type]
        committing.start()
        committing.join(0.3)  # it has to wait for its turn; had it not, what follows would undo it
        return rows

    with monkeypatch.context() as patch:
        patch.setattr(optimising, "shelf_rows", then_commit)
        optimising.clean(library._connections, library.folder)
    committing.join()
    assert list(library.verify()) == []
    assert [found(library, number) for number in (3, 13)] == [[3], [13]]


def test_no_answer_is_of_another_row_while_rows_come_go_and_move(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two readers hold each answer against what was planted, while a writer changes all there is."""
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(200)], regions=True)
    library.optimise()
    vectors = np.stack([vector(number) for number in range(500)])
    done = Event()

    def follow(seed: int) -> int:
        dice, asked = np.random.default_rng(seed), 0
        with Library.open(library.folder) as reader:
            shelf = reader.shelf(MODEL.key)
            while not done.is_set():
                number = int(dice.integers(200))
                (answer,) = shelf.search(vectors[number][None], 5)
                truth = [float(vectors[int(one, 16)] @ vectors[number]) for one, _ in answer]
                np.testing.assert_allclose([score for _, score in answer], truth, atol=2e-3)
                with shelf.tokens() as view:
                    row = view.row_of(content(number))
                    if row is not None:
                        tokens = view.read(np.array([row])).vectors[0]
                        np.testing.assert_array_equal(tokens, parts(number).vectors)
                asked += 1
        return asked

    with ThreadPoolExecutor(2) as threads:
        followers = [threads.submit(follow, seed) for seed in (1, 2)]
        try:
            for turn in range(12):
                plant(library, [file(200 + 20 * turn + one) for one in range(20)], regions=True)
                library.remove(ids=[11 * turn + one for one in range(1, 12)])
                library.compact() if turn % 3 else library.optimise()
        finally:
            done.set()
    assert all(follower.result() > 0 for follower in followers)
    assert list(library.verify()) == []
