"""The library as a map, on which pictures that are alike lie together."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from dinoscope.operations.mapping import passing
from dinoscope.server.binary import BINARY, binary
from dinoscope.server.mapping import Cartography
from dinoscope.server.parts import Here, Where, in_thread
from dinoscope.server.wire_map import MapState, packed_passing

router = APIRouter(tags=["map"])

PATIENCE = 0.5  # seconds: a map that only lacks some pictures is brought up to date by then


@router.get("/map")
async def state(here: Here, maps: Cartography) -> MapState:
    """Whether there is a map of the library as it is now."""
    return await in_thread(maps.state, here.searching)


@router.post("/map", status_code=202)
async def lay_out(
    here: Here,
    maps: Cartography,
    again: Annotated[bool, Query(description="make it anew; places change")] = False,
) -> MapState:
    """Lay the library out, or place what was added since; watch it with ``GET /map``."""
    return await in_thread(lambda: maps.start(again, PATIENCE), here.searching)


@router.get("/map/points", response_class=Response, responses=BINARY)
async def points(here: Here, maps: Cartography) -> Response:
    """Every picture's place on the map."""
    return binary(await in_thread(maps.points, here.searching))


@router.get("/map/passing", response_class=Response, responses=BINARY)
async def passing_points(here: Here, maps: Cartography, where: Where) -> Response:
    """Which of the map's pictures pass a filter: a bit a point."""

    def work() -> bytes:
        found = maps.found
        if where is None:
            return packed_passing(found.fitted | True)
        return packed_passing(passing(here.session.library, found, where))

    return binary(await in_thread(work, here.searching))
