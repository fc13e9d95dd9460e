"""Looking inside the model: where it looks, what is like what to it, and its parts in colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from io import BytesIO
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response

from dinoscope.errors import BadRequest
from dinoscope.features import TELLING, Facet, Inside, Pixels
from dinoscope.operations.explaining import MASS, Look
from dinoscope.operations.palettes import palette_for
from dinoscope.operations.panels import (
    LARGE,
    Panel,
    attention_panels,
    colour_panel,
    drawn,
    likeness_panel,
    npz,
    svg,
)
from dinoscope.server.binary import BINARY, binary
from dinoscope.server.looking import Name, inside_of, named, pixels_of
from dinoscope.server.parts import Here, Parts, in_thread
from dinoscope.server.wire_look import packed_colours, packed_look

router = APIRouter(tags=["looking inside"])

FEWEST, MOST = 16, 1024  # patches: the cosines of 1024 with each other are a million bytes
KINDS = {"png": "image/png", "svg": "image/svg+xml", "npz": "application/octet-stream"}
FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind: {} for kind in KINDS.values()}, "description": "a file"}
}
Shown = Literal["attention", "colours", "likeness"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A picture, and where in the model to look."""

    picture: Name
    layer: Annotated[
        int | None, Query(ge=1, le=1000, description="from 1; left out: the last but one, which tells most")
    ] = None
    facet: Annotated[Facet, Query(description="of the layer's patches")] = TELLING
    patches: Annotated[
        int | None, Query(ge=FEWEST, le=MOST, description="at most; left out: as many as the index has")
    ] = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is exported, and how."""

    show: Annotated[Shown, Query(description="what is drawn; npz holds everything")] = "colours"
    format: Annotated[Literal["png", "svg", "npz"], Query()] = "png"
    x: Annotated[float | None, Query(description="of the point that others are compared to")] = None
    y: float | None = None
    mass: Annotated[
        float | None, Query(gt=0, le=1, description=f"say {MASS}: show where so much of the attention is")
    ] = None
    cut: Annotated[bool, Query(description="leave the background dark")] = False


@router.get("/look", response_class=Response, responses=BINARY)
async def look(asked: Annotated[Asked, Depends()], here: Here) -> Response:
    """The attention of each head, and the likeness of all patches to each other."""
    inside, seconds = await _inside(here, asked)
    layers = here.session.backbone.layers
    return binary(await in_thread(lambda: packed_look(inside, layers, seconds), here.searching))


@router.get("/look/colours", response_class=Response, responses=BINARY)
async def colours(asked: Annotated[Asked, Depends()], here: Here) -> Response:
    """The parts in colours that are the same in every picture.

    The first time for a layer and facet the colours are fitted, which takes some seconds.
    """
    inside, _ = await _inside(here, asked)
    return binary(packed_colours((await _look(here, inside)).colours))


@router.get("/look/export", response_class=Response, responses=FILE)
async def export(
    asked: Annotated[Asked, Depends()], drawing: Annotated[Drawing, Depends()], here: Here
) -> Response:
    """A picture of it, a figure to be edited, or all numbers for numpy."""
    if drawing.show == "likeness" and drawing.format != "npz" and (drawing.x is None or drawing.y is None):
        raise BadRequest("likeness to what? Give the point as x and y, in the picture's pixels")
    if drawing.show == "attention" and asked.layer is None:  # the last is the one that makes the descriptor
        asked = replace(asked, layer=here.session.backbone.layers)
    inside, _ = await _inside(here, asked)
    if drawing.format == "npz":
        seen = await _look(here, inside)
        made = await in_thread(lambda: npz(seen), here.searching)
    else:
        panels = await _panels(here, inside, drawing)
        pixels = await pixels_of(here, await named(here, asked.picture), LARGE)
        made = await in_thread(lambda: _file(pixels, panels, drawing.format), here.searching)
    name = f"{drawing.show}.{drawing.format}"
    return Response(
        made,
        media_type=KINDS[drawing.format],
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


async def _inside(here: Parts, asked: Asked) -> tuple[Inside, float]:
    picture = await named(here, asked.picture)
    return await inside_of(here, picture, asked.layer, asked.facet, asked.patches)


async def _look(here: Parts, inside: Inside) -> Look:
    """In the encoder's turn: a palette that is not there yet is fitted by encoding, once."""
    session = here.session

    def paint() -> Look:
        palette = palette_for(session.backbone, inside.layer, inside.facet, session.settings)
        return Look(inside, palette.paint(inside))

    return await in_thread(paint, here.encoding)


async def _panels(here: Parts, inside: Inside, drawing: Drawing) -> list[Panel]:
    if drawing.show == "attention":
        return attention_panels(inside.attention, drawing.mass)
    if drawing.show == "colours":
        return [colour_panel((await _look(here, inside)).colours, drawing.cut)]
    assert drawing.x is not None
    assert drawing.y is not None
    return [likeness_panel(inside, (drawing.x, drawing.y))]


def _file(pixels: Pixels, panels: list[Panel], kind: str) -> bytes:
    if kind == "svg":
        return svg(pixels, panels).encode()
    stored = BytesIO()
    drawn(pixels, panels).save(stored, "PNG")
    return stored.getvalue()
