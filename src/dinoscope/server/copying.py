"""Copies on a server: looked for in a thread of its own, one at a time, and kept while they hold."""

from __future__ import annotations

import logging
from threading import Event, Lock, Thread
from typing import Annotated, Literal

from fastapi import Depends, Request

from dinoscope.errors import DinoscopeError
from dinoscope.operations.copies import CopyProgress
from dinoscope.operations.copy_answers import CopyReport
from dinoscope.operations.copying import Copies
from dinoscope.operations.session import Session
from dinoscope.server.wire import shown
from dinoscope.server.wire_copies import CopiesState

_log = logging.getLogger(__name__)

CLOSING = 5.0  # seconds a block of pictures has to end
REPORTS = 8  # thresholds whose reports are kept


class CopyDesk:
    """The copies of one session's library. Safe from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._guard = Lock()
        self._copies: Copies | None = None
        self._thread: Thread | None = None
        self._step: CopyProgress | None = None
        self._error: str | None = None
        self._stop = Event()
        self._changes = 0  # of what is known, counted here
        self._reports: dict[tuple[int, int, float, float], CopyReport] = {}

    @property
    def copies(self) -> Copies:
        """Opened when first asked for. Raises: LibraryReadOnly, LibraryDamaged."""
        with self._guard:
            if self._copies is None:
                self._copies = self._session.copies()
            return self._copies

    def state(self) -> CopiesState:
        """How far looking is."""
        running = self._thread is not None and self._thread.is_alive()
        known = self.copies.coverage()
        step = self._step if running else None
        idle: Literal["ready", "failed", "none"]
        idle = "failed" if self._error else "none" if known.unchecked else "ready"
        return CopiesState(
            state="running" if running else idle,
            stage=step.stage if step else "",
            done=step.done if step else 0,
            total=step.total if step else 0,
            checked=known.checked,
            unchecked=known.unchecked,
            found=step.copies if step else 0,
            held=len(self.copies.held()),
            error=self._error,
        )

    def start(self, patience: float) -> CopiesState:
        """Compare what was not compared yet; waits at most ``patience`` seconds for the end."""
        copies = self.copies
        with self._guard:
            if (self._thread is None or not self._thread.is_alive()) and not self._stop.is_set():
                self._error = None
                self._thread = Thread(target=self._look, args=(copies,), name="dinoscope-copies", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(patience)
        return self.state()

    def report(self, at_least: float, similar: float) -> CopyReport:
        """What is known at a threshold; quick for one asked before."""
        key = (self.copies.generation(), self._changes, at_least, similar)
        known = self._reports.get(key)
        if known is None:
            known = self.copies.report(at_least=at_least, similar=similar)
            with self._guard:
                while len(self._reports) >= REPORTS:
                    self._reports.pop(next(iter(self._reports)))
                self._reports[key] = known
        return known

    def changed(self) -> None:
        """Something was marked or moved."""
        with self._guard:
            self._changes += 1

    def close(self) -> None:
        """Look no further; what was compared is kept."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSING)
        if self._copies is not None and (self._thread is None or not self._thread.is_alive()):
            self._copies.close()

    def _look(self, copies: Copies) -> None:
        try:
            for step in copies.look(cancelled=self._stop.is_set):
                self._step = step
                self.changed()
        except DinoscopeError as refused:
            self._error = shown(str(refused))
        except Exception as bug:  # noqa: BLE001  the thread's last frame: who waits must learn of it
            _log.exception("looking for copies failed")
            kind = type(bug).__name__
            self._error = f"looking for copies met an error of its own ({kind}): the server's log says more"
        self.changed()


def _desk(request: Request) -> CopyDesk:
    desk: CopyDesk = request.app.state.copies
    return desk


Desk = Annotated[CopyDesk, Depends(_desk)]
