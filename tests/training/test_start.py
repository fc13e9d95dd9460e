"""From folders to a model that can be used, through the one call behind ``dinoscope train``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import pictures  # noqa: E402

from dinoscope.errors import BadRequest, JobConflict, MissingExtra, NoSuchModel, NoSuchRun, Unreadable  # noqa: E402
from dinoscope.models.cards import card_of  # noqa: E402
from dinoscope.models.loading import load_backbone  # noqa: E402
from dinoscope.models.owned import list_owned  # noqa: E402
from dinoscope.settings import Settings  # noqa: E402
from dinoscope.training.journal import TrainingProgress  # noqa: E402
from dinoscope.training.overrides import from_json  # noqa: E402
from dinoscope.training.runs import open_run  # noqa: E402
from dinoscope.training.start import begin  # noqa: E402

SMALL = {
    "model.dimension": "16",
    "model.depth": "2",
    "model.heads": "2",
    "model.position_grid": "2,2",
    "crops.global_size": "16",
    "crops.local_size": "8",
    "crops.locals": "2",
    "head.hidden": "24",
    "head.bottleneck": "8",
    "head.prototypes": "32",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return pictures(tmp_path / "pictures")


def told(folder: Path | None, name: str, settings: Settings, **options: Any) -> Iterator[TrainingProgress]:
    if not options.get("resume"):
        options = {"steps": 4, "batch": 4, "precision": "fp32", "overrides": SMALL, **options}
    sources = [] if folder is None else [folder]
    return begin(sources, "laptop", name, settings, workers=0, **options)


def test_a_folder_becomes_a_model(folder: Path, settings: Settings) -> None:
    seen = list(told(folder, "", settings, probe=folder, seed=3))
    assert [each.finished for each in seen].index(True) == len(seen) - 1
    assert seen[-1].model == seen[-1].run == "mine"
    assert "dinoscope index --model mine" in (seen[-1].note or "")
    info = open_run("mine", settings).info()
    assert (info.state, info.step, info.pictures, info.model) == ("finished", 4, 12, "mine")
    assert info.sources == [str(folder)]
    assert info.overrides["seed"] == "3"
    assert from_json(info.recipe).seed == 3
    (owned,) = list_owned(settings.models)
    assert owned.provenance.steps == 4
    assert owned.provenance.scores.keys() >= {"knn", "consistency", "rank"}
    assert load_backbone(settings, "mine").identity.name == "mine"
    assert list(told(folder, "", settings, export=False))[-1].run == "mine-2"


def test_stopped_and_resumed_by_name_or_without(folder: Path, settings: Settings) -> None:
    stopped = list(told(folder, "mine", settings, cancelled=lambda: True))[-1]
    assert (stopped.step, stopped.finished, stopped.model) == (1, False, "")
    with pytest.raises(BadRequest, match="'mine' already, at step 1: go on with --resume"):
        list(told(folder, "mine", settings))
    with pytest.raises(BadRequest, match="keeps the recipe it began with"):
        list(told(None, "mine", settings, resume=True, steps=8))
    again = list(told(None, "", settings, resume=True))
    assert again[-1].finished
    assert [each.step for each in again if each.note and "going on" in each.note] == [1]
    assert card_of("mine", settings.models).config.dimension == 16
    with pytest.raises(NoSuchRun, match="nothing to resume"):
        list(told(None, "", settings, resume=True))


def test_other_pictures_in_the_folder_are_noticed(folder: Path, settings: Settings) -> None:
    list(told(folder, "mine", settings, cancelled=lambda: True))
    next(folder.rglob("*.png")).unlink()
    with pytest.raises(BadRequest, match="other pictures"):
        list(told(None, "mine", settings, resume=True))


def test_a_run_that_never_got_anywhere_is_begun_anew(folder: Path, settings: Settings) -> None:
    with pytest.raises(BadRequest, match="windows"):
        list(told(folder, "mine", settings, overrides={**SMALL, "accumulate": "3"}))
    assert list(told(folder, "mine", settings, export=False))[-1].finished


def test_a_run_in_use_is_left_alone(folder: Path, settings: Settings) -> None:
    with open_run("mine", settings).claimed(), pytest.raises(JobConflict, match="trains in"):
        list(told(folder, "mine", settings))


def test_minutes_become_steps(folder: Path, settings: Settings) -> None:
    seen = list(told(folder, "mine", settings, steps=None, minutes=0.005, export=False))
    assert seen[-1].finished
    assert 1 <= seen[-1].steps < 1000
    with pytest.raises(BadRequest, match="no time to train"):
        list(told(folder, "other", settings, steps=None, minutes=0))


def test_going_on_from_a_model_begins_with_its_eyes(folder: Path, settings: Settings) -> None:
    from dinoscope.models.names import canonical
    from dinoscope.models.tensors import read_tensors

    list(told(folder, "first", settings))
    options = {"start": "first", "steps": 1, "batch": 4, "workers": 0, "precision": "fp32"}
    size = {"crops.global_size": "16", "crops.local_size": "8", "head.hidden": "24", "head.prototypes": "32"}
    list(begin([folder], "continue", "second", settings, overrides=size, **options))  # type: ignore[arg-type]
    first, second = (
        canonical(read_tensors(Path(card.source.file)), card.config)
        for card in (card_of(name, settings.models) for name in ("first", "second"))
    )
    for name in ("patch.weight", "blocks.1.fc2.weight"):
        assert abs(first[name] - second[name]).max() < 1e-3  # one step, the rate still at 0
    rows = list(open_run("second", settings).measures())
    assert rows[-1].keep is not None
    assert rows[-1].keep < 0.01


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"name": "../x"}, BadRequest, "name"),
        ({"preset": "labtop"}, BadRequest, "did you mean laptop"),
        ({"batch": 99}, BadRequest, "fewer than a batch of 99"),
        ({"start": "nobody"}, NoSuchModel, "no model 'nobody'"),
        ({"resume": True}, NoSuchRun, "there is no run 'mine'"),
        ({"probe": Path("nowhere")}, Unreadable, "is no folder"),
        ({"device": "abacus"}, BadRequest, "no device"),
        ({"sources": []}, BadRequest, "no pictures are named"),
        ({"sources": [Path("nowhere")]}, Unreadable, "does not exist"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_trained(
    folder: Path, settings: Settings, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    named: dict[str, Any] = {"sources": [folder], "preset": "laptop", "name": "mine", "settings": settings}
    named |= {"steps": 4, "batch": 4, "workers": 0, "overrides": SMALL} if "resume" not in change else {}
    with pytest.raises(error, match=words):
        list(begin(**{**named, **change}))
    run = open_run("mine", settings)
    assert not run.checkpoints.exists()


def test_under_torchrun_one_process_writes_and_all_learn(folder: Path, tmp_path: Path) -> None:
    script, root = Path(__file__).with_name("two_courses.py"), Path(__file__).parents[2]
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        str(script),
    ]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    command += [str(folder), str(tmp_path)]
    done = subprocess.run(command, env=environment, timeout=110, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    info = open_run("mine", Settings(runs=tmp_path / "runs")).info()
    assert (info.state, info.step, info.model) == ("finished", 4, "mine")
    assert [row.step for row in open_run("mine", Settings(runs=tmp_path / "runs")).measures()] == [
        0,
        1,
        2,
        3,
        4,
    ]


def test_without_torch_the_pip_line_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[train\]'"):
        next(begin([], "laptop", "mine", settings))


@pytest.mark.parametrize("module", ["start", "presets", "overrides", "runs", "journal", "alarm"])
def test_what_reads_runs_needs_no_torch(module: str) -> None:
    code = f"import sys; sys.modules['torch'] = None; import dinoscope.training.{module}"
    subprocess.run([sys.executable, "-c", code], check=True)
