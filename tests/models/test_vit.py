"""The torch module carries canonical names, loads strictly and can be trained."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from dinoscope.features import FloatArray
from dinoscope.models.config import VitConfig

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")


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
