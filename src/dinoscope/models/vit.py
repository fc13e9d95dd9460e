"""DINO, DINOv2 and DINOv3 vision transformers in torch (extra ``torch``).

Parameters carry the canonical names of ``models.config``, so ``load_tensors`` needs no mapping and the
trained weights of this module are a model every other runtime reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dinoscope.models.config import Tensors, VitConfig, dense
from dinoscope.models.positions import resampling, rotary

Turn = tuple[Tensor, Tensor]  # cosines and sines, both (prefix + N, head dimension)


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """What comes out, after the final norm."""

    cls: Tensor  # (batch, D)
    registers: Tensor  # (batch, R, D)
    patches: Tensor  # (batch, N, D), row by row


class Block(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """Attention and feed-forward, each normed before and added after (LayerScale where there is one)."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        d, f = config.dimension, config.hidden
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(d, config.norm_eps)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.norm2 = nn.LayerNorm(d, config.norm_eps)
        self.gate = nn.Linear(d, f) if config.swiglu else None
        self.fc1 = nn.Linear(d, f)
        self.fc2 = nn.Linear(f, d)
        self.scale1 = nn.Parameter(torch.ones(d)) if config.layer_scale else None
        self.scale2 = nn.Parameter(torch.ones(d)) if config.layer_scale else None

    def forward(self, tokens: Tensor, turn: Turn | None) -> Tensor:
        """(batch, tokens, D) -> the same."""
        queries, keys, values = self._queries_keys_values(tokens, turn)
        attended = functional.scaled_dot_product_attention(queries, keys, values)
        attended = self.proj(attended.transpose(1, 2).flatten(2))
        tokens = tokens + (attended if self.scale1 is None else attended * self.scale1)
        forward = self._feed_forward(self.norm2(tokens))
        return tokens + (forward if self.scale2 is None else forward * self.scale2)

    def cls_attention(self, tokens: Tensor, turn: Turn | None) -> Tensor:
        """(batch, heads, tokens): what the CLS token of this block's input gives to each token."""
        queries, keys, _ = self._queries_keys_values(tokens, turn)
        scores = queries[:, :, :1] @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5
        return scores.softmax(-1)[:, :, 0]

    def _queries_keys_values(self, tokens: Tensor, turn: Turn | None) -> tuple[Tensor, Tensor, Tensor]:
        batch, count, _ = tokens.shape
        split = self.qkv(self.norm1(tokens)).reshape(batch, count, 3, self.heads, -1)
        queries, keys, values = split.permute(2, 0, 3, 1, 4)  # each (batch, heads, tokens, head dimension)
        if turn is not None:
            queries, keys = _turned(queries, turn), _turned(keys, turn)
        return queries, keys, values

    def _feed_forward(self, tokens: Tensor) -> Tensor:
        if self.gate is None:
            return self.fc2(functional.gelu(self.fc1(tokens)))
        return self.fc2(functional.silu(self.gate(tokens)) * self.fc1(tokens))


def _turned(heads: Tensor, turn: Turn) -> Tensor:
    half = heads.shape[-1] // 2
    swapped = torch.cat([heads[..., half:], heads[..., :half]], dim=-1)
    return heads * turn[0] + swapped * turn[1]


class Vit(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """A vision transformer that takes pictures of any multiple of the patch size."""

    def __init__(self, config: VitConfig) -> None:
        super().__init__()
        self.config = config
        d = config.dimension
        self.patch = nn.Conv2d(3, d, config.patch, config.patch)
        self.cls = nn.Parameter(torch.zeros(d))
        self.registers = nn.Parameter(torch.zeros(config.registers, d)) if config.registers else None
        count = 1 + config.position_grid[0] * config.position_grid[1]
        self.positions = None if config.rope else nn.Parameter(torch.zeros(count, d))
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.blocks))
        self.norm = nn.LayerNorm(d, config.norm_eps)

    def load_tensors(self, tensors: Tensors) -> None:
        """Take over canonical tensors; every parameter must be there, in its shape."""
        state = {name: torch.from_numpy(dense(tensors, name).copy()) for name in self.state_dict()}
        self.load_state_dict(state, strict=True)

    def forward(self, pictures: Tensor) -> Tokens:
        """(batch, 3, rows * patch, columns * patch) normalised pictures -> Tokens."""
        tokens, turn = self.embed(pictures)
        for block in self.blocks:
            tokens = block(tokens, turn)
        return self.finish(tokens)

    def with_attention(self, pictures: Tensor) -> tuple[Tokens, Tensor]:
        """Tokens, and (batch, heads, N) what CLS gives to each patch in the last block."""
        tokens, turn = self.embed(pictures)
        for block in self.blocks[:-1]:
            tokens = block(tokens, turn)
        attention = self.blocks[-1].cls_attention(tokens, turn)
        return self.finish(self.blocks[-1](tokens, turn)), attention[:, :, self.config.prefix :]

    def embed(self, pictures: Tensor) -> tuple[Tensor, Turn | None]:
        """The first block's input (batch, prefix + N, D), and the rotary angles where there are some."""
        grid = pictures.shape[2] // self.config.patch, pictures.shape[3] // self.config.patch
        patches = self.patch(pictures).flatten(2).transpose(1, 2)
        prefix = self.cls[None]
        if self.positions is not None:
            prefix = prefix + self.positions[:1]
            patches = patches + self._positions_on(grid)
        if self.registers is not None:
            prefix = torch.cat([prefix, self.registers])
        tokens = torch.cat([prefix.expand(len(patches), -1, -1), patches], dim=1)
        return tokens, self._turn(grid, tokens) if self.config.rope else None

    def finish(self, tokens: Tensor) -> Tokens:
        """The final norm, and the tokens told apart."""
        tokens = self.norm(tokens)
        prefix = self.config.prefix
        return Tokens(tokens[:, 0], tokens[:, 1:prefix], tokens[:, prefix:])

    def _positions_on(self, grid: tuple[int, int]) -> Tensor:
        """(N, D), as ``models.positions.stretched`` but differentiable."""
        assert self.positions is not None
        trained = self.config.position_grid
        if grid == trained:
            return self.positions[1:]
        plane = self.positions[1:].reshape(*trained, -1)
        down, across = (
            torch.from_numpy(resampling(old, new, self.config.positions)).to(plane)
            for old, new in zip(trained, grid, strict=True)
        )
        return torch.einsum("ar,bc,rcd->abd", down, across, plane).flatten(0, 1)

    def _turn(self, grid: tuple[int, int], like: Tensor) -> Turn:
        config = self.config
        tables = rotary(grid, config.prefix, config.head_dimension, config.rope_theta)
        cosines, sines = (torch.from_numpy(np.asarray(table)).to(like) for table in tables)
        return cosines, sines
