"""A thing looked for in a video, from the shell: a bar while it is gone through, and a line a sighting."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dinoscope.cli.output import escaped
from dinoscope.pictures.moments import clock

if TYPE_CHECKING:
    from dinoscope.library.records import Picture
    from dinoscope.operations.following import Track
    from dinoscope.operations.remembering import Objects


@dataclass(frozen=True, slots=True)
class Stay:
    """When a thing was seen in a video."""

    second: float  # of the best look at it
    first: float
    last: float

    @property
    def text(self) -> str:
        """``0:17-0:31``"""
        first, last = clock(self.first), clock(self.last)
        return first if first == last else f"{first}-{last}"


def stays(objects: Objects, name: str, video: Path, told: list[str]) -> Iterator[tuple[Stay, Track]]:
    """Each stay of a thing in a video's sight; what there is to say of the whole is told.

    Raises: as ``InVideos.where`` does.
    """
    from dinoscope.cli.indexing import bar

    with bar() as drawn, closing(objects.in_videos.where(name, video)) as steps:
        task = drawn.add_task(escaped(video.name), total=None, rate="")
        for step in steps:
            length = int(step.film.seconds) or None
            drawn.update(task, completed=int(step.second), total=length, rate=clock(step.second))
    told.append(f"{video.name}: {step.sentence.rstrip('.')}")
    if step.note:
        told.append(step.note)
    for track in step.tracks:
        yield Stay(track.best.second, track.first, track.last), track


def place_of(picture: Picture) -> str:
    """Where a picture lies, as people read it: a path, or that of a video and the time in it."""
    if picture.moment is None:
        return str(picture.path)
    return f"{picture.path.parent} at {clock(picture.moment.second)}"
