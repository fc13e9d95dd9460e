"""What a training says while it runs: rows appended to ``metrics.jsonl``, readable while it is written."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dinoscope.errors import DiskFull

_TAIL = 65536  # bytes: the last complete row is never longer


@dataclass(frozen=True, slots=True)
class Measure:
    """One row: means over the steps since the row before, unless said otherwise. None: not measured."""

    step: int  # optimiser steps done
    seconds: float  # spent training, over all sittings
    loss: float | None = None  # the sum that is minimised; None when it was not finite
    dino: float | None = None  # cross-entropy between teacher and student scores
    patch: float | None = None
    koleo: float | None = None
    keep: float | None = None
    entropy: float | None = None  # of the teacher's targets, as a share of ln K: 0 one prototype, 1 uniform
    kl: float | None = None  # from teacher to student, nats
    gradient: float | None = None  # norm of the whole gradient before clipping
    rate: float | None = None  # the last step's
    weight_decay: float | None = None
    momentum: float | None = None
    temperature: float | None = None
    pictures_per_second: float | None = None
    waited: float | None = None  # share of the time spent waiting for pictures, 0 to 1
    skipped: int = 0  # steps whose loss was not finite, since the start
    probe: dict[str, float] = field(default_factory=dict)  # see training.probe; empty: not probed at this row
    alarm: str | None = None  # a sentence


@dataclass(frozen=True, slots=True)
class TrainingProgress:
    """What a training yields: where it stands."""

    step: int
    steps: int
    seconds: float  # spent training, over all sittings
    eta: float  # seconds to the end
    measure: Measure | None = None  # the newest row
    alarm: str | None = None  # a sentence
    note: str | None = None  # what just happened, such as "checkpoint at step 1200"
    finished: bool = False
    run: str = ""  # the name of the run
    model: str = ""  # the name it was exported under, once it is


class Journal:
    """The writing side. One process writes; anyone may read at the same time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, measure: Measure) -> None:
        """Add a row in one write.

        Raises:
            DiskFull: no space is left; the rows so far are untouched.
        """
        line = json.dumps(_row_of(measure), allow_nan=False) + "\n"
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise DiskFull(f"cannot write {self._path} ({error.strerror}): make room, then resume") from None

    def rewind(self, step: int) -> None:
        """Drop the rows after a step, -1 drops all: a resumed training writes them again.

        Raises:
            DiskFull: no space is left; the rows are untouched.
        """
        kept = [json.dumps(_row_of(row)) + "\n" for row in read_measures(self._path) if row.step <= step]
        fresh = self._path.with_suffix(".tmp")
        try:
            fresh.write_text("".join(kept), "utf-8")
            fresh.replace(self._path)
        except OSError as error:
            raise DiskFull(f"cannot write {fresh} ({error.strerror}): make room, then resume") from None


def read_measures(path: Path, since: int = -1) -> Iterator[Measure]:
    """The rows after step ``since``, oldest first; a line still being written is left for later."""
    if not path.is_file():
        return
    with path.open("rb") as file:
        for line in file:
            measure = _measure_of(line)
            if measure is not None and measure.step > since:
                yield measure


def last_measure(path: Path) -> Measure | None:
    """The newest complete row, without reading the whole file."""
    if not path.is_file():
        return None
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - _TAIL))
        rows = [_measure_of(line) for line in file]
    return next((row for row in reversed(rows) if row is not None), None)


def _row_of(measure: Measure) -> dict[str, Any]:
    row = {each.name: _plain(getattr(measure, each.name)) for each in fields(measure)}
    return {name: value for name, value in row.items() if value is not None and value != {}}


def _plain(value: Any) -> Any:
    """JSON has no inf and no nan; a number of six digits is enough for a curve."""
    if isinstance(value, dict):
        return {key: each for key, inner in value.items() if (each := _plain(inner)) is not None}
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value


def _measure_of(line: bytes) -> Measure | None:
    """None for a torn line, and for one another version wrote with other fields missing."""
    if not line.endswith(b"\n"):
        return None
    try:
        row = json.loads(line)
        known = {each.name for each in fields(Measure)}
        return Measure(**{key: value for key, value in row.items() if key in known})
    except (ValueError, TypeError, AttributeError):
        return None
