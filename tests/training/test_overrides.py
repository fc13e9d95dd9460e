"""Recipes as text: what is read, what is refused, and in which words."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from dinoscope.errors import BadRequest
from dinoscope.models.config import VitConfig
from dinoscope.training.overrides import checked, first_difference, from_json, keys, overridden, to_json
from dinoscope.training.recipe import Crops, Optimiser, Recipe, Teacher

PLAIN = Recipe(name="x", model=VitConfig(64, 2, 2, 8, position_grid=(8, 8)), steps=10, batch=4)
PLAIN = replace(PLAIN, crops=Crops(global_size=64, local_size=32))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("steps", "20", 20),
        ("teacher.temperature", "0.02,0.04", (0.02, 0.04)),
        ("teacher.temperature", "0.02", (0.02, 0.02)),
        ("crops.blur_chances", "0, 0.1, 1", (0.0, 0.1, 1.0)),
        ("optimiser.clip_by", "module", "module"),
        ("head.frozen_norm", "no", False),
        ("extras.untied_heads", "TRUE", True),
        ("optimiser.rate", "1e-3", 1e-3),
        ("model.position_grid", "4,6", (4, 6)),
        ("precision", "bf16", "bf16"),
        ("start", "", ""),
    ],
)
def test_every_kind_of_field_is_read(key: str, text: str, value: object) -> None:
    found: Any = overridden(PLAIN, {key: text})
    for part in key.split("."):
        found = getattr(found, part)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("teacher.temprature", "1", "did you mean teacher.temperature"),
        ("temperature", "1", "did you mean teacher.temperature"),
        ("nothing.of.it", "1", "use one of name, model.dimension"),
        ("crops", "1", "a recipe has no 'crops'"),
        ("steps", "1.5", "give a whole number"),
        ("steps", "0", "out of range: use 1 to"),
        ("optimiser.rate", "nan", "give a number"),
        ("optimiser.rate", "inf", "give a number"),
        ("optimiser.rate", "-1", "out of range"),
        ("teacher.temperature", "0.1,0.2,0.3", "give 2 numbers with commas between"),
        ("teacher.temperature", "0,1", "out of range"),
        ("optimiser.clip_by", "all of it", "give parameter or module or all"),
        ("head.frozen_norm", "maybe", "give yes or no"),
        ("crops.global_size", "60", "no multiple of the patch: use 64"),
        ("crops.global_scale", "0.9,0.4", "give the smaller first"),
        ("batch", "3", ""),
        ("accumulate", "4", "windows of at least two pictures"),
        ("model.heads", "3", "no multiple of model.heads"),
        ("finish_steps", "11", "more than the 10 steps"),
        ("extras.keep_weight", "1", "needs weights to stay near to"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_do(key: str, text: str, words: str) -> None:
    if not words:
        overridden(PLAIN, {key: text})
        return
    with pytest.raises(BadRequest) as refused:
        overridden(PLAIN, {key: text})
    assert words in str(refused.value)
    assert ":" in str(refused.value) or "give" in str(refused.value)


def test_every_field_can_be_overridden_by_what_it_is_written_as() -> None:
    for key in keys():
        value: Any = PLAIN
        for part in key.split("."):
            value = getattr(value, part)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        assert overridden(PLAIN, {key: text}) == PLAIN


def test_a_recipe_survives_being_written_down() -> None:
    assert from_json(json.loads(json.dumps(to_json(PLAIN)))) == PLAIN


@pytest.mark.parametrize(
    "change",
    [
        {"stepps": 3},
        {"steps": "3"},
        {"steps": True},
        {"crops": 3},
        {"crops": {"global_scale": [0.1]}},
        {"precision": "fp8"},
        {"model": None},
    ],
)
def test_what_is_no_recipe_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        from_json({**to_json(PLAIN), **change})


def test_a_recipe_without_what_it_needs_is_refused() -> None:
    with pytest.raises(BadRequest, match="no recipe of this version"):
        from_json({"name": "x"})


def test_the_first_difference_is_named_with_both_values() -> None:
    assert first_difference(PLAIN, PLAIN) is None
    other = replace(PLAIN, teacher=Teacher(temperature=(0.02, 0.03)), optimiser=Optimiser(rate=1.0))
    assert first_difference(PLAIN, other) == (
        "teacher.temperature is 0.04, 0.04 in one and 0.02, 0.03 in the other"
    )


def test_ranges_hold_for_recipes_made_by_hand_too() -> None:
    with pytest.raises(BadRequest, match=r"crops\.jitter_chance is 2"):
        checked(replace(PLAIN, crops=replace(PLAIN.crops, jitter_chance=2)))
