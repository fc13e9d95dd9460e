"""How alike pictures are, what that means in this library, and which of their parts make them so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dinoscope.errors import Unreadable
from dinoscope.features import Features
from dinoscope.operations import distances as operations
from dinoscope.operations.searching import Query as Vector
from dinoscope.server.binary import BINARY, binary
from dinoscope.server.looking import Name, named
from dinoscope.server.parts import Here, Parts, in_thread
from dinoscope.server.wire_distances import Distances, packed_why

router = APIRouter(tags=["distances"])

MOST = 100  # pictures: 4,950 pairs are half a megabyte
Names = Annotated[
    list[str], Query(min_length=2, max_length=MOST, description="ids, or names that uploads got; repeated")
]


@router.get("/distances")
async def distances(picture: Names, here: Here) -> Distances:
    """How far pictures lie apart, each from each, and how many of the library's pairs are farther."""
    vectors = [await _vector(here, name) for name in picture]
    session = here.session

    def work() -> Distances:
        found = operations.distances(session.library, session.backbone.identity.key, vectors, here.yardstick)
        return Distances.of(found, picture)

    return await in_thread(work, here.searching)


@router.get("/distances/why", response_class=Response, responses=BINARY)
async def why(here_: Annotated[str, Query(alias="here", max_length=64)], there: Name, here: Here) -> Response:
    """Which patches carry the likeness of two pictures."""
    first, second = await _seen(here, here_), await _seen(here, there)
    grids = await in_thread(lambda: packed_why(operations.why(first, second)), here.searching)
    return binary(grids)


async def _vector(here: Parts, name: str) -> Vector:
    picture = await named(here, name)
    return here.uploads.get(name).vector if picture.id is None else picture.id


async def _seen(here: Parts, name: str) -> Features:
    picture = await named(here, name)
    if picture.id is None:
        return here.uploads.get(name).features
    id = picture.id
    stored = await in_thread(lambda: here.session.library.picture(id), here.searching)
    looked = await here.look_at(stored)
    if looked is None:
        raise Unreadable(f"{stored.path} is not there any more as it was: index its folder again")
    return looked.features
