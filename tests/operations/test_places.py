"""Where a part is found: planted patches, boxes, several places, arrangement, and what speaks against."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dinoscope.features import FloatArray, normalise
from dinoscope.geometry import Bools, Box, PatchGrid, Size
from dinoscope.operations.places import arranged, connected, likeness, links, sighting
from dinoscope.operations.region_query import RegionQuery, Seen, region_query
from dinoscope.operations.selection import Selection

GRID = PatchGrid(16, 16, 14, Size(320, 320))  # 20 pixels a patch
KINDS = normalise(np.random.default_rng(5).normal(size=(8, 64)).astype(np.float32))  # nearly at right angles


def picture(*parts: tuple[int, int, int, int, int], grid: PatchGrid = GRID, seed: int = 0) -> Seen:
    """Patches of kind 0 with rectangles (kind, top, left, rows, columns) of others, and some noise."""
    kinds = np.zeros((grid.rows, grid.columns), int)
    for kind, top, left, rows, columns in parts:
        kinds[top : top + rows, left : left + columns] = kind
    noise = 0.3 / 8 * np.random.default_rng(seed).normal(size=(grid.rows, grid.columns, 64))
    return Seen(grid, normalise((KINDS[kinds] + noise).astype(np.float32)))


def patches(top: int, left: int, rows: int, columns: int) -> Box:
    return Box(left * 20, top * 20, (left + columns) * 20, (top + rows) * 20)


def asked(seen: Seen, box: Box) -> RegionQuery:
    return region_query(seen, Selection.of(box))


def test_a_part_is_found_where_it_is() -> None:
    query = asked(picture((1, 2, 2, 4, 5)), patches(2, 2, 4, 5))
    found = sighting(query, picture((1, 9, 7, 4, 5), (2, 0, 0, 6, 6), seed=1))
    assert len(found.places) == 1
    assert found.places[0].box.overlap(patches(9, 7, 4, 5)) > 0.9
    assert found.score > 0.9
    assert np.argwhere(found.patches).min(axis=0).tolist() == [9, 7]


def test_each_of_several_places_is_found_and_the_best_comes_first() -> None:
    query = asked(picture((1, 2, 2, 3, 3)), patches(2, 2, 3, 3))
    there = picture((1, 0, 0, 3, 3), (1, 10, 3, 3, 3), (1, 5, 12, 3, 3), seed=1)
    faded = normalise(there.reduced[0:3, 0:3] + 0.6 * KINDS[0])
    there.reduced[0:3, 0:3] = faded
    places = sighting(query, there).places
    assert len(places) == 3
    assert [place.score for place in places] == sorted((place.score for place in places), reverse=True)
    for box in (patches(10, 3, 3, 3), patches(5, 12, 3, 3)):
        assert max(place.box.overlap(box) for place in places[:2]) > 0.9
    assert places[2].box.overlap(patches(0, 0, 3, 3)) > 0.5


@pytest.mark.parametrize("seed", range(12))
def test_a_picture_is_as_good_as_its_best_place_at_least(seed: int) -> None:
    query = asked(picture((1, 2, 2, 2, 1), (2, 2, 3, 2, 1)), patches(2, 2, 2, 2))  # 1 left of 2
    kinds = np.random.default_rng(seed).integers(0, 3, 6)
    places = ((2, 2), (2, 6), (8, 2), (8, 3), (12, 9), (12, 12))
    there = picture(*((int(kind), *at, 2, 1) for kind, at in zip(kinds, places, strict=True)), seed=seed)
    found = sighting(query, there)
    assert found.score >= found.places[0].score


def test_a_picture_without_the_part_has_a_low_score_and_still_a_place() -> None:
    query = asked(picture((1, 2, 2, 4, 4)), patches(2, 2, 4, 4))
    here, absent = sighting(query, picture((1, 8, 8, 4, 4))), sighting(query, picture((3, 8, 8, 4, 4)))
    assert here.score > 0.9
    assert absent.score < 0.4
    assert len(absent.places) >= 1


def test_a_picture_full_of_the_part_is_one_place() -> None:
    query = asked(picture((1, 2, 2, 4, 4)), patches(2, 2, 4, 4))
    found = sighting(query, picture((1, 0, 0, 16, 16)))
    assert found.places[0].box.overlap(Box(0, 0, 320, 320)) > 0.9


def test_background_in_the_box_does_not_draw_the_place_to_background() -> None:
    query = asked(picture((1, 5, 5, 3, 3)), patches(3, 3, 7, 7))  # 40 of 49 patches are background
    found = sighting(query, picture((1, 11, 2, 3, 3), seed=1))
    assert found.places[0].box.overlap(patches(11, 2, 3, 3)) > 0.7


def test_an_unwanted_part_loses_against_a_wanted_one() -> None:
    here = picture((1, 0, 0, 4, 4), (2, 0, 4, 4, 4))
    selection = Selection(boxes=(patches(0, 0, 4, 8),), not_points=((130, 30),))
    query = region_query(here, selection)
    found = sighting(query, picture((1, 10, 10, 3, 3), (2, 2, 2, 3, 3), seed=1))
    assert [place.box.overlap(patches(10, 10, 3, 3)) > 0.5 for place in found.places] == [True]
    plain = sighting(asked(here, patches(0, 0, 4, 8)), picture((1, 10, 10, 3, 3), (2, 2, 2, 3, 3), seed=1))
    assert plain.heat[3, 3] > found.heat[3, 3] + 0.3


def test_what_is_like_the_query_as_much_as_like_the_unwanted_loses_nothing() -> None:
    query = asked(picture((1, 2, 2, 2, 2)), patches(2, 2, 2, 2))
    before = likeness(query, KINDS)
    same = query.joined([], [query.tokens + 1e-3])
    np.testing.assert_allclose(likeness(same, KINDS)[0], before[0], atol=0.1)
    against = likeness(query.joined([], [KINDS[3:4]]), KINDS)
    assert (against[:, 3] < before[:, 3] - 0.5).all()
    np.testing.assert_allclose(against[:, 1], before[:, 1], atol=1e-6)


def test_parts_in_the_same_arrangement_score_higher_than_swapped_upside_down() -> None:
    here = picture((1, 2, 2, 2, 4), (2, 4, 2, 2, 4), (3, 6, 2, 2, 4))
    query = asked(here, patches(2, 2, 6, 4))
    same = sighting(query, picture((1, 8, 8, 2, 4), (2, 10, 8, 2, 4), (3, 12, 8, 2, 4), seed=1))
    turned = sighting(query, picture((3, 8, 8, 2, 4), (2, 10, 8, 2, 4), (1, 12, 8, 2, 4), seed=1))
    assert same.score > turned.score + 0.02


def test_a_mirrored_arrangement_is_as_good_and_one_on_its_side_is_not() -> None:
    query = asked(picture((1, 2, 2, 2, 2), (2, 2, 4, 2, 2)), patches(2, 2, 2, 4))
    straight = query.places.round().astype(np.int64)
    assert arranged(query, straight) > 0.95
    assert arranged(query, straight * np.array([1, -1])) > 0.95
    turned = query.places[:, ::-1] * np.array([1, -1])  # by a quarter
    assert arranged(query, straight) > arranged(query, turned.round().astype(np.int64)) + 0.2
    alone = asked(picture((1, 2, 2, 1, 1)), patches(2, 2, 1, 1))
    assert arranged(alone, np.zeros((1, 2), np.int64)) == 1


def test_links_lead_from_each_query_patch_to_its_like_in_the_place() -> None:
    here = picture((1, 2, 2, 2, 3), (2, 4, 2, 2, 3))
    there = picture((1, 9, 9, 2, 3), (2, 11, 9, 2, 3), seed=1)
    query = asked(here, patches(2, 2, 4, 3))
    found = sighting(query, there)
    drawn = links(query, here, found, there)
    assert 1 <= len(drawn) <= 16
    for link in drawn:
        assert 9 <= link.there[1] < 12
        assert (link.there[0] < 11) == (link.here[0] < 4)
        assert link.similarity == pytest.approx(float(here.reduced[link.here] @ there.reduced[link.there]))


@settings(deadline=None)  # the machine is shared
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_patches_are_connected_as_a_flood_says(inside: Bools) -> None:
    labels = connected(inside)
    assert ((labels >= 0) == inside).all()
    for number in np.unique(labels[inside]):
        row, column = np.argwhere(labels == number)[0]
        assert (labels == number).tolist() == flood(inside, row, column).tolist()


def flood(inside: Bools, row: int, column: int) -> Bools:
    reached, todo = np.zeros_like(inside), [(row, column)]
    while todo:
        y, x = todo.pop()
        if 0 <= y < len(inside) and 0 <= x < inside.shape[1] and inside[y, x] and not reached[y, x]:
            reached[y, x] = True
            todo += [(y + down, x + across) for down in (-1, 0, 1) for across in (-1, 0, 1)]
    return reached


@settings(deadline=None)  # the machine is shared
@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
def test_a_place_lies_within_its_picture(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = PatchGrid(rows, columns, 14, Size(int(rng.integers(1, 90)), int(rng.integers(1, 90))))
    noise: FloatArray = normalise(rng.normal(size=(rows, columns, 64)).astype(np.float32))
    query = asked(picture((1, 2, 2, 3, 3)), patches(2, 2, 3, 3))
    found = sighting(query, Seen(grid, noise))
    for place in found.places:
        box = place.box
        assert -1e-6 <= box.left < box.right <= grid.picture.width + 1e-6
        assert -1e-6 <= box.top < box.bottom <= grid.picture.height + 1e-6
        assert -1 <= place.score <= 1 + 1e-6
