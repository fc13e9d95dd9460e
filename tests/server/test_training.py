"""Training runs over HTTP: listed, followed while they are written, and nothing outside their folders."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.recorded import record
from tests.server.conftest import Server
from tests.server.test_jobs import Event, parsed

from dinoscope.server.runs import events, thinned
from dinoscope.server.wire_runs import Measure
from dinoscope.settings import Settings
from dinoscope.training import journal
from dinoscope.training.journal import Journal
from dinoscope.training.runs import Run

RUNS = "/api/v1/runs"


@pytest.fixture
def finished(settings: Settings) -> Run:
    return record(settings, done=600, steps=600, pictures=2, shots=2)


@pytest.fixture
def running(settings: Settings) -> Iterator[Run]:
    """A run half done, in which this process trains."""
    run = record(settings, "half", done=300, steps=600, pictures=1, shots=1, state="running")
    with run.claimed():
        yield run


def test_without_a_training_there_is_an_empty_list(client: TestClient) -> None:
    assert client.get(RUNS).json() == {"runs": [], "starting": None}


def test_a_run_says_how_it_stands(client: TestClient, finished: Run) -> None:
    [listed] = client.get(RUNS).json()["runs"]
    assert client.get(f"{RUNS}/mine").json() == listed
    assert (listed["state"], listed["step"], listed["steps"]) == ("finished", 600, 600)
    assert (listed["preset"], listed["pictures"], listed["model"]) == ("laptop", 4213, "mine")
    assert listed["recipe"]["crops"]["global_size"] == 224
    assert listed["last"]["step"] == 600
    assert listed["started_at"].endswith("Z")


def test_a_run_whose_process_died_is_stopped(client: TestClient, settings: Settings) -> None:
    record(settings, done=100, state="running", shots=1)
    assert client.get(f"{RUNS}/mine").json()["state"] == "stopped"


def test_measures_come_in_order_after_a_step(client: TestClient, finished: Run) -> None:
    steps = [one["step"] for one in client.get(f"{RUNS}/mine/measures?since=300").json()["measures"]]
    assert steps == list(range(310, 601, 10))


def test_a_long_run_is_thinned_to_its_first_its_last_and_every_probe(
    client: TestClient, finished: Run
) -> None:
    thin = client.get(f"{RUNS}/mine/measures?most=5").json()["measures"]
    assert [thin[0]["step"], thin[-1]["step"]] == [10, 600]
    assert [one["step"] for one in thin if one["probe"]] == [250, 500]
    assert len(thin) <= 5 + 2
    assert len(client.get(f"{RUNS}/mine/measures?most=60").json()["measures"]) == 60


@pytest.mark.parametrize("most", [2, 3, 7, 99, 100, 101])
def test_thinning_spaces_evenly(most: int) -> None:
    rows = [made for step in range(100) if (made := Measure.of(journal.Measure(step, 0.0)))]
    steps = np.array([one.step for one in thinned(rows, most)])
    assert len(steps) == min(most, 100)
    assert np.ptp(np.diff(steps)) <= 1


def test_a_sample_is_a_picture(client: TestClient, finished: Run) -> None:
    names = client.get(f"{RUNS}/mine").json()["samples"]
    assert len(names) == 2 * 2 * 2
    names.append("1-picture.png")
    for name in names:
        answer = client.get(f"{RUNS}/mine/samples/{name}")
        assert answer.headers["content-type"] == "image/png"
        assert Image.open(io.BytesIO(answer.content)).size == (96, 96)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("none", 404),
        ("none/measures", 404),
        ("none/events", 404),
        ("none/samples/0-0-pca.png", 404),
        ("mine/samples/nothing.png", 404),
        ("mine/samples/..%2Frun.json", 404),
        ("mine/samples/%2Fetc%2Fpasswd", 404),
        ("..", 404),
        ("..%2Fmine", 404),
        ("%2e%2e", 422),
        ("A%20B", 422),
        ("mine/measures?most=1", 422),
        ("mine/measures?since=-2", 422),
    ],
)
def test_what_is_no_run_is_refused(client: TestClient, finished: Run, path: str, status: int) -> None:
    answer = client.get(f"{RUNS}/{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_a_row_that_is_nonsense_is_passed_over(client: TestClient, finished: Run) -> None:
    with finished.metrics.open("a") as file:
        file.write('{"step": 601, "seconds": 1, "loss": "much"}\n{"step": 602, "seconds": NaN}\n{"step": 6')
    assert client.get(f"{RUNS}/mine").json()["last"] is None
    assert client.get(f"{RUNS}/mine/measures").json()["measures"][-1]["step"] == 600


def test_the_events_of_a_finished_run_are_its_measures_and_its_end(client: TestClient, finished: Run) -> None:
    stream = parsed(client.get(f"{RUNS}/mine/events?since=580").content)
    assert [name for name, _ in stream] == ["measures", "end"]
    assert [one["step"] for one in stream[0][1]["measures"]] == [590, 600]  # type: ignore[attr-defined]
    assert stream[1][1] == client.get(f"{RUNS}/mine").json()


def listen(run: Run, since: int, *acts: object) -> list[Event]:
    """The events of a run while things happen to it, one after each event or comment."""
    happen = iter(acts)

    async def hear() -> bytes:
        closing, parts = asyncio.Event(), []
        async for part in events(run, since, closing, pace=0.01, heartbeat=0.02):
            parts.append(part)
            act = next(happen, closing.set)
            assert callable(act)
            act()
        return b"".join(parts)

    return parsed(asyncio.run(hear()))


def test_new_measures_are_told_once(running: Run) -> None:
    write = Journal(running.metrics).append
    stream = listen(
        running, 290, lambda: None, lambda: write(journal.Measure(310, 1.0, loss=2.0)),
        lambda: write(journal.Measure(320, 1.0, loss=1.0)),
    )  # fmt: skip
    told = [one["step"] for name, data in stream if name == "measures" for one in data["measures"]]  # type: ignore[attr-defined]
    assert told == [300, 310, 320]


def test_new_samples_are_told(running: Run) -> None:
    def paint() -> None:
        Image.new("RGB", (4, 4)).save(running.samples / "310-0-pca.png")

    stream = listen(running, 300, paint, lambda: None, lambda: None)
    assert [len(data["samples"]) for name, data in stream if name == "run"] == [2, 3]  # type: ignore[arg-type]


def test_a_resumed_run_takes_back_what_it_does_again(running: Run) -> None:
    def resume() -> None:
        Journal(running.metrics).rewind(200)

    def go_on() -> None:
        Journal(running.metrics).append(journal.Measure(210, 1.0, loss=9.0))

    stream = listen(running, -1, lambda: None, resume, go_on, lambda: None)
    names = [name for name, _ in stream]
    assert names.index("rewound") > names.index("measures")
    assert dict(stream)["rewound"] == {"step": 200}
    assert stream[-1][0] == "measures"
    assert stream[-1][1]["measures"][0]["loss"] == 9.0  # type: ignore[index]


def test_a_run_that_ends_ends_the_stream(running: Run) -> None:
    stream = listen(running, 300, lambda: running.update(state="stopped"), *[lambda: None] * 50)
    assert stream[-1][0] == "end"
    assert stream[-1][1]["state"] == "stopped"


def test_an_open_stream_does_not_keep_the_server_from_stopping(server: Server, settings: Settings) -> None:
    run = record(settings, "half", done=100, state="running", shots=1)
    with run.claimed(), server.connect() as connection:
        connection.sendall(
            f"GET {RUNS}/half/events HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()
        )
        while b"event: run" not in connection.recv(65536):
            pass
        server.serving.stop()
        connection.settimeout(3)  # less than the grace after which connections are cut
        while connection.recv(65536):
            pass


def test_a_run_is_stopped_by_whoever_may_ask(client: TestClient, running: Run) -> None:
    answer = client.post(f"{RUNS}/half/stop")
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    assert running.asked_to_stop()


def test_what_does_not_train_cannot_be_stopped(client: TestClient, finished: Run) -> None:
    answer = client.post(f"{RUNS}/mine/stop")
    assert (answer.status_code, answer.json()["title"]) == (409, "Already running")
    assert client.post(f"{RUNS}/none/stop").status_code == 404


def test_runs_lie_where_the_settings_say(client: TestClient, settings: Settings, tmp_path: Path) -> None:
    record(replace(settings, runs=tmp_path / "elsewhere"), "other", shots=1, pictures=1)
    assert client.get(RUNS).json() == {"runs": [], "starting": None}
