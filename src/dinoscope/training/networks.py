"""A backbone with its heads, over all the views of a batch: what student and teacher both are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import torch
from torch import Tensor, nn

from dinoscope.models.vit import Masked, Tokens, Vit
from dinoscope.training.heads import ProjectionHead
from dinoscope.training.recipe import Recipe

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network says of the views of a batch (or a window of one)."""

    scores: Tensor  # (views, batch, K)
    cls: Tensor  # (views, batch, D)
    patches: Tensor | None  # (globals, batch, N, D) of the global views, where a loss looks at them
    patch_scores: Tensor | None  # (M, K) at the hidden patches, where there is a loss on them


class Network(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """Backbone, head and, with a loss on patches, what that needs.

    Args:
        recipe: shapes, and which losses there are.
        drop_path: of the backbone's last block.
        masks: it will have patches hidden from it, as the student has.
    """

    def __init__(self, recipe: Recipe, drop_path: float = 0.0, masks: bool = False) -> None:
        super().__init__()
        dimension, with_patches = recipe.model.dimension, recipe.extras.patch_weight > 0
        self.with_patches = with_patches
        self._cls_only = not with_patches and recipe.extras.keep_weight == 0
        self.packed: bool | None = None  # all sizes in one pass; None: where there is a GPU, which likes it
        self.backbone = Vit(recipe.model, drop_path)
        self.head = ProjectionHead(dimension, recipe.head)
        untied = with_patches and recipe.extras.untied_heads
        self.patch_head = ProjectionHead(dimension, recipe.head) if untied else None
        self.mask_token = nn.Parameter(torch.zeros(dimension)) if masks and with_patches else None

    def initialise(self, generator: torch.Generator) -> None:
        """Draw new weights for backbone and heads."""
        self.backbone.initialise(generator)
        self.head.initialise(generator)
        if self.patch_head is not None:
            self.patch_head.initialise(generator)

    def forward(self, views: Sequence[Tensor], masked: Tensor | None = None) -> Seen:
        """The views, each (batch, 3, side, side), largest first: the first one's size makes it global.

        Args:
            views: normalised pictures.
            masked: (globals * batch, N) bool, view by view: patches whose scores are wanted. A network made
                with ``masks`` does not see them.
        """
        groups = [list(same) for _, same in groupby(views, lambda view: view.shape[-2:])]
        sizes, batch = [torch.cat(same) for same in groups], len(views[0])
        patches = patch_scores = None
        if self._cls_only:
            cls = self._by_size(sizes, self.backbone.cls_together)
        else:
            tokens = self._tokens(sizes, masked)
            cls = [each.cls for each in tokens]
            patches = tokens[0].patches.unflatten(0, (len(groups[0]), batch))
            patch_scores = None if masked is None else self._patch_scores(tokens[0].patches, masked)
        summaries = torch.cat(cls)
        return Seen(
            scores=self.head(summaries).unflatten(0, (len(views), batch)),
            cls=summaries.unflatten(0, (len(views), batch)),
            patches=patches,
            patch_scores=patch_scores,
        )

    def _tokens(self, sizes: list[Tensor], masked: Tensor | None) -> list[Tokens]:
        first = None if masked is None or self.mask_token is None else self._hidden(sizes[0], masked)
        hidden = iter([first, *[None] * (len(sizes) - 1)])
        return self._by_size(
            sizes, lambda views: self.backbone.together(views, [next(hidden) for _ in views])
        )

    def _by_size(self, sizes: list[Tensor], run: Callable[[list[Tensor]], list[T]]) -> list[T]:
        """All sizes in one pass, or one pass for each."""
        if sizes[0].is_cuda if self.packed is None else self.packed:
            return run(sizes)
        return [run([each])[0] for each in sizes]

    def _hidden(self, pictures: Tensor, masked: Tensor) -> Masked:
        """Local views as large as the global ones go through the backbone with them, but hide nothing."""
        nothing = masked.new_zeros(len(pictures) - len(masked), masked.shape[1])
        return Masked(torch.cat([masked, nothing]), self.mask_token)

    def _patch_scores(self, patches: Tensor, masked: Tensor) -> Tensor:
        head = self.head if self.patch_head is None else self.patch_head
        return head(patches[: len(masked)][masked])
