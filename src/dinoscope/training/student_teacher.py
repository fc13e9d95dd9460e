"""Self-distillation: a student learns to say of any view what its teacher, its own average, says of others.

Caron et al. 2021 (https://arxiv.org/abs/2104.14294), algorithm 1. One step of training is::

    knobs = schedules.at(step)
    losses = pair.forward_loss(views, temperature=knobs.temperature, step=step)
    losses.total.backward()
    ...                                  # clip, freeze, optimiser step: training.optimising
    pair.move_centre()                   # once per batch, however many windows it came in
    pair.update_teacher(knobs.momentum)  # after the optimiser's step
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from dinoscope.models.config import Tensors
from dinoscope.models.vit import Vit
from dinoscope.training.heads import at_least_single
from dinoscope.training.koleo import koleo_loss
from dinoscope.training.losses import Centre, dino_loss, entropy, sinkhorn
from dinoscope.training.networks import Network, Seen
from dinoscope.training.patch_loss import mask_tensor, patch_loss, view_masks
from dinoscope.training.recipe import Recipe

GLOBALS = 2  # views the teacher sees


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Numbers of a window of a batch, each a tensor of shape (); only ``total`` carries a gradient."""

    total: Tensor  # what is minimised: the others by their weights
    dino: Tensor  # cross-entropy, nats
    patch: Tensor | None  # None: not part of the recipe
    koleo: Tensor | None
    keep: Tensor | None
    teacher_entropy: Tensor  # of the targets, nats: ln K when they say nothing, 0 when they are sure
    kl: Tensor  # dino - teacher_entropy: what the student has yet to learn, nats


class StudentTeacher(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """Both networks, the centre of the targets and, when continuing, the features to stay near.

    ``state_dict`` holds all that training changes, the optimiser aside.

    Args:
        recipe: what to build.
        seed: of the new weights and of the masks.
        start: canonical tensors to continue from; None draws new ones.
    """

    def __init__(self, recipe: Recipe, seed: int | None = None, start: Tensors | None = None) -> None:
        super().__init__()
        self.recipe = recipe
        self.seed = recipe.seed if seed is None else seed
        self.student = Network(recipe, recipe.drop_path, masks=True)
        self.teacher = Network(recipe)
        self.student.initialise(torch.Generator().manual_seed(self.seed))
        if start is not None:
            self.student.backbone.load_tensors(start)
        missing, _ = self.teacher.load_state_dict(self.student.state_dict(), strict=False)
        assert not missing, missing  # the student has all that the teacher has, and a mask token
        self.teacher.requires_grad_(False)
        centre = recipe.head.prototypes, recipe.teacher.centre_momentum
        self.centre = Centre(*centre)
        self.patch_centre = Centre(*centre) if self.teacher.with_patches else None
        self.anchor = self._frozen_start() if recipe.extras.keep_weight > 0 else None
        self.train()

    def train(self, mode: bool = True) -> StudentTeacher:
        """Only the student trains; teacher and anchor always see everything."""
        super().train(mode)
        self.teacher.eval()
        if self.anchor is not None:
            self.anchor.eval()
        return self

    def forward_loss(
        self,
        views: Sequence[Tensor],
        *,
        temperature: float,
        step: int = 0,
        first: int = 0,
        student: nn.Module | None = None,
    ) -> Losses:
        """The losses of a batch, or of one window of it. Autocast is the caller's choice.

        Args:
            views: each (pictures, 3, side, side) normalised, on the networks' device; two global ones first.
            temperature: of the teacher.
            step: optimiser steps done; decides, with the seed, which patches are hidden.
            first: place in the whole batch, over all processes and windows, of the window's first picture.
            student: what to run in its place: the student wrapped in DistributedDataParallel.
        """
        masked = self._masks(views[0], step, first)
        with torch.no_grad():
            taught = self.teacher(views[:GLOBALS], masked)
        seen = (student or self.student)(views, masked)
        targets = self._targets(taught.scores.flatten(0, 1), self.centre, temperature)
        targets = targets.unflatten(0, (GLOBALS, -1))
        dino = dino_loss(seen.scores, targets, self.recipe.teacher.student_temperature)
        patch = None if masked is None else self._patch_loss(seen, taught, masked, temperature)
        koleo = self._koleo(seen) if self.recipe.extras.koleo_weight > 0 else None
        keep = None if self.anchor is None else self._keep(seen, views[0], masked)
        return self._losses(dino, patch, koleo, keep, entropy(targets))

    def move_centre(self) -> None:
        """After the last window of a batch; needs all processes."""
        for centre in self._centres():
            centre.move()

    def forget_batch(self) -> None:
        """A batch is skipped: what its windows showed does not move the centre."""
        for centre in self._centres():
            centre.forget()

    def update_teacher(self, momentum: float) -> None:
        """teacher = momentum * teacher + (1 - momentum) * student, after the optimiser's step."""
        students = dict(self.student.named_parameters())
        pairs = [(mine, students[name]) for name, mine in self.teacher.named_parameters()]
        with torch.no_grad():
            torch._foreach_lerp_([mine for mine, _ in pairs], [theirs for _, theirs in pairs], 1 - momentum)

    def _masks(self, view: Tensor, step: int, first: int) -> Tensor | None:
        """(globals * batch, N) bool, view by view."""
        if not self.teacher.with_patches:
            return None
        extras, patch = self.recipe.extras, self.recipe.model.patch
        grid = view.shape[2] // patch, view.shape[3] // patch
        places = range(GLOBALS * first, GLOBALS * (first + len(view)))  # a picture's two views side by side
        masks = view_masks(self.seed, step, places, grid, share=extras.mask_share, ratio=extras.mask_ratio)
        by_view = masks.reshape(len(view), GLOBALS, -1).swapaxes(0, 1).reshape(len(masks), -1)
        return mask_tensor(by_view, view.device)

    def _targets(self, scores: Tensor, centre: Centre, temperature: float) -> Tensor:
        teacher = self.recipe.teacher
        if teacher.centring == "sinkhorn":
            return sinkhorn(scores, temperature, teacher.sinkhorn_rounds)
        return centre.targets(scores, temperature)

    def _patch_loss(self, seen: Seen, taught: Seen, masked: Tensor, temperature: float) -> Tensor:
        assert self.patch_centre is not None
        assert seen.patch_scores is not None
        assert taught.patch_scores is not None
        targets = self._targets(taught.patch_scores, self.patch_centre, temperature)
        return patch_loss(seen.patch_scores, targets, masked, self.recipe.teacher.student_temperature)

    def _koleo(self, seen: Seen) -> Tensor:
        """Summed over the global views, as DINOv2: views of one picture are not to be pushed apart."""
        return sum((koleo_loss(view) for view in seen.cls[:GLOBALS]), seen.cls.new_zeros(()))

    def _keep(self, seen: Seen, view: Tensor, masked: Tensor | None) -> Tensor:
        """How far the first view's features turned from the starting weights': 0 not, 1 to a right angle."""
        assert self.anchor is not None
        assert seen.patches is not None  # a recipe that keeps something asks for them
        with torch.no_grad():
            before = self.anchor(view)
        cls = _turned(seen.cls[0], before.cls).mean()
        patches = _turned(seen.patches[0], before.patches)
        visible = torch.ones_like(patches) if masked is None else (~masked[: len(view)]).to(patches.dtype)
        of_picture = (patches * visible).sum(1) / visible.sum(1).clamp(min=1)
        return (cls + of_picture.mean()) / 2

    def _losses(
        self, dino: Tensor, patch: Tensor | None, koleo: Tensor | None, keep: Tensor | None, entropy: Tensor
    ) -> Losses:
        extras = self.recipe.extras
        total = dino
        for part, weight in (
            (patch, extras.patch_weight),
            (koleo, extras.koleo_weight),
            (keep, extras.keep_weight),
        ):
            total = total if part is None else total + weight * part
        patch, koleo, keep = (None if part is None else part.detach() for part in (patch, koleo, keep))
        dino = dino.detach()
        return Losses(total, dino, patch, koleo, keep, entropy, dino - entropy)

    def _centres(self) -> list[Centre]:
        return [centre for centre in (self.centre, self.patch_centre) if centre is not None]

    def _frozen_start(self) -> Vit:
        anchor = Vit(self.recipe.model)
        anchor.load_state_dict(self.student.backbone.state_dict())
        anchor.requires_grad_(False)
        return anchor


def _turned(here: Tensor, there: Tensor) -> Tensor:
    """(…, D) twice -> (…): one minus the cosine."""
    return 1 - functional.cosine_similarity(at_least_single(here), at_least_single(there), dim=-1)
