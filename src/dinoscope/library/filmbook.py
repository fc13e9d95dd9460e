"""The videos of a library: what is known of each, and which pictures are its frames."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from dinoscope.errors import NoSuchVideo
from dinoscope.library import videos
from dinoscope.library.connection import Connections
from dinoscope.library.paths import absolute
from dinoscope.library.records import Video


class Videos:
    """Safe from several threads. Get it from ``Library.videos``."""

    def __init__(self, connections: Connections | None) -> None:
        """``connections`` None: of a library in shards, which has none."""
        self._connections = connections

    def all(self) -> list[Video]:
        """Every video, by path."""
        if self._connections is None:
            return []
        with self._connections.read() as db:
            return videos.all_of(db)

    def get(self, id: int) -> Video:
        """Raises: NoSuchVideo."""
        found = None
        if self._connections is not None:
            with self._connections.read() as db:
                found = videos.by_id(db, id)
        if found is None:
            raise NoSuchVideo(f"the library has no video {id}: it may have been removed")
        return found

    def find(self, path: Path) -> Video | None:
        """The video at a path; None when it is not in the library."""
        if self._connections is None:
            return None
        with self._connections.read() as db:
            return videos.by_path(db, absolute(path))

    def frames(self, id: int) -> list[tuple[int, float, str]]:
        """(picture, second, content) of a video's frames, in order of time."""
        if self._connections is None:
            return []
        with self._connections.read() as db:
            return videos.frames(db, id)

    def finish(self, path: Path, contents: Collection[str], hidden: int, note: str | None) -> None:
        """A video was gone through to its end: it is not read again until it changes.

        Args:
            contents: of the frames it has now; others it had before are forgotten.
            hidden: frames that were kept out.

        Raises:
            LibraryReadOnly, DiskFull.
        """
        assert self._connections is not None, "a library in shards is never open for writing"
        with self._connections.write() as db:
            videos.finish(db, path, contents, hidden, note)
