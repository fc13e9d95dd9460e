"""DINO, DINOv2 and DINOv3 vision transformers in torch (extra ``torch``), to run and to train.

Parameters carry the canonical names of ``models.config``, so ``load_tensors`` needs no mapping and the
trained weights of this module are a model every other runtime reads. The architecture is Dosovitskiy et
al. 2021 (https://arxiv.org/abs/2010.11929); stochastic depth is Huang et al. 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear
from torch.utils.checkpoint import checkpoint

from dinoscope.features import Facet
from dinoscope.models.blocks import Block, Layout, Turn
from dinoscope.models.config import PositionRule, Tensors, VitConfig, dense
from dinoscope.models.positions import resampling, rotary

_SPREAD = 0.02  # standard deviation of new weights
_NEW_LAYER_SCALE = 1e-5  # as DINOv2


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What comes out, after the final norm."""

    cls: Tensor  # (batch, D)
    registers: Tensor  # (batch, R, D)
    patches: Tensor  # (batch, N, D), row by row


@dataclass(frozen=True, slots=True, eq=False)
class Masked:
    """Patches the model must do without: it sees one learned token in their place."""

    where: Tensor  # (batch, N) bool
    token: Tensor  # (D,)


class Vit(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """A vision transformer that takes pictures of any multiple of the patch size.

    Args:
        config: its shape.
        drop_path: chance that the last block's updates are dropped for a picture, rising linearly from 0
            at the first block; only while training (``.train()``).
    """

    def __init__(self, config: VitConfig, drop_path: float = 0.0) -> None:
        super().__init__()
        self.config = config
        self.recompute = False  # True: keep no block's activations for the gradient, run it again instead
        d = config.dimension
        self.patch = nn.Conv2d(3, d, config.patch, config.patch)
        self.cls = nn.Parameter(torch.zeros(d))
        self.registers = nn.Parameter(torch.zeros(config.registers, d)) if config.registers else None
        count = 1 + config.position_grid[0] * config.position_grid[1]
        self.positions = None if config.rope else nn.Parameter(torch.zeros(count, d))
        rising = np.linspace(0, drop_path, config.blocks)
        self.blocks = nn.ModuleList(Block(config, float(chance)) for chance in rising)
        self.norm = nn.LayerNorm(d, config.norm_eps)

    def load_tensors(self, tensors: Tensors) -> None:
        """Take over canonical tensors; every parameter must be there, in its shape."""
        state = {name: torch.from_numpy(dense(tensors, name).copy()) for name in self.state_dict()}
        self.load_state_dict(state, strict=True)

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Draw new weights as DINO does: normal of spread 0.02, the patches' uniform as any convolution's."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_SPREAD, generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, Block) and module.scale1 is not None:
                nn.init.constant_(module.scale1, _NEW_LAYER_SCALE)
                nn.init.constant_(module.scale2, _NEW_LAYER_SCALE)
        bound = self.patch.weight[0].numel() ** -0.5
        for parameter in (self.patch.weight, self.patch.bias):
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        for parameter in (self.cls, self.positions, self.registers):
            if parameter is not None:
                nn.init.trunc_normal_(parameter, std=_SPREAD, generator=generator)

    def forward(self, pictures: Tensor) -> Tokens:
        """(batch, 3, rows * patch, columns * patch) normalised pictures -> Tokens."""
        return self.together([pictures])[0]

    def together(
        self, views: Sequence[Tensor], masked: Sequence[Masked | None] | None = None
    ) -> list[Tokens]:
        """Pictures of several sizes in one pass, each size only seeing itself.

        All that works token by token runs on everybody's tokens at once, which a GPU likes; attention runs
        size by size.

        Args:
            views: each (batch, 3, rows * patch, columns * patch), sizes and batches as they please.
            masked: what each of the views must do without.
        """
        rows, layout = self.embed(views, masked)
        for block in self.blocks:
            rows = self._run(block, rows, layout)
        return self.finish(rows, layout)

    def cls_together(self, views: Sequence[Tensor]) -> list[Tensor]:
        """Of each size (batch, D) CLS as ``together`` has it, without what the last patches would cost."""
        rows, layout = self.embed(views)
        for block in self.blocks[:-1]:
            rows = self._run(block, rows, layout)
        cls = self.norm(self._run(self.blocks[-1].cls_alone, rows, layout))
        return list(cls.split([pictures for pictures, _ in layout.shapes]))

    def with_attention(self, pictures: Tensor) -> tuple[Tokens, Tensor]:
        """Tokens, and (batch, heads, N) what CLS gives to each patch in the last block."""
        rows, layout = self._before(self.config.blocks, pictures)
        attention = self.blocks[-1].cls_attention(rows, layout)
        tokens = self.finish(self.blocks[-1](rows, layout), layout)[0]
        return tokens, attention[:, :, self.config.prefix :]

    def inside(self, pictures: Tensor, layer: int, facet: Facet) -> tuple[Tensor, Tensor]:
        """(batch, N, D) a facet of the patches in a layer, and (batch, heads, N) what CLS gives to each.

        Args:
            layer: 1 to ``config.blocks``.
            facet: as ``models.backbone.Backbone.inside``.
        """
        rows, layout = self._before(layer, pictures)
        block, prefix = self.blocks[layer - 1], self.config.prefix
        attention = block.cls_attention(rows, layout)[:, :, prefix:]
        if facet == "tokens":
            tokens = block(rows, layout)
            (tokens,) = layout.split(self.norm(tokens) if layer == self.config.blocks else tokens)
            return tokens[:, prefix:], attention
        return block.facets(rows, layout)[facet][:, prefix:], attention

    def _before(self, layer: int, pictures: Tensor) -> tuple[Tensor, Layout]:
        """What enters a block, and its layout."""
        rows, layout = self.embed([pictures])
        for block in self.blocks[: layer - 1]:
            rows = block(rows, layout)
        return rows, layout

    def embed(
        self, views: Sequence[Tensor], masked: Sequence[Masked | None] | None = None
    ) -> tuple[Tensor, Layout]:
        """The first block's input: rows (all tokens, D) of all the views, and where each view's lie."""
        masked = masked or [None] * len(views)
        parts = [self._tokens(view, hidden) for view, hidden in zip(views, masked, strict=True)]
        turns = [self._turn(view, part) for view, part in zip(views, parts, strict=True)]
        layout = Layout(tuple((len(part), part.shape[1]) for part in parts), tuple(turns))
        return layout.joined(parts), layout

    def finish(self, rows: Tensor, layout: Layout) -> list[Tokens]:
        """The final norm, and the tokens told apart."""
        prefix = self.config.prefix
        return [
            Tokens(part[:, 0], part[:, 1:prefix], part[:, prefix:]) for part in layout.split(self.norm(rows))
        ]

    def _run(self, block: Callable[[Tensor, Layout], Tensor], rows: Tensor, layout: Layout) -> Tensor:
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(block, rows, layout, use_reentrant=False)
        return block(rows, layout)

    def _tokens(self, pictures: Tensor, masked: Masked | None) -> Tensor:
        """(batch, prefix + N, D): what the pictures' patches say, and where they are."""
        patches = self._patches(pictures)
        if masked is not None:
            patches = torch.where(masked.where[..., None], masked.token.to(patches.dtype), patches)
        prefix = self.cls[None]
        if self.positions is not None:
            prefix = prefix + self.positions[:1]
            patches = patches + self._positions_on(self._grid(pictures))
        if self.registers is not None:
            prefix = torch.cat([prefix, self.registers])
        return torch.cat([prefix.expand(len(patches), -1, -1), patches], dim=1)

    def _patches(self, pictures: Tensor) -> Tensor:
        """(batch, N, D): the convolution, whose windows do not overlap, as one product of matrices.

        As a convolution in bf16, oneDNN computes nonsense on processors with AMX where a picture is a single
        patch wide (torch 2.13).
        """
        (rows, columns), side = self._grid(pictures), self.config.patch
        tiles = pictures.reshape(len(pictures), 3, rows, side, columns, side).permute(0, 2, 4, 1, 3, 5)
        return linear(
            tiles.reshape(len(pictures), rows * columns, -1), self.patch.weight.flatten(1), self.patch.bias
        )

    def _grid(self, pictures: Tensor) -> tuple[int, int]:
        return pictures.shape[2] // self.config.patch, pictures.shape[3] // self.config.patch

    def _positions_on(self, grid: tuple[int, int]) -> Tensor:
        """(N, D), as ``models.positions.stretched`` but differentiable."""
        assert self.positions is not None
        trained = self.config.position_grid
        if grid == trained:
            return self.positions[1:]
        plane = self.positions[1:].reshape(*trained, -1)
        down, across = (
            _resampling(old, new, self.config.positions, plane.device, plane.dtype)
            for old, new in zip(trained, grid, strict=True)
        )
        with torch.autocast(plane.device.type, enabled=False):  # places are not to be rounded to 8 bits
            return torch.einsum("ar,bc,rcd->abd", down, across, plane).flatten(0, 1)

    def _turn(self, pictures: Tensor, like: Tensor) -> Turn | None:
        return _turn(self._grid(pictures), self.config, like.device, like.dtype) if self.config.rope else None


# Both tables are asked for at every step, and copying them to a GPU would make it wait each time. They are
# made outside of inference mode, for what is made inside it can take no part in training afterwards.


@lru_cache(maxsize=64)
def _resampling(old: int, new: int, rule: PositionRule, device: torch.device, kind: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        return torch.from_numpy(resampling(old, new, rule)).to(device, kind)


@lru_cache(maxsize=16)
def _turn(grid: tuple[int, int], config: VitConfig, device: torch.device, kind: torch.dtype) -> Turn:
    tables = rotary(grid, config.prefix, config.head_dimension, config.rope_theta)
    with torch.inference_mode(False):
        cosines, sines = (torch.from_numpy(np.asarray(table)).to(device, kind) for table in tables)
    return cosines, sines
