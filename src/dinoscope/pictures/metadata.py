"""What a picture says of itself in its EXIF block."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a picture says of itself. Absent facts are None, never guessed."""

    taken_at: datetime | None = None  # EXIF DateTimeOriginal, with the offset where the file gives one
    camera: str | None = None  # "Make Model", the make not repeated
    lens: str | None = None
    latitude: float | None = None  # degrees, north positive
    longitude: float | None = None  # degrees, east positive
