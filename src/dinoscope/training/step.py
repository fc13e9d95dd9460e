"""One step of training, in the order that matters.

Caron et al. 2021 (https://arxiv.org/abs/2104.14294), algorithm 1: the knobs are set, the loss is known to be
finite before anything moves, the centre moves once per batch, and the teacher follows after the optimiser.
However many windows a batch is cut into and however many processes share it, all of that happens once.
"""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from dinoscope.errors import BadRequest
from dinoscope.models.config import Tensors
from dinoscope.training.colours import coloured
from dinoscope.training.distributed import Place, shared, summed, unsent
from dinoscope.training.loader import Batch
from dinoscope.training.optimising import adamw, clip, freeze_prototypes, set_knobs
from dinoscope.training.recipe import Precision, Recipe
from dinoscope.training.schedules import Knobs, schedules_of
from dinoscope.training.student_teacher import Losses, StudentTeacher

_PARTS = ("total", "dino", "patch", "koleo", "keep", "teacher_entropy", "kl")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: means over the batch of all processes. None: not part of the recipe."""

    knobs: Knobs
    loss: float
    dino: float
    patch: float | None
    koleo: float | None
    keep: float | None
    entropy: float  # share of ln K
    kl: float  # nats
    gradient: float  # norm before clipping
    done: bool  # False: not finite, so nothing moved


class Stepper:
    """Student, teacher and optimiser of a training, on one device.

    Args:
        recipe: what to train.
        place: where; every process holds the whole of both networks and a share of each batch.
        start: canonical tensors to continue from; None begins at random.
        compiled: translate the blocks for the device first (torch.compile): minutes that pay on a GPU.
    """

    def __init__(
        self, recipe: Recipe, place: Place, start: Tensors | None = None, *, compiled: bool = False
    ) -> None:
        self.recipe, self.place = recipe, place
        self.pair = StudentTeacher(recipe, start=start).to(place.device)
        if compiled:
            compile_blocks(self.pair, place.device)
        self._student = shared(self.pair.student, place)
        self.optimiser = adamw(self.pair.student, recipe)
        self.schedules = schedules_of(recipe)
        self.half = has_bf16(recipe.precision, place.device)

    def step(self, batch: Batch) -> Outcome:
        """Learn from a batch, this process' share of it. Every process must call it for the same step."""
        recipe, student = self.recipe, self.pair.student
        knobs = self.schedules.at(batch.step)
        set_knobs(self.optimiser, knobs)
        self.optimiser.zero_grad(set_to_none=True)
        torch.manual_seed(_seed_of(recipe.seed, batch.step, self.place.rank))  # of the dropped paths
        said = self._forward_and_back(batch, knobs)
        if not math.isfinite(said["total"]):
            return self._skipped(said, knobs, math.nan)
        norm = float(clip(student, recipe.optimiser.clip, recipe.optimiser.clip_by))
        if not math.isfinite(norm):
            return self._skipped(said, knobs, norm)
        self.pair.move_centre()
        if batch.step < recipe.optimiser.freeze_last:
            freeze_prototypes(student)
        self.optimiser.step()
        self.pair.update_teacher(knobs.momentum)
        return self._outcome(said, knobs, norm, done=True)

    def state_dict(self) -> dict[str, Any]:
        """Everything a step depends on but the batch: tensors and plain types."""
        return {"pair": self.pair.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` returned."""
        self.pair.load_state_dict(state["pair"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _forward_and_back(self, batch: Batch, knobs: Knobs) -> dict[str, float]:
        """Gradients of the share of this process, and what all processes said on average."""
        windows = self.recipe.accumulate
        views = [view.chunk(windows) for view in coloured(batch, self.recipe, self.place.device)]
        first, share = int(batch.positions[0]), len(batch.positions) // windows
        sums = torch.zeros(len(_PARTS), dtype=torch.float64, device=self.place.device)
        for window in range(windows):
            last = window == windows - 1
            with nullcontext() if last else unsent(self._student):
                with torch.autocast(self.place.device.type, torch.bfloat16, enabled=self.half):
                    losses = self.pair.forward_loss(
                        [view[window] for view in views],
                        temperature=knobs.temperature,
                        step=batch.step,
                        first=first + window * share,
                        student=self._student,
                    )
                (losses.total / windows).backward()
            sums += _row(losses)
        means = summed(sums) / (windows * self.place.world)
        return dict(zip(_PARTS, means.tolist(), strict=True))

    def _skipped(self, said: dict[str, float], knobs: Knobs, norm: float) -> Outcome:
        self.optimiser.zero_grad(set_to_none=True)
        self.pair.forget_batch()
        return self._outcome(said, knobs, norm, done=False)

    def _outcome(self, said: dict[str, float], knobs: Knobs, norm: float, done: bool) -> Outcome:
        extras = self.recipe.extras
        return Outcome(
            knobs=knobs,
            loss=said["total"],
            dino=said["dino"],
            patch=said["patch"] if extras.patch_weight > 0 else None,
            koleo=said["koleo"] if extras.koleo_weight > 0 else None,
            keep=said["keep"] if extras.keep_weight > 0 else None,
            entropy=said["teacher_entropy"] / math.log(self.recipe.head.prototypes),
            kl=said["kl"],
            gradient=norm,
            done=done,
        )


def compile_blocks(pair: StudentTeacher, device: torch.device, backend: str = "inductor") -> None:
    """Have torch compile every block of both backbones when it first runs; names and results stay.

    Raises:
        BadRequest: the device is a processor, where it takes minutes and gains nothing (measured: 16.0
            against 16.7 pictures a second and core, ViT-T/4 in bf16).
    """
    if device.type == "cpu" and backend == "inductor":
        raise BadRequest("compiling gains nothing on a processor: leave --compile out, or train on a GPU")
    for network in (pair.student, pair.teacher):
        for block in network.backbone.blocks:
            block.compile(backend=backend, fullgraph=True)


def has_bf16(precision: Precision, device: torch.device) -> bool:
    """Whether a training of that precision computes in bf16 there: "auto" where the hardware does.

    Raises:
        BadRequest: bf16 is asked for, and the GPU has none.
    """
    if precision == "fp32":
        return False
    if device.type == "cuda":
        there = torch.cuda.is_bf16_supported(including_emulation=False)
        if precision == "bf16" and not there:
            raise BadRequest(f"{device} has no bf16: use --precision fp32")
        return bool(there)
    # any processor can; those without these instructions are slower with it than without
    known = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return precision == "bf16" or bool(known and known())


def _row(losses: Losses) -> Tensor:
    parts = [getattr(losses, name) for name in _PARTS]
    nothing = torch.zeros_like(losses.dino)
    return torch.stack([(nothing if part is None else part.detach()).double() for part in parts])


def _seed_of(seed: int, step: int, rank: int) -> int:
    """Dice of their own for each step and process, so that a resumed run throws the same."""
    return (seed * 1_000_003 + step * 4099 + rank) % 2**63
