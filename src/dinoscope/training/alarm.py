"""When a run has collapsed, say so, with the knob to turn.

A teacher that always names one prototype, or all alike, teaches nothing, and the loss does not tell: it is
flat at ln K in one case and falls nicely to 0 in the other (facebookresearch/dino issues 43 and 246).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from dinoscope.training.journal import Measure
from dinoscope.training.recipe import Recipe

Collapse = Literal["uniform", "single", "constant"]

UNIFORM, SINGLE = 0.98, 0.05  # share of ln K
CONSTANT = 1e-3  # standard deviation of unit descriptors, times the root of their dimension
PATIENCE, PROBES = 5, 2  # rows in a row, probes in a row


def alarm(rows: Sequence[Measure], recipe: Recipe) -> str | None:
    """A sentence when the latest rows after the warm-up all show the same collapse, else None.

    Args:
        rows: of the journal, oldest first; the last hundred are enough.
    """
    settled = [row for row in rows if row.step > quiet_until(recipe)]
    told = [row for row in settled if row.entropy is not None][-PATIENCE:]
    kinds = {_sharpness(row) for row in told}
    if len(told) == PATIENCE and len(kinds) == 1 and (kind := kinds.pop()):
        return _sentence(kind, told[-1], recipe)
    probed = [row for row in settled if "std" in row.probe][-PROBES:]
    if len(probed) == PROBES and all(row.probe["std"] < CONSTANT for row in probed):
        return _sentence("constant", probed[-1], recipe)
    return None


def quiet_until(recipe: Recipe) -> int:
    """The step up to which odd values mean nothing: the end of the warm-up, or of the frozen last layer."""
    return max(recipe.optimiser.warmup, recipe.optimiser.freeze_last, recipe.steps // 20)


def _sharpness(row: Measure) -> Collapse | None:
    assert row.entropy is not None
    if row.entropy > UNIFORM:
        return "uniform"
    return "single" if row.entropy < SINGLE else None


def _sentence(kind: Collapse, row: Measure, recipe: Recipe) -> str:
    low, high = recipe.teacher.temperature
    if kind == "uniform":
        return (
            f"the teacher's targets are uniform at step {row.step} (entropy {row.entropy:.2f} of ln K): "
            f"lower the temperature with --set teacher.temperature={low / 2:g},{high / 2:g}, or the momentum "
            f"with --set teacher.momentum={_faster(recipe):g},1"
        )
    if kind == "single":
        return (
            f"the teacher names one prototype for everything at step {row.step} (entropy {row.entropy:.2f} "
            f"of ln K): raise the temperature with --set teacher.temperature={low * 1.5:g},{high * 1.5:g}, "
            f"or freeze the last layer longer with --set optimiser.freeze_last={_longer(recipe)}"
        )
    return (
        f"all pictures get the same descriptor at step {row.step} (spread {row.probe['std']:.1e}): lower the "
        f"rate with --set optimiser.rate={recipe.optimiser.rate / 2:g}, or start with a longer warm-up"
    )


def _faster(recipe: Recipe) -> float:
    """A momentum that remembers half as long."""
    return max(0.5, 1 - 2 * (1 - recipe.teacher.momentum[0]))


def _longer(recipe: Recipe) -> int:
    return max(2 * recipe.optimiser.freeze_last, recipe.steps // 10)
