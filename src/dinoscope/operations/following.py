"""A thing followed through a video: seen once, it is looked for where it was, and its outline handed on.

Where it is not seen, all of the picture is looked at once a second. Where it is, one window is looked at,
twice a second, and its certainty is a running mean, so that neither one blurred frame ends a sighting nor
one lucky frame makes one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import exp
from pathlib import Path
from time import perf_counter

from dinoscope.features import Pixels
from dinoscope.geometry import Box, Size
from dinoscope.operations.propagating import Labelled, handed_on
from dinoscope.operations.recognising import Judged, Near
from dinoscope.operations.seeking import AT_LEAST, Sought
from dinoscope.operations.whereabouts import Found, Sighting, box_of, outline, window_for
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.moments import clock
from dinoscope.pictures.stills import Stretch
from dinoscope.pictures.workers import DecodeWorkers, Loaded, Seen

EVERY = 0.5  # seconds between two looks at a thing that is seen
ABSENT = 0.9  # seconds, at least, between two looks at all of a picture while it is not
MISSED = 2.0  # seconds after it was lost in which every look is one at all of the picture
AGAIN = 4.0  # seconds after which all of a picture is looked at though it is seen: there may be another one
ROOM = 1.9  # sides of the window where it was, in its own: it moves
STAYS = -2.5  # log odds from which what was the thing a moment ago still may be
SURE = 6.0  # log odds that one look counts at most
LASTING = 0.6  # say of the moments before, in the running mean of the log odds
ALONE = 0.8  # probability from which a thing that was seen in one frame only is told
BLINK, NEAR = 1.3, 2.5  # seconds, and sides of its own around it, within which what was lost is the same
SAME_PLACE = 0.3  # overlap of two boxes from which they are one thing


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """A thing at a second of a video."""

    second: float
    track: int
    sighting: Sighting


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One stay of the thing in the video's sight."""

    number: int
    moments: tuple[Moment, ...]  # in order of time, at least one
    last: float  # the second up to which it was seen: nothing changed after the last moment

    @property
    def first(self) -> float:
        return self.moments[0].second

    @property
    def best(self) -> Moment:
        """The surest."""
        return max(self.moments, key=lambda moment: moment.sighting.probability)


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """How far a video was gone through; the last one has ``finished`` set."""

    name: str
    film: FilmFacts
    second: float
    new: tuple[Moment, ...]  # since the one before
    tracks: tuple[Track, ...]  # all so far, in order of time
    seconds: float  # it took
    finished: bool = False
    note: str | None = None  # a sentence where the video is not as it should be

    @property
    def last_seen(self) -> datetime | None:
        """By the clock of ``film``; None: not at all."""
        if not self.tracks:
            return None
        return self.film.started_at + timedelta(seconds=max(track.last for track in self.tracks))

    @property
    def sentence(self) -> str:
        """The answer in words."""
        if self.last_seen is None:
            return f"{self.name} is not here: {clock(self.second)} of video looked through."
        times = [
            clock(first) + (f"-{clock(last)}" if clock(last) != clock(first) else "")
            for first, last in _joined(self.tracks)
        ]
        listed = ", ".join(times[:6]) + (f" and {len(times) - 6} more times" if len(times) > 6 else "")
        by = "" if self.film.clock == "container" else ", by the file's time"
        return f"{self.name} is seen at {listed}; last at {self.last_seen:%Y-%m-%d %H:%M:%S}{by}."


def _joined(tracks: Sequence[Track]) -> list[tuple[float, float]]:
    """(first, last) second of each time the thing, or another one of it, was in sight."""
    found: list[tuple[float, float]] = []
    for one in sorted(tracks, key=lambda track: track.first):
        if found and one.first <= found[-1][1] + BLINK:
            found[-1] = found[-1][0], max(found[-1][1], one.last)
        else:
            found.append((one.first, one.last))
    return found


def follow(sought: Sought, path: Path, workers: DecodeWorkers) -> Generator[Followed, None, None]:
    """Go through a video with one thing in mind, and say how far it is and where the thing was seen.

    Args:
        workers: one of its processes is busy with the video; its limits hold, those about faces, too.

    Raises:
        Unreadable, NotAPicture, PictureTooLarge, MissingExtra, FacesUnchecked.
    """
    started, second, note = perf_counter(), 0.0, None
    steps = workers.watch(path, at_least=AT_LEAST, stretch=Stretch(every=EVERY))
    film = next(steps)
    assert isinstance(film, FilmFacts), "it begins with what it is"
    follower = Follower(sought)
    for step in steps:
        if isinstance(step, Seen):
            note, second = step.note, step.second
            follower.unchanged(step.steady)
            continue
        assert not isinstance(step, FilmFacts), "it begins once"
        second = step.second or 0.0
        follower.unchanged(step.steady)
        if isinstance(step, Loaded):
            follower.look(second, step.decoded.pixels, step.decoded.size)
        tracks = follower.tracks
        moments = [moment for track in tracks for moment in track.moments]
        new = tuple(moment for moment in moments if moment not in follower.told)
        follower.told.update(new)
        yield Followed(sought.name, film, second, new, tracks, perf_counter() - started)
    yield Followed(
        sought.name, film, second, (), follower.tracks, perf_counter() - started, finished=True, note=note
    )


@dataclass(slots=True, eq=False)
class _Live:
    """A thing that is seen just now."""

    number: int
    box: Box
    odds: float  # running mean
    anchor: Labelled  # where it was surest
    surest: float
    before: Labelled  # where it was a moment ago
    moments: list[Moment] = field(default_factory=list)
    last: float = 0.0


class Follower:
    """Looks at one frame after the other."""

    def __init__(self, sought: Sought) -> None:
        self._sought = sought
        self._live: list[_Live] = []
        self._over: list[_Live] = []
        self._searched: float | None = None  # when all of a picture was looked at
        self._passed: tuple[float, Pixels, Size] | None = None  # the frame before, if it was not
        self._count = 0
        self.told: set[Moment] = set()

    @property
    def tracks(self) -> tuple[Track, ...]:
        """Those that are certain, in order of time."""
        every = sorted((*self._over, *self._live), key=lambda one: (one.moments[0].second, one.number))
        return tuple(Track(one.number, tuple(one.moments), one.last) for one in every if _certain(one))

    def look(self, second: float, pixels: Pixels, picture: Size) -> None:
        """The next frame, its pixels at any scale."""
        lost = [one for one in self._live if not self._stays(one, second, pixels, picture)]
        self._live = [one for one in self._live if one not in lost]
        self._over += lost
        if lost or self._searched is None or second - self._searched >= self._patience(second):
            self._search(second, pixels, picture)
            self._passed = None
        else:
            self._passed = second, pixels, picture

    def unchanged(self, second: float) -> None:
        """Up to a second nothing has moved."""
        for one in self._live:
            one.last = max(one.last, second)

    def _patience(self, second: float) -> float:
        """Seconds between two looks at all of a picture."""
        if self._live:
            return AGAIN
        return 0.0 if any(second - one.last <= MISSED for one in self._over) else ABSENT

    def _search(self, second: float, pixels: Pixels, picture: Size) -> None:
        self._searched = second
        sought = self._sought
        for found in sought.looker.where(pixels, picture, sought.knower, sought.rivals):
            if any(found.box.overlap(one.box) >= SAME_PLACE for one in self._live):
                continue
            live = self._resumed(found, second) or self._begun(found)
            live.box, live.odds = found.box, found.judged.odds
            live.before = Labelled.of(found.near.seen, found.mask)
            _note(live, second, found.sighting(sought.name))
            self._live.append(live)

    def _resumed(self, found: Found, second: float) -> _Live | None:
        """One that was lost a moment ago near there."""
        for one in self._over:
            near = window_for(one.box, found.picture, NEAR)
            if second - one.last <= BLINK and near.holds(*found.box.centre):
                self._over.remove(one)
                return one
        return None

    def _begun(self, found: Found) -> _Live:
        """A new one; perhaps it was there already when nobody looked."""
        seen, odds = Labelled.of(found.near.seen, found.mask), found.judged.odds
        live = _Live(self._count, found.box, odds, replace(seen, anywhere=True), odds, seen)
        self._count += 1
        if self._passed is not None:
            self._stays(live, *self._passed)
        return live

    def _stays(self, one: _Live, second: float, pixels: Pixels, picture: Size) -> bool:
        """Is it where it was, or near? Then it is noted."""
        window = window_for(one.box, picture, ROOM)
        near = self._sought.looker.near(pixels, window, picture)
        judged = self._sought.knower.judged(near)
        odds = _mean(one, judged)
        if judged.odds < STAYS or odds < 0:  # it has moved further, perhaps
            place = one.box.common(Box(0, 0, picture.width, picture.height)) or window
            found = self._sought.looker.best(pixels, picture, self._sought.knower, place)
            near, judged = found.near, found.judged
            odds = _mean(one, judged)
        if judged.odds < STAYS or odds < 0 or self._another(near, judged):
            return False
        mask = outline(near, judged, handed_on(near.seen, [one.before, one.anchor]))
        labelled = Labelled.of(near.seen, mask)
        if judged.odds > one.surest:
            one.anchor, one.surest = replace(labelled, anywhere=True), judged.odds
        whole = Box(0, 0, picture.width, picture.height)
        one.box, one.odds, one.before = box_of(near, mask).common(whole) or whole, odds, labelled
        probability = 1 / (1 + exp(-min(30.0, odds)))
        _note(one, second, Sighting(self._sought.name, probability, one.box, picture, near.window, mask))
        return True

    def _another(self, near: Near, judged: Judged) -> bool:
        """Does something else that was taught know the window better?"""
        return any(
            rival.by_patches(near) > judged.by_patches - 1 and rival.judged(near).odds > judged.odds
            for rival in self._sought.rivals
        )


def _mean(one: _Live, now: Judged) -> float:
    """The running mean with one look more; no look says more than SURE."""
    return LASTING * min(one.odds, SURE) + (1 - LASTING) * max(-SURE, min(now.odds, SURE))


def _note(live: _Live, second: float, sighting: Sighting) -> None:
    live.moments.append(Moment(second, live.number, sighting))
    live.last = second


def _certain(one: _Live) -> bool:
    return len(one.moments) > 1 or one.moments[0].sighting.probability >= ALONE
