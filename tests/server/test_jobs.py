"""Indexing in the background: watched, joined late, cancelled, and only one at a time."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.server.conftest import paint

from dinoscope.errors import BadRequest, DiskFull, JobConflict, NoSuchJob, Unreadable
from dinoscope.library.library import Library
from dinoscope.operations.progress import Progress
from dinoscope.operations.session import Session
from dinoscope.pictures.refusal import Refusal
from dinoscope.server.jobs import KEPT_REFUSALS, Job, Jobs, events
from dinoscope.server.writer import Writer
from dinoscope.settings import Settings

JOBS = "/api/v1/jobs"
Event = tuple[str, dict[str, object]]


def progress(found: int, finished: bool = False, refusal: Refusal | None = None) -> Progress:
    return Progress(found, not finished, found, 0, 0, 0, 0.5, refusal, finished)


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with Library.open(settings.library) as library:
        yield library


def parsed(stream: bytes) -> list[Event]:
    """(name, data) of each event; comments are left out."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def heard(job: Job, heartbeat: float = 15.0) -> bytes:
    return b"".join([part async for part in events(job, heartbeat)])


def run(job: Job, library: Library, *steps: Progress | Exception) -> None:
    def work(library: Library, cancelled: Callable[[], bool]) -> Iterator[Progress]:
        for step in steps:
            if cancelled():
                return
            if isinstance(step, Exception):
                raise step
            yield step

    job.run(work, library, ExitStack())


def test_a_job_that_ends_is_done(library: Library) -> None:
    job = Job([Path("/a")])
    run(job, library, progress(1), progress(2, finished=True))
    view = job.view()
    assert (view.state, view.error, view.folders) == ("done", None, ["/a"])
    assert view.progress is not None
    assert view.progress.done == 2
    assert view.ended_at is not None
    assert view.ended_at >= view.started_at


def test_a_job_fails_with_the_sentence(library: Library) -> None:
    job = Job([])
    run(job, library, progress(1), DiskFull("the disk is full: make room"))
    assert (job.view().state, job.view().error) == ("failed", "the disk is full: make room")


def test_a_bug_ends_the_job_and_names_no_secret(library: Library, caplog: pytest.LogCaptureFixture) -> None:
    job = Job([])
    run(job, library, ZeroDivisionError("/home/you/secret"))
    assert job.view().state == "failed"
    assert "ZeroDivisionError" in str(job.view().error)
    assert "secret" not in str(job.view().error)
    assert "secret" in caplog.text


def test_a_cancelled_job_is_cancelled(library: Library) -> None:
    job = Job([])
    job.cancel()
    run(job, library, progress(1, finished=True))
    assert job.view().state == "cancelled"


def test_a_job_that_was_done_before_the_cancel_came_is_done(library: Library) -> None:
    job = Job([])
    run(job, library, progress(1, finished=True))
    job.cancel()
    assert job.view().state == "done"


def test_only_the_last_refusals_are_kept(library: Library) -> None:
    job = Job([])
    steps = [
        progress(n, refusal=Refusal(Path(f"/{n}\udcff"), f"{n} is no picture"))
        for n in range(KEPT_REFUSALS + 9)
    ]
    run(job, library, *steps)
    kept = job.view().refusals
    assert len(kept) == KEPT_REFUSALS
    assert kept[-1].sentence == f"{KEPT_REFUSALS + 8} is no picture"
    job.view().model_dump_json()


def test_who_comes_late_hears_the_last_state_and_the_end(library: Library) -> None:
    job = Job([])
    run(job, library, progress(1), progress(5, finished=True))
    stream = parsed(asyncio.run(heard(job)))
    assert [name for name, _ in stream] == ["progress", "end"]
    assert stream[0][1]["found"] == 5
    assert stream[1][1]["state"] == "done"


def test_who_listens_hears_it_grow_and_a_heartbeat_in_the_silence(library: Library) -> None:
    job = Job([])
    go_on = threading.Event()

    def work(library: Library, cancelled: Callable[[], bool]) -> Iterator[Progress]:
        yield progress(1)
        go_on.wait(20)
        yield progress(2)
        yield progress(3, finished=True)

    async def listen() -> bytes:
        thread = threading.Thread(target=job.run, args=(work, library, ExitStack()))
        thread.start()
        parts = []
        async for part in events(job, heartbeat=0.02):
            parts.append(part)
            if part.startswith(b":"):
                go_on.set()
        await asyncio.to_thread(thread.join)
        return b"".join(parts)

    stream = asyncio.run(listen())
    assert b": still here\n\n" in stream
    counts = [int(str(data["found"])) for name, data in parsed(stream) if name == "progress"]
    assert counts == sorted(counts)
    assert counts[0] == 1
    assert counts[-1] == 3
    assert parsed(stream)[-1][0] == "end"


def test_a_listener_that_leaves_is_forgotten(library: Library) -> None:
    job = Job([])

    async def glance() -> None:
        stream = events(job, heartbeat=0.01)
        await anext(stream)
        await stream.aclose()

    asyncio.run(glance())
    run(job, library, progress(1, finished=True))
    assert job.view().state == "done"


def test_the_page_indexes_a_folder_and_sees_the_new_pictures(client: TestClient, tmp_path: Path) -> None:
    new = tmp_path / "new"
    new.mkdir()
    for seed in range(100, 105):
        paint(seed).save(new / f"{seed}.png")
    (new / "notes.jpg").write_text("no picture")
    started = client.post(JOBS, json={"kind": "index", "folders": [str(new)]})
    assert started.status_code == 202
    id = started.json()["id"]
    with client.stream("GET", f"{JOBS}/{id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = parsed(answer.read())
    name, job = stream[-1]
    assert (name, job["state"], job["error"]) == ("end", "done", None)
    assert client.get(f"{JOBS}/{id}").json() == job
    assert client.get(JOBS).json() == {"jobs": [job]}
    assert client.get("/api/v1/about").json()["library"]["pictures"] == 29
    refusals = client.get("/api/v1/refusals").json()["refusals"]
    assert [one["path"] for one in refusals] == [str(new / "notes.jpg")]
    assert "notes.jpg" in refusals[0]["sentence"]
    listed = client.get("/api/v1/pictures?where=name=102.png").json()["pictures"]
    assert client.get(f"/api/v1/search?like={listed[0]['id']}").status_code == 200


def test_the_writers_lock_is_free_when_the_job_has_ended(
    client: TestClient, settings: Settings, pictures: Path
) -> None:
    id = client.post(JOBS, json={"kind": "index", "folders": [str(pictures)]}).json()["id"]
    client.get(f"{JOBS}/{id}/events")
    Library.open(settings.library, write=True).close()


@pytest.mark.parametrize(
    ("folder", "status"),
    [
        ("pictures", 422),
        ("", 422),
        ("../x", 422),
        ("/nothing/there", 404),
        ("/a\0b", 422),
        ("~nobody-of-that-name/x", 422),
    ],
)
def test_a_folder_that_is_none_is_refused_before_a_job_starts(
    client: TestClient, folder: str, status: int
) -> None:
    assert client.post(JOBS, json={"kind": "index", "folders": [folder]}).status_code == status
    assert client.get(JOBS).json() == {"jobs": []}


def test_another_program_that_writes_is_named(client: TestClient, settings: Settings, pictures: Path) -> None:
    with Library.open(settings.library, write=True):
        answer = client.post(JOBS, json={"kind": "index", "folders": [str(pictures)]})
    assert answer.status_code == 409
    assert client.get(JOBS).json() == {"jobs": []}


class Held:
    """Stands for ``index_folders``: one progress, and then it waits to be cancelled."""

    def __init__(self) -> None:
        self.begun = threading.Event()

    def __call__(
        self,
        folders: object,
        library: object,
        backbone: object,
        settings: object,
        *,
        cancelled: Callable[[], bool],
    ) -> Iterator[Progress]:
        yield progress(1)
        self.begun.set()
        while not cancelled():
            threading.Event().wait(0.005)
        yield progress(2)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Held:
    held = Held()
    monkeypatch.setattr("dinoscope.server.jobs.index_folders", held)
    return held


def test_a_second_job_is_refused_until_the_first_is_cancelled(
    client: TestClient, held: Held, pictures: Path
) -> None:
    ask = {"kind": "index", "folders": [str(pictures)]}
    first = client.post(JOBS, json=ask).json()
    assert first["state"] == "running"
    assert held.begun.wait(20)
    refused = client.post(JOBS, json=ask)
    assert (refused.status_code, refused.json()["title"]) == (409, "Already running")
    assert client.delete("/api/v1/pictures/1").status_code == 204, "one row can go while a job runs"
    assert client.delete(f"{JOBS}/{first['id']}").status_code == 202
    stream = parsed(client.get(f"{JOBS}/{first['id']}/events").content)
    assert stream[-1][1]["state"] == "cancelled"
    second = client.post(JOBS, json=ask)
    assert second.status_code == 202
    assert [job["id"] for job in client.get(JOBS).json()["jobs"]] == [second.json()["id"], first["id"]]


def test_closing_ends_the_running_job(session: Session, held: Held, pictures: Path) -> None:
    jobs = Jobs(session, Writer(session.library.folder), session.settings)
    job = jobs.start([str(pictures)])
    assert held.begun.wait(20)
    jobs.close()
    assert job.view().state == "cancelled"
    with pytest.raises(JobConflict, match="closing"):
        jobs.start([str(pictures)])


def test_jobs_say_what_is_wrong(session: Session) -> None:
    jobs = Jobs(session, Writer(session.library.folder), session.settings)
    with pytest.raises(NoSuchJob):
        jobs.get("j_x")
    with pytest.raises(BadRequest):
        jobs.start(["relative"])
    with pytest.raises(Unreadable):
        jobs.start(["/nothing/there"])


def test_a_writer_is_shared_here_and_closed_by_the_last(settings: Settings) -> None:
    writer = Writer(settings.library)
    with writer.open() as one:
        with writer.open() as other:
            assert other is one
        assert not one.read_only
        assert one.refusals() == ()
    Library.open(settings.library, write=True).close()
    with writer.open() as again:
        assert again is not one
