"""Videos, and things seen in them, as JSON. Coordinates are (x, y) in a frame's pixels, upright."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field

from dinoscope.library import records
from dinoscope.operations import following
from dinoscope.server.wire import CameraTime, Wire, shown
from dinoscope.server.wire_objects import Called, Sighting
from dinoscope.server.wire_regions import Rectangle


class Video(Wire):
    id: int
    path: str
    name: str
    folder: str
    seconds: float  # its length
    width: int  # pixels, upright
    height: int
    bytes: int
    started_at: CameraTime
    clock: Literal["container", "file"]  # who tells that: the video, or only its file's time
    frames: int  # of it that are pictures of the library
    hidden: int  # that were kept out because of faces; then the file is not sent
    note: str | None  # a sentence, where it is not as it should be

    @classmethod
    def of(cls, video: records.Video) -> Self:
        return cls(
            id=video.id,
            path=shown(video.path),
            name=shown(video.path.name),
            folder=shown(video.path.parent),
            seconds=video.seconds,
            width=video.size.width,
            height=video.size.height,
            bytes=video.bytes,
            started_at=video.started_at,
            clock=video.clock,
            frames=video.frames,
            hidden=video.hidden,
            note=None if video.note is None else shown(video.note),
        )


class Frame(Wire):
    picture: int
    second: float


class Frames(Wire):
    frames: list[Frame]  # in order of time


class Moment(Sighting):
    """A thing at a second of a video."""

    second: float
    track: int

    @classmethod
    def seen(cls, one: following.Moment) -> Self:
        """As following has it."""
        sighting = Sighting.of(one.sighting)
        return cls(**sighting.model_dump(), second=one.second, track=one.track)


class Track(Wire):
    """One stay of the thing in the video's sight."""

    number: int
    first: float
    last: float
    best: Moment  # the surest
    moments: int

    @classmethod
    def of(cls, track: following.Track) -> Self:
        return cls(
            number=track.number,
            first=track.first,
            last=track.last,
            best=Moment.seen(track.best),
            moments=len(track.moments),
        )


class Going(Wire):
    """How far a video was gone through."""

    second: float
    seconds: float  # its length
    sightings: list[Moment]  # since the event before

    @classmethod
    def of(cls, step: following.Followed) -> Self:
        return cls(
            second=step.second, seconds=step.film.seconds, sightings=[Moment.seen(one) for one in step.new]
        )


class Ended(Wire):
    """What came of it."""

    name: str
    video: int
    sentence: str
    tracks: list[Track]  # in order of time
    last_seen: CameraTime | None
    clock: Literal["container", "file"]
    note: str | None
    seconds_looked: float

    @classmethod
    def of(cls, step: following.Followed, video: int) -> Self:
        tracks: Sequence[following.Track] = step.tracks
        return cls(
            name=step.name,
            video=video,
            sentence=step.sentence,
            tracks=[Track.of(one) for one in tracks],
            last_seen=step.last_seen,
            clock=step.film.clock,
            note=None if step.note is None else shown(step.note),
            seconds_looked=step.seconds,
        )


class Failed(Wire):
    detail: str  # a sentence


class TeachVideo(Wire):
    name: Called
    video: int
    first: float = Field(ge=0, le=1e6)  # seconds, through which the thing is followed
    last: float = Field(ge=0, le=1e6)
    box: Rectangle | None = None  # around it on the frame at ``first``; null proposes it
    also: bool = False  # add to a thing that is known
