"""The values that looking for copies gives back: frozen, and in the user's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dinoscope.library.records import Picture
from dinoscope.operations.copy_naming import TITLES

Outline = tuple[tuple[float, float], ...]  # (x, y) of corners, original pixels


@dataclass(frozen=True, slots=True)
class Found:
    """What makes one picture a copy of another; of two pictures here and there."""

    copy: float  # probability that they are the same picture, edited
    similar: float  # probability that they show the same subject
    edits: tuple[str, ...] = ()  # of copy_naming.TITLES, the most telling first
    edited: Literal["here", "there"] = "here"  # which one is the copy of the other
    here: Outline = ()  # what both show; empty where nothing was laid on it
    there: Outline = ()
    matrix: tuple[float, ...] = ()  # (9,) row by row: the map from here to there, original pixels
    shared: tuple[float, float] = (0.0, 0.0)  # share of here, and of there, that both show
    sharper: float = 1.0  # finest detail of here, beside that of there

    @classmethod
    def read(cls, copy: float, similar: float, kept: Mapping[str, Any]) -> Found:
        """From what the copy book keeps."""
        if not kept:
            return cls(copy, similar)
        return cls(
            copy,
            similar,
            tuple(kept["edits"]),
            kept["copy"],
            tuple((x, y) for x, y in kept["here"]),
            tuple((x, y) for x, y in kept["there"]),
            tuple(kept["matrix"]),
            (kept["shared"][0], kept["shared"][1]),
            kept["sharper"],
        )

    @property
    def words(self) -> str:
        """What was done, for a sentence: "cropped, mirrored"."""
        return ", ".join(TITLES[edit] for edit in self.edits)


IDENTICAL = Found(1.0, 1.0, ("identical",), "there", shared=(1.0, 1.0))


@dataclass(frozen=True, slots=True)
class CopyHit:
    """A picture of the library beside one that was asked about, which is "here"."""

    picture: Picture
    found: Found


@dataclass(frozen=True, slots=True)
class CopyAnswer:
    """What of the library is a copy of a picture, and what is only like it."""

    copies: tuple[CopyHit, ...]  # the surest first
    similar: tuple[CopyHit, ...]  # the likest first
    searched: int  # pictures of the library
    compared: int  # of these, laid on the picture
    seconds: float
    model: str

    @property
    def sentence(self) -> str:
        """The verdict for a person."""
        if self.copies:
            best = self.copies[0]
            more = f", and {len(self.copies) - 1} more" if len(self.copies) > 1 else ""
            return f"A copy: {best.found.words} ({best.found.copy:.0%} sure){more}."
        if self.similar:
            return "No copy, but similar pictures."
        return "No copy, and nothing similar."


@dataclass(frozen=True, slots=True)
class CopyPair:
    """Two pictures of the library."""

    here: Picture
    there: Picture
    found: Found
    marked: bool  # the user said that they are no copies


@dataclass(frozen=True, slots=True)
class Member:
    """A picture in a group of copies."""

    picture: Picture
    spare: bool  # all it shows is in the one to keep: it may go
    why: str  # what becomes of it, and the reason, as a phrase


@dataclass(frozen=True, slots=True)
class CopyGroup:
    """Pictures that are one picture, edited."""

    keep: int  # id of the one to keep
    members: tuple[Member, ...]  # that one first
    pairs: tuple[CopyPair, ...]  # those that hold the group together, the surest first

    @property
    def freed(self) -> int:
        """Bytes of those that may go."""
        return sum(member.picture.bytes for member in self.members if member.spare)


@dataclass(frozen=True, slots=True)
class CopyReport:
    """All that is known of copies in a library, at a threshold."""

    at_least: float  # probability of a copy from which two pictures are grouped
    groups: tuple[CopyGroup, ...]  # the largest first
    similar: tuple[CopyPair, ...]  # pairs below the threshold, only alike, the likest first
    marked: tuple[CopyPair, ...]  # those the user said are none
    pictures: int  # in the library
    checked: int  # distinct pictures of it that were compared with all others
    unchecked: int  # distinct ones that were not
