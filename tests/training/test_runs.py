"""Run folders, alive, stopped and damaged."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dinoscope.errors import BadRequest, JobConflict, NoSuchRun
from dinoscope.settings import Settings
from dinoscope.training.journal import Journal, Measure
from dinoscope.training.runs import Run, list_runs, open_run


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(runs=tmp_path / "runs")


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", ".a", "a..b", "a.", "x" * 65, "a b", "a\0"])
def test_a_name_that_cannot_be_a_folder_is_refused(name: str, settings: Settings) -> None:
    with pytest.raises(BadRequest, match="cannot be a run's name"):
        open_run(name, settings)


def test_what_is_updated_is_read_back_beside_the_journal(settings: Settings) -> None:
    run = open_run("mine", settings)
    assert not run.exists
    run.update(recipe={"name": "laptop", "steps": 10}, sources=["/a"], pictures=7, state="new")
    run.update(state="finished", model="mine")
    Journal(run.metrics).append(Measure(4, 1.0))
    run.samples.mkdir()
    for name in ("100-0-pca.png", "20-0-pca.png", "20-1-pca.png", "0-picture.png"):
        (run.samples / name).touch()
    info = run.info()
    assert (info.name, info.state, info.step, info.steps, info.pictures) == ("mine", "finished", 4, 10, 7)
    assert (info.preset, info.model, info.sources) == ("laptop", "mine", ["/a"])
    assert info.samples == ["20-0-pca.png", "20-1-pca.png", "100-0-pca.png"]
    assert info.last == Measure(4, 1.0)


def test_a_run_is_held_by_one_and_seen_by_all(settings: Settings) -> None:
    run = open_run("mine", settings)
    run.update(state="running")
    with run.claimed():
        assert run.alive()
        assert run.info().state == "running"
        with pytest.raises(JobConflict, match="trains in"), run.claimed():
            pass
    assert not run.alive()
    assert run.info().state == "stopped"  # nobody wrote that it ended: it was killed


def test_a_killed_process_leaves_no_running_run(settings: Settings) -> None:
    run = open_run("mine", settings)
    run.update(state="running")
    code = (
        "import sys, pathlib, time; from dinoscope.training.runs import Run\n"
        "with Run(pathlib.Path(sys.argv[1])).claimed():\n print('held', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(run.folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout
    assert child.stdout.readline() == "held\n"
    assert run.info().state == "running"
    child.kill()
    child.communicate()
    assert run.info().state == "stopped"


def test_runs_are_listed_newest_first_without_the_damaged(settings: Settings) -> None:
    assert list_runs(settings) == []
    for name, started in (("old", 1.0), ("new", 2.0)):
        open_run(name, settings).update(started=started)
    broken = open_run("broken", settings)
    broken.folder.mkdir()
    (broken.folder / "run.json").write_text("{")
    (settings.runs / "Not a run").mkdir()
    assert [info.name for info in list_runs(settings)] == ["new", "old"]
    with pytest.raises(BadRequest, match="delete the run"):
        broken.info()


def test_a_run_that_is_not_there_is_a_sentence(settings: Settings) -> None:
    with pytest.raises(NoSuchRun, match="there is no run 'mine'"):
        Run(settings.runs / "mine").info()


def test_only_what_trains_can_be_asked_to_stop(settings: Settings) -> None:
    run = open_run("mine", settings)
    run.update(state="running")
    with pytest.raises(JobConflict, match="nothing to stop"):
        run.ask_to_stop()
    with run.claimed():
        assert not run.asked_to_stop()
        run.ask_to_stop()
        assert run.asked_to_stop()
    with run.claimed():  # the next sitting is not stopped by an old wish
        assert not run.asked_to_stop()
