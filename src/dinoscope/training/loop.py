"""A training from its first or next step to its last: steps, rows of the journal, probes, checkpoints."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from dinoscope.errors import DinoscopeError, TrainingDiverged
from dinoscope.models.config import Tensors
from dinoscope.pictures.limits import Limits
from dinoscope.training import checkpoints
from dinoscope.training.alarm import alarm
from dinoscope.training.boards import Board
from dinoscope.training.distributed import Place, same_everywhere
from dinoscope.training.items import Items
from dinoscope.training.journal import Journal, Measure, TrainingProgress
from dinoscope.training.loader import Loader
from dinoscope.training.probe import Probe, make_probe
from dinoscope.training.recipe import Recipe
from dinoscope.training.runs import Run
from dinoscope.training.snapshots import Snapshots
from dinoscope.training.step import Outcome, Stepper
from dinoscope.training.tally import Tally

PATIENCE = 3  # steps in a row whose loss is not finite, before giving up
_ROWS, _PROBES = 500, 20  # about how many there are of each in a training
_LATEST = 100  # rows the alarm looks at


@dataclass(frozen=True, slots=True)
class Plan:
    """How a training is run; nothing here changes what comes out of it."""

    limits: Limits
    workers: int = 0  # processes that read pictures; 0 reads in this one
    probe: Path | None = None  # a folder with a folder per class
    compiled: bool = False  # torch.compile, on GPUs only
    checkpoint_seconds: float = 300.0
    cancelled: Callable[[], bool] = field(default=lambda: False)


def train(
    run: Run, recipe: Recipe, items: Items, plan: Plan, place: Place, *, start: Tensors | None = None
) -> Iterator[TrainingProgress]:
    """Train until done or cancelled, from the newest checkpoint of the run where there is one.

    The caller holds the run (``Run.claimed``). Cancelled, or closed early, it leaves a checkpoint at the
    last whole step.

    Args:
        start: canonical tensors to continue from, when ``recipe.start`` names some.

    Yields:
        Progress after every step. The last one is finished, or its note says how to go on.

    Raises:
        BadRequest: the checkpoint belongs to another recipe or other pictures, or pictures cannot be used.
        TrainingDiverged: the loss was not finite three times in a row.
        DiskFull: a row, sample or checkpoint could not be written; the last checkpoint is whole.
    """
    sitting = _Sitting(run, recipe, items, plan, place, start=start)
    yield from sitting.resume()
    try:
        with Loader(
            items,
            recipe,
            plan.limits,
            workers=plan.workers,
            rank=place.rank,
            world=place.world,
            keep=run.folder,
        ) as loader:
            yield from sitting.begin()
            for batch in loader.batches(sitting.step):
                outcome = sitting.stepper.step(batch)
                yield from sitting.record(outcome, loader)
                if sitting.must_stop():
                    break
        yield from sitting.end()
    except GeneratorExit:
        sitting.save("stopped", "it was closed")
        raise
    except KeyboardInterrupt:  # in the middle of a step: only the last checkpoint is whole
        sitting.tell("stopped", "it was interrupted")
        raise
    except DinoscopeError as error:
        sitting.tell("failed", str(error))
        raise
    except Exception as bug:
        sitting.tell("failed", f"{type(bug).__name__}: {bug}")
        raise
    finally:
        sitting.close()


class _Sitting:
    """From one start of the process to its end: what is written, and when."""

    def __init__(
        self, run: Run, recipe: Recipe, items: Items, plan: Plan, place: Place, *, start: Tensors | None
    ) -> None:
        self.run, self.recipe, self.plan, self.place = run, recipe, plan, place
        self.items = items
        self.stepper = Stepper(recipe, place, start, compiled=plan.compiled)
        self.step = 0  # optimiser steps done
        self._journal = Journal(run.metrics)
        self._rows: deque[Measure] = deque(maxlen=_LATEST)
        self._tally = Tally(recipe.batch)
        self._every = min(max(recipe.steps // _ROWS, 1), 25)
        self._probe_every = min(max(recipe.steps // _PROBES, 1), 2500)
        self._saved = time.monotonic()
        self._looked = (0.0, 0.0)  # when last, and how many seconds it took
        self._not_finite = 0
        self._reported = 0  # pictures that could not be read
        self._probe: Probe | None = None
        self._snapshots: Snapshots | None = None
        self._board: Board | None = None

    def resume(self) -> Iterator[TrainingProgress]:
        """Take over the newest checkpoint, and forget the rows after it."""
        state = checkpoints.latest(self.run, self.recipe, self.items.digest)
        if state is not None:
            self.stepper.load_state_dict(state)
            self.step = state["step"]
            self._tally.resume(state["seconds"], state["skipped"])
        if self.place.leads:
            self._journal.rewind(self.step if state is not None else -1)
            self._rows.extend(self.run.measures())
        if state is not None:
            yield self._progress(f"going on from step {self.step}")

    def begin(self) -> Iterator[TrainingProgress]:
        """What the leading process prepares: fixed pictures to look at, and the first look."""
        if self.place.leads:
            self.tell("running")
            yield self._progress("choosing pictures to look at while training")
            limits, side = self.plan.limits, self.recipe.crops.global_size
            self._probe = make_probe(self.items, side, limits, self.plan.probe)
            self._snapshots = Snapshots(self.run, self.items, self.recipe, limits)
            self._board = Board(self.run.folder / "board")
            if self.step == 0:
                scores = {**self._look(), **self._probe.baseline()}
                yield self._write(Measure(0, self._tally.seconds, probe=scores))
        self._tally.start(self.step)

    def record(self, outcome: Outcome, loader: Loader) -> Iterator[TrainingProgress]:
        """A step is over: count it, and write what is due."""
        self.step += 1
        self._tally.add(outcome)
        self._not_finite = 0 if outcome.done else self._not_finite + 1
        if self._not_finite >= PATIENCE:
            raise TrainingDiverged(_diverged(self.run, self.recipe, self.step))
        if not self.place.leads:
            yield self._progress()
            return
        last = self.step == self.recipe.steps
        probing = last or (self.step % self._probe_every == 0 and self._may_look())
        if self.step % self._every == 0 or probing:
            measure = self._tally.measure(self.step, loader.waited)
            if probing:
                measure = replace(measure, probe=self._look())
            yield self._write(measure, self._unread(loader))
        else:
            yield self._progress(self._unread(loader))
        if time.monotonic() - self._saved > self.plan.checkpoint_seconds and not last:
            self.save("running")
            yield self._progress(f"checkpoint at step {self.step}")

    def must_stop(self) -> bool:
        """Whether anybody asked for it; the same answer in every process."""
        asked = self.plan.cancelled() or (self.place.leads and self.run.asked_to_stop())
        return same_everywhere(asked, self.place)

    def end(self) -> Iterator[TrainingProgress]:
        """The last checkpoint, and how it ended."""
        done = self.step >= self.recipe.steps
        self.save("finished" if done else "stopped", "" if done else "it was asked to stop")
        how = f"go on with dinoscope train --resume {self.run.name}"
        note = "training is done" if done else f"stopped at step {self.step}: {how}"
        yield replace(self._progress(note), finished=done)

    def save(self, state: str, reason: str = "") -> None:
        """A checkpoint of the last whole step."""
        if self.place.leads:
            whole = {
                **self.stepper.state_dict(),
                "seconds": self._tally.seconds,
                "skipped": self._tally.skipped,
            }
            with self._tally.paused():
                checkpoints.save(self.run, self.step, self.recipe, self.items.digest, whole)
            self.tell(state, reason)
        self._saved = time.monotonic()

    def tell(self, state: str, reason: str = "") -> None:
        """Write the state for others to read."""
        if self.place.leads:
            self.run.update(state=state, reason=reason, step=self.step)

    def close(self) -> None:
        if self._board is not None:
            self._board.close()

    def _may_look(self) -> bool:
        """Looking takes a fifteenth of the time at most, also when a training is short."""
        when, took = self._looked
        return time.monotonic() - when > 15 * took

    def _look(self) -> dict[str, float]:
        """Scores of the teacher, and samples of what it sees."""
        assert self._probe is not None
        assert self._snapshots is not None
        assert self._board is not None
        vit = self.stepper.pair.teacher.backbone
        with self._tally.paused():
            began = time.monotonic()
            for name, pixels in self._snapshots.write(vit, self.step):
                self._board.add_picture(name, pixels, self.step)
            scores = self._probe.measure(vit, self.stepper.half)
            self._looked = time.monotonic(), time.monotonic() - began
            return scores

    def _write(self, measure: Measure, note: str | None = None) -> TrainingProgress:
        measure = replace(measure, alarm=alarm([*self._rows, measure], self.recipe))
        self._journal.append(measure)
        self._rows.append(measure)
        assert self._board is not None
        self._board.add(measure)
        return self._progress(note)

    def _progress(self, note: str | None = None) -> TrainingProgress:
        newest = self._rows[-1] if self._rows else None
        return TrainingProgress(
            step=self.step,
            steps=self.recipe.steps,
            seconds=self._tally.seconds,
            eta=self._tally.eta(self.step, self.recipe.steps),
            measure=newest,
            alarm=newest.alarm if newest else None,
            note=note,
            run=self.run.name,
        )

    def _unread(self, loader: Loader) -> str | None:
        count = len(loader.skipped)
        if count == self._reported:
            return None
        self._reported = count
        newest = str(list(loader.refusals.values())[-1].sentence)
        return f"{count} pictures could not be read and are replaced by others; the last: {newest}"


def _diverged(run: Run, recipe: Recipe, step: int) -> str:
    steps = checkpoints.steps_of(run)
    kept = f"the checkpoint of step {steps[0]} is kept" if steps else "there is no checkpoint yet"
    return (
        f"the loss was not a finite number {PATIENCE} times in a row up to step {step} ({kept}): train under "
        f"another name with --set optimiser.rate={recipe.optimiser.rate / 2:g}, or with --precision fp32"
    )
