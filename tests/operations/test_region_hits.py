"""From candidates to hits: their order, the second look, one scale of heat, and files of equal bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from dinoscope.features import RegionTokens, normalise
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.operations.places import Sighting
from dinoscope.operations.pooling import levels
from dinoscope.operations.refining import LOOKED_AT, Closer, Read
from dinoscope.operations.region_answers import Place
from dinoscope.operations.region_hits import Candidate, Located, hits_of, located, ordered, refined, verdict
from dinoscope.operations.region_query import RegionQuery, Seen, region_query
from dinoscope.operations.region_ranking import Whole
from dinoscope.operations.selection import Selection
from dinoscope.pictures.metadata import Metadata

GRID = PatchGrid(8, 8, 16, Size(160, 160))  # 20 pixels a patch
KINDS = normalise(np.random.default_rng(3).normal(size=(3, 64)).astype(np.float32))
PART = Box(40, 40, 80, 80)
ALONE = Whole(cast(Shelf, None), None, 0.0)


def tokens(top: int, left: int, strength: float = 1.0) -> RegionTokens:
    """Ground with four patches of the part, more or less like it."""
    part = np.zeros((8, 8), np.uint8)
    part[top : top + 2, left : left + 2] = 1
    vectors = np.stack([KINDS[0], strength * KINDS[1] + (1 - strength) * KINDS[2]])
    return RegionTokens(levels(vectors), 2, part)


THERE = tokens(4, 5)
HERE = Seen.stored(tokens(2, 2), GRID.picture)
QUERY = region_query(HERE, Selection.of(PART))


def picture(number: int) -> Picture:
    then = datetime(2026, 1, 1, tzinfo=UTC)
    nothing = Metadata()
    return Picture(number, Path(f"/{number}.png"), f"c{number}", "png", GRID.picture, 10, then, then, nothing)


def candidate(
    number: int, strength: float = 1.0, score: float = 0.5, whole: float | None = None
) -> Candidate:
    return Candidate((picture(number),), tokens(4, 5, strength), score, whole)


def numbers(found: Sequence[Candidate]) -> list[int]:
    return [one.pictures[0].id for one in found]


def found_at(*numbered: tuple[int, float]) -> list[Located]:
    heat, everywhere = np.full((8, 8), 0.5, np.float32), np.ones((8, 8), np.bool_)
    sights = [Sighting(score, (Place(PART, score),), heat, everywhere) for _, score in numbered]
    return [
        Located((picture(number),), THERE, sight.score, None, HERE, sight)
        for (number, _), sight in zip(numbered, sights, strict=True)
    ]


class Looks:
    """A Closer that sees what it is told, and remembers what it was asked for."""

    def __init__(self, scores: dict[int, float | None]) -> None:
        self._scores = scores
        self.own = 0.8
        self.asked: list[tuple[int, Box]] = []

    def sighting(self, read: Read, one: Picture, place: Place) -> Sighting | None:
        self.asked.append((one.id, place.box))
        score = self._scores.get(one.id)
        if score is None:
            return None
        heat = np.zeros((8, 8), np.float32)
        return Sighting(score, (Place(Box(50, 50, 60, 60), score),), heat, heat == 0)

    likeness = Closer.likeness


def look(scores: dict[int, float | None], found: Sequence[Located]) -> tuple[list[Located], Looks]:
    looks = Looks(scores)
    return refined(cast(Closer, looks), found, lambda one, side: None, ALONE), looks


def test_the_best_come_first_and_equal_ones_stay_as_they_are() -> None:
    found = [
        candidate(1, score=0.3),
        candidate(2, score=0.7),
        candidate(3, score=0.3),
        candidate(4, score=0.7),
    ]
    assert numbers(ordered(found, ALONE)) == [2, 4, 1, 3]


def test_the_whole_picture_changes_the_order_as_far_as_it_has_a_say() -> None:
    found = [candidate(1, score=0.8, whole=0.1), candidate(2, score=0.5, whole=0.6)]
    for say, best in ((0.0, 1), (0.3, 1), (0.5, 2), (1.0, 2)):
        whole = Whole(cast(Shelf, None), None, say)
        assert numbers(ordered(found, whole))[0] == best


def test_places_give_the_score_that_orders() -> None:
    found = located(QUERY, [candidate(1, 0.5, score=0.9), candidate(2, 1.0, score=0.1)], ALONE)
    assert numbers(found) == [2, 1]
    assert found[0].score == found[0].sighting.score > found[1].score
    assert found[0].sighting.places[0].box.overlap(Box(100, 80, 140, 120)) > 0.9


def test_a_second_look_exchanges_the_best_place_whose_score_moves_with_the_hits() -> None:
    (one, other), looks = look({1: 0.7, 2: 0.4}, found_at((1, 0.6), (2, 0.5)))
    assert looks.asked == [(1, PART), (2, PART)]
    assert [place.box for place in one.sighting.places] == [Box(50, 50, 60, 60)]
    assert (one.score, other.score) == pytest.approx((0.65, 0.45))
    assert [found.sighting.places[0].score for found in (one, other)] == pytest.approx([0.65, 0.45])


def test_places_stay_best_first_and_no_better_than_their_hit() -> None:
    second = Place(Box(0, 0, 30, 30), 0.58)
    before = [
        replace(one, sighting=replace(one.sighting, places=(*one.sighting.places, second)))
        for one in found_at((1, 0.6), (2, 0.6))
    ]
    better, worse = look({1: 0.9, 2: 0.3}, before)[0]
    assert (better.score, worse.score) == pytest.approx((0.75, 0.45))
    for found, expected in ((better, (0.75, 0.73)), (worse, (0.45, 0.43))):
        assert [place.score for place in found.sighting.places] == pytest.approx(expected)
        assert found.sighting.places[1].box == second.box


def test_scores_from_near_are_brought_to_the_level_of_the_first_look() -> None:
    before = found_at((1, 0.6), (2, 0.5), (3, 0.4))
    higher, _ = look({1: 0.9, 2: 0.8, 3: 0.7}, before)  # all seen 0.3 better: nothing is said by that
    assert [one.score for one in higher] == pytest.approx([0.6, 0.5, 0.4])
    turned, _ = look({1: 0.4, 2: 0.7, 3: 0.4}, before)
    assert numbers(turned) == [2, 1, 3]


def doubts(found: Sequence[Located]) -> list[bool]:
    return [hit.doubtful for hit in hits_of(QUERY, HERE, found, ALONE, collapse=True)]


def test_a_hit_that_is_little_like_the_part_from_near_is_doubtful() -> None:
    after, _ = look({1: 0.8, 2: 0.42, 3: 0.38}, found_at((1, 0.6), (2, 0.6), (3, 0.6)))  # of 0.8
    assert [one.near for one in after] == pytest.approx([1.0, 0.525, 0.475])
    assert doubts(after) == [False, False, True]
    assert verdict(after, could=True) == (
        "Seen from near, 2 of the 3 best are like the part; the others are doubtful.",
        True,
    )
    assert verdict(after[:2], could=True) == ("Seen from near, the 2 best are like the part, too.", True)
    assert verdict(after[:1], could=True) == ("Seen from near, the best hit is like the part, too.", True)


def test_where_none_is_like_the_part_from_near_perhaps_it_is_not_here() -> None:
    after, _ = look({1: 0.1, 2: 0.2}, found_at((1, 0.6), (2, 0.6)))
    assert doubts(after) == [True, True]
    assert verdict(after, could=True) == (
        "Perhaps it is not here: seen from near, the 2 best are not much like the part.",
        True,
    )
    itself = replace(after[0], known=True, near=1.0)
    assert doubts([itself, after[1]]) == [False, True]
    told, _ = verdict([itself, after[1]], could=True)
    assert told == "Perhaps it is not elsewhere: seen from near, the best hit is not much like the part."


def test_hits_that_nobody_looked_at_are_as_doubtful_as_most_of_the_better_ones() -> None:
    found = found_at((1, 0.6), (2, 0.6), (3, 0.6), (4, 0.5))
    assert doubts(found) == [False] * 4
    told, judged = verdict(found, could=True)
    assert not judged
    assert told is not None
    assert told.startswith("The hits are ranked, not judged: nobody looked at them from near")
    assert "is not seen any better from near" in str(verdict(found, could=False)[0])
    assert verdict([], could=True) == (None, False)
    for worst, doubtful in ((0.7, False), (0.1, True)):
        after, _ = look({1: 0.7, 2: worst, 3: 0.1}, found)
        assert dict(zip(numbers(after), doubts(after), strict=True))[4] is doubtful


def test_what_cannot_be_looked_at_stays_as_it_was() -> None:
    after, _ = look({1: None, 2: 0.2}, found_at((1, 0.6), (2, 0.5)))
    assert [(one.pictures[0].id, one.score) for one in after] == [(1, 0.6), (2, pytest.approx(0.5))]
    nothing, _ = look({}, found_at((1, 0.6), (2, 0.5)))
    assert numbers(nothing) == [1, 2]


def test_only_the_best_are_looked_at_again() -> None:
    before = found_at(*((number, 1 - number / 100) for number in range(20)))
    after, looks = look({}, before)
    assert [number for number, _ in looks.asked] == list(range(LOOKED_AT))
    assert numbers(after) == list(range(20))


def answers(query: RegionQuery, found: Sequence[Candidate], collapse: bool = False) -> tuple[int, ...]:
    hits = hits_of(query, HERE, located(query, found, ALONE), ALONE, collapse)
    return tuple(int(hit.heat.max()) for hit in hits)


def test_the_heat_of_all_hits_is_on_one_scale() -> None:
    best, weaker = answers(QUERY, [candidate(1, 1.0), candidate(2, 0.45)])
    assert best == 255
    assert 60 < weaker < 200
    assert answers(QUERY, [candidate(2, 0.45)]) == (255,)


def test_links_lead_to_the_place_that_was_found() -> None:
    (hit,) = hits_of(QUERY, HERE, located(QUERY, [candidate(1)], ALONE), ALONE, False)
    assert {link.here for link in hit.links} == {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert all(4 <= link.there[0] < 6 and 5 <= link.there[1] < 7 for link in hit.links)


def test_files_of_equal_bytes_are_hits_of_their_own_or_copies() -> None:
    twice = replace(candidate(1), pictures=(picture(1), picture(5)))
    found = located(QUERY, [twice, candidate(2, 0.45)], ALONE)
    own = hits_of(QUERY, HERE, found, ALONE, False)
    assert [(hit.picture.id, hit.copies) for hit in own] == [(1, ()), (5, ()), (2, ())]
    together = hits_of(QUERY, HERE, found, ALONE, True)
    assert [(hit.picture.id, hit.copies) for hit in together] == [(1, (picture(5),)), (2, ())]
