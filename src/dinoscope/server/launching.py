"""Trainings begun from the page: each is a process of its own, which the server's end does not end."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock, Thread

from dinoscope.errors import BadRequest, DiskFull, JobConflict, MissingExtra
from dinoscope.operations.scouting import roots_of
from dinoscope.server.jobs import absolute
from dinoscope.server.wire import shown
from dinoscope.server.wire_runs import NewRun, Starting
from dinoscope.settings import Settings
from dinoscope.training.presets import PRESETS
from dinoscope.training.runs import list_runs, open_run

_TOLD = ("library", "models", "runs", "cache", "offline", "threads", "faces")  # settings both share
_TAIL = 4096  # bytes of a log that hold its last line


@dataclass(frozen=True, slots=True)
class _Launch:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Launches:
    """Begins one training at a time: two would only share the same cores."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._latest: _Launch | None = None
        self._guard = Lock()

    def start(self, new: NewRun) -> Starting:
        """Begin to train in a new process.

        Raises:
            MissingExtra: torch is not installed.
            JobConflict: something trains already, or there is a run of that name.
            BadRequest, Unreadable: a source, preset or name that makes no sense.
            DiskFull: the log cannot be written.
        """
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("training needs torch: pip install 'dinoscope[train]'")
        if new.preset not in PRESETS:
            raise BadRequest(f"there is no preset {new.preset!r}: use one of {', '.join(PRESETS)}")
        sources = roots_of([absolute(source) for source in new.sources])
        with self._guard:
            self._refuse_a_second(new.name)
            self._latest = self._launched(new, sources)
            return self._view(self._latest)

    def starting(self) -> Starting | None:
        """What was begun last and has no run yet: it looks for pictures, or it failed over them."""
        with self._guard:
            latest = self._latest
            if latest is None or open_run(latest.name, self._settings).exists:
                return None
            return self._view(latest)

    def _refuse_a_second(self, name: str) -> None:
        busy = [run.name for run in list_runs(self._settings) if run.state == "running"]
        if self._latest is not None and self._latest.process.poll() is None:
            busy.append(self._latest.name)
        if busy:
            raise JobConflict(f"{busy[0]!r} is being trained: wait for it, or stop it")
        if open_run(name, self._settings).exists:
            raise JobConflict(f"there is a run {name!r} already: choose another name")

    def _launched(self, new: NewRun, sources: Sequence[Path]) -> _Launch:
        command = [sys.executable, "-m", "dinoscope", "train", *map(str, sources)]
        command += ["--preset", new.preset, "--name", new.name]
        if new.minutes is not None:
            command += ["--minutes", str(new.minutes)]
        log = self._settings.runs / f".{new.name}.log"
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("wb") as file:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=file,
                    env=self._environment(),
                    start_new_session=True,  # Ctrl-C in the server's terminal is not meant for it
                )
        except OSError as error:
            raise DiskFull(f"cannot write {log} ({error.strerror}): make room there") from None
        # whoever ends first, neither is left a zombie
        Thread(target=process.wait, name=f"dinoscope-{new.name}", daemon=True).start()
        return _Launch(new.name, process, log)

    def _environment(self) -> dict[str, str]:
        told = {name: getattr(self._settings, name) for name in _TOLD}
        around = {name: value for name, value in os.environ.items() if name != "DINOSCOPE_TOKEN"}
        return around | {f"DINOSCOPE_{name.upper()}": str(value) for name, value in told.items()}

    @staticmethod
    def _view(launch: _Launch) -> Starting:
        failed = launch.process.poll() not in {None, 0}
        return Starting(name=launch.name, failed=failed, said=_last_line(launch.log))


def _last_line(log: Path) -> str:
    """What the process said last, as a sentence; empty before it said anything."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
    except OSError:
        return ""
    return shown(lines[-1].removeprefix("Error: ")) if lines else ""
