"""Copies: groups of pictures that are one picture, edited; pairs only alike; and a trash with undo."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from dinoscope.errors import Unreadable
from dinoscope.operations.copy_groups import COPY, SIMILAR
from dinoscope.operations.queries import AT_LEAST
from dinoscope.server.copying import Desk
from dinoscope.server.looking import named, pixels_of
from dinoscope.server.parts import Here, in_thread
from dinoscope.server.wire_copies import (
    AlikePair,
    AlikePairs,
    CopiesState,
    CopyAnswer,
    CopyGroup,
    CopyGroups,
    Mark,
    MovedFiles,
    Spare,
)

router = APIRouter(tags=["copies"])

PATIENCE = 0.5  # seconds: a library that only got some pictures is compared by then

Share = Annotated[float, Query(ge=0, le=1, description="probability of a copy from which it counts")]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/copies/state")
async def state(here: Here, desk: Desk) -> CopiesState:
    """Whether all pictures were compared, and how far it is."""
    return await in_thread(desk.state, here.searching)


@router.post("/copies", status_code=202)
async def look(here: Here, desk: Desk) -> CopiesState:
    """Compare the pictures that were not compared yet; watch it with ``GET /copies/state``."""
    return await in_thread(lambda: desk.start(PATIENCE), here.searching)


@router.get("/copies")
async def copies(
    here: Here, desk: Desk, *, at_least: Share = COPY, offset: Offset = 0, limit: Limit = 50
) -> CopyGroups:
    """Groups of copies at a threshold, the largest first. Looks at no picture."""

    def work() -> CopyGroups:
        report = desk.report(at_least, SIMILAR)
        shown = report.groups[offset : offset + limit]
        spare = [one for group in report.groups for one in group.members if one.spare]
        return CopyGroups(
            at_least=at_least,
            groups=[CopyGroup.of(group) for group in shown],
            total=len(report.groups),
            next_offset=offset + limit if offset + limit < len(report.groups) else None,
            spare=len(spare),
            freed=sum(one.picture.bytes for one in spare),
            similar=len(report.similar),
            unchecked=report.unchecked,
            read_only=not here.session.library.writable,
        )

    return await in_thread(work, here.searching)


@router.get("/copies/pairs")
async def pairs(
    here: Here,
    desk: Desk,
    *,
    at_least: Share = COPY,
    marked: Annotated[bool, Query(description="those marked as no copies, instead")] = False,
    offset: Offset = 0,
    limit: Limit = 50,
) -> AlikePairs:
    """Pairs that are no copies at that threshold but only alike, the likest first."""

    def work() -> AlikePairs:
        report = desk.report(at_least, SIMILAR)
        every = report.marked if marked else report.similar
        return AlikePairs(
            pairs=[AlikePair.of(pair) for pair in every[offset : offset + limit]],
            total=len(every),
            next_offset=offset + limit if offset + limit < len(every) else None,
        )

    return await in_thread(work, here.searching)


@router.get("/copies/of")
async def copies_of(
    here: Here,
    desk: Desk,
    picture: Annotated[str, Query(max_length=64, description="an id, or a name that an upload got")],
    *,
    at_least: Share = COPY,
    thorough: Annotated[bool, Query(description="look for more after a sure copy")] = False,
    quick: Annotated[bool, Query(description="look with the picture as it is only: half the time")] = False,
) -> CopyAnswer:
    """What of the library is a copy of one picture, in one query."""
    known = await named(here, picture)
    pixels = await pixels_of(here, known, AT_LEAST)  # decoded apart, and only as it was indexed
    content = here.uploads.get(picture).content if known.id is None else known.key

    def work() -> CopyAnswer:
        found = desk.copies.find_pixels(
            pixels, known.size, content, at_least=at_least, thorough=thorough, quick=quick, exclude=known.id
        )
        return CopyAnswer.of(found)

    return await in_thread(work, here.encoding)


@router.post("/copies/marks", status_code=204)
async def mark(new: Mark, here: Here, desk: Desk) -> None:
    """Remember that two pictures are no copies of each other, or take that back."""
    await in_thread(lambda: desk.copies.mark(new.here, new.there, copies=new.copies), here.searching)
    desk.changed()


@router.post("/copies/trash")
async def trash(spare: Spare, here: Here, desk: Desk) -> MovedFiles:
    """Move files into the library's own trash. Nothing is deleted; one that has changed stays."""

    def work() -> MovedFiles:
        with here.writer.open() as library:
            return MovedFiles.of(desk.copies.trash(spare.pictures, library))

    moved = await in_thread(work, here.searching)
    desk.changed()
    if not moved.moved and moved.refused:
        raise Unreadable(moved.refused[0])
    return moved


@router.post("/copies/undo")
async def undo(
    here: Here,
    desk: Desk,
    batch: Annotated[int | None, Query(ge=1, le=2**31, description="left out: what was moved last")] = None,
) -> MovedFiles:
    """Bring back what was moved to the trash."""

    def work() -> MovedFiles:
        with here.writer.open() as library:
            return MovedFiles.of(desk.copies.undo(batch, library))

    moved = await in_thread(work, here.searching)
    desk.changed()
    return moved
