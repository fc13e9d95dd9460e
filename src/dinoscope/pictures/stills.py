"""Which frames of a video are worth keeping: one a second, one after each cut, none that adds nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Pixels
from dinoscope.pictures.films import TOLERANCE, Film

EVERY = 1.0  # seconds between two frames kept of one shot
LOOK = 0.12  # seconds between two frames looked at: cuts are found so exactly
SETTLE = 0.25  # seconds after a cut, when a cross-fade and what a codec still sharpens are over
CELLS = (32, 24)  # of a frame that is looked at
SAME, SAME_PLACE = 2.0, 10.0  # levels of 255, all over and in 2 x 2 cells, up to which a frame adds nothing
CUT = 32.0  # levels all over from which another shot has begun
BLANK = 4.0  # levels of spread below which a frame shows nothing
MOST = 20_000  # frames of one video


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A frame worth keeping."""

    second: float
    frame: Any  # PyAV's; ``Film.upright`` makes pixels of it


@dataclass(frozen=True, slots=True)
class Stretch:
    """What of a video is looked at, and how closely."""

    every: float = EVERY  # seconds between two frames kept of one shot
    first: float = 0.0  # seconds
    last: float = inf

    def __post_init__(self) -> None:
        if not (0.02 <= self.every < inf and 0 <= self.first <= self.last):
            raise BadRequest(
                f"from {self.first:g} to {self.last:g} s is no stretch of a video: begin at 0 or later, and "
                "end after that"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A frame that was looked at."""

    second: float
    still: Still | None  # it is worth keeping
    same: bool  # it shows what the last one kept does


def stills(film: Film, stretch: Stretch) -> Iterator[Look]:
    """Every frame that was looked at, in order of time.

    One is kept every ``stretch.every`` seconds unless nothing has changed since the last one that was, not
    even in a small place: keys laid on a table are 1/200 of a picture. After a cut one is kept as soon as the
    new shot stands, however short it is. Where every frame is blank the first one is kept.
    """
    film.skip_idle()
    judge = _Judge(stretch.every)
    first: Still | None = None
    looked, look = 0.0, min(LOOK, stretch.every / 2)
    for second, frame in film.frames(stretch.first):
        if first is not None and second - looked < look:
            continue
        if second > stretch.last + TOLERANCE:
            break
        looked, first = second, first or Still(second, frame)
        keep = judge.keeps(second, film.small(frame, *CELLS))
        yield Look(second, Still(second, frame) if keep else None, judge.same)
        if judge.count >= MOST:
            return
    if first is not None and judge.count == 0:
        yield Look(first.second, first, True)


class _Judge:
    """Remembers the last frame kept, and the last one seen."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._kept: FloatArray | None = None
        self._seen: FloatArray | None = None
        self._at = 0.0  # of the last one kept
        self._cut: float | None = None  # when a shot began of which none is kept yet
        self.count = 0
        self.same = False  # does the last one show what the last one kept does?

    def keeps(self, second: float, cells: Pixels) -> bool:
        """Is this frame to be kept? (rows, columns, 3) cells of it."""
        now = cells.astype(np.float32)
        if self._seen is None or apart(now, self._seen)[0] > CUT:
            self._cut = second
        self._seen, self.same = now, self._same(now)
        if self._cut is not None:
            keep = self._kept is None or second - self._cut >= SETTLE
        else:
            keep = second - self._at >= self._every - min(LOOK, self._every / 2) / 2
        if not keep or float(now.std()) < BLANK or self.same:
            return False
        self._kept, self._at, self._cut, self.same = now, second, None, True
        self.count += 1
        return True

    def _same(self, now: FloatArray) -> bool:
        if self._kept is None:
            return False
        everywhere, somewhere = apart(now, self._kept)
        return everywhere < SAME and somewhere < SAME_PLACE


def apart(one: FloatArray, other: FloatArray) -> tuple[float, float]:
    """Levels of 255 by which (rows, columns, 3) cells differ: all over, and where 2 x 2 differ most."""
    difference = np.abs(one - other).mean(axis=2)
    blocks = (difference[:-1, :-1] + difference[1:, :-1] + difference[:-1, 1:] + difference[1:, 1:]) / 4
    return float(difference.mean()), float(blocks.max())
