"""The one call behind ``dinoscope train``: from folders to a model of one's own. Imports without torch."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from dinoscope.errors import MissingExtra
from dinoscope.settings import Settings
from dinoscope.training.journal import TrainingProgress
from dinoscope.training.options import Options, never


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

    ``steps``, ``batch``, ``seed``, ``start`` and ``precision`` are short for overrides of these fields;
    everything else is a field of ``training.options.Options``.

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
    options = Options(tuple(sources), preset, name, settings, resume, minutes, workers, probe)
    yield from course(
        replace(
            options,
            device=device or "auto",
            overrides={**(overrides or {}), **short},
            export=export,
            compiled=compiled,
            cancelled=cancelled,
        )
    )
