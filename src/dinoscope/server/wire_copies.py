"""Copies on the wire: groups with what to keep, pairs with both probabilities, and what was moved."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from dinoscope.library.trash import Moved
from dinoscope.operations import copy_answers as answers
from dinoscope.operations.copy_naming import TITLES
from dinoscope.server.wire import Picture, Wire, shown

Point = tuple[float, float]


class CopiesState(Wire):
    state: Literal["none", "running", "ready", "failed"]  # none: some pictures were not compared yet
    stage: str
    done: int
    total: int
    checked: int  # distinct pictures that were compared with all others
    unchecked: int
    found: int  # copies since it began
    held: int  # files in the trash
    error: str | None


class Edit(Wire):
    name: str  # for a program: "crop"
    title: str  # for a person: "cropped"


class Found(Wire):
    """Of two pictures, here and there. Outlines are corners [x, y] in original pixels."""

    copy_: Annotated[float, Field(serialization_alias="copy")]  # probability: the same picture, edited
    similar: float  # probability: the same subject
    edits: list[Edit]
    edited: Literal["here", "there"]
    here: list[Point]  # what both show; empty where nothing was laid on it
    there: list[Point]
    matrix: list[float]  # 9 numbers row by row: here's pixels to there's; empty where there is none
    sharper: float  # finest detail of here, beside that of there

    @classmethod
    def of(cls, found: answers.Found) -> Self:
        return cls(
            copy_=round(found.copy, 5),
            similar=round(found.similar, 5),
            edits=[Edit(name=edit, title=TITLES[edit]) for edit in found.edits],
            edited=found.edited,
            here=list(found.here),
            there=list(found.there),
            matrix=list(found.matrix),
            sharper=found.sharper,
        )


class CopyMember(Wire):
    picture: Picture
    spare: bool  # all it shows is in the one to keep
    why: str


class CopyPair(Wire):
    here: int  # ids
    there: int
    found: Found
    marked: bool

    @classmethod
    def of(cls, pair: answers.CopyPair) -> Self:
        return cls(here=pair.here.id, there=pair.there.id, found=Found.of(pair.found), marked=pair.marked)


class CopyGroup(Wire):
    keep: int  # id
    members: list[CopyMember]  # the one to keep first
    pairs: list[CopyPair]
    freed: int  # bytes of the spare ones

    @classmethod
    def of(cls, group: answers.CopyGroup) -> Self:
        return cls(
            keep=group.keep,
            members=[
                CopyMember(picture=Picture.of(one.picture), spare=one.spare, why=shown(one.why))
                for one in group.members
            ],
            pairs=[CopyPair.of(pair) for pair in group.pairs],
            freed=group.freed,
        )


class CopyGroups(Wire):
    """A page of groups, the largest first."""

    at_least: float
    groups: list[CopyGroup]
    total: int
    next_offset: int | None
    spare: int  # pictures of all groups that may go
    freed: int  # bytes of these
    similar: int  # pairs only alike
    unchecked: int
    read_only: bool  # nothing can be moved by this server


class AlikePair(Wire):
    here: Picture
    there: Picture
    found: Found
    marked: bool

    @classmethod
    def of(cls, pair: answers.CopyPair) -> Self:
        here, there = Picture.of(pair.here), Picture.of(pair.there)
        return cls(here=here, there=there, found=Found.of(pair.found), marked=pair.marked)


class AlikePairs(Wire):
    """A page of pairs that are no copies: only alike, or marked as none."""

    pairs: list[AlikePair]
    total: int
    next_offset: int | None


class CopyHit(Wire):
    picture: Picture  # "there"; the picture that is asked about is "here"
    found: Found


class CopyAnswer(Wire):
    sentence: str
    copies: list[CopyHit]
    similar: list[CopyHit]
    searched: int
    compared: int
    seconds: float

    @classmethod
    def of(cls, answer: answers.CopyAnswer) -> Self:
        return cls(
            sentence=answer.sentence,
            copies=[_hit(hit) for hit in answer.copies],
            similar=[_hit(hit) for hit in answer.similar],
            searched=answer.searched,
            compared=answer.compared,
            seconds=answer.seconds,
        )


def _hit(hit: answers.CopyHit) -> CopyHit:
    return CopyHit(picture=Picture.of(hit.picture), found=Found.of(hit.found))


PictureId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class Mark(Wire):
    """Two pictures are no copies of each other; or are, after all."""

    here: PictureId
    there: PictureId
    copies: bool = False


class Spare(Wire):
    pictures: Annotated[list[PictureId], Field(min_length=1, max_length=1000)]


class MovedFiles(Wire):
    batch: int  # by which it is undone; 0 when nothing was moved
    moved: list[str]
    refused: list[str]  # a sentence for each that stayed

    @classmethod
    def of(cls, moved: Moved) -> Self:
        return cls(
            batch=moved.batch,
            moved=[shown(path) for path in moved.paths],
            refused=[shown(sentence) for sentence in moved.refused],
        )
