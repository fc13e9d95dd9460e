"""How much a picture nobody vouches for may cost, and what it may show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from dinoscope.settings import Settings


@dataclass(frozen=True, slots=True)
class Limits:
    """A picture beyond any of these is refused; nothing is decoded to find out."""

    max_bytes: int  # of the file
    max_pixels: int  # width * height, as the header declares them
    max_seconds: float  # of one decode; enforced by DecodeWorkers, which can end a process
    max_side: int = 65_500  # pixels; what JPEG can express
    faces: str = "allow"  # a mode of ``gate``: what is done with pictures that look like a human face

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Those of the settings. Where nobody has decided about faces, they are let in."""
        faces = "allow" if settings.faces == "auto" else settings.faces
        return cls(settings.max_bytes, settings.max_pixels, settings.max_seconds, faces=faces)
