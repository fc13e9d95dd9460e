"""A moment of a video by name: the video's path with the second below it, as if the video were a folder.

``kitchen.mp4/00017.250`` is the frame at 17.25 s. No file can be there, so no file is ever meant by such a
path, and wherever a picture is named one of these does as well.
"""

from __future__ import annotations

import re
from pathlib import Path

_SECOND = re.compile(r"\d{1,7}(\.\d{1,3})?", re.ASCII)


def moment_path(video: Path, second: float) -> Path:
    """The name of the frame that is seen at a second, to the millisecond; ordered by name as by time."""
    return video / f"{max(0.0, second):09.3f}"


def moment_of(path: Path) -> tuple[Path, float] | None:
    """(video, second) that a path names; None where it is the path of a file like any other."""
    if _SECOND.fullmatch(path.name) and path.parent.is_file():
        return path.parent, float(path.name)
    return None


def clock(second: float) -> str:
    """As players show it.

    >>> clock(17.9), clock(3723)
    ('0:17', '1:02:03')
    """
    whole = int(second)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
