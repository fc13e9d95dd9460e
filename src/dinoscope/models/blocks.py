"""One block of a vision transformer in torch, over the tokens of pictures of one or several sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dinoscope.models.config import VitConfig

Turn = tuple[Tensor, Tensor]  # cosines and sines, both (prefix + N, head dimension)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where the tokens of each size lie among the rows (all tokens, D): size by size, picture by picture."""

    shapes: tuple[tuple[int, int], ...]  # of each size: (pictures, tokens of a picture)
    turns: tuple[Turn | None, ...]  # of each size: the rotary angles, where the model has them

    def split(self, rows: Tensor) -> list[Tensor]:
        """(all tokens, X) -> of each size (pictures, tokens, X)."""
        parts = rows.split([pictures * tokens for pictures, tokens in self.shapes])
        return [part.unflatten(0, shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def firsts(self) -> Layout:
        """The layout when only the first token of each picture, its CLS, is kept."""
        turns = tuple(turn and (turn[0][:1], turn[1][:1]) for turn in self.turns)
        return Layout(tuple((pictures, 1) for pictures, _ in self.shapes), turns)

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """Of each size (pictures, tokens, X) -> (all tokens, X)."""
        rows = [part.flatten(0, 1) for part in parts]
        return rows[0] if len(rows) == 1 else torch.cat(rows)

    def survivors(self, chance: float, like: Tensor) -> Tensor:
        """(all tokens, 1): 0 for the pictures that are dropped, one draw each; the others make up for it."""
        draws = (
            torch.rand(pictures, 1, 1, device=like.device).ge(chance).expand(-1, tokens, -1)
            for pictures, tokens in self.shapes
        )
        return self.joined(list(draws)).to(like.dtype) / (1 - chance)


class Block(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """Attention and feed-forward, each normed before and added after (LayerScale where there is one).

    Args:
        config: of the model.
        drop_path: chance that an update of this block is dropped for a picture while training.
    """

    def __init__(self, config: VitConfig, drop_path: float = 0.0) -> None:
        super().__init__()
        d, f = config.dimension, config.hidden
        self.heads = config.heads
        self.drop_path = drop_path
        self.norm1 = nn.LayerNorm(d, config.norm_eps)
        self.qkv = nn.Linear(d, 3 * d)
        self.proj = nn.Linear(d, d)
        self.norm2 = nn.LayerNorm(d, config.norm_eps)
        self.gate = nn.Linear(d, f) if config.swiglu else None
        self.fc1 = nn.Linear(d, f)
        self.fc2 = nn.Linear(f, d)
        self.scale1 = nn.Parameter(torch.ones(d)) if config.layer_scale else None
        self.scale2 = nn.Parameter(torch.ones(d)) if config.layer_scale else None

    def forward(self, rows: Tensor, layout: Layout) -> Tensor:
        """(all tokens, D) -> the same."""
        attended = [attention(*each) for each in self._queries_keys_values(rows, layout)]
        update = self.proj(layout.joined([each.transpose(1, 2).flatten(2) for each in attended]))
        rows = rows + self._kept(update, self.scale1, layout)
        return rows + self._kept(self._feed_forward(self.norm2(rows)), self.scale2, layout)

    def cls_alone(self, rows: Tensor, layout: Layout) -> Tensor:
        """(all tokens, D) -> (all pictures, D): what ``forward`` makes of CLS, and nothing else.

        In the last block of a network of which only CLS is asked, five sixths of the products are spent on
        patches that nobody looks at.
        """
        alone, d = layout.firsts(), rows.shape[1]
        normed, weight, bias = self.norm1(rows), self.qkv.weight, self.qkv.bias
        cls, asking = (_first(all_tokens, layout) for all_tokens in (rows, normed))
        asked = alone.split(functional.linear(asking, weight[:d], bias[:d]))
        given = layout.split(functional.linear(normed, weight[d:], bias[d:]))
        attended = []
        for query, pair, here, there in zip(asked, given, alone.turns, layout.turns, strict=True):
            queries = query.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            keys, values = pair.unflatten(-1, (2, self.heads, -1)).permute(2, 0, 3, 1, 4)
            if here is not None and there is not None:
                queries, keys = _turned(queries, here), _turned(keys, there)
            attended.append(attention(queries, keys, values).transpose(1, 2).flatten(2))
        cls = cls + self._kept(self.proj(alone.joined(attended)), self.scale1, alone)
        return cls + self._kept(self._feed_forward(self.norm2(cls)), self.scale2, alone)

    def cls_attention(self, rows: Tensor, layout: Layout) -> Tensor:
        """(batch, heads, tokens): what CLS, as it enters this block, gives to each token; of one size."""
        ((queries, keys, _),) = self._queries_keys_values(rows, layout)
        scores = queries[:, :, :1] @ keys.transpose(2, 3) * queries.shape[-1] ** -0.5
        return scores.softmax(-1)[:, :, 0]

    def facets(self, rows: Tensor, layout: Layout) -> dict[str, Tensor]:
        """Queries, keys and values (batch, tokens, D) without rotary angles; of one size."""
        (part,) = layout.split(self.qkv(self.norm1(rows)))
        return dict(zip(("queries", "keys", "values"), part.chunk(3, -1), strict=True))

    def _queries_keys_values(self, rows: Tensor, layout: Layout) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Of each size three times (batch, heads, tokens, head dimension)."""
        found = []
        for part, turn in zip(layout.split(self.qkv(self.norm1(rows))), layout.turns, strict=True):
            queries, keys, values = part.unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
            if turn is not None:
                queries, keys = _turned(queries, turn), _turned(keys, turn)
            found.append((queries, keys, values))
        return found

    def _feed_forward(self, rows: Tensor) -> Tensor:
        if self.gate is None:
            return self.fc2(functional.gelu(self.fc1(rows)))
        return self.fc2(functional.silu(self.gate(rows)) * self.fc1(rows))

    def _kept(self, update: Tensor, scale: Tensor | None, layout: Layout) -> Tensor:
        if scale is not None:
            update = update * scale
        if self.training and self.drop_path:
            update = update * layout.survivors(self.drop_path, update)
        return update


def attention(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """Softmax attention, all (batch, heads, tokens, head dimension).

    torch's own kernel is the fastest, but for bf16 on a CPU: its gradient takes five times as long as that
    of two plain products (torch 2.13, batch 64, 65 tokens: 52 against 10 ms), and without one it is no
    faster than they are.
    """
    if queries.device.type != "cpu" or queries.dtype != torch.bfloat16:
        return functional.scaled_dot_product_attention(queries, keys, values)
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.transpose(2, 3)
    return scores.softmax(-1).to(values.dtype) @ values


def _first(rows: Tensor, layout: Layout) -> Tensor:
    """(all tokens, D) -> (all pictures, D) CLS."""
    return torch.cat([part[:, 0] for part in layout.split(rows)])


def _turned(heads: Tensor, turn: Turn) -> Tensor:
    half = heads.shape[-1] // 2
    swapped = torch.cat([heads[..., half:], heads[..., :half]], dim=-1)
    return heads * turn[0] + swapped * turn[1]
