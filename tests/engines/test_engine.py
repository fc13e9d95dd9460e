"""What every engine must do, asked of each in ENGINES; exact search is the judge."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.engines.conftest import Held, clustered

from dinoscope.engines import ENGINES
from dinoscope.engines.engine import Engine, Mask
from dinoscope.errors import BadRequest, DinoscopeError
from dinoscope.features import Vectors


def brute(vectors: Vectors, query: Vectors, k: int, allowed: Mask | None = None) -> list[int]:
    """The plainest possible truth, in float64: by similarity, then by row."""
    scores = (vectors.astype(np.float64) * query.astype(np.float64)).sum(axis=1).astype(np.float32)
    rows = np.arange(len(vectors)) if allowed is None else np.flatnonzero(allowed)
    return sorted(rows.tolist(), key=lambda row: (-scores[row], row))[:k]


def recall(
    found: np.ndarray, vectors: Vectors, queries: Vectors, k: int, allowed: Mask | None = None
) -> float:
    shares = []
    for line, query in zip(found, queries, strict=True):
        truth = brute(vectors, query, k, allowed)
        shares.append(len(set(line.tolist()) & set(truth)) / max(1, len(truth)))
    return float(np.mean(shares))


def test_its_name_is_its_key_in_the_table() -> None:
    assert all(engine.name == name for name, engine in ENGINES.items())


def test_it_finds_what_exact_search_finds(engine: Engine, many: Vectors, questions: Vectors) -> None:
    rows, _ = engine.search(questions, 10)
    assert recall(rows, many, questions, 10) >= 0.95


def test_exact_search_agrees_with_the_plainest_truth(many: Vectors, questions: Vectors) -> None:
    rows, _ = ENGINES["exact"].build(Held(many)).search(questions, 25)
    assert [line.tolist() for line in rows] == [brute(many, query, 25) for query in questions]


def test_scores_are_the_exact_cosines_in_falling_order(
    engine: Engine, many: Vectors, questions: Vectors
) -> None:
    rows, scores = engine.search(questions, 10)
    truth = np.einsum("qkd,qd->qk", many[rows].astype(np.float64), questions.astype(np.float64))
    np.testing.assert_allclose(scores, truth, atol=1e-6)
    assert (np.diff(scores, axis=1) <= 0).all()


def test_a_row_finds_itself_first(engine: Engine, many: Vectors) -> None:
    rows, scores = engine.search(many[[0, 11_999, 23_999]], 1)
    assert rows.ravel().tolist() == [0, 11_999, 23_999]
    np.testing.assert_allclose(scores.ravel(), 1, atol=1e-6)


def test_as_many_come_as_are_asked_for(engine: Engine, many: Vectors, questions: Vectors) -> None:
    """Many more than the lists hold that a query for ten visits."""
    rows, _ = engine.search(questions[:3], 6_000)
    assert (rows >= 0).all()
    assert [len(set(line.tolist())) for line in rows] == [6_000] * 3
    assert recall(rows, many, questions[:3], 6_000) >= 0.95


def test_as_many_come_from_a_corner_where_there_are_few(kind: type[Engine]) -> None:
    """Half of all vectors are one, so most lists hold little: a search goes on until it has enough."""
    vectors = clustered(12_000, 16, 12_000, seed=3)
    vectors[:6_000] = vectors[0]
    engine = kind.build(Held(vectors), threads=1)
    rows, _ = engine.search(-vectors[:1], 1_500)
    assert rows.min() >= 6_000
    assert len(set(rows.ravel().tolist())) == 1_500
    assert recall(rows, vectors, -vectors[:1], 1_500) >= 0.9


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.01])
def test_a_filter_is_honoured_exactly_and_costs_no_recall(
    engine: Engine, many: Vectors, questions: Vectors, share: float
) -> None:
    allowed = np.random.default_rng(2).random(len(many)) < share
    rows, _ = engine.search(questions, 10, allowed)
    assert (rows >= 0).all()
    assert allowed[rows].all()
    assert recall(rows, many, questions, 10, allowed) >= 0.95


def test_a_filter_that_excludes_everything_near_is_still_answered(engine: Engine, many: Vectors) -> None:
    """A folder holds other things than the query shows: under the filter the nearest lists are empty."""
    shares = []
    for query in many[:10]:
        similarity = many @ query
        allowed = similarity < np.quantile(similarity, 0.6)  # 14,400 rows, too many to be gathered
        rows, _ = engine.search(query[None], 10, allowed)
        assert allowed[rows].all()
        shares.append(recall(rows, many, query[None], 10, allowed))
    assert np.mean(shares) >= 0.75  # the hardest case: all of the ten stand at the edge of a crowd


def test_more_wanted_than_allowed_ends_in_minus_one(engine: Engine, many: Vectors) -> None:
    allowed = np.zeros(len(many), np.bool_)
    allowed[[5, 70, 12_345]] = True
    rows, scores = engine.search(many[:2], 6, allowed)
    assert rows.shape == scores.shape == (2, 6)
    assert {5, 70, 12_345} == set(rows[0, :3].tolist())
    assert (rows[:, 3:] == -1).all()
    assert np.isneginf(scores[:, 3:]).all()


def test_nothing_allowed_answers_nothing(engine: Engine, many: Vectors) -> None:
    rows, scores = engine.search(many[:1], 3, np.zeros(len(many), np.bool_))
    assert rows.tolist() == [[-1, -1, -1]]
    assert np.isneginf(scores).all()


def test_equal_similarities_order_by_row(kind: type[Engine]) -> None:
    vectors = clustered(12_000, 32, 60, seed=3)
    twins = [17, 4_001, 8_000, 11_999]
    vectors[twins] = vectors[17]
    rows, scores = kind.build(Held(vectors), threads=1).search(vectors[17:18], 4)
    assert rows.tolist() == [twins]
    assert len(set(scores.ravel().tolist())) == 1


def test_a_library_of_one_picture_many_times_is_answered(kind: type[Engine]) -> None:
    vectors = np.repeat(clustered(1, 16, 1), 20_000, axis=0)
    rows, scores = kind.build(Held(vectors), threads=1).search(vectors[:1], 5)
    assert (np.diff(rows[0]) > 0).all()
    np.testing.assert_allclose(scores, 1, atol=1e-6)


def test_an_empty_engine_answers_nothing(kind: type[Engine]) -> None:
    engine = kind.build(Held(np.empty((0, 16), np.float32)))
    rows, _ = engine.search(clustered(2, 16, 1), 3)
    assert engine.covered == 0
    assert rows.tolist() == [[-1] * 3] * 2


@pytest.mark.parametrize("count", [1, 2, 47, 500])
def test_a_small_engine_finds_everything(kind: type[Engine], count: int) -> None:
    vectors = clustered(count, 16, 3)
    rows, _ = kind.build(Held(vectors), threads=1).search(vectors[:1], count)
    assert rows[0].tolist() == brute(vectors, vectors[0], count)


def test_a_zero_query_is_equally_far_from_everything(kind: type[Engine]) -> None:
    vectors = clustered(300, 16, 3)
    rows, scores = kind.build(Held(vectors)).search(np.zeros((1, 16), np.float32), 3)
    assert rows.tolist() == [[0, 1, 2]]
    assert (scores == 0).all()


def test_no_query_gets_no_answer(engine: Engine) -> None:
    rows, scores = engine.search(np.empty((0, 48), np.float32), 5)
    assert rows.shape == scores.shape == (0, 5)


@pytest.mark.parametrize("k", [0, -1])
def test_no_answers_wanted_gets_none(engine: Engine, questions: Vectors, k: int) -> None:
    assert engine.search(questions, k)[0].shape == (len(questions), 0)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_query_that_is_no_number_is_refused(engine: Engine, bad: float) -> None:
    query = np.zeros((1, 48), np.float32)
    query[0, 7] = bad
    with pytest.raises(BadRequest, match="NaN"):
        engine.search(query, 3)


@pytest.mark.parametrize("shape", [(1, 47), (48,), (1, 1, 48)])
def test_a_query_of_another_model_is_refused(engine: Engine, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadRequest, match="48 numbers"):
        engine.search(np.zeros(shape, np.float32), 3)


def test_the_same_vectors_give_the_same_engine(kind: type[Engine], many: Vectors, questions: Vectors) -> None:
    one, other = (kind.build(Held(many), seed=7, threads=1).search(questions, 20) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


def test_searching_leaves_no_trace(engine: Engine, many: Vectors, questions: Vectors) -> None:
    before = engine.search(questions, 10)[0]
    engine.search(questions, 100, np.arange(len(many)) % 2 == 0, probes=500)
    np.testing.assert_array_equal(engine.search(questions, 10)[0], before)


def test_a_saved_engine_answers_the_same(
    engine: Engine, kind: type[Engine], many: Vectors, questions: Vectors, tmp_path: Path
) -> None:
    engine.save(tmp_path)
    loaded = kind.load(tmp_path, Held(many))
    assert loaded.covered == len(many)
    for allowed in (None, np.arange(len(many)) % 2 == 0):
        np.testing.assert_array_equal(
            loaded.search(questions, 10, allowed)[0], engine.search(questions, 10, allowed)[0]
        )


def test_it_grows_from_an_earlier_one(kind: type[Engine], many: Vectors, questions: Vectors) -> None:
    earlier = kind.build(Held(many[:20_000]), threads=1)
    grown = kind.build(Held(many), previous=earlier, threads=1)
    assert (earlier.covered, grown.covered) == (20_000, 24_000)
    assert (earlier.search(questions, 10)[0] < 20_000).all()
    assert recall(grown.search(questions, 10)[0], many, questions, 10) >= 0.95


def test_a_saved_engine_can_grow(kind: type[Engine], many: Vectors, tmp_path: Path) -> None:
    kind.build(Held(many[:20_000]), threads=1).save(tmp_path)
    loaded = kind.load(tmp_path, Held(many[:20_000]))
    grown = kind.build(Held(many), previous=loaded, threads=1)
    assert grown.search(many[23_000:23_001], 1)[0].tolist() == [[23_000]]
    assert loaded.covered == 20_000


def test_reading_is_bounded_while_it_is_built_and_searched(kind: type[Engine], questions: Vectors) -> None:
    source = Held(clustered(80_000, 48, 100))
    kind.build(source, threads=1).search(questions[:2], 10)
    assert source.largest_read <= 65_536


def test_importing_the_engines_does_not_load_faiss() -> None:
    program = "import sys, dinoscope.library.library, dinoscope.engines as e; print('faiss' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


class Cancelled(DinoscopeError):
    pass


def test_building_can_be_cancelled() -> None:
    def tick(done: int, total: int) -> None:
        raise Cancelled(f"{done} of {total}")

    with pytest.raises(Cancelled, match="0 of 300"):
        ENGINES["ivf_rabitq"].build(Held(clustered(300, 16, 3)), tick=tick)


def test_what_is_near_by_estimate_holds_what_is_nearest(
    engine: Engine, many: Vectors, questions: Vectors
) -> None:
    rows, scores = engine.nearby(questions, 40)
    shares = [
        len(set(brute(many, q, 10)) & set(line.tolist())) for q, line in zip(questions, rows, strict=True)
    ]
    assert np.mean(shares) >= 9.5
    assert (np.diff(scores, axis=1) <= 1e-6).all()
    truth = np.einsum("qkd,qd->qk", many[rows], questions)
    assert np.abs(scores - truth).mean() < 0.1
