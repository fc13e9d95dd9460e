"""A file that was met and could not be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file or folder that could not be indexed, with the sentence that says why."""

    path: Path
    sentence: str
