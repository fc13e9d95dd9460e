"""A training as its user meets it: watched, stopped, killed, resumed, failing."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import LIMITS, TINY, items_in, same  # noqa: E402

from dinoscope.errors import BadRequest, DiskFull, TrainingDiverged  # noqa: E402
from dinoscope.training import checkpoints, loop  # noqa: E402
from dinoscope.training.distributed import Place  # noqa: E402
from dinoscope.training.items import Items  # noqa: E402
from dinoscope.training.journal import TrainingProgress  # noqa: E402
from dinoscope.training.loop import Plan, train  # noqa: E402
from dinoscope.training.recipe import Recipe  # noqa: E402
from dinoscope.training.runs import Run  # noqa: E402
from dinoscope.training.step import Stepper  # noqa: E402

ALONE = Place(0, 1, torch.device("cpu"))
PLAN = Plan(LIMITS)


@pytest.fixture
def items(tmp_path: Path) -> Items:
    return items_in(tmp_path / "pictures")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "runs" / "mine")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training nobody interrupts comes to."""
    folder = tmp_path_factory.mktemp("whole")
    other = Run(folder / "runs" / "mine")
    list(trained(other, items_in(folder / "pictures")))
    return state_of(other)


def trained(run: Run, items: Items, recipe: Recipe = TINY, plan: Plan = PLAN) -> Iterator[TrainingProgress]:
    with run.claimed():
        run.update(state="new", recipe={"name": "laptop", "steps": recipe.steps})
        yield from train(run, recipe, items, plan, ALONE)


def state_of(run: Run, step: int = TINY.steps) -> dict[str, Any]:
    state = torch.load(run.checkpoints / f"{step}.pt", weights_only=True)
    assert state.pop("seconds") > 0
    return dict(state)


def test_every_step_is_told_and_rows_samples_and_a_checkpoint_are_left(run: Run, items: Items) -> None:
    seen = list(trained(run, items))
    steps = [each.step for each in seen]
    assert steps == sorted(steps)
    assert set(range(TINY.steps + 1)) <= set(steps)
    assert [each.finished for each in seen] == [False] * (len(seen) - 1) + [True]
    rows = list(run.measures())
    assert [row.step for row in rows] == list(range(TINY.steps + 1))
    assert {"consistency", "rank", "std"} <= rows[0].probe.keys()
    for row in rows[1:]:
        assert row.loss is not None
        assert row.entropy is not None
        assert 0 < row.entropy < 1
        assert row.kl == pytest.approx((row.dino or 0) - row.entropy * math.log(32), rel=1e-4)
        assert row.pictures_per_second is not None
        assert row.pictures_per_second > 0
        assert 0 <= (row.waited if row.waited is not None else -1) <= 1
    info = run.info()
    assert (info.state, info.step, info.last) == ("finished", TINY.steps, rows[-1])
    assert "0-0-attention.png" in info.samples
    assert f"{TINY.steps}-7-pca.png" in info.samples
    assert checkpoints.steps_of(run) == [TINY.steps]


@pytest.mark.parametrize("stop_after", [1, 3])
def test_stopped_and_resumed_it_is_the_training_nobody_stopped(
    run: Run, items: Items, whole: dict[str, Any], stop_after: int
) -> None:
    asked = 0

    def cancelled() -> bool:
        nonlocal asked
        asked += 1
        return asked == stop_after

    last = list(trained(run, items, plan=replace(PLAN, cancelled=cancelled)))[-1]
    assert not last.finished
    assert last.note == f"stopped at step {stop_after}: go on with dinoscope train --resume mine"
    assert run.info().state == "stopped"
    first = next(iter(resumed := list(trained(run, items))))
    assert first.note == f"going on from step {stop_after}"
    assert resumed[-1].finished
    same(state_of(run), whole)
    assert [row.step for row in run.measures()] == list(range(TINY.steps + 1))


def test_closed_early_it_leaves_a_checkpoint_of_the_last_whole_step(
    run: Run, items: Items, whole: dict[str, Any]
) -> None:
    running = trained(run, items)
    assert next(each for each in running if each.step == 2)
    running.close()  # type: ignore[attr-defined]
    assert run.info().state == "stopped"
    assert checkpoints.steps_of(run) == [2]
    list(trained(run, items))
    same(state_of(run), whole)


def test_somebody_else_can_ask_it_to_stop(run: Run, items: Items) -> None:
    running = trained(run, items)
    assert next(each for each in running if each.step == 2)
    run.ask_to_stop()
    assert [each.step for each in running][-1] in {2, 3}
    assert run.info().state == "stopped"


def test_killed_and_resumed_it_is_the_training_nobody_killed(
    run: Run, items: Items, whole: dict[str, Any]
) -> None:
    """SIGKILL, at any moment: after a checkpoint, in the middle of a step, while a row is written."""
    code = (
        "import sys, pathlib, torch\n"
        "torch.set_num_threads(int(sys.argv[3]))\n"  # sums depend on how they are shared out
        "from tests.training.test_loop import trained, PLAN\n"
        "from tests.training.tiny import items_in, TINY, LIMITS\n"
        "from dataclasses import replace\n"
        "from dinoscope.training.gathering import gather\n"
        "from dinoscope.training.runs import Run\n"
        "items = gather([pathlib.Path(sys.argv[1])], LIMITS)\n"
        "run, plan = Run(pathlib.Path(sys.argv[2])), replace(PLAN, checkpoint_seconds=0)\n"
        "for each in trained(run, items, plan=plan):\n"
        "    print(each.step, each.note, flush=True)\n"
    )
    child = subprocess.Popen(
        [
            *(sys.executable, "-c", code),
            *(items.files[0].rsplit("/", 2)[0], str(run.folder), str(torch.get_num_threads())),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith("3 checkpoint"):
            break
    child.kill()
    child.wait()
    child.stdout.close()
    assert run.info().state in {"stopped", "finished"}
    with run.metrics.open("a") as journal:
        journal.write('{"step": 5, "sec')  # torn
    assert checkpoints.steps_of(run)
    list(trained(run, items))
    same(state_of(run), whole)
    assert [row.step for row in run.measures()] == list(range(TINY.steps + 1))


def test_killed_before_its_first_checkpoint_it_begins_again(
    run: Run, items: Items, whole: dict[str, Any]
) -> None:
    run.update(state="running")
    run.metrics.write_text('{"step": 0, "seconds": 1.0}\n{"step": 1, "seconds": 2.0}\n{"step": 2, "sec')
    list(trained(run, items))
    same(state_of(run), whole)
    assert [row.step for row in run.measures()] == list(range(TINY.steps + 1))


def test_a_loss_that_is_no_number_is_skipped_twice_and_then_it_stops(
    run: Run, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, broken = Stepper.step, {2, 4, 5, 6}

    def step(self: Stepper, batch: Any) -> Any:
        if batch.step in broken:
            with torch.no_grad():
                before = self.pair.student.head.mlp[0].bias.clone()
                self.pair.student.head.mlp[0].bias.fill_(math.nan)
            outcome = real(self, batch)
            with torch.no_grad():
                self.pair.student.head.mlp[0].bias.copy_(before)
            return outcome
        return real(self, batch)

    monkeypatch.setattr(Stepper, "step", step)
    seen: list[TrainingProgress] = []
    with pytest.raises(
        TrainingDiverged, match=r"3 times in a row up to step 7 \(the checkpoint of step 6 is kept\)"
    ):
        seen.extend(trained(run, items, replace(TINY, steps=9), replace(PLAN, checkpoint_seconds=0)))
    rows = list(run.measures())
    assert [row.skipped for row in rows if row.step in {3, 4, 5, 6}] == [1, 1, 2, 3]
    assert run.info().state == "failed"
    assert "optimiser.rate" in run.info().reason


def test_a_full_disk_keeps_the_checkpoint_before(
    run: Run, items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = trained(run, items, plan=replace(PLAN, checkpoint_seconds=0))
    assert next(each for each in running if each.note == "checkpoint at step 2")

    def no_room(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr("torch.save", no_room)
        with pytest.raises(DiskFull, match="step 2 is kept"):
            list(running)
    assert run.info().state == "failed"
    assert [each.finished for each in trained(run, items)][-1]  # there is room again


def test_a_checkpoint_of_another_recipe_is_refused_and_kept(run: Run, items: Items) -> None:
    list(trained(run, items))
    with pytest.raises(BadRequest, match=r"optimiser\.rate is 1\.0 in one and 0\.1 in the other"):
        list(trained(run, items, replace(TINY, optimiser=replace(TINY.optimiser, rate=1.0))))
    assert checkpoints.steps_of(run) == [TINY.steps]


def test_other_pictures_are_refused(run: Run, items: Items, tmp_path: Path) -> None:
    list(trained(run, items))
    with pytest.raises(BadRequest, match="other pictures"):
        list(trained(run, items_in(tmp_path / "more", 14)))


def test_pictures_that_cannot_be_read_are_replaced_and_told(run: Run, items: Items, tmp_path: Path) -> None:
    for path in sorted((tmp_path / "pictures").rglob("*.png"))[:3]:
        path.write_bytes(path.read_bytes()[:60])
    notes = [each.note for each in trained(run, items, replace(TINY, steps=12)) if each.note]
    assert any("could not be read" in note for note in notes)
    assert run.info().state == "finished"


def test_a_collapse_is_told(run: Run, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "alarm", lambda rows, recipe: f"collapsed at {rows[-1].step}" if rows else None)
    seen = list(trained(run, items))
    assert seen[-1].alarm == "collapsed at 6"
    assert [row.alarm for row in run.measures()][-1] == "collapsed at 6"


def test_reading_processes_change_nothing(run: Run, items: Items, whole: dict[str, Any]) -> None:
    list(trained(run, items, plan=replace(PLAN, workers=1)))
    same(state_of(run), whole)


def test_checkpoints_come_by_the_clock(run: Run, items: Items, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    steps = []
    for each in trained(run, items, plan=replace(PLAN, checkpoint_seconds=100.0)):
        if each.note is None:  # the row before the first step, and every step
            clock[0] += 60.0
        elif each.note.startswith("checkpoint"):
            steps.append(each.step)
    assert steps == [1, 3, 5]
