"""Indexing in the background: one job at a time, which anybody may watch, join late, or cancel."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic

from dinoscope.errors import BadRequest, DinoscopeError, JobConflict, NoSuchJob
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.progress import Progress
from dinoscope.operations.scouting import roots_of
from dinoscope.operations.session import Session
from dinoscope.pictures.refusal import Refusal
from dinoscope.server import wire
from dinoscope.server.writer import Writer
from dinoscope.settings import Settings

_log = logging.getLogger(__name__)

KEPT_JOBS = 50
KEPT_REFUSALS = 200
PACE = 0.1  # seconds between two progress events: a person sees no more, and known files pass by the thousand
HEARTBEAT = 15.0  # seconds of silence after which proxies and browsers doubt a stream
PATIENCE = 30.0  # seconds a closing server waits for a job's last commit

Run = Callable[[Library, Callable[[], bool]], Iterator[Progress]]  # (library, cancelled) -> progress


class Job:
    """One indexing run. Written by its own thread, read by any."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.id = f"j_{secrets.token_hex(6)}"
        self.folders = tuple(folders)
        self._guard = Lock()
        self._cancelled = Event()
        self._ended = Event()
        self._state: wire.JobState = "running"
        self._progress: Progress | None = None
        self._error: str | None = None
        self._refusals: deque[Refusal] = deque(maxlen=KEPT_REFUSALS)
        self._started_at = datetime.now(UTC)
        self._ended_at: datetime | None = None
        self._listeners: list[Callable[[], None]] = []
        self._told = 0.0

    @property
    def running(self) -> bool:
        return self._state == "running"

    def view(self) -> wire.Job:
        """The job as it stands."""
        with self._guard:
            return wire.Job(
                id=self.id,
                kind="index",
                state=self._state,
                folders=[wire.shown(folder) for folder in self.folders],
                progress=None if self._progress is None else wire.Progress.of(self._progress),
                error=self._error,
                started_at=self._started_at,
                ended_at=self._ended_at,
                refusals=[wire.Refusal.of(refusal) for refusal in self._refusals],
            )

    def cancel(self) -> None:
        """Ask it to end after the picture it is at; what is done stays."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; False when it has not come by then."""
        return self._ended.wait(seconds)

    @contextmanager
    def heard_by(self, listener: Callable[[], None]) -> Iterator[None]:
        """Call ``listener``, from the job's thread, whenever there is news."""
        with self._guard:
            self._listeners.append(listener)
        try:
            yield
        finally:
            with self._guard:
                self._listeners.remove(listener)

    def run(self, work: Run, library: Library, held: ExitStack) -> None:
        """Do the work in this thread; ``held`` is let go before anybody is told that it ended."""
        state: wire.JobState = "cancelled"
        error = None
        try:
            with held:
                for progress in work(library, self._cancelled.is_set):
                    self._note(progress)
                    if progress.finished:
                        state = "done"
        except DinoscopeError as refused:
            state, error = "failed", wire.shown(str(refused))
        except Exception as bug:  # noqa: BLE001  the thread's last frame: who watches must learn of it
            _log.exception("indexing failed")
            kind = type(bug).__name__
            state, error = "failed", f"indexing met an error of its own ({kind}): the server's log says more"
        self._end(state, error)

    def _note(self, progress: Progress) -> None:
        with self._guard:
            self._progress = progress
            if progress.refusal is not None:
                self._refusals.append(progress.refusal)
            due = monotonic() - self._told >= PACE
            if due:
                self._told = monotonic()
            listeners = list(self._listeners) if due else []
        for listener in listeners:
            listener()

    def _end(self, state: wire.JobState, error: str | None) -> None:
        with self._guard:
            self._state, self._error, self._ended_at = state, error, datetime.now(UTC)
            listeners = list(self._listeners)
        self._ended.set()
        for listener in listeners:
            listener()


class Jobs:
    """The jobs of one server, at most one of them running."""

    def __init__(self, session: Session, writer: Writer, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._writer = writer
        self._jobs: dict[str, Job] = {}
        self._guard = Lock()
        self._closed = False

    def start(self, folders: Sequence[str]) -> Job:
        """Begin to index folders.

        Raises:
            JobConflict: a job runs already.
            BadRequest, Unreadable: a folder that is not absolute, or not there.
            LibraryBusy, LibraryReadOnly, DiskFull, LibraryDamaged: it cannot be written.
        """
        roots = roots_of([absolute(folder) for folder in folders])
        with self._guard, ExitStack() as stack:
            if self._closed:
                raise JobConflict("the server is closing: start it again first")
            if any(job.running for job in self._jobs.values()):
                raise JobConflict("a folder is being indexed already: wait for it, or cancel it")
            library = stack.enter_context(self._writer.open())
            job = Job(roots)
            while len(self._jobs) >= KEPT_JOBS:
                del self._jobs[next(iter(self._jobs))]
            self._jobs[job.id] = job
            held = stack.pop_all()
        Thread(target=self._run, args=(job, library, held), name=f"dinoscope-{job.id}").start()
        return job

    def get(self, id: str) -> Job:
        """Raises: NoSuchJob."""
        try:
            return self._jobs[id]
        except KeyError:
            raise NoSuchJob("the server knows no such job: ask it for /api/v1/jobs") from None

    def latest(self) -> list[Job]:
        """The latest first."""
        with self._guard:
            return list(self._jobs.values())[::-1]

    def stop(self) -> None:
        """Take no more jobs, and ask the running one to end."""
        with self._guard:
            self._closed = True
            for job in self._jobs.values():
                job.cancel()

    def close(self) -> None:
        """Stop, and wait for the running job's last commit."""
        self.stop()
        for job in self.latest():
            job.wait(PATIENCE)

    def _run(self, job: Job, library: Library, held: ExitStack) -> None:
        session, settings, folders = self._session, self._settings, job.folders

        def work(library: Library, cancelled: Callable[[], bool]) -> Iterator[Progress]:
            return index_folders(folders, library, session.backbone, settings, cancelled=cancelled)

        job.run(work, library, held)


def absolute(folder: str) -> Path:
    """A path as a client writes it. Raises: BadRequest unless it is whole (``~`` is home)."""
    try:
        path = Path(folder).expanduser()
    except RuntimeError:  # ~ of a user that is not
        path = Path(folder)
    if not path.is_absolute() or "\0" in folder:
        raise BadRequest(f"{folder!r} is no whole path: write it from / on, such as /home/you/Pictures")
    return path


async def events(job: Job, heartbeat: float = HEARTBEAT) -> AsyncGenerator[bytes, None]:
    """A job as server-sent events: how it stands now, each change, and ``end`` with the whole job."""
    loop = asyncio.get_running_loop()
    news = asyncio.Event()

    def tell() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(news.set)

    with job.heard_by(tell):
        while True:
            news.clear()
            view = job.view()
            if view.progress is not None:
                yield _event("progress", view.progress)
            if view.state != "running":
                yield _event("end", view)
                return
            while not await _within(news, heartbeat):
                yield b": still here\n\n"


async def _within(news: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _event(name: str, value: wire.Wire) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value.model_dump(mode='json'))}\n\n".encode()
