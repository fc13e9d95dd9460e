"""Run folders: what a training leaves behind, and how anyone reads it while it runs.

::

    runs/mine/
        run.json                       recipe, sources, state; replaced whole, never torn
        metrics.jsonl                  one Measure a line, see training.journal
        checkpoints/{step}.pt          the last three
        samples/{step}-{i}-{kind}.png  kind: attention, pca
        samples/{i}-picture.png        what the model sees of each sample
        writer.lock                    held by the process that trains
        stop                           there when somebody asked that process to stop
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from dinoscope.errors import BadRequest, DiskFull, JobConflict, LibraryBusy, NoSuchRun
from dinoscope.library.locking import WriterLock
from dinoscope.settings import Settings
from dinoscope.training.journal import Measure, last_measure, read_measures

State = Literal["new", "running", "stopped", "finished", "failed"]
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")  # a folder and a model name on every system
_MAP = re.compile(r"\d+-\d+-[a-z]+\.png")
_CLAIM_SECONDS = 1.0  # a reader that looks whether a run is alive holds the lock for a moment


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What ``run.json`` and the journal say about a run."""

    name: str
    state: State
    step: int
    steps: int
    started: float  # Unix time
    updated: float  # Unix time
    recipe: dict[str, Any]  # training.presets.to_json
    sources: list[str]
    pictures: int
    samples: list[str] = field(default_factory=list)  # maps in samples/ by step, without the pictures
    preset: str = ""
    overrides: dict[str, str] = field(default_factory=dict)  # dotted fields given by hand
    reason: str = ""  # why it stopped or failed, a sentence
    model: str = ""  # the name it was exported under
    last: Measure | None = None  # the newest row


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder, whether or not something trains in it."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def samples(self) -> Path:
        return self.folder / "samples"

    @property
    def metrics(self) -> Path:
        return self.folder / "metrics.jsonl"

    @property
    def exists(self) -> bool:
        return (self.folder / "run.json").is_file()

    def measures(self, since: int = -1) -> Iterator[Measure]:
        """The journal's rows after step ``since``, oldest first."""
        return read_measures(self.metrics, since)

    def last(self) -> Measure | None:
        """The newest row."""
        return last_measure(self.metrics)

    def info(self) -> RunInfo:
        """What is known about the run.

        Raises:
            NoSuchRun: there is none.
            BadRequest: its ``run.json`` is not readable.
        """
        about, last = self.read(), self.last()
        state = about.get("state", "new")
        if state == "running" and not self.alive():
            state = "stopped"  # it was killed
        recipe = about.get("recipe", {})
        maps = [path for path in self.samples.glob("*-*-*.png") if _MAP.fullmatch(path.name)]
        return RunInfo(
            name=self.name,
            state=state,
            step=max(about.get("step", 0), last.step if last else 0),
            steps=recipe.get("steps", 0),
            started=about.get("started", 0.0),
            updated=self.metrics.stat().st_mtime if self.metrics.is_file() else about.get("started", 0.0),
            recipe=recipe,
            sources=about.get("sources", []),
            pictures=about.get("pictures", 0),
            samples=[path.name for path in sorted(maps, key=_age)],
            preset=recipe.get("name", ""),
            overrides=about.get("overrides", {}),
            reason=about.get("reason", ""),
            model=about.get("model", ""),
            last=last,
        )

    def read(self) -> dict[str, Any]:
        """``run.json``.

        Raises:
            NoSuchRun: there is none.
            BadRequest: it is not what a training writes.
        """
        try:
            about = json.loads((self.folder / "run.json").read_text("utf-8"))
        except FileNotFoundError:
            raise NoSuchRun(
                f"there is no run {self.name!r} in {self.folder.parent}: dinoscope runs lists them"
            ) from None
        except (OSError, ValueError) as error:
            raise BadRequest(f"{self.folder / 'run.json'} cannot be read ({error}): delete the run") from None
        if not isinstance(about, dict):
            raise BadRequest(f"{self.folder / 'run.json'} holds no run: delete the run")
        return about

    def update(self, **changes: Any) -> None:
        """Replace fields of ``run.json`` and keep the others; the file is whole at any moment.

        Raises:
            DiskFull: no space is left; the file is as before.
        """
        path = self.folder / "run.json"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            about: Mapping[str, Any] = self.read() if path.is_file() else {"started": time.time()}
            fresh = path.with_suffix(".tmp")
            fresh.write_text(json.dumps({**about, **changes}, indent=1) + "\n", "utf-8")
            fresh.replace(path)
        except OSError as error:
            raise DiskFull(f"cannot write {path} ({error.strerror}): make room, then resume") from None

    def alive(self) -> bool:
        """Whether a process trains in this folder now."""
        if not (self.folder / "writer.lock").is_file():
            return False
        try:
            WriterLock(self.folder).release()
        except LibraryBusy:
            return True
        except OSError:  # a folder of someone else's
            return False
        return False

    def ask_to_stop(self) -> None:
        """Have the process that trains here write a checkpoint and end, within a step.

        Raises:
            JobConflict: nothing trains here.
        """
        if not self.alive():
            raise JobConflict(f"nothing trains in {self.folder} now: there is nothing to stop")
        (self.folder / "stop").touch()

    def asked_to_stop(self) -> bool:
        return (self.folder / "stop").exists()

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the run: no other process trains in it.

        Raises:
            JobConflict: another process does.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        deadline = time.monotonic() + _CLAIM_SECONDS
        while True:
            try:
                lock = WriterLock(self.folder)
                break
            except LibraryBusy as busy:
                if time.monotonic() > deadline:
                    who = str(busy).split(" is writing", 1)[0]
                    raise JobConflict(
                        f"{who} trains in {self.folder}: wait, stop it, or choose another --name"
                    ) from None
                time.sleep(0.05)
        try:
            (self.folder / "stop").unlink(missing_ok=True)
            yield
        finally:
            lock.release()


def open_run(name: str, settings: Settings) -> Run:
    """The run of that name, which need not exist yet.

    Raises:
        BadRequest: the name cannot be a folder's.
    """
    if not NAME.fullmatch(name) or ".." in name or name.endswith("."):
        raise BadRequest(
            f"{name!r} cannot be a run's name: use small letters, digits, dashes, dots and underscores, "
            "64 at most"
        )
    return Run(runs_folder(settings) / name)


def list_runs(settings: Settings) -> list[RunInfo]:
    """Every readable run, the newest first."""
    found = []
    folder = runs_folder(settings)
    for each in sorted(folder.iterdir()) if folder.is_dir() else []:
        if NAME.fullmatch(each.name) and Run(each).exists:
            try:
                found.append(Run(each).info())
            except BadRequest:
                continue  # damaged: ``info`` of that run says so
    return sorted(found, key=lambda info: -info.started)


def runs_folder(settings: Settings) -> Path:
    """Where run folders lie."""
    return settings.runs


def _age(path: Path) -> tuple[int, str]:
    return int(path.name.split("-", 1)[0]), path.name
