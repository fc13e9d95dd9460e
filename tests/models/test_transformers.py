"""The graph and the torch module agree with ``transformers`` on random weights, at any grid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dinoscope.features import FloatArray
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.graph import float_graph, portable_graph
from dinoscope.models.names import canonical
from dinoscope.models.onnx_runtime import OnnxNetwork
from dinoscope.models.positions import rotary, stretched
from dinoscope.models.preprocess import cut
from dinoscope.models.vit_backbone import Inputs, Outputs

pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore")]  # transformers warns of itself
transformers = pytest.importorskip("transformers")

SHAPE: dict[str, Any] = {
    "hidden_size": 48,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "patch_size": 8,
    "image_size": 48,
    "attn_implementation": "eager",
}
BASE = VitConfig(48, 3, 3, 8, "plain", (6, 6))
REGISTERS = replace(BASE, positions="antialias", registers=4, layer_scale=True)
DINOV3 = VitConfig(48, 3, 3, 8, "rope", registers=4, layer_scale=True, norm_eps=1e-5)


def vit() -> Any:
    config = transformers.ViTConfig(**SHAPE, intermediate_size=192, layer_norm_eps=1e-6)
    return transformers.ViTModel(config, add_pooling_layer=False)


def dinov2() -> Any:
    return transformers.Dinov2Model(transformers.Dinov2Config(**SHAPE))


def dinov2_with_registers() -> Any:
    return transformers.Dinov2WithRegistersModel(transformers.Dinov2WithRegistersConfig(**SHAPE))


def dinov3() -> Any:
    return transformers.DINOv3ViTModel(
        transformers.DINOv3ViTConfig(**SHAPE, intermediate_size=192, num_register_tokens=4)
    )


def dinov3_gated() -> Any:
    config = transformers.DINOv3ViTConfig(
        **SHAPE, intermediate_size=192, num_register_tokens=4, use_gated_mlp=True, hidden_act="silu"
    )
    return transformers.DINOv3ViTModel(config)


PAIRS = {
    "dino": (vit, BASE),
    "dinov2": (dinov2, replace(BASE, layer_scale=True)),
    "dinov2-reg": (dinov2_with_registers, REGISTERS),
    "dinov3": (dinov3, DINOV3),
    "dinov3-swiglu": (dinov3_gated, replace(DINOV3, swiglu=True)),
}


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest) -> tuple[Any, VitConfig, Tensors]:
    """A random transformers model, its config and its tensors under our names."""
    import torch

    make, config = PAIRS[request.param]
    torch.manual_seed(0)
    model = make().eval()
    with torch.no_grad():
        for parameter in model.parameters():  # zeros and ones of the initialisation would hide faults
            parameter.add_(0.1 * torch.randn_like(parameter))
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    return model, config, canonical(state, config)


@pytest.fixture(params=[(6, 6), (4, 9), (11, 3), (1, 5)], ids=str)
def image(request: pytest.FixtureRequest, rng: np.random.Generator) -> FloatArray:
    """Two normalised pictures (2, rows * 8, columns * 8, 3)."""
    rows, columns = request.param
    return rng.standard_normal((2, 8 * rows, 8 * columns, 3)).astype(np.float32)


def theirs(model: Any, config: VitConfig, image: FloatArray) -> Outputs:
    import torch

    with torch.no_grad():
        pixels = torch.from_numpy(image.transpose(0, 3, 1, 2).copy())
        interpolate = {"interpolate_pos_encoding": True} if isinstance(model, transformers.ViTModel) else {}
        out = model(pixels, output_attentions=True, **interpolate)
    tokens, attention = out.last_hidden_state.numpy(), out.attentions[-1].numpy()
    return Outputs(tokens[:, 0], tokens[:, config.prefix :], attention[:, :, 0, config.prefix :])


def agree(mine: Outputs, wanted: Outputs) -> None:
    np.testing.assert_allclose(mine.cls, wanted.cls, atol=1e-4)
    np.testing.assert_allclose(mine.patch_tokens, wanted.patch_tokens, atol=1e-4)
    np.testing.assert_allclose(mine.attention, wanted.attention, atol=1e-5)


@pytest.mark.parametrize("build", [float_graph, portable_graph])
def test_the_graph_agrees(
    pair: tuple[Any, VitConfig, Tensors], image: FloatArray, build: Callable[[VitConfig, Tensors], bytes]
) -> None:
    model, config, tensors = pair
    grid = image.shape[1] // 8, image.shape[2] // 8
    if config.rope:
        tables = rotary(grid, config.prefix, config.head_dimension, config.rope_theta)
        places = dict(zip(("cosines", "sines"), tables, strict=True))
    else:
        places = {"positions": stretched(tensors["positions"], (6, 6), grid, config.positions)}
    inputs = Inputs(grid, np.stack([cut(each, 8) for each in image]), places)
    network = OnnxNetwork(build(config, tensors), threads=1)
    wanted = theirs(model, config, image)
    agree(network.full(inputs), wanted)
    np.testing.assert_allclose(network.cls(inputs), wanted.cls, atol=1e-4)


def test_the_torch_module_agrees(pair: tuple[Any, VitConfig, Tensors], image: FloatArray) -> None:
    import torch

    from dinoscope.models.vit import Vit

    model, config, tensors = pair
    module = Vit(config)
    module.load_tensors(tensors)
    with torch.no_grad():
        tokens, attention = module.with_attention(torch.from_numpy(image.transpose(0, 3, 1, 2).copy()))
    mine = Outputs(tokens.cls.numpy(), tokens.patches.numpy(), attention.numpy())
    agree(mine, theirs(model, config, image))
