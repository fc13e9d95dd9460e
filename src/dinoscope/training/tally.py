"""Counts steps and time, and makes rows of the journal out of them."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from dinoscope.training.journal import Measure
from dinoscope.training.step import Outcome

_MEANS = ("loss", "dino", "patch", "koleo", "keep", "entropy", "kl", "gradient")


class Tally:
    """What happened since the last row, and since the beginning."""

    def __init__(self, batch: int) -> None:
        self._batch = batch  # pictures a step, over all processes
        self.skipped = 0  # steps that were not finite
        self._before = 0.0  # seconds of earlier sittings
        self._began = time.monotonic()
        self._first: tuple[int, float] | None = None  # step and time at which this sitting's steps began
        self._sums: dict[str, list[float]] = defaultdict(list)
        self._newest: Outcome | None = None
        self._steps = 0
        self._row_began, self._waited = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Spent training, over all sittings."""
        return self._before + time.monotonic() - self._began

    def resume(self, seconds: float, skipped: int) -> None:
        """Earlier sittings took so long and skipped so many steps."""
        self._before, self.skipped = seconds, skipped

    def start(self, step: int) -> None:
        """The first step of this sitting begins now."""
        self._first = step, time.monotonic()
        self._row_began = time.monotonic()

    def add(self, outcome: Outcome) -> None:
        """A step is over."""
        self._steps += 1
        self._newest = outcome
        if not outcome.done:
            self.skipped += 1
            return
        for name in _MEANS:
            value = getattr(outcome, name)
            if value is not None:
                self._sums[name].append(value)

    def measure(self, step: int, waited: float) -> Measure:
        """The row of the steps since the last one. ``waited``: seconds for pictures in this sitting."""
        assert self._newest is not None
        now, knobs = time.monotonic(), self._newest.knobs
        took = max(now - self._row_began, 1e-9)
        means = {name: math.fsum(values) / len(values) for name, values in self._sums.items()}
        row = Measure(
            step=step,
            seconds=self.seconds,
            rate=knobs.rate,
            weight_decay=knobs.weight_decay,
            momentum=knobs.momentum,
            temperature=knobs.temperature,
            pictures_per_second=self._steps * self._batch / took,
            waited=min((waited - self._waited) / took, 1.0),
            skipped=self.skipped,
            loss=means.get("loss"),
            dino=means.get("dino"),
            patch=means.get("patch"),
            koleo=means.get("koleo"),
            keep=means.get("keep"),
            entropy=means.get("entropy"),
            kl=means.get("kl"),
            gradient=means.get("gradient"),
        )
        self._sums.clear()
        self._steps, self._row_began, self._waited = 0, now, waited
        return row

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What happens in the block (a probe, a checkpoint) is no training: it slows no row."""
        began = time.monotonic()
        try:
            yield
        finally:
            self._row_began += time.monotonic() - began

    def eta(self, step: int, steps: int) -> float:
        """Seconds to the end at the pace of this sitting; 0 while nothing is known."""
        if self._first is None or step <= self._first[0]:
            return 0.0
        done, took = step - self._first[0], time.monotonic() - self._first[1]
        return took / done * (steps - step)
