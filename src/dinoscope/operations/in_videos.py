"""Things with a name in videos: followed through them, and taught from some seconds of one."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from dinoscope.operations.film_teaching import SECONDS, shots_of
from dinoscope.operations.following import Followed, follow
from dinoscope.operations.selection import Part
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.workers import DecodeWorkers

if TYPE_CHECKING:
    from dinoscope.operations.remembering import Objects, Taught


class InVideos:
    """Get it from ``Objects.in_videos``. Each call goes through its video in a process of its own."""

    def __init__(self, objects: Objects, limits: Limits) -> None:
        self._objects = objects
        self._limits = limits

    def where(self, name: str, video: Path | str) -> Generator[Followed, None, None]:
        """Where in a video the thing is, as it is gone through; the last step is ``finished``.

        Raises:
            NoSuchObject, BadRequest, Unreadable, NotAPicture, PictureTooLarge, MissingExtra.
        """
        sought = self._objects.sought(name)
        with DecodeWorkers(1, self._limits) as workers:
            yield from follow(sought, Path(video).expanduser(), workers)

    def remember(
        self,
        name: str,
        video: Path | str,
        part: Part | None = None,
        *,
        first: float = 0.0,
        last: float | None = None,
        also: bool = False,
    ) -> Taught:
        """Learn a thing from some seconds of a video.

        Args:
            part: what is marked on the frame at ``first``, in the video's pixels; None proposes it.
            first, last: seconds through which it is followed; None: three of them.
            also: add to a thing that is known.

        Raises: as ``Objects.remember`` does; MissingExtra.
        """
        end = first + SECONDS if last is None else last
        with DecodeWorkers(1, self._limits) as workers:
            path = Path(video).expanduser()
            shots = shots_of(self._objects.looker, workers, path, part, first=first, last=end)
        return self._objects.remember(name, *shots, also=also)
