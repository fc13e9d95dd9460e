"""From a descriptor to scores over prototypes: the head that exists during training only.

Caron et al. 2021 (https://arxiv.org/abs/2104.14294), appendix C: an MLP, a bottleneck scaled to unit
length, and a weight-normed layer without bias (Salimans & Kingma 2016), so that with prototypes of length 1
a score is a cosine.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from dinoscope.training.recipe import Head

_SPREAD = 0.02
_THEIR_LENGTH = re.compile(r"last_layer\.(weight_g|parametrizations\.weight\.original0)$")
_THEIR_DIRECTION = re.compile(r"last_layer\.(weight_v|parametrizations\.weight\.original1)$")


class Prototypes(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """A linear layer without bias whose rows are a direction times a length.

    Args:
        inputs: their dimension.
        count: rows, K.
        frozen_norm: every row keeps length 1; otherwise the lengths are learned too.
    """

    def __init__(self, inputs: int, count: int, frozen_norm: bool = True) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.zeros(count, inputs))
        self.length = nn.Parameter(torch.ones(count, 1), requires_grad=not frozen_norm)

    def forward(self, points: Tensor) -> Tensor:
        """(n, inputs) -> (n, K)."""
        lengths = self.direction.norm(dim=1, keepdim=True)
        return functional.linear(points, self.direction * (self.length / lengths))


class ProjectionHead(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """MLP, unit length, prototypes.

    Args:
        dimension: of the descriptors, D.
        shape: everything else.
        batch_norm: normalise the hidden layers over the batch; DINO does so for convolutional networks only.
    """

    def __init__(self, dimension: int, shape: Head, batch_norm: bool = False) -> None:
        super().__init__()
        widths = [dimension, *[shape.hidden] * (shape.layers - 1), shape.bottleneck]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            if layers:
                layers += [nn.BatchNorm1d(before), nn.GELU()] if batch_norm else [nn.GELU()]
            layers.append(nn.Linear(before, after))
        self.mlp = nn.Sequential(*layers)
        self.prototypes = Prototypes(shape.bottleneck, shape.prototypes, shape.frozen_norm)

    def forward(self, descriptors: Tensor) -> Tensor:
        """(n, D) -> scores (n, K)."""
        points = self.mlp(descriptors)
        return self.prototypes(functional.normalize(at_least_single(points), dim=-1))

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as DINO does: normal of spread 0.02, the prototypes uniform."""
        for module in self.mlp:
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_SPREAD, generator=generator)
                nn.init.zeros_(module.bias)
        bound = self.prototypes.direction.shape[1] ** -0.5
        nn.init.uniform_(self.prototypes.direction, -bound, bound, generator=generator)
        nn.init.ones_(self.prototypes.length)


def at_least_single(tensor: Tensor) -> Tensor:
    """Half precision becomes single, the others stay: sums and lengths need more than 8 bits."""
    return tensor.float() if tensor.dtype in (torch.bfloat16, torch.float16) else tensor


def head_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A head's state as DINO's checkpoints name it (old and new weight norm), by our names.

    Args:
        tensors: of the head alone or of a whole student; what is not of the (DINO) head is left out.
    """
    found = {}
    for name, tensor in tensors.items():
        within = re.sub(r"^(module\.)?(dino_)?(head\.)?", "", name)
        within = _THEIR_LENGTH.sub("prototypes.length", within)
        within = _THEIR_DIRECTION.sub("prototypes.direction", within)
        if within.startswith(("mlp.", "prototypes.")):
            found[re.sub(r"^mlp\.(weight|bias)$", r"mlp.0.\1", within)] = (
                tensor  # a single layer has no number
            )
    return found
