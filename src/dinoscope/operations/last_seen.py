"""When and where a thing was seen last, by the clocks of cameras, videos and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from dinoscope.errors import NoSuchVideo
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.pictures.moments import clock

By = Literal["camera", "container", "file"]
_NOTES: dict[By, str] = {"camera": "", "container": "", "file": ", by the file's time"}


@dataclass(frozen=True, slots=True)
class LastSeen:
    """The latest picture of a thing that says when it was taken."""

    picture: Picture
    at: datetime  # by the wall where it was
    by: By  # a picture's camera, a video's container, or only the video file's time

    @property
    def sentence(self) -> str:
        """In words."""
        moment = self.picture.moment
        where = self.picture.name if moment is None else self.picture.path.parent.name
        second = "" if moment is None else f" at {clock(moment.second)}"
        return f"last seen {self.at:%Y-%m-%d %H:%M} in {where}{second}{_NOTES[self.by]}"


def last_seen(library: Library, pictures: Sequence[Picture]) -> LastSeen | None:
    """The latest of some pictures; None where none of them says when it was."""
    found = [one for picture in pictures if (one := _seen(library, picture)) is not None]
    return max(found, key=lambda one: one.at.replace(tzinfo=None), default=None)


def _seen(library: Library, picture: Picture) -> LastSeen | None:
    if picture.moment is None:
        taken = picture.metadata.taken_at
        return None if taken is None else LastSeen(picture, taken, "camera")
    try:
        video = library.videos.get(picture.moment.video)
    except NoSuchVideo:  # it went away meanwhile
        return None
    return LastSeen(picture, video.at(picture.moment.second), video.clock)
