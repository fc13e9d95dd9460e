"""Training runs as JSON: what ``wire`` is for the library."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError

from dinoscope.server.wire import Wire, shown
from dinoscope.training import journal, runs


class Measure(Wire):
    """Means over the steps since the measure before. null: not measured."""

    step: int  # optimiser steps done
    seconds: float  # spent training, over all sittings
    loss: float | None
    dino: float | None  # the parts of the loss, unweighted
    patch: float | None
    koleo: float | None
    keep: float | None
    entropy: float | None  # of the teacher's targets, as a share of its greatest: 0 one prototype, 1 uniform
    kl: float | None  # from teacher to student, nats
    gradient: float | None  # norm before clipping
    rate: float | None
    weight_decay: float | None
    momentum: float | None
    temperature: float | None
    pictures_per_second: float | None
    waited: float | None  # share of the time spent waiting for pictures, 0 to 1
    skipped: int  # steps whose loss was not finite, since the start
    probe: dict[str, float]  # empty: not probed at this measure
    alarm: str | None  # a sentence

    @classmethod
    def of(cls, row: journal.Measure) -> Self | None:
        """None for a row that another program wrote, in which a number is no number."""
        values = {field.name: _finite(getattr(row, field.name)) for field in dataclasses.fields(row)}
        try:
            return cls(**{name: values[name] for name in cls.model_fields})
        except ValidationError:
            return None


def _finite(value: Any) -> Any:
    """JSON has no word for inf and nan."""
    if isinstance(value, dict):
        return {shown(key): one for key, one in value.items() if _finite(one) is not None}
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Run(Wire):
    """A training, running or not, as its folder tells it."""

    name: str
    state: runs.State  # "stopped" goes on with ``dinoscope train --resume``
    step: int
    steps: int
    started_at: datetime
    updated_at: datetime
    preset: str
    sources: list[str]
    pictures: int
    samples: list[
        str
    ]  # maps below ``samples/``, {step}-{i}-{attention or pca}.png; pictures: {i}-picture.png
    reason: str  # why it stopped or failed, a sentence
    model: str  # the name it was exported under; empty before the end
    overrides: dict[str, str]  # dotted fields of the recipe that were asked for
    recipe: dict[str, Any]
    last: Measure | None  # the newest

    @classmethod
    def of(cls, info: runs.RunInfo) -> Self:
        return cls(
            name=info.name,
            state=info.state,
            step=info.step,
            steps=info.steps,
            started_at=datetime.fromtimestamp(info.started, UTC),
            updated_at=datetime.fromtimestamp(info.updated, UTC),
            preset=shown(info.preset),
            sources=[shown(source) for source in info.sources],
            pictures=info.pictures,
            samples=[shown(name) for name in info.samples],
            reason=shown(info.reason),
            model=shown(info.model),
            overrides={shown(key): shown(value) for key, value in info.overrides.items()},
            recipe=info.recipe,
            last=None if info.last is None else Measure.of(info.last),
        )


class NewRun(Wire):
    sources: Annotated[list[str], Field(min_length=1, max_length=100)]  # absolute, or from ~
    preset: str
    name: str  # of the run, and then of the model
    minutes: Annotated[float, Field(gt=0, le=100_000)] | None = None  # the preset's length, if not given


class Starting(Wire):
    """A training begun from here that has no folder yet."""

    name: str
    failed: bool
    said: str  # its last words: how many pictures it has found, or why it failed


class Runs(Wire):
    runs: list[Run]  # the newest first
    starting: Starting | None  # begun over HTTP, and still looking for pictures or failed over them


class Measures(Wire):
    measures: list[Measure]  # oldest first


class Rewound(Wire):
    step: int  # measures after it are void: the run was resumed from a checkpoint before them
