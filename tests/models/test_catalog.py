"""The catalog's cards are consistent, so that a new one cannot be half right."""

from __future__ import annotations

import re

import numpy as np
import pytest

from dinoscope.models.card import PACKAGE, ModelCard
from dinoscope.models.catalog import CARDS

# (name, parameters in millions as their authors publish them, backbone only)
PUBLISHED = {
    "dino-vits16": 21,
    "dino-vits8": 21,
    "dino-vitb16": 85,
    "dino-vitb8": 85,
    "dinov2-vits14": 21,
    "dinov2-vitb14": 86,
    "dinov2-vitl14": 300,
    "dinov2-vits14-reg": 21,
    "dinov2-vitb14-reg": 86,
    "dinov2-vitl14-reg": 300,
    "dinov3-vits16": 21,
    "dinov3-vits16plus": 29,
    "dinov3-vitb16": 86,
}


@pytest.fixture(params=list(CARDS.values()), ids=list(CARDS))
def card(request: pytest.FixtureRequest) -> ModelCard:
    """One card after the other."""
    return request.param  # type: ignore[no-any-return]


def parameters(card: ModelCard) -> int:
    return sum(int(np.prod(shape)) for shape in card.config.shapes().values())


def test_every_card_can_be_shown_and_named(card: ModelCard) -> None:
    assert CARDS[card.name] is card
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", card.name)
    assert card.title
    assert card.licence
    assert card.notes
    assert card.precision in {"fp32", "bf16", "int8"}
    assert card.config.dimension % card.config.heads == 0
    assert card.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", card.sha256)


def test_all_models_that_were_promised_are_there() -> None:
    assert CARDS.keys() == PUBLISHED.keys() | {"starter"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_shape_has_as_many_parameters_as_published(name: str) -> None:
    assert parameters(CARDS[name]) / 1e6 == pytest.approx(PUBLISHED[name], rel=0.06)


def test_the_file_size_fits_float32_weights(card: ModelCard) -> None:
    if card.source.repository != PACKAGE:
        assert card.bytes == pytest.approx(4 * parameters(card), rel=0.02)


def test_only_dinov3_is_gated_and_rotary(card: ModelCard) -> None:
    assert (card.family == "DINOv3") == card.gated == card.config.rope
    assert card.name.endswith("-reg") == (card.config.positions == "antialias")
    assert ("DINOv3" in card.licence) == card.gated
