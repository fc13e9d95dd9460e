"""How a gradient becomes a step: which parameters decay, how fast each moves, what is clipped and frozen.

AdamW (Loshchilov & Hutter 2019, https://arxiv.org/abs/1711.05101) with the choices of DINO; rates by layer
as BEiT and DINOv2. In the order of use::

    optimiser = adamw(student, recipe)
    set_knobs(optimiser, knobs)
    losses.total.backward()
    norm = clip(student, recipe.optimiser.clip, recipe.optimiser.clip_by)
    if step < recipe.optimiser.freeze_last:
        freeze_prototypes(student)
    optimiser.step()
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import AdamW, Optimizer

from dinoscope.training.recipe import Clip, Recipe
from dinoscope.training.schedules import Knobs

_BLOCK = re.compile(r"backbone\.blocks\.(\d+)\.")
_TOKENS = ("cls", "mask_token")  # vectors here, matrices of one row in DINO, whose rule goes by dimensions
_EMBEDDING = re.compile(r"backbone\.(patch|cls|positions|registers)\b|mask_token$")
_TINY = 1e-6  # as torch's clip_grad_norm_


@dataclass(frozen=True, slots=True)
class Pace:
    """What all parameters of one group share."""

    decayed: bool  # weight decay applies
    scale: float  # of the learning rate


def paces(student: nn.Module, recipe: Recipe) -> dict[str, Pace]:
    """Of every parameter that learns, by name, its pace."""
    return {
        name: Pace(_decayed(name, parameter), _scale(name, recipe))
        for name, parameter in student.named_parameters()
        if parameter.requires_grad
    }


def adamw(student: nn.Module, recipe: Recipe) -> AdamW:
    """The optimiser, its parameters grouped by pace; rates and decay stand at 0 until ``set_knobs``."""
    parameters = dict(student.named_parameters())
    by_name = paces(student, recipe)
    groups = [
        {
            "params": [parameters[name] for name, own in by_name.items() if own == pace],
            "decayed": pace.decayed,
            "scale": pace.scale,
        }
        for pace in dict.fromkeys(by_name.values())
    ]
    return AdamW(groups, lr=0.0, weight_decay=0.0)


def set_knobs(optimiser: Optimizer, knobs: Knobs) -> None:
    """Rate and weight decay of every group, as the schedules have them for this step."""
    for group in optimiser.param_groups:
        group["lr"] = knobs.rate * group["scale"]
        group["weight_decay"] = knobs.weight_decay if group["decayed"] else 0.0


def gradient_norms(student: nn.Module) -> dict[str, Tensor]:
    """Of every parameter that has a gradient, by name, its Euclidean norm, a tensor of shape ()."""
    with_gradient = dict(_gradients(student))
    norms = torch._foreach_norm(list(with_gradient.values()))
    return dict(zip(with_gradient, norms, strict=True))


def clip(student: nn.Module, limit: float, by: Clip = "parameter") -> Tensor:
    """Shorten gradients that are longer than the limit; without waiting for the device.

    Args:
        student: whose gradients.
        limit: the longest there may be; 0 clips nothing.
        by: what is measured: each parameter (DINO), backbone and each head (DINOv2), or all at once.

    Returns:
        The norm of the whole gradient before, shape (); not finite when the gradient is not.
    """
    norms = gradient_norms(student)
    whole = torch.stack(list(norms.values())).norm()
    if limit:
        shrink = _shrinking(norms, limit, by)
        gradients = dict(_gradients(student))
        torch._foreach_mul_(list(gradients.values()), [shrink[name] for name in gradients])
    return whole


def freeze_prototypes(student: nn.Module) -> None:
    """Drop the gradients of the heads' last layers, so that AdamW leaves them alone, decay included.

    While the targets are still noise, learning prototypes for them only does harm.
    """
    for name, parameter in student.named_parameters():
        if ".prototypes." in f".{name}":
            parameter.grad = None


def _decayed(name: str, parameter: nn.Parameter) -> bool:
    """DINO's rule: no biases, no vectors. Its CLS token is not a vector, so that it decays."""
    return name.endswith(_TOKENS) or not (name.endswith(".bias") or parameter.ndim == 1)


def _scale(name: str, recipe: Recipe) -> float:
    """Blocks near the pictures know what all pictures share, and move less when ``layer_decay`` says so."""
    optimiser, blocks = recipe.optimiser, recipe.model.blocks
    if match := _BLOCK.match(name):
        above = blocks - int(match[1])
    else:
        above = blocks + 1 if _EMBEDDING.match(name) else 0
    of_patches = optimiser.patch_rate if name.startswith("backbone.patch.") else 1.0
    return float(optimiser.layer_decay**above * of_patches)


def _gradients(student: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in student.named_parameters():
        if parameter.grad is not None:
            yield name, parameter.grad


def _shrinking(norms: dict[str, Tensor], limit: float, by: Clip) -> dict[str, Tensor]:
    """Of every parameter the factor, at most 1, that its gradient is multiplied by."""
    together: dict[str, list[str]] = {}
    for name in norms:
        measured = {"parameter": name, "module": name.partition(".")[0], "all": ""}[by]
        together.setdefault(measured, []).append(name)
    shrink: dict[str, Tensor] = {}
    for names in together.values():
        norm = torch.stack([norms[name] for name in names]).norm() if len(names) > 1 else norms[names[0]]
        shrink |= dict.fromkeys(names, (limit / (norm + _TINY)).clamp(max=1.0))
    return shrink
