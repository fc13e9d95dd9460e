"""Training runs, read from their folders: whoever started one, anybody may watch it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from dinoscope.errors import NoSuchRun
from dinoscope.server import wire
from dinoscope.server.wire_runs import Measure, Measures, Rewound, Run
from dinoscope.settings import Settings
from dinoscope.training import runs

PACE = 1.0  # seconds between two looks at the folder: a row comes every few seconds
HEARTBEAT = 15.0  # seconds of silence after which proxies and browsers doubt a stream
BATCH = 500  # measures in one event: ~200 KB


def opened(name: str, settings: Settings) -> runs.Run:
    """The run of that name.

    Raises:
        BadRequest: no run can have that name.
        NoSuchRun: none has.
    """
    run = runs.open_run(name, settings)
    if not run.exists:
        raise NoSuchRun(f"there is no run {name!r}: ask for /api/v1/runs, or dinoscope runs list")
    return run


def measures_of(run: runs.Run, since: int) -> list[Measure]:
    """The journal's rows after a step, oldest first, without those that make no sense."""
    return [measure for row in run.measures(since) if (measure := Measure.of(row))]


def thinned(measures: Sequence[Measure], most: int) -> list[Measure]:
    """So many, evenly spaced from first to last, and besides them every one that was probed."""
    if len(measures) <= most:
        return list(measures)
    spaced = {round(at * (len(measures) - 1) / (most - 1)) for at in range(most)}
    return [one for at, one in enumerate(measures) if at in spaced or one.probe]


@dataclass(slots=True)
class _Watch:
    """What a listener has been told."""

    run: runs.Run
    since: int
    told: Run | None = None
    size: int = -1  # of the journal when it was read last

    def news(self) -> list[bytes]:
        """Events since the last call: rewound, measures, run or end."""
        info = Run.of(self.run.info())
        events = [*self._rewound(info), *self._measures()]
        if info.state != "running":
            events.append(_event("end", info))
        elif _lasting(info) != self.told:
            events.append(_event("run", info))
        self.told = _lasting(info)
        return events

    @property
    def ended(self) -> bool:
        return self.told is not None and self.told.state != "running"

    def _rewound(self, info: Run) -> list[bytes]:
        newest = info.last.step if info.last else -1
        if newest >= self.since:
            return []
        self.since = newest
        return [_event("rewound", Rewound(step=newest))]

    def _measures(self) -> list[bytes]:
        size = self.run.metrics.stat().st_size if self.run.metrics.is_file() else 0
        if size == self.size:
            return []
        self.size = size
        fresh = measures_of(self.run, self.since)
        if fresh:
            self.since = fresh[-1].step
        parts = [fresh[at : at + BATCH] for at in range(0, len(fresh), BATCH)]
        return [_event("measures", Measures(measures=part)) for part in parts]


def _lasting(run: Run) -> Run:
    """Without what the measures tell: the rest is worth an event of its own when it changes."""
    return run.model_copy(update={"step": 0, "updated_at": run.started_at, "last": None})


async def events(
    run: runs.Run, since: int, closing: asyncio.Event, pace: float = PACE, heartbeat: float = HEARTBEAT
) -> AsyncGenerator[bytes, None]:
    """A run as server-sent events: measures after ``since``, changes, ``end`` when nothing trains."""
    watch = _Watch(run, since)
    spoke = monotonic()
    while not closing.is_set():
        for event in await asyncio.to_thread(watch.news):
            yield event
            spoke = monotonic()
        if watch.ended:
            return
        if monotonic() - spoke >= heartbeat:
            yield b": still here\n\n"
            spoke = monotonic()
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), pace)


def _event(name: str, value: wire.Wire) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value.model_dump(mode='json'))}\n\n".encode()
