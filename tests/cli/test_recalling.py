"""``dinoscope runs``: trainings as a terminal shows them, whoever made them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.conftest import Dinoscope
from tests.recorded import record

from dinoscope.settings import Settings
from dinoscope.training.runs import open_run


@pytest.fixture
def recorded(dinoscope: Dinoscope, settings: Settings) -> Settings:
    """One training that finished and one that was stopped, where the command looks for them."""
    there = replace(settings, runs=Path(dinoscope.environment["DINOSCOPE_RUNS"]))
    record(there, "done", steps=600, done=600, pictures=1, shots=1)
    record(there, "half", steps=600, done=300, pictures=1, shots=1, state="stopped")
    return there


def test_without_a_training_it_says_how_to_begin(dinoscope: Dinoscope) -> None:
    ran = dinoscope("runs")
    assert (ran.code, ran.out) == (0, "")
    assert "dinoscope train FOLDER" in ran.err
    assert dinoscope("runs", "list", "--json").json == []


def test_runs_are_listed_with_their_state_and_score(dinoscope: Dinoscope, recorded: Settings) -> None:
    ran = dinoscope("runs", "list")
    rows = {line.split()[0]: line for line in ran.out.splitlines() if "600" in line}
    assert rows.keys() == {"done", "half"}
    assert "finished" in rows["done"]
    assert "300 / 600" in rows["half"]
    assert "k-NN" in rows["half"]
    assert dinoscope("runs").out == ran.out


def test_a_run_is_shown_with_its_curves_and_what_to_do_next(dinoscope: Dinoscope, recorded: Settings) -> None:
    done, half = dinoscope("runs", "show", "done").out, dinoscope("runs", "show", "half").out
    assert "dinoscope index FOLDER --model done" in done
    assert "dinoscope train --resume half" in half
    assert "█" in next(line for line in half.splitlines() if line.startswith("loss"))


def test_a_run_as_json_is_what_its_folder_tells(dinoscope: Dinoscope, recorded: Settings) -> None:
    told = dinoscope("runs", "show", "half", "--json").json
    assert (told["name"], told["state"], told["step"], told["pictures"]) == ("half", "stopped", 300, 4213)
    assert told["last"]["step"] == 300
    assert [one["name"] for one in dinoscope("runs", "list", "--json").json] == ["done", "half"]


def test_an_unknown_run_is_one_sentence(dinoscope: Dinoscope) -> None:
    ran = dinoscope("runs", "show", "nothing")
    assert ran.code in {1, 2}
    assert ran.err.startswith("Error: There is no run 'nothing'")
    assert len(ran.err.splitlines()) == 1


def test_a_training_elsewhere_is_asked_to_stop(dinoscope: Dinoscope, recorded: Settings) -> None:
    ran = dinoscope("runs", "stop", "half")
    assert (ran.code, ran.err.startswith("Error: Nothing trains in")) == (1, True)
    run = open_run("half", recorded)
    run.update(state="running")
    with run.claimed():
        ran = dinoscope("runs", "stop", "half")
        assert (ran.code, "dinoscope train --resume half" in ran.out) == (0, True)
        assert run.asked_to_stop()
