"""Presets scale with the pictures there are; at ImageNet's size the paper's is the paper."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dinoscope.errors import BadRequest
from dinoscope.models.config import VitConfig
from dinoscope.training.presets import PRESETS, from_json, recipe_for, to_json

IMAGENET = 1_281_167
AMOUNTS = st.integers(2, 10**8)


def test_at_the_size_of_imagenet_the_paper_is_met_number_by_number() -> None:
    """main_dino.py's defaults with 8 x 64 pictures and 100 epochs (README, vanilla training)."""
    recipe = recipe_for("vit-s16", IMAGENET)
    assert (recipe.model.dimension, recipe.model.depth, recipe.model.heads, recipe.model.patch) == (
        384,
        12,
        6,
        16,
    )
    assert recipe.batch == 512
    assert recipe.steps * recipe.batch / IMAGENET == pytest.approx(100, rel=1e-4)
    crops, head, teacher, optimiser = recipe.crops, recipe.head, recipe.teacher, recipe.optimiser
    assert (crops.global_size, crops.global_scale, crops.local_size, crops.local_scale, crops.locals) == (
        (224, (0.4, 1.0), 96, (0.05, 0.4), 8)
    )
    assert (head.prototypes, head.hidden, head.bottleneck, head.layers) == (65536, 2048, 256, 3)
    assert (teacher.momentum, teacher.temperature, teacher.temperature_warmup) == (
        (0.996, 1.0),
        (0.04, 0.04),
        0,
    )
    assert (optimiser.rate, optimiser.final_rate, optimiser.weight_decay) == (5e-4, 1e-6, (0.04, 0.4))
    assert optimiser.warmup == pytest.approx(recipe.steps / 10, abs=1)
    assert optimiser.freeze_last == pytest.approx(recipe.steps / 100, abs=1)
    assert recipe.drop_path == 0.1


@given(st.sampled_from(sorted(PRESETS)), AMOUNTS, st.none() | st.integers(1, 10**6))
def test_any_amount_gives_a_recipe_that_can_be_trained(preset: str, pictures: int, steps: int | None) -> None:
    recipe = recipe_for(preset, pictures, steps)
    assert recipe.name == preset
    assert 2 <= recipe.batch <= pictures
    assert recipe.steps == steps or (steps is None and recipe.steps >= 1000)
    assert recipe.optimiser.warmup <= recipe.steps
    assert recipe.teacher.temperature_warmup <= recipe.steps
    assert from_json(json.loads(json.dumps(to_json(recipe)))) == recipe


@given(st.sampled_from(["laptop", "small", "vit-s16"]), AMOUNTS, st.integers(100, 10**6))
def test_a_teacher_remembers_a_small_share_of_the_run(preset: str, pictures: int, steps: int) -> None:
    momentum = recipe_for(preset, pictures, steps).teacher.momentum[0]
    assert 1 / (1 - momentum) <= max(10, 0.05 * steps) + 1e-6


@given(AMOUNTS, AMOUNTS)
def test_less_data_wants_fewer_prototypes_and_a_sharper_teacher(one: int, other: int) -> None:
    less, more = (recipe_for("laptop", pictures) for pictures in sorted((one, other)))
    assert less.head.prototypes <= more.head.prototypes
    assert less.teacher.temperature[1] <= more.teacher.temperature[1]


def test_what_others_hang_on_is_known_before_they_are_scaled() -> None:
    plain = recipe_for("laptop", 500)
    short = recipe_for("laptop", 500, overrides={"steps": "400", "batch": "10", "model.patch": "16"})
    assert (short.steps, short.batch, short.model.patch) == (400, 10, 16)
    assert short.optimiser.warmup <= 40
    assert short.teacher.momentum[0] < plain.teacher.momentum[0]
    assert short.crops.global_size % 16 == short.crops.local_size % 16 == 0
    assert short.model.position_grid == (4, 4)


def test_going_on_from_weights_takes_their_shape() -> None:
    shape = VitConfig(768, 12, 12, 16, position_grid=(14, 14))
    recipe = recipe_for("continue", 5000, overrides={"start": "dino-vitb16"}, model=shape)
    assert recipe.model == shape
    assert recipe.start == "dino-vitb16"
    assert recipe.crops.global_size % 16 == 0
    assert recipe.extras.keep_weight > 0


def test_a_preset_nobody_knows_is_a_sentence_with_the_nearest() -> None:
    with pytest.raises(BadRequest, match="did you mean laptop"):
        recipe_for("labtop", 500)
    with pytest.raises(BadRequest, match="use one of laptop, small"):
        recipe_for("?", 500)


@pytest.mark.parametrize("steps", ["0", "-3", "many", ""])
def test_steps_that_are_none_are_refused_however_they_are_given(steps: str) -> None:
    with pytest.raises(BadRequest, match="steps"):
        recipe_for("laptop", 500, overrides={"steps": steps})
