"""What an indexing run has to keep in mind of videos, each a file that becomes many pictures."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import replace
from datetime import timedelta

from dinoscope.library.library import Library
from dinoscope.library.records import NewFile, NewVideo
from dinoscope.operations.ahead import Ready, Watched
from dinoscope.operations.scouting import Found
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.moments import moment_path


class Films:
    """The videos of one run."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._watched: list[Watched] = []  # whose frames have come, and are not all on the disk yet
        self.extra = 0  # pictures met, less the files they came in

    def unchanged(self, found: Found, indexed: Callable[[str], bool]) -> int:
        """How many frames a video has that need not be read again; 0 where it must be, or is none."""
        video = self._library.videos.find(found.path)
        if video is None or not video.complete:
            return 0
        if (video.bytes, video.modified_ns) != (found.bytes, found.modified_ns):
            return 0
        frames = self._library.videos.frames(video.id)
        if not all(indexed(content) for _, _, content in frames):
            return 0
        self.extra += len(frames) - 1
        return len(frames)

    def ended(self, watched: Watched) -> None:
        """All frames of a video have come."""
        self._watched.append(watched)
        self.extra -= 1

    def committed(self, waiting: Container[str]) -> None:
        """What was encoded is on the disk: note the videos of which nothing is ``waiting`` any more."""
        done = [one for one in self._watched if not any(content in waiting for content in one.contents)]
        self._watched = [one for one in self._watched if one not in done]
        for one in done:
            self._library.videos.finish(one.found.path, one.contents, one.seen.hidden, one.seen.note)


def frame_row(row: NewFile, ready: Ready) -> NewFile:
    """What the library keeps of a frame, which has the ``row`` of its file."""
    second, film = ready.loaded.second, ready.film
    assert film is not None, "it is a picture"
    assert second is not None, "a frame has its second"
    # The file's own time would be a guess for a picture, and is for a video.
    told = film.started_at + timedelta(seconds=second) if film.clock == "container" else None
    return replace(
        row,
        path=moment_path(row.path, second),
        metadata=Metadata(taken_at=told),
        video=NewVideo(row.path, film),
        second=second,
    )
