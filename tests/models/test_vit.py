"""The torch module carries canonical names, loads strictly and can be trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.training.dino_reference import fill, stored, tensor, told

from dinoscope.features import FloatArray
from dinoscope.models.config import VitConfig

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

VIT = stored("vit.npz")
REFERENCE_MODELS = {
    "vits16": VitConfig(384, 12, 6, 16, "offset", (14, 14)),
    "vitt8": VitConfig(192, 12, 3, 8, "offset", (28, 28)),
    "vitt4_32": VitConfig(192, 12, 3, 4, "offset", (8, 8)),
}


def test_parameters_are_the_canonical_tensors(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    state = Vit(config).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == config.shapes()


def test_a_missing_or_misshapen_tensor_is_refused(
    config: VitConfig,
    tensors_of: Callable[[VitConfig], dict[str, FloatArray]],
) -> None:
    from dinoscope.models.vit import Vit

    tensors = tensors_of(config)
    with pytest.raises(KeyError):
        Vit(config).load_tensors({name: value for name, value in tensors.items() if name != "norm.bias"})
    with pytest.raises(RuntimeError, match=r"norm\.bias"):
        Vit(config).load_tensors(tensors | {"norm.bias": np.zeros(3, np.float32)})


def test_every_parameter_learns_also_on_a_foreign_grid(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    torch.manual_seed(0)
    model = Vit(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    tokens = model(torch.randn(2, 3, 24, 40))
    (tokens.cls.square().sum() + (tokens.patches * torch.randn_like(tokens.patches)).sum()).backward()
    still = [name for name, parameter in model.named_parameters() if not parameter.grad.abs().sum() > 0]
    assert still == []


SIZES = [key.split("/", 1) for key in VIT if "/cls/" in key]


@pytest.mark.parametrize(("tag", "size"), [(tag, rest.split("/")[1]) for tag, rest in SIZES])
def test_every_size_is_the_reference_s(tag: str, size: str) -> None:
    """CLS, CLS after each of the last four blocks, and the last block's attention of CLS to all tokens."""
    from dinoscope.models.vit import Vit

    model = Vit(REFERENCE_MODELS[tag]).eval()
    fill(model, f"{tag}.", [name for name in told()["multicrop_state_keys"] if name.startswith("backbone.")])
    height, width = map(int, size.split("x"))
    late: list[Any] = []  # rows and layout
    for block in model.blocks[-4:]:
        block.register_forward_hook(lambda _, inputs, rows: late.append((rows, inputs[1])))
    with torch.no_grad():
        tokens, attention = model.with_attention(tensor(f"{tag}.x.{size}", 2, 3, height, width))
        last = torch.stack([model.finish(rows, layout)[0].cls for rows, layout in late])
    for found, name, tolerance in (
        (tokens.cls, "cls", 1e-4),
        (last, "tokens_last4_cls", 1e-4),
        (attention, "attn_cls_row", 1e-6),
    ):
        wanted = VIT[f"{tag}/{name}/{size}"]
        wanted = wanted[:, :, 1:] if name == "attn_cls_row" else wanted
        np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


def test_new_weights_are_dino_s(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    model = Vit(replace(config, dimension=64))
    model.initialise(torch.Generator().manual_seed(0))
    state = model.state_dict()
    assert float(state["blocks.0.fc1.weight"].std()) == pytest.approx(0.02, rel=0.05)
    assert not state["blocks.1.qkv.bias"].any()
    assert (state["norm.weight"] == 1).all()
    assert float(state["patch.weight"].abs().max()) == pytest.approx((3 * config.patch**2) ** -0.5, rel=0.02)
    assert config.rope or float(state["positions"].std()) == pytest.approx(0.02, rel=0.1)
    if config.layer_scale:
        assert (state["blocks.0.scale1"] == 1e-5).all()
    again = Vit(replace(config, dimension=64))
    again.initialise(torch.Generator().manual_seed(0))
    assert all(torch.equal(value, state[name]) for name, value in again.state_dict().items())


def test_drop_path_rises_as_the_reference_s() -> None:
    from dinoscope.models.vit import Vit

    rates = [block.drop_path for block in Vit(REFERENCE_MODELS["vits16"], drop_path=0.1).blocks]
    np.testing.assert_allclose(rates, told()["drop_path_rates_vits_0.1"], rtol=1e-6)


def test_recomputing_gives_the_same_gradient_also_of_dropped_paths(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    model, pictures = Vit(config, drop_path=0.5), torch.randn(8, 3, 32, 32)
    model.initialise(torch.Generator().manual_seed(0))
    gradients = []
    for model.recompute in (False, True):
        torch.manual_seed(1)
        model.zero_grad()
        model(pictures).patches.square().sum().backward()
        gradients.append([parameter.grad for parameter in model.parameters()])
    torch.testing.assert_close(gradients[1], gradients[0])


def test_several_sizes_together_are_each_alone(config: VitConfig) -> None:
    from dinoscope.models.vit import Masked, Vit

    model = Vit(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    views = [torch.randn(2, 3, 32, 32), torch.randn(3, 3, 16, 24)]
    hidden = Masked(torch.rand(2, 16) < 0.5, torch.randn(config.dimension))
    together = model.together(views, [hidden, None])
    alone = [model.together(views[:1], [hidden])[0], model(views[1])]
    for found, wanted in zip(together, alone, strict=True):
        for part in ("cls", "registers", "patches"):
            torch.testing.assert_close(getattr(found, part), getattr(wanted, part), rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[0].cls, model(views[0]).cls)


def test_cls_alone_is_what_it_is_among_the_patches_also_in_the_gradient(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    model = Vit(config, drop_path=0.3).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    views = [torch.randn(4, 3, 32, 32).double(), torch.randn(3, 3, 16, 24).double()]
    found = []
    for run in (lambda: [each.cls for each in model.together(views)], lambda: model.cls_together(views)):
        torch.manual_seed(1)
        model.zero_grad()
        cls = torch.cat(run())
        cls.sin().sum().backward()
        found.append([cls, *(parameter.grad for parameter in model.parameters())])
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-11)


def test_what_was_prepared_for_a_glance_serves_training_too(config: VitConfig) -> None:
    from dinoscope.models.vit import Vit

    model, pictures = Vit(config), torch.randn(1, 3, 56, 72)  # a grid no other test has asked for
    model.initialise()
    with torch.inference_mode():
        model(pictures)
    model(pictures).cls.sum().backward()
