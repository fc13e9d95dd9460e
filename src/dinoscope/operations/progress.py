"""Long operations are generators of Progress: the CLI bar and the event stream read the same values."""

from __future__ import annotations

from dataclasses import dataclass

from dinoscope.pictures.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Progress:
    """A snapshot of indexing, all counts since its start. The last one has ``finished`` set."""

    found: int  # files met so far; grows while folders are still being walked
    walking: bool  # True until the walk is complete and ``found`` is the total
    added: int  # pictures newly embedded
    known: int  # unchanged, moved or copied; completed ones, too
    removed: int  # rows whose file is gone
    refused: int
    seconds: float
    refusal: Refusal | None = None  # set on the one snapshot that reports it
    finished: bool = False
    completed: int = 0  # of the known, those embedded again for the region tokens they lacked

    @property
    def done(self) -> int:
        """Files dealt with; ``done == found`` at the end."""
        return self.added + self.known + self.refused
