"""The library's map on a server: laid out in a thread of its own, one at a time, and kept while it holds."""

from __future__ import annotations

import logging
from hashlib import blake2b
from threading import Lock, Thread
from typing import Annotated, Literal

from fastapi import Depends, Request

from dinoscope.errors import DinoscopeError, NoSuchPicture
from dinoscope.operations.mapping import LibraryMap, Mapping, kept_map, lay_out
from dinoscope.operations.session import Session
from dinoscope.server.wire import shown
from dinoscope.server.wire_map import MapState, packed_points

_log = logging.getLogger(__name__)

State = Literal["none", "running", "ready", "failed"]
CLOSING = 2.0  # seconds a step has to end: placing takes less


class Maps:
    """The map of one session's library. Safe from several threads."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._guard = Lock()
        self._thread: Thread | None = None
        self._found: LibraryMap | None = None
        self._packed = b""
        self._revision = ""
        self._step: Mapping | None = None
        self._error: str | None = None
        self._note: str | None = None
        self._closed = False

    def state(self) -> MapState:
        """How it stands; a map of the library as it was before its last change counts as none."""
        running = self._thread is not None and self._thread.is_alive()  # first: it may end meanwhile
        found = self._current()
        state: State = "running" if running else "ready" if found else "failed" if self._error else "none"
        step = self._step if running else None
        return MapState(
            state=state,
            stage=step.stage if step else "",
            done=step.done if step else 0,
            total=step.total if step else 0,
            method=found.method if found else None,
            pictures=len(found) if found else 0,
            fitted=int(found.fitted.sum()) if found else 0,
            revision=self._revision if found else "",
            error=self._error,
            note=self._note if found else None,
            model=shown(self._session.backbone.identity.key),
        )

    def start(self, again: bool, patience: float) -> MapState:
        """Bring it in step with the library, or make it anew; waits at most ``patience`` seconds for it."""
        with self._guard:
            if self._thread is None or not self._thread.is_alive():
                if self._closed or (self._current() is not None and not again):
                    return self.state()
                self._error = None
                self._thread = Thread(target=self._lay_out, args=(again,), name="dinoscope-map", daemon=True)
                self._thread.start()
            thread = self._thread
        thread.join(patience)
        return self.state()

    @property
    def found(self) -> LibraryMap:
        """The last one, also when the library has changed since: who saw its revision asks for its points.

        Raises:
            NoSuchPicture: there is none yet.
        """
        if self._found is None:
            raise NoSuchPicture("the library has no map yet: lay it out with POST /api/v1/map")
        return self._found

    def points(self) -> bytes:
        """Every picture's id and place, see docs/api.md. Raises: NoSuchPicture when there is none yet."""
        return self._packed or packed_points(self.found)

    def close(self) -> None:
        """Lay out nothing more. A fit that is under way cannot be stopped: it ends with the process."""
        with self._guard:
            self._closed, thread = True, self._thread
        if thread is not None:
            thread.join(CLOSING)

    def _current(self) -> LibraryMap | None:
        """The map, unless the library has changed since."""
        found, session = self._found, self._session
        key = session.backbone.identity.key
        if key not in session.library.models():
            return None
        if found is not None:
            with session.library.shelf(key).vectors() as view:
                return found if view.generation == found.generation else None
        return None

    def _lay_out(self, again: bool) -> None:
        session = self._session
        try:
            key, library = session.backbone.identity.key, session.library.asked()
            found = None if again else kept_map(library, key)
            for step in () if found else lay_out(library, key, again=again):
                if self._closed:  # soon nobody holds the library open
                    return
                self._step, found = step, step.map
            if found is not None:
                packed = packed_points(found)
                with self._guard:
                    self._packed, self._revision = packed, blake2b(packed, digest_size=8).hexdigest()
                    self._found, self._note = found, library.note
        except DinoscopeError as refused:
            self._error = shown(str(refused))
        except Exception as bug:  # noqa: BLE001  the thread's last frame: who waits must learn of it
            _log.exception("the map failed")
            kind = type(bug).__name__
            self._error = f"the map met an error of its own ({kind}): the server's log says more"


def _maps(request: Request) -> Maps:
    maps: Maps = request.app.state.maps
    return maps


Cartography = Annotated[Maps, Depends(_maps)]
