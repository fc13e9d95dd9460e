"""Trainings begun over HTTP: a process of its own, told apart from training by a stand-in that only talks."""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from tests.recorded import record

from dinoscope.settings import Settings

RUNS = "/api/v1/runs"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
StandIn = Callable[[str], Path]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> StandIn:
    """Takes a shell script to run instead of Python; the file that is returned is its ``$OUT``."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "there" if name == "torch" else real(name))
    out = tmp_path / "out"

    def put(script: str) -> Path:
        path = tmp_path / "stand-in"
        path.write_text(f"#!/bin/sh\nOUT={out}\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setattr("dinoscope.server.launching.sys.executable", str(path))
        return out

    return put


def begin(client: TestClient, pictures: Path, **more: Any) -> Any:
    return client.post(RUNS, json={"sources": [str(pictures)], "preset": "laptop", "name": "new", **more})


def starting(client: TestClient, until: Callable[[Any], bool]) -> Any:
    """What is starting, once it is as wanted."""
    for _ in range(200):
        found = client.get(RUNS).json()["starting"]
        if until(found):
            return found
        time.sleep(0.02)
    raise AssertionError(found)


def test_the_command_line_is_run_with_the_servers_settings(
    client: TestClient, settings: Settings, stand_in: StandIn, pictures: Path
) -> None:
    out = stand_in('echo "$@" > $OUT.part; env | grep DINOSCOPE_ >> $OUT.part; mv $OUT.part $OUT; sleep 0.2')
    answer = begin(client, pictures, minutes=30)
    assert (answer.status_code, answer.json()["failed"]) == (202, False)
    starting(client, lambda _: out.exists())
    first, *told = out.read_text().splitlines()
    assert first == f"-m dinoscope train {pictures} --preset laptop --name new --minutes 30.0"
    assert f"DINOSCOPE_RUNS={settings.runs}" in told
    assert f"DINOSCOPE_MODELS={settings.models}" in told


def test_its_last_words_are_told_until_there_is_a_run(
    client: TestClient, settings: Settings, stand_in: StandIn, pictures: Path
) -> None:
    stand_in('echo "looking"; echo "12 pictures so far"; sleep 0.5')
    assert begin(client, pictures).status_code == 202
    assert starting(client, lambda one: one["said"])["said"] == "12 pictures so far"
    record(settings, "new", done=10, shots=1, pictures=1)
    assert client.get(RUNS).json()["starting"] is None


def test_why_it_failed_is_told(client: TestClient, stand_in: StandIn, pictures: Path) -> None:
    stand_in('echo "1 picture"; echo "Error: Too few pictures: add some." >&2; exit 2')
    begin(client, pictures)
    failed = starting(client, lambda one: one["failed"])
    assert failed == {"name": "new", "failed": True, "said": "Too few pictures: add some."}
    stand_in("sleep 0.1")
    assert begin(client, pictures).json()["failed"] is False, "and it can be tried again"


def test_one_trains_at_a_time(
    client: TestClient, settings: Settings, stand_in: StandIn, pictures: Path
) -> None:
    stand_in("sleep 0.5")
    assert begin(client, pictures).status_code == 202
    assert begin(client, pictures, name="other").status_code == 409
    starting(client, lambda one: not one["failed"])
    with record(settings, "elsewhere", state="running", done=10, shots=1, pictures=1).claimed():
        refused = begin(client, pictures, name="third")
        assert refused.status_code == 409
    record(settings, "taken", done=10, shots=1, pictures=1)
    time.sleep(0.6)
    assert "another name" in begin(client, pictures, name="taken").json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"preset": "labtop"}, 422),
        ({"name": "../up"}, 422),
        ({"name": "--set"}, 422),
        ({"sources": []}, 422),
        ({"sources": ["relative"]}, 422),
        ({"sources": ["/nothing/there"]}, 404),
        ({"minutes": 0}, 422),
        ({"minutes": True}, 422),
        ({"steps": 5}, 422),
    ],
)
def test_what_makes_no_sense_starts_nothing(
    client: TestClient, stand_in: StandIn, pictures: Path, wrong: dict[str, object], status: int
) -> None:
    out = stand_in("touch $OUT")
    answer = begin(client, pictures, **wrong)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert client.get(RUNS).json() == {"runs": [], "starting": None}
    assert not out.exists()


def test_without_torch_it_says_what_to_install(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, pictures: Path
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    answer = begin(client, pictures)
    assert answer.status_code == 501
    assert "dinoscope[train]" in answer.json()["detail"]
