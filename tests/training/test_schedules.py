"""Knobs over a training are the reference's, and a recipe's are what it says."""

from __future__ import annotations

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.training.dino_reference import stored

from dinoscope.errors import BadRequest
from dinoscope.models.config import VitConfig
from dinoscope.training.recipe import Optimiser, Recipe, Teacher
from dinoscope.training.schedules import Knob, cosine, linear_then_flat, schedules_of

RECIPE = Recipe(
    name="test",
    model=VitConfig(48, 2, 2, 8),
    steps=100,
    batch=512,
    teacher=Teacher(momentum=(0.99, 1.0), temperature=(0.02, 0.06), temperature_warmup=30),
    optimiser=Optimiser(rate=1e-3, final_rate=1e-5, warmup=10, weight_decay=(0.04, 0.4)),
)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("lr", cosine((5e-4 * 512 / 256, 1e-6), 140, warmup=21)),
        ("wd", cosine((0.04, 0.4), 140)),
        ("momentum", cosine((0.996, 1.0), 140)),
        ("lr_nowarm", cosine((0.03, 1e-5), 15)),
        ("teacher_temp", linear_then_flat((0.04, 0.07), 20, 5)),
    ],
)
def test_schedules_are_the_reference_s(name: str, ours: Knob) -> None:
    np.testing.assert_allclose(ours, stored()[f"sched/{name}"], rtol=1e-13)


def test_a_recipe_s_knobs_begin_and_turn_where_it_says() -> None:
    knobs = schedules_of(RECIPE)
    each = (knobs.rate, knobs.weight_decay, knobs.momentum, knobs.temperature)
    assert [len(knob) for knob in each] == [100] * 4
    first, risen, last = knobs.at(0), knobs.at(10), knobs.at(99)
    assert astuple(first) == pytest.approx((0.0, 0.04, 0.99, 0.02))  # rate, decay, momentum, temperature
    assert risen.rate == pytest.approx(2e-3)  # twice the rate for twice the batch of 256
    assert last.temperature == knobs.at(30).temperature == 0.06
    assert last.rate == pytest.approx(1e-5, rel=0.2)
    assert 0.999 < last.momentum < 1.0


@given(st.integers(1, 60), st.data())
def test_a_warm_up_rises_and_the_rest_falls(steps: int, data: st.DataObject) -> None:
    warmup = data.draw(st.integers(0, steps))
    knob = cosine((1.0, 0.1), steps, warmup)
    assert len(knob) == steps
    assert (np.diff(knob[:warmup]) > 0).all()
    assert (np.diff(knob[warmup:]) < 0).all()
    assert (knob >= 0).all()
    assert (knob <= 1).all()


@pytest.mark.parametrize(
    "wrong",
    [{"steps": 0}, {"optimiser": Optimiser(warmup=101)}, {"teacher": Teacher(temperature_warmup=101)}],
)
def test_a_warm_up_longer_than_the_training_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="does not fit"):
        schedules_of(replace(RECIPE, **wrong))  # type: ignore[arg-type]
