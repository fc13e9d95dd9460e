"""Every official layout ends in the same canonical tensors, and nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dinoscope.errors import WeightsRefused
from dinoscope.models.cards import card_of
from dinoscope.models.config import VitConfig, dense
from dinoscope.models.names import canonical
from dinoscope.models.tensors import read_tensors

Named = Mapping[str, NDArray[Any]]
TensorsOf = Callable[[VitConfig], dict[str, NDArray[Any]]]

PLAIN = VitConfig(dimension=64, depth=3, heads=1, patch=8, position_grid=(3, 3))
REGISTERS = replace(PLAIN, positions="antialias", registers=4, layer_scale=True)
DINOV3 = replace(REGISTERS, positions="rope", position_grid=(0, 0), norm_eps=1e-5)


def official(tensors: Named, *, chunk: bool = False) -> dict[str, NDArray[Any]]:
    """Canonical -> the names of facebookresearch's three repositories."""
    tokens = {
        "cls": "cls_token",
        "positions": "pos_embed",
        "registers": "storage_tokens" if "positions" not in tensors else "register_tokens",
    }
    modules = {"qkv": "attn.qkv", "proj": "attn.proj", "scale1": "ls1.gamma", "scale2": "ls2.gamma"}
    swiglu = any(".gate." in name for name in tensors)
    modules |= (
        {"gate": "mlp.w1", "fc1": "mlp.w2", "fc2": "mlp.w3"}
        if swiglu
        else {"fc1": "mlp.fc1", "fc2": "mlp.fc2"}
    )
    result = {}
    for name, value in tensors.items():
        if name in tokens:
            result[tokens[name]] = value.reshape(1, -1, value.shape[-1])
        elif name.startswith("blocks."):
            _, block, module, *part = name.split(".")
            into = f"blocks.0.{block}" if chunk else f"blocks.{block}"
            result[".".join([into, modules.get(module, module), *part])] = value
        else:
            result[name.replace("patch.", "patch_embed.proj.")] = value
    return result


def same(left: Named, right: Named) -> None:
    assert left.keys() == right.keys()
    for name, value in right.items():
        np.testing.assert_array_equal(left[name], value, err_msg=name)


@pytest.mark.parametrize("config", [PLAIN, REGISTERS, DINOV3, replace(DINOV3, swiglu=True)], ids=str)
def test_official_names_become_canonical(config: VitConfig, tensors_of: TensorsOf) -> None:
    tensors = tensors_of(config)
    same(canonical(official(tensors), config), tensors)


def test_block_chunks_and_wrappers_are_seen_through(tensors_of: TensorsOf) -> None:
    tensors = tensors_of(REGISTERS)
    wrapped = {f"module.backbone.{name}": value for name, value in official(tensors, chunk=True).items()}
    same(canonical(wrapped, REGISTERS), tensors)


def test_heads_of_training_and_mask_tokens_are_dropped(tensors_of: TensorsOf) -> None:
    tensors = tensors_of(PLAIN)
    one = np.ones((1, 64), np.float32)
    more = ("head.mlp.0.weight", "head.last_layer.weight_g", "dino_head.mlp.0.weight", "mask_token")
    same(canonical(official(tensors) | dict.fromkeys(more, one), PLAIN), tensors)


def test_a_masked_bias_of_the_keys_is_zero(tensors_of: TensorsOf) -> None:
    tensors = tensors_of(DINOV3)
    masks = {f"blocks.{block}.attn.qkv.bias_mask": np.full(192, np.nan, np.float32) for block in range(3)}
    bias = canonical(official(tensors) | masks | {"rope_embed.periods": np.ones(16)}, DINOV3)[
        "blocks.1.qkv.bias"
    ]
    stored = tensors["blocks.1.qkv.bias"]
    np.testing.assert_array_equal(bias, np.concatenate([stored[:64], np.zeros(64), stored[128:]]))


def test_blocks_that_are_not_run_are_dropped_and_others_refused(tensors_of: TensorsOf) -> None:
    tensors = official(tensors_of(PLAIN))
    early = replace(PLAIN, use_blocks=2)
    assert canonical(tensors, early).keys() == early.shapes().keys()
    with pytest.raises(WeightsRefused, match=r"blocks\.2\..* more"):
        canonical(tensors, replace(PLAIN, depth=2))


def test_half_precision_becomes_float32(tensors_of: TensorsOf) -> None:
    halves = {name: value.astype(np.float16) for name, value in tensors_of(PLAIN).items()}
    assert {value.dtype for value in canonical(halves, PLAIN).values()} == {np.dtype(np.float32)}


def test_int8_matrices_keep_their_scales(tensors_of: TensorsOf) -> None:
    tensors = tensors_of(PLAIN)
    matrix, scale = np.full((192, 64), 3, np.int8), np.full(192, 0.5, np.float32)
    stored = tensors | {"blocks.0.qkv.weight": matrix, "blocks.0.qkv.weight.scale": scale}
    read = canonical(stored, PLAIN)
    assert read["blocks.0.qkv.weight"].dtype == np.int8
    np.testing.assert_array_equal(dense(read, "blocks.0.qkv.weight"), np.full((192, 64), 1.5))
    for bad in (
        tensors | {"blocks.0.qkv.weight": matrix},  # no scale
        stored | {"blocks.0.qkv.weight.scale": scale[:5]},
        stored | {"blocks.0.qkv.weight": matrix[:5]},
        tensors | {"blocks.0.qkv.weight.scale": scale},  # a scale of nothing
        tensors | {"patch.weight": tensors["patch.weight"].astype(np.int8)},
    ):
        with pytest.raises(WeightsRefused):
            canonical(bad, PLAIN)


def test_a_descriptor_comes_whole_or_not_at_all(tensors_of: TensorsOf) -> None:
    tensors, mean = tensors_of(PLAIN), np.zeros(64, np.float32)
    both = {"descriptor.mean": mean, "descriptor.projection": np.ones((5, 64), np.float32)}
    assert canonical(tensors | both, PLAIN)["descriptor.projection"].shape == (5, 64)
    with pytest.raises(WeightsRefused, match=r"descriptor\.projection"):
        canonical(tensors | {"descriptor.mean": mean}, PLAIN)
    with pytest.raises(WeightsRefused, match=r"descriptor\.projection"):
        canonical(tensors | both | {"descriptor.projection": np.ones((5, 63), np.float32)}, PLAIN)


def test_whatever_is_wrong_is_named(tensors_of: TensorsOf) -> None:
    tensors = tensors_of(REGISTERS)
    without = {name: value for name, value in tensors.items() if name != "blocks.1.scale2"}
    nan = tensors["norm.bias"].copy()
    nan[3] = np.nan
    for wrong, named in (
        (without, r"lack 'blocks\.1\.scale2'"),
        (tensors | {"blocks.1.attn.extra": nan}, r"blocks\.1\.attn\.extra"),
        (tensors | {"cls_token": tensors["cls"]}, "'cls' twice"),
        (tensors | {"positions": tensors["positions"][:-1]}, r"'positions' has shape \(9, 64\)"),
        (tensors | {"norm.bias": nan}, "'norm.bias' holds numbers that are not finite"),
        (tensors | {"norm.bias": np.arange(64)}, r"'norm\.bias' holds int64"),
        ({}, r"lack 'patch\.weight'"),
    ):
        with pytest.raises(WeightsRefused, match=named):
            canonical(wrong, REGISTERS)


def test_weights_of_another_size_are_refused(tensors_of: TensorsOf) -> None:
    with pytest.raises(WeightsRefused, match="choose the matching model"):
        canonical(tensors_of(PLAIN), replace(PLAIN, dimension=128))
    with pytest.raises(WeightsRefused, match="registers"):
        canonical(tensors_of(PLAIN), REGISTERS)


# --- transformers ------------------------------------------------------------------------------------------

SHAPE = {
    "hidden_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "patch_size": 8,
    "image_size": 24,
}
MODELS: dict[str, tuple[str, dict[str, Any], VitConfig]] = {
    "ViT": ("ViT", {"intermediate_size": 256}, replace(PLAIN, positions="plain", norm_eps=1e-12)),
    "Dinov2": ("Dinov2", {}, replace(PLAIN, positions="plain", layer_scale=True)),
    "Dinov2WithRegisters": ("Dinov2WithRegisters", {}, REGISTERS),
    "DINOv3": ("DINOv3ViT", {"intermediate_size": 256, "num_register_tokens": 4}, DINOV3),
    "DINOv3 gated": (
        "DINOv3ViT",
        {"intermediate_size": 256, "num_register_tokens": 4, "use_gated_mlp": True},
        replace(DINOV3, swiglu=True),
    ),
}


@pytest.fixture(params=MODELS)
def hub_model(request: pytest.FixtureRequest) -> tuple[Any, VitConfig]:
    """A transformers model with random weights, and the config it has."""
    transformers = pytest.importorskip("transformers")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    name, more, config = MODELS[request.param]
    model = getattr(transformers, f"{name}Model")(getattr(transformers, f"{name}Config")(**SHAPE, **more))
    return model.eval(), replace(config, heads=2)


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_a_transformers_folder_is_understood_without_a_card(
    hub_model: tuple[Any, VitConfig], tmp_path: Path
) -> None:
    model, config = hub_model
    model.save_pretrained(tmp_path)
    card = card_of(str(tmp_path))
    assert card.config == config
    tensors = canonical(read_tensors(tmp_path), card.config)
    first = model.state_dict()[next(name for name in model.state_dict() if "cls_token" in name)]
    np.testing.assert_array_equal(tensors["cls"], first.numpy().reshape(-1))


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore")
def test_the_names_since_5_23_mean_the_same(hub_model: tuple[Any, VitConfig], tmp_path: Path) -> None:
    model, config = hub_model
    model.save_pretrained(tmp_path)
    inside = {name: value.numpy() for name, value in model.state_dict().items()}
    assert any("q_proj" in name for name in inside)  # the new names; files keep the old ones
    same(canonical(inside, config), canonical(read_tensors(tmp_path), config))
