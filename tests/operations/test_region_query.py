"""What a selection asks for: which patches have how much of a say, and what speaks against."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import Basis, Features, FloatArray, normalise
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.operations.pooling import pool, say_of
from dinoscope.operations.region_query import MOST, RegionQuery, Seen, foregrounds, region_query
from dinoscope.operations.selection import Selection

GRID = PatchGrid(12, 12, 14, Size(240, 240))  # 20 pixels a patch
KINDS = np.eye(6, 64, dtype=np.float32)
BOX = Box(40, 40, 120, 120)  # rows and columns 2 to 5


def picture(says: FloatArray | None = None) -> Seen:
    """Kind 0, with kind 1 in the upper and kind 2 in the lower half of BOX's right half."""
    kinds = np.zeros((12, 12), int)
    kinds[2:4, 4:6], kinds[4:6, 4:6] = 1, 2
    noise = 0.2 / 8 * np.random.default_rng(0).normal(size=(12, 12, 64))
    return Seen(GRID, normalise((KINDS[kinds] + noise).astype(np.float32)), says)


def say(query: RegionQuery, kind: int) -> float:
    """The share of the query's weight that tokens of a kind have."""
    return float(query.weights[query.tokens @ KINDS[kind] > 0.8].sum())


def test_what_the_rest_of_the_picture_has_too_says_little() -> None:
    query = region_query(picture(), Selection.of(BOX))
    assert say(query, 0) < 0.15  # half of the box
    assert say(query, 1) == pytest.approx(say(query, 2), abs=0.1)
    assert query.weights.sum() == pytest.approx(1)
    assert query.patches.max() == 1
    assert not query.patches[:, 6:].any()


def test_a_selection_of_the_whole_picture_is_weighed_evenly() -> None:
    everything = np.ones((12, 12), np.float32)
    assert (foregrounds(picture(), everything) == 1).all()


def test_what_the_model_attends_to_says_more() -> None:
    attention = np.ones((12, 12), np.float32)
    attention[4:6, 4:6] = 9
    query = region_query(picture(say_of(attention)), Selection.of(BOX))
    assert say(query, 2) == pytest.approx(3 * say(query, 1), rel=0.3)


def test_a_large_selection_is_merged_and_loses_none_of_its_kinds() -> None:
    query = region_query(picture(), Selection.of(Box(0, 0, 240, 240)))
    assert len(query.tokens) <= MOST
    np.testing.assert_allclose(np.linalg.norm(query.tokens, axis=1), 1, atol=1e-5)
    for kind in range(3):
        assert (query.tokens @ KINDS[kind]).max() > 0.95
    assert (query.places >= 0).all()
    assert (query.places <= 11).all()


def test_one_pixel_asks_for_one_patch() -> None:
    query = region_query(picture(), Selection.of((90.0, 50.0)))
    assert query.tokens.shape == (1, 64)
    assert query.places.tolist() == [[2, 4]]


def test_unwanted_points_take_their_patches_out() -> None:
    query = region_query(
        picture(), Selection(boxes=(BOX,), not_points=((85, 45), (105, 45), (85, 65), (105, 65)))
    )
    assert say(query, 1) == 0
    assert (query.against @ KINDS[1]).min() > 0.8
    with pytest.raises(BadRequest, match="takes back all"):
        region_query(picture(), Selection(points=((50, 50),), not_points=((50, 50),)))


def test_joined_queries_have_equal_say_and_keep_their_views_apart() -> None:
    one = region_query(picture(), Selection.of(BOX))
    two = one.joined([one], []).joined([one, one], [])
    assert two.weights.sum() == pytest.approx(1)
    assert len(set(two.views.tolist())) == 4
    assert [float(two.weights[two.views == view].sum()) for view in range(4)] == pytest.approx(
        [1 / 6, 1 / 6, 1 / 3, 1 / 3], abs=1e-3
    )


def test_a_part_like_what_is_not_wanted_has_hardly_a_say() -> None:
    query = region_query(picture(), Selection.of(BOX)).joined([], [KINDS[1:2]])
    assert say(query, 1) < 0.2 * say(query, 2)
    assert len(query.against) == 1


def test_a_picture_as_its_tokens_remember_it_is_nearly_itself() -> None:
    seen = picture()
    stored = Seen.stored(pool(seen.reduced, np.ones((1, 12, 12), np.float32)), GRID.picture)
    assert (stored.reduced * seen.reduced).sum(axis=-1).mean() > 0.95
    assert stored.grid.box_of(3, 4) == GRID.box_of(3, 4)


def test_features_are_seen_in_the_basis_and_what_has_attention_counts() -> None:
    basis = Basis(np.zeros(64, np.float32), np.eye(64, dtype=np.float32)[:16])
    attention = np.full((3, 12, 12), 0.1, np.float32)
    attention[:, 2, 5] = 0.2
    seen = Seen.of(Features("model", GRID, KINDS[0], picture().reduced, attention), basis)
    assert seen.reduced.shape == (12, 12, 16)
    assert seen.says is not None
    assert seen.says[2, 5] == pytest.approx(1)
    assert seen.says[0, 0] == pytest.approx((0.53 / 1.03) ** 0.2)
