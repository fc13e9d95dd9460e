"""What somebody wants trained, before pictures and models are looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dinoscope.settings import Settings


def never() -> bool:
    """Nobody asks to stop."""
    return False


@dataclass(frozen=True, slots=True)
class Options:
    """What somebody wants trained, in their words. None and "": as the preset or the resumed run has it."""

    sources: tuple[Path, ...]  # folders, .tar files, videos; may be empty when resuming, the run remembers
    preset: str  # a key of presets.PRESETS
    # Of the run and of the model it becomes. "" takes the first free one of mine, mine-2, …, or when resuming
    # the newest run that was stopped.
    name: str
    settings: Settings
    resume: bool = False
    minutes: float | None = None  # instead of steps: as many as fit, measured first
    workers: int | None = None  # processes that read pictures; None suits the device, 0 reads in this one
    probe: Path | None = None  # a folder with a sub-folder per class, to know how well the model sees
    device: str = "auto"  # or cpu, cuda, cuda:N
    overrides: Mapping[str, str] = field(default_factory=dict)  # dotted fields of the recipe
    export: bool = True  # make a model of it in the end
    compiled: bool = False  # torch.compile first: pays on a GPU, refused on a processor
    checkpoint_minutes: float = 5.0
    cancelled: Callable[[], bool] = never  # asked after every step; True ends it with a checkpoint
