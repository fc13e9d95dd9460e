"""A name or a path becomes a card, and a wrong one an answer that helps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from dinoscope.errors import NoSuchModel, WeightsRefused
from dinoscope.models.cards import CARDS, LOCAL, card_of
from dinoscope.models.config import VitConfig
from dinoscope.models.loading import load_backbone
from dinoscope.settings import Settings

TensorsOf = Callable[[VitConfig], dict[str, NDArray[Any]]]

DINO = VitConfig(dimension=128, depth=2, heads=2, patch=8, position_grid=(3, 3))
DINOV3 = VitConfig(
    128, 2, 2, 8, "rope", registers=4, layer_scale=True, swiglu=True, mlp_ratio=1.5, norm_eps=1e-5
)


@pytest.mark.parametrize("name", CARDS)
def test_every_name_of_the_catalog_is_found(name: str) -> None:
    assert card_of(name) is CARDS[name]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("dinov2_vits14", "dinov2-vits14"), ("DINOv2-ViTS14", "dinov2-vits14"), ("startr", "starter")],
)
def test_a_name_that_is_nearly_right_is_answered_with_the_one_meant(typed: str, meant: str) -> None:
    with pytest.raises(NoSuchModel, match=rf"no model '{typed}': did you mean .*{meant}"):
        card_of(typed)


def test_a_name_that_is_far_off_is_answered_with_the_choice() -> None:
    with pytest.raises(NoSuchModel, match="choose one of starter, dinov2-vits14"):
        card_of("xyzzy")


@pytest.mark.parametrize("path", ["weights.pth", "some/where", "x.safetensors"])
def test_a_path_that_is_not_there_is_taken_for_a_path(path: str) -> None:
    with pytest.raises(NoSuchModel, match="does not exist"):
        card_of(path)


@pytest.mark.parametrize(
    "config",
    [
        DINO,
        replace(DINO, layer_scale=True),
        replace(DINO, positions="antialias", registers=4, layer_scale=True),
        DINOV3,
    ],
    ids=["dino", "dinov2", "registers", "dinov3"],
)
def test_the_shape_is_read_off_the_tensors(config: VitConfig, tensors_of: TensorsOf, tmp_path: Path) -> None:
    path = tmp_path / "My Model_v2.safetensors"
    save_file(tensors_of(config), path)
    card = card_of(str(path))
    assert card.config == config
    assert card.name == "my-model-v2"
    assert card.source.repository == LOCAL
    assert card.bytes == path.stat().st_size


def test_a_file_of_ours_says_itself_what_tensors_cannot(tensors_of: TensorsOf, tmp_path: Path) -> None:
    config = replace(DINO, heads=4, depth=5, use_blocks=2, positions="plain")
    path = tmp_path / "mine.safetensors"
    save_file(tensors_of(config), path, metadata={"config": json.dumps(asdict(config))})
    assert card_of(str(path)).config == config


@pytest.mark.parametrize(
    "change", [{"heads": None, "more": 1}, {"positions": "guess"}, {"position_grid": 3}], ids=str
)
def test_a_file_that_describes_itself_wrongly_is_refused(
    change: dict[str, Any], tensors_of: TensorsOf, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    save_file(tensors_of(DINO), path, metadata={"config": json.dumps(asdict(DINO) | change)})
    with pytest.raises(WeightsRefused, match=r"mine\.safetensors describes its model"):
        card_of(str(path))


def test_config_json_beside_the_weights_gives_heads_and_epsilon(
    tensors_of: TensorsOf, tmp_path: Path
) -> None:
    save_file(tensors_of(DINO), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"num_attention_heads": 8, "layer_norm_eps": 1e-12}')
    assert card_of(str(tmp_path)).config == replace(DINO, heads=8, norm_eps=1e-12)


@pytest.mark.parametrize(
    "text", ["{", '{"num_attention_heads": "two"}', '{"num_attention_heads": 3}', '{"layer_norm_eps": -1}']
)
def test_a_config_json_that_makes_no_sense_is_refused(
    text: str, tensors_of: TensorsOf, tmp_path: Path
) -> None:
    save_file(tensors_of(DINO), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(WeightsRefused):
        card_of(str(tmp_path))


@pytest.mark.parametrize("lost", ["patch.weight", "blocks.0.fc1.weight", "positions"])
def test_weights_of_something_else_are_refused(lost: str, tensors_of: TensorsOf, tmp_path: Path) -> None:
    tensors = tensors_of(DINO)
    if lost == "positions":
        tensors[lost] = tensors[lost][0]
    else:
        del tensors[lost]
    save_file(tensors, tmp_path / "w.safetensors")
    with pytest.raises(WeightsRefused, match=lost):
        card_of(str(tmp_path / "w.safetensors"))


def test_a_grid_that_is_not_square_is_refused(tensors_of: TensorsOf, tmp_path: Path) -> None:
    save_file(tensors_of(replace(DINO, position_grid=(2, 3))), tmp_path / "w.safetensors")
    with pytest.raises(WeightsRefused, match="positions"):
        card_of(str(tmp_path / "w.safetensors"))


def test_a_local_file_can_be_used_at_once(tensors_of: TensorsOf, tmp_path: Path, settings: Settings) -> None:
    save_file(tensors_of(DINO), tmp_path / "mine.safetensors")
    backbone = load_backbone(settings, str(tmp_path / "mine.safetensors"))
    (descriptor,) = backbone.describe([np.zeros((40, 60, 3), np.uint8)])
    assert descriptor.shape == (128,)
    assert backbone.identity.name == "mine"
