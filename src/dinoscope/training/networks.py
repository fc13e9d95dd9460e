"""A backbone with its heads, over all the views of a batch: what student and teacher both are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor, nn

from dinoscope.models.vit import Masked, Tokens, Vit
from dinoscope.training.heads import ProjectionHead
from dinoscope.training.recipe import Recipe


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a network says of the views of a batch (or a window of one)."""

    scores: Tensor  # (views, batch, K)
    cls: Tensor  # (views, batch, D)
    patches: Tensor  # (globals, batch, N, D) of the global views
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
        sizes = [list(same) for _, same in groupby(views, lambda view: view.shape[-2:])]
        tokens = self._backbone([torch.cat(same) for same in sizes], masked)
        cls = torch.cat([each.cls for each in tokens])
        batch = len(views[0])
        return Seen(
            scores=self.head(cls).unflatten(0, (len(views), batch)),
            cls=cls.unflatten(0, (len(views), batch)),
            patches=tokens[0].patches.unflatten(0, (len(sizes[0]), batch)),
            patch_scores=None if masked is None else self._patch_scores(tokens[0].patches, masked),
        )

    def _backbone(self, sizes: list[Tensor], masked: Tensor | None) -> list[Tokens]:
        first = None if masked is None or self.mask_token is None else self._hidden(sizes[0], masked)
        masks = [first, *[None] * (len(sizes) - 1)]
        if sizes[0].is_cuda if self.packed is None else self.packed:
            return self.backbone.together(sizes, masks)
        return [self.backbone.together([each], [mask])[0] for each, mask in zip(sizes, masks, strict=True)]

    def _hidden(self, pictures: Tensor, masked: Tensor) -> Masked:
        """Local views as large as the global ones go through the backbone with them, but hide nothing."""
        nothing = masked.new_zeros(len(pictures) - len(masked), masked.shape[1])
        return Masked(torch.cat([masked, nothing]), self.mask_token)

    def _patch_scores(self, patches: Tensor, masked: Tensor) -> Tensor:
        head = self.head if self.patch_head is None else self.patch_head
        return head(patches[: len(masked)][masked])
