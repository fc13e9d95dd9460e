"""``dinoscope train`` as a user meets it: a model in the end, Ctrl-C and on again, sentences if it cannot."""

from __future__ import annotations

import importlib.util
import signal
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Dinoscope, paint

from dinoscope.cli.training import overrides_of
from dinoscope.errors import BadRequest

TINY = [
    "--batch", "4", "--workers", "0", "--precision", "fp32", "--device", "cpu", "--set", "model.dimension=16",
    "--set", "model.depth=1", "--set", "model.heads=1", "--set", "model.patch=16", "--set", "crops.locals=1",
    "--set", "head.hidden=16", "--set", "head.bottleneck=8", "--set", "head.prototypes=16",
]  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures to train on, one of them broken."""
    root = tmp_path_factory.mktemp("photos")
    for seed in range(12):
        paint(root / f"{seed}.png", seed, (80, 72))
    (root / "broken.png").write_bytes(b"no picture")
    return root


def test_overrides_are_keys_and_values() -> None:
    assert overrides_of(["a.b=1,2", " c = x=y "]) == {"a.b": "1,2", "c": "x=y"}
    for wrong in ("seed", "=3", ""):
        with pytest.raises(BadRequest, match="KEY=VALUE"):
            overrides_of([wrong])


def test_nothing_to_train_on_is_one_sentence(dinoscope: Dinoscope) -> None:
    ran = dinoscope("train")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: Nothing says what to train on")


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_torch_it_says_what_to_install(dinoscope: Dinoscope, photos: Path) -> None:
    ran = dinoscope("train", photos)
    assert ran.code == 1
    assert "pip install 'dinoscope[train]'" in ran.err


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--preset", "labtop"], "did you mean laptop?"),
        (["--set", "teacher.temprature=0.02"], "teacher.temperature"),
        (["--batch", "64"], "12"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    dinoscope: Dinoscope, photos: Path, arguments: list[str], said: str
) -> None:
    ran = dinoscope("train", photos, "--workers", "0", *arguments)
    assert ran.code == 2, ran.err
    assert said in ran.err.splitlines()[-1]
    assert ran.err.splitlines()[-1].startswith("Error: ")
    assert dinoscope("runs", "list", "--json").json == []


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_a_training_ends_in_a_model_that_indexes(dinoscope: Dinoscope, photos: Path) -> None:
    ran = dinoscope("train", photos, "--steps", "3", *TINY)
    assert ran.code == 0, ran.err
    assert "Trained mine: 3 steps in " in ran.out
    assert f"dinoscope index {photos} --model mine" in ran.out
    assert "12 pictures" in ran.err
    indexed = dinoscope("index", photos, "--model", "mine", "--json")
    assert indexed.json["added"] == 12, indexed.err
    shown = dinoscope("runs", "show", "mine", "--json").json
    assert (shown["state"], shown["step"], shown["model"]) == ("finished", 3, "mine")
    assert shown["overrides"]["steps"] == "3"


@pytest.mark.torch
@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch")
def test_ctrl_c_keeps_a_checkpoint_and_resume_goes_on(dinoscope: Dinoscope, photos: Path) -> None:
    with dinoscope.start("train", photos, "--steps", "100000", "--name", "long", *TINY) as process:
        wait_for(Path(dinoscope.environment["DINOSCOPE_RUNS"]) / "long" / "metrics.jsonl")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert b"Go on with: dinoscope train --resume long" in out
    stopped = dinoscope("runs", "show", "long", "--json").json
    assert stopped["state"] == "stopped"
    with dinoscope.start("train", "--resume", "long", "--json") as process:
        wait_for_step(dinoscope, "long", stopped["step"] + 1)
        assert dinoscope("runs", "stop", "long").code == 0
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert b'"state": "stopped"' in out
    assert dinoscope("runs", "show", "long", "--json").json["step"] > stopped["step"]


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.is_file() and path.stat().st_size:
            return
        time.sleep(0.1)
    raise AssertionError(f"{path} was not written")


def wait_for_step(dinoscope: Dinoscope, name: str, step: int) -> None:
    for _ in range(60):
        shown = dinoscope("runs", "show", name, "--json").json
        if shown["state"] == "running" and shown["step"] >= step:
            return
    raise AssertionError("it did not go on")
