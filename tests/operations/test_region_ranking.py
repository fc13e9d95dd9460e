"""Candidates by their nearest tokens, the score of all tokens, and the say of the whole pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows
from dinoscope.features import FloatArray, TokenTable, normalise
from dinoscope.library.filters import Filter
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.operations.pooling import directions, levels
from dinoscope.operations.region_query import RegionQuery
from dinoscope.operations.region_ranking import Whole, candidates, maxsim, reranked

RNG = np.random.default_rng(11)


def unit(*shape: int) -> FloatArray:
    return normalise(RNG.normal(size=shape).astype(np.float32))


def query(tokens: FloatArray, *weights: float, against: FloatArray | None = None) -> RegionQuery:
    count, dimension = tokens.shape
    return RegionQuery(
        tokens,
        np.array(weights, np.float32),
        np.zeros((count, 2), np.float32),
        np.zeros(count, np.float32),
        np.zeros((0, dimension), np.float32) if against is None else against,
        np.ones((1, 1), np.float32),
    )


def table(vectors: FloatArray, *counts: int) -> TokenTable:
    """(n, K, P) tokens of which the first ``counts`` are in use."""
    pictures = len(vectors)
    return TokenTable(
        levels(vectors.reshape(-1, vectors.shape[2])).reshape(vectors.shape),
        np.array(counts),
        np.zeros((pictures, 4), np.uint8),
        np.full((pictures, 2), 2),
    )


class Answers:
    """A TokenView whose engine answers what it is told; -1 is nothing."""

    def __init__(
        self, rows: list[list[int]], similarities: list[list[float]], tokens: int = 32 * 100
    ) -> None:
        self.tokens = tokens
        self.asked = 0
        self._rows = np.array(rows, np.int64)
        self._similarities = np.where(self._rows >= 0, np.array(similarities, np.float32), -np.inf)

    def nearby(
        self, queries: FloatArray, n: int, where: Filter | None = None
    ) -> tuple[Rows, Rows, FloatArray]:
        assert len(queries) == len(self._rows)
        self.asked = n
        return self._rows, np.zeros_like(self._rows), np.asarray(self._similarities, np.float32)

    def rows_of(self, contents: Sequence[str]) -> dict[str, int]:
        return {one: {"a": 4, "c": 7}[one] for one in contents if one in "ac"}


def best(rows: list[list[int]], similarities: list[list[float]], most: int, *weights: float) -> list[int]:
    view = cast(TokenView, Answers(rows, similarities))
    found: NDArray[np.int64] = candidates(query(unit(len(rows), 8), *weights), view, None, most)
    return [int(row) for row in found]


def test_the_score_is_the_weighted_mean_of_the_best_tokens_in_use() -> None:
    tokens, vectors = unit(3, 16), unit(5, 6, 16)
    counts = [6, 1, 3, 2, 6]
    vectors[1, 4] = vectors[3, 5] = tokens[0]  # what was left behind the tokens in use counts nothing
    stored = table(vectors, *counts)
    weights = (0.5, 0.3, 0.2)
    read = directions(stored.vectors)
    expected = [
        sum(
            weight * max(float(token @ read[picture, place]) for place in range(count))
            for weight, token in zip(weights, tokens, strict=True)
        )
        for picture, count in enumerate(counts)
    ]
    np.testing.assert_allclose(maxsim(query(tokens, *weights), stored), expected, atol=1e-5)


def test_a_picture_that_is_more_like_the_unwanted_scores_less() -> None:
    wanted, unwanted = unit(1, 16), unit(1, 16)
    between = normalise(wanted + 2 * unwanted)
    stored = table(np.stack([wanted, between]), 1, 1)
    plain, judged = maxsim(query(wanted, 1), stored), maxsim(query(wanted, 1, against=unwanted), stored)
    assert judged[0] == pytest.approx(plain[0], abs=1e-3)
    assert judged[1] < plain[1] - 0.3


def test_candidates_come_in_the_order_of_their_rows() -> None:
    assert best([[9, 2, 5]], [[0.9, 0.8, 0.1]], 2, 1) == [2, 9]


def test_a_row_that_a_token_did_not_name_is_taken_as_the_last_it_named() -> None:
    # 1: 0.9 - 0.5 of the first and nothing of the second; 2: 0.1 and 0.4; 3 was last for both.
    rows, similarities = [[1, 2, 3], [2, 3, -1]], [[0.9, 0.6, 0.5], [0.8, 0.4, 0.0]]
    assert best(rows, similarities, 1, 0.5, 0.5) == [2]
    assert best(rows, similarities, 1, 0.9, 0.1) == [1]


def test_only_the_best_token_of_a_row_counts() -> None:
    """Ten tokens of sky are no better than one."""
    assert best([[1, 2, 2, 2, 3]], [[0.9, 0.8, 0.8, 0.8, 0.2]], 1, 1) == [1]


def test_equal_candidates_are_told_apart_by_their_rows() -> None:
    assert best([[8, 4, 6, 1]], [[0.7, 0.7, 0.7, 0.1]], 2, 1) == [4, 6]


@pytest.mark.parametrize(
    ("pictures", "nearest", "ranked"),
    [(100, 400, 300), (25_000, 400, 300), (100_000, 1_600, 300), (1_000_000, 8_000, 600)],
)
def test_a_larger_library_is_looked_into_more_deeply(pictures: int, nearest: int, ranked: int) -> None:
    answers = Answers([[3]], [[0.5]], tokens=32 * pictures)
    view = cast(TokenView, answers)
    candidates(query(unit(1, 8), 1.0), view, None, 300)
    assert answers.asked == nearest
    assert reranked(view) == ranked


def test_a_query_nothing_answers_has_no_candidates() -> None:
    assert best([[-1, -1]], [[0, 0]], 5, 1) == []


class Descriptors:
    """A Shelf of three pictures; of the second there are no tokens, "x" was removed."""

    def __init__(self) -> None:
        self.vectors = dict(zip("abc", unit(3, 8), strict=True))

    def vectors_of(self, contents: Sequence[str]) -> dict[str, FloatArray]:
        return {one: np.asarray(self.vectors[one], np.float32) for one in contents if one in self.vectors}

    def search(self, asked: FloatArray, k: int, where: Filter | None) -> list[list[tuple[str, float]]]:
        order = sorted(self.vectors, key=lambda one: -float(self.vectors[one] @ asked[0]))
        return [[(one, 0.0) for one in order[:k]]]


def test_the_whole_has_the_say_it_is_given_where_it_is_known() -> None:
    shelf = Descriptors()
    whole = Whole(cast(Shelf, shelf), shelf.vectors["a"], 0.25)
    assert whole.cosines(["a", "x"]) == {"a": pytest.approx(1, abs=1e-6)}
    assert Whole(cast(Shelf, shelf), None, 0.25).cosines(["a"]) == {}
    assert whole.score(0.4, 0.8) == pytest.approx(0.75 * 0.4 + 0.25 * 0.8)
    assert whole.score(0.4, None) == 0.4


def test_the_nearest_whole_pictures_are_candidates_when_they_have_tokens() -> None:
    shelf = Descriptors()
    view = cast(TokenView, Answers([[0]], [[0]]))
    assert set(Whole(cast(Shelf, shelf), shelf.vectors["a"], 0.5).candidates(view, None, 3)) == {4, 7}
    assert Whole(cast(Shelf, shelf), shelf.vectors["a"], 0.5).candidates(view, None, 1).tolist() == [4]
    assert len(Whole(cast(Shelf, shelf), None, 0.0).candidates(view, None, 3)) == 0
