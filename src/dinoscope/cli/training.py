"""``dinoscope train``: a model of one's own from one's own pictures, watched while it learns."""

from __future__ import annotations

import os
import shlex
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dinoscope.cli.options import JsonOption, OfflineOption, settings_of
from dinoscope.cli.output import escaped, in_time, note, print_json, say
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.settings import Settings
    from dinoscope.training.journal import TrainingProgress
    from dinoscope.training.runs import RunInfo

SourcesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="SOURCE...", help="Folders of pictures or videos, videos, tar files."),
]
PresetOption = Annotated[str, typer.Option("--preset", "-p", help="laptop, small, vit-s16 or continue.")]
NameOption = Annotated[
    str, typer.Option("--name", "-n", help="The run's, then the model's; the first free of mine, mine-2, …")
]
ResumeOption = Annotated[
    str | None, typer.Option("--resume", metavar="NAME", help="Go on with a run that was stopped.")
]
StepsOption = Annotated[int | None, typer.Option(min=1, help="Optimiser steps; the preset's, if not given.")]
MinutesOption = Annotated[
    float | None, typer.Option(min=0.01, help="Instead of --steps: as many as fit; measured first.")
]
BatchOption = Annotated[int | None, typer.Option(min=2, help="Pictures per step, over all processes.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="E.g. teacher.temperature=0.02,0.04; repeatable."),
]
SeedOption = Annotated[int | None, typer.Option(min=0, help="Equal seeds give equal runs on one process.")]
WorkersOption = Annotated[
    int | None, typer.Option(min=0, help="Processes that read pictures; 0 reads in the training's own.")
]
ProbeOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="A folder with a subfolder per class, for the k-NN score.")
]
StartOption = Annotated[str | None, typer.Option(help="Weights to continue from: a model's name or a file.")]
TrainPrecisionOption = Annotated[str | None, typer.Option("--precision", help="auto, bf16 or fp32.")]
DeviceOption = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1.")]
CompileOption = Annotated[bool, typer.Option("--compile", help="Compile the network; for GPUs.")]
ExportOption = Annotated[bool, typer.Option("--export/--no-export", help="Make a model of it at the end.")]


def train(
    sources: SourcesArgument = None,
    *,
    preset: PresetOption = "laptop",
    name: NameOption = "",
    resume: ResumeOption = None,
    steps: StepsOption = None,
    minutes: MinutesOption = None,
    batch: BatchOption = None,
    set: SetOption = None,
    seed: SeedOption = None,
    workers: WorkersOption = None,
    probe: ProbeOption = None,
    start: StartOption = None,
    precision: TrainPrecisionOption = None,
    device: DeviceOption = None,
    compile: CompileOption = False,
    export: ExportOption = True,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Train a model on your own pictures, without labels.

    Ctrl-C stops after a checkpoint; --resume goes on from there, exactly.
    """
    if not (sources or resume):
        raise BadRequest("nothing says what to train on: give a folder of pictures, or --resume and a name")
    options: dict[str, Any] = {
        "steps": steps,
        "minutes": minutes,
        "batch": batch,
        "overrides": overrides_of(set or []),
        "seed": seed,
        "workers": workers,
        "probe": probe,
        "resume": resume is not None,
        "start": start,
        "precision": precision,
        "device": device,
        "compiled": compile,
        "export": export,
    }
    settings = settings_of(offline)
    ended = run(sources or [], preset, resume or name, settings, **options)
    if main_process():
        print_json(summary(ended, settings)) if json else tell(ended)
    if ended.signal == signal.SIGINT:
        raise typer.Exit(130)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a training ended."""

    last: TrainingProgress | None
    info: RunInfo | None  # None: no run was begun
    signal: int  # that stopped it; 0: none did


def run(sources: list[Path], preset: str, name: str, settings: Settings, **options: Any) -> Ended:
    """Train, shown on stderr by the first process of several.

    Raises:
        KeyboardInterrupt: a second Ctrl-C.
        DinoscopeError: whatever ``training.start.begin`` refuses.
    """
    from dinoscope.training.runs import open_run
    from dinoscope.training.start import begin

    before = list(open_run(name, settings).measures()) if options["resume"] else []
    last: TrainingProgress | None = None
    with stoppable() as stop:
        steps = begin(sources, preset, name, settings, cancelled=stop.is_set, **options)
        if main_process():
            from dinoscope.cli.watching import watched

            steps = watched(steps, before)
        for step in steps:
            last = step
    begun = last is not None and last.run != ""
    return Ended(last, open_run(last.run, settings).info() if last and begun else None, stop.signal)


class Stop(threading.Event):
    """Set by the signal that asks to stop."""

    signal = 0


@contextmanager
def stoppable() -> Iterator[Stop]:
    """The first Ctrl-C or SIGTERM sets the flag that the loop looks at; a second one interrupts at once."""
    stop = Stop()

    def ask(number: int, frame: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.signal = number
        stop.set()
        if main_process():
            note(
                "Stopping after a checkpoint; Ctrl-C again stops at once and loses the steps since the last."
            )

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def main_process() -> bool:
    """Under torchrun only the first of the processes speaks."""
    return os.environ.get("RANK", "0") == "0"


def overrides_of(words: list[str]) -> dict[str, str]:
    """``["seed=3"]`` -> ``{"seed": "3"}``.

    Raises:
        BadRequest: there is no ``=`` in one.
    """
    pairs = [word.partition("=") for word in words]
    for key, equals, _ in pairs:
        if not (key.strip() and equals):
            raise BadRequest(f"--set {key!r} sets nothing: write --set KEY=VALUE, such as --set batch=32")
    return {key.strip(): value.strip() for key, _, value in pairs}


def summary(ended: Ended, settings: Settings) -> dict[str, object]:
    """What ``--json`` prints."""
    last, info = ended.last, ended.info
    return {
        "name": info.name if info else None,
        "folder": settings.runs / info.name if info else None,
        "state": info.state if info else "new",
        "step": last.step if last else 0,
        "steps": last.steps if last else 0,
        "seconds": round(last.seconds, 3) if last else 0.0,
        "model": (info and info.model) or None,
        "alarm": last.alarm if last else None,
        "measure": info.last if info else None,
    }


def tell(ended: Ended) -> None:
    """What was done, and what to do with it."""
    last, info = ended.last, ended.info
    if last is None or info is None:
        note("Nothing was trained.")
        return
    name = escaped(info.name)
    if last.finished:
        say(f"[bold green]Trained {name}[/]: {last.steps:,} steps in {in_time(last.seconds)}.")
        if info.model:
            folders = [shlex.quote(source) for source in info.sources if Path(source).is_dir()]
            where = escaped(" ".join(folders) or "FOLDER")
            say(f"Search with it: [bold]dinoscope index {where} --model {escaped(info.model)}[/]")
    else:
        say(f"Stopped at step {last.step:,} of {last.steps:,}.")
        say(f"Go on with: [bold]dinoscope train --resume {name}[/]")
    if last.alarm:
        note(f"[yellow]Alarm:[/] {escaped(last.alarm)}")
