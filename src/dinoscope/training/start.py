"""The one call behind ``dinoscope train``: from folders to a model of one's own. Imports without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from dinoscope.errors import MissingExtra
from dinoscope.settings import Settings
from dinoscope.training.journal import TrainingProgress


def never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Options:
    """What somebody wants trained, in their words. None and "": as the preset or the resumed run has it."""

    sources: tuple[Path, ...]
    preset: str
    name: str  # of the run and of the model; "": the first free one of mine, mine-2, …
    settings: Settings
    resume: bool = False
    minutes: float | None = None  # as many steps as fit, by a short measurement
    workers: int | None = None  # processes that read pictures; None: by the device
    probe: Path | None = None
    device: str = "auto"
    overrides: Mapping[str, str] = field(default_factory=dict)  # dotted fields of the recipe
    export: bool = True
    compiled: bool = False
    checkpoint_minutes: float = 5.0
    cancelled: Callable[[], bool] = never


def begin(
    sources: Sequence[Path],
    preset: str,
    name: str,
    settings: Settings,
    *,
    resume: bool = False,
    steps: int | None = None,
    minutes: float | None = None,
    batch: int | None = None,
    seed: int | None = None,
    workers: int | None = None,
    probe: Path | None = None,
    start: str | None = None,
    precision: str | None = None,
    device: str | None = None,
    overrides: Mapping[str, str] | None = None,
    export: bool = True,
    compiled: bool = False,
    cancelled: Callable[[], bool] = never,
) -> Iterator[TrainingProgress]:
    """Gather pictures, train, export; or go on with a run where it stopped.

    ``steps``, ``batch``, ``seed``, ``start`` and ``precision`` are short for overrides of these fields.

    Args:
        sources: folders, .tar files, videos; may be empty when resuming, the run remembers them.
        preset: a key of ``presets.PRESETS``.
        name: of the run and of the model it becomes; empty takes the first free of mine, mine-2, …, or
            when resuming the newest run that was stopped.
        minutes: instead of steps: as many as fit, measured first.
        workers: processes that read pictures; None suits the device, 0 reads in this one.
        probe: a folder with a sub-folder per class, to know how well the model sees while it trains.
        device: auto, cpu or cuda.
        export: make a model of it in the end.
        compiled: have torch compile the networks first; pays on a GPU, refused on a processor.
        cancelled: asked after every step; True ends the training with a checkpoint.

    Yields:
        Notes while pictures are looked for, then progress after every step. The last one is finished and
        names the model; when cancelled it is not finished, and its note says how to go on.

    Raises:
        MissingExtra: torch is not installed.
        BadRequest, NoSuchRun, NoSuchModel, Unreadable: something asked for makes no sense or is not there.
        JobConflict: another process trains in that run.
        TrainingDiverged, DiskFull, WeightsRefused: it failed; the last checkpoint is kept.
    """
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra("training needs torch: pip install 'dinoscope[train]'")
    from dinoscope.training.course import course

    given = {"steps": steps, "batch": batch, "seed": seed, "start": start, "precision": precision}
    short = {key: str(value) for key, value in given.items() if value is not None}
    yield from course(
        Options(
            sources=tuple(sources),
            preset=preset,
            name=name,
            settings=settings,
            resume=resume,
            minutes=minutes,
            workers=workers,
            probe=probe,
            device=device or "auto",
            overrides={**(overrides or {}), **short},
            export=export,
            compiled=compiled,
            cancelled=cancelled,
        )
    )
