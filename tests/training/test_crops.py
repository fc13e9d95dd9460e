"""Boxes are distributed as torchvision's, views are cut as Pillow cuts, and sizes follow the recipe."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.training.dino_reference import stored
from tests.training.picture_sources import recipe_of

from dinoscope.training.crops import RATIOS, crops_at, cut, draw_box, side_needed, sizes_of, views_of
from dinoscope.training.recipe import Crops, Span
from dinoscope.training.sampling import generator_of

SCALES = {"g0.4-1": (0.4, 1.0), "l0.05-0.4": (0.05, 0.4), "g0.25-1": (0.25, 1.0), "l0.05-0.25": (0.05, 0.25)}
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


@pytest.mark.parametrize("name", SCALES)
def test_boxes_are_distributed_as_in_torchvision(name: str) -> None:
    dice, draws = generator_of(0), 4000
    boxes = np.array([draw_box(500, 375, SCALES[name], dice) for _ in range(draws)])
    left, top, right, bottom = boxes.T
    across, down = right - left, bottom - top
    ours = np.quantile([across * down / (500 * 375), across / down, top, left], QUANTILES, axis=1).T
    # Area and ratio in their own units, places in pixels: three deviations of a quantile of 4000 draws.
    for row, tolerance in enumerate((0.02, 0.02, 8.0, 10.0)):
        assert np.abs(ours[row] - stored("views.npz")[f"box_quantiles/{name}"][row]).max() < tolerance


@settings(deadline=None)
@given(
    st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(list(SCALES.values())), st.integers(0, 2**32)
)
def test_a_box_lies_inside_the_picture_whatever_its_shape(
    width: int, height: int, scale: Span, seed: int
) -> None:
    left, top, right, bottom = draw_box(width, height, scale, generator_of(seed))
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height


def test_a_very_long_picture_gives_its_middle() -> None:
    left, top, right, bottom = draw_box(1000, 10, (0.4, 1.0), generator_of(0))
    assert (top, bottom) == (0, 10)
    assert right - left == round(10 * RATIOS[1])
    assert abs(left + right - 1000) <= 1


@pytest.mark.parametrize("place", ["30,40,40,50,96", "0,0,128,160,48", "5,7,100,80,32"])
def test_a_cut_is_torchvisions_to_the_last_bit(place: str) -> None:
    top, left, height, width, size = map(int, place.split(","))
    (want,) = (array for key, array in stored("views.npz").items() if key.endswith(place))
    image = Image.fromarray(stored("views.npz")["img"])
    assert np.array_equal(np.asarray(cut(image, (left, top, left + width, top + height), size)), want)


def test_views_come_in_order_and_are_the_same_for_the_same_dice() -> None:
    crops = Crops(global_size=32, local_size=16, locals=3)
    picture = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    views, again = (views_of([picture], crops, generator_of(4)) for _ in range(2))
    assert [view.shape for view in views] == [(size, size, 3) for size in sizes_of(crops)]
    assert sizes_of(crops) == [32, 32, 16, 16, 16]
    assert all(np.array_equal(one, other) for one, other in zip(views, again, strict=True))
    assert not np.array_equal(views[0], views[1])


def test_a_second_picture_gives_the_second_global_view() -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    views = views_of([black, white], Crops(32, local_size=16, locals=4), generator_of(0))
    assert [int(view.max()) for view in views] == [0, 255] * 3


@pytest.mark.parametrize("chance", [0.0, 1.0])
def test_a_view_is_mirrored_as_often_as_asked(chance: float) -> None:
    rising = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 4, (64, 64, 3)).copy()
    crops = Crops(32, local_size=16, locals=2, flip_chance=chance)
    for view in views_of([rising], crops, generator_of(1)):
        slope = np.sign(int(view[0, -1, 0]) - int(view[0, 0, 0]))
        assert slope == (-1 if chance else 1)


def test_the_smallest_crop_is_enlarged_by_a_fifth_at_most_from_the_side_needed() -> None:
    assert side_needed(Crops()) == 358  # 96 / sqrt(0.05) / 1.2
    assert side_needed(Crops(locals=0)) == 296  # 224 / sqrt(0.4) / 1.2


def test_the_last_steps_see_larger_crops_of_whole_patches() -> None:
    recipe = recipe_of(steps=10, finish_steps=3, finish_scale=1.4)
    assert crops_at(recipe, 6) == recipe.crops
    assert crops_at(recipe, 7) == replace(recipe.crops, global_size=48, local_size=24)  # 44.8 and 22.4
    assert crops_at(replace(recipe, finish_scale=1.0), 9) == recipe.crops
