"""Every knob that moves during a training, as an array of one number per optimiser step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest
from dinoscope.training.recipe import Recipe, Span

Knob = NDArray[np.float64]  # (steps,)
REFERENCE_BATCH = 256  # the batch that ``Optimiser.rate`` is meant for


@dataclass(frozen=True, slots=True)
class Knobs:
    """Where every knob stands at one step."""

    rate: float  # learning rate of the last block and the head
    weight_decay: float
    momentum: float  # of the teacher
    temperature: float  # of the teacher


@dataclass(frozen=True, slots=True, eq=False)
class Schedules:
    """Each knob over the whole training, (steps,)."""

    rate: Knob
    weight_decay: Knob
    momentum: Knob
    temperature: Knob

    def at(self, step: int) -> Knobs:
        """The knobs of the step after ``step`` finished ones, 0 <= step < steps."""
        return Knobs(
            rate=float(self.rate[step]),
            weight_decay=float(self.weight_decay[step]),
            momentum=float(self.momentum[step]),
            temperature=float(self.temperature[step]),
        )


def schedules_of(recipe: Recipe) -> Schedules:
    """What a recipe says of its knobs, written out.

    The learning rate grows linearly with the batch (Goyal et al. 2017, https://arxiv.org/abs/1706.02677),
    its end does not, as in DINO.

    Raises:
        BadRequest: a warm-up is longer than the training.
    """
    optimiser, teacher, steps = recipe.optimiser, recipe.teacher, recipe.steps
    rate = optimiser.rate * recipe.batch / REFERENCE_BATCH
    return Schedules(
        rate=cosine((rate, optimiser.final_rate), steps, optimiser.warmup),
        weight_decay=cosine(optimiser.weight_decay, steps),
        momentum=cosine(teacher.momentum, steps),
        temperature=linear_then_flat(teacher.temperature, steps, teacher.temperature_warmup),
    )


def cosine(span: Span, steps: int, warmup: int = 0, start: float = 0.0) -> Knob:
    """Straight from ``start`` to the span's first number, then half a cosine towards its second.

    The second number would be reached one step after the last (Loshchilov & Hutter 2017, as DINO has it).

    Raises:
        BadRequest: the warm-up is longer than the steps.
    """
    _check(steps, warmup)
    first, last = span
    falling = np.arange(steps - warmup) / max(steps - warmup, 1)  # in [0, 1)
    curve = last + 0.5 * (first - last) * (1 + np.cos(np.pi * falling))
    return np.concatenate([np.linspace(start, first, warmup), curve])


def linear_then_flat(span: Span, steps: int, warmup: int) -> Knob:
    """Straight from the span's first number to its second, which then stays.

    Raises:
        BadRequest: the warm-up is longer than the steps.
    """
    _check(steps, warmup)
    return np.concatenate([np.linspace(*span, warmup), np.full(steps - warmup, span[1], np.float64)])


def _check(steps: int, warmup: int) -> None:
    if steps < 1 or not 0 <= warmup <= steps:
        raise BadRequest(
            f"a warm-up of {warmup} steps does not fit in a training of {steps}: shorten it or train longer"
        )
