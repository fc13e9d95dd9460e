"""``dinoscope match``: which part of one picture is which part of another."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, out, plural, print_json, say, table
from dinoscope.cli.parts import BoxOption, Marked, MaskOption, NotPointOption, PointOption, PolygonOption
from dinoscope.cli.sources import source_of
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.geometry import PatchGrid
    from dinoscope.operations.geometric import Geometry
    from dinoscope.operations.matching import Matches
    from dinoscope.operations.transferring import Transfer

LinksOption = Annotated[int, typer.Option(min=0, max=200, help="Lines wanted at most.")]
DenseOption = Annotated[
    bool, typer.Option("--dense", help="With --out: every spot in the colour of its counterpart, no lines.")
]
FlipOption = Annotated[
    bool | None,
    typer.Option(
        "--flip/--no-flip", help="Exchange left and right, or do not.", show_default="both are tried"
    ),
]
GeometryOption = Annotated[
    bool, typer.Option("--geometry", help="Also: is it the very same thing from another side?")
]
PatchesOption = Annotated[
    int | None, typer.Option(help="Most patches of a picture, 16 to 1024.", show_default="576")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Draw it: a .png, .jpg or .webp.")
]


def match(
    here: Annotated[str, typer.Argument(metavar="HERE", help="A file, - for stdin, or id:12.")],
    there: Annotated[str, typer.Argument(metavar="THERE", help="The picture to find its parts in.")],
    *,
    links: LinksOption = 24,
    dense: DenseOption = False,
    flip: FlipOption = None,
    geometry: GeometryOption = False,
    patches: PatchesOption = None,
    to: OutOption = None,
    box: BoxOption = None,
    polygon: PolygonOption = None,
    point: PointOption = None,
    not_point: NotPointOption = None,
    mask: MaskOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Match two pictures: which part of one is which part of the other.

    dinoscope match cat.jpg dog.jpg --out links.png
    """
    from dinoscope.cli.match_drawing import check_place, drawn, write
    from dinoscope.cli.regions import mask_in
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.pairing import PATCHES, match_views, view_of
    from dinoscope.operations.transferring import transfer
    from dinoscope.pictures.limits import Limits

    marked = Marked(box or (), polygon or (), point or (), not_point or (), mask)
    check(here, there, marked, dense=dense, to=to)
    if to is not None:
        check_place(to)
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    limits, asked = Limits.of(settings), PATCHES if patches is None else patches
    sources = source_of(here, settings), source_of(there, settings)
    backbone = load_backbone(settings)
    first, second = (view_of(source, backbone, limits, asked) for source in sources)
    selection = marked.selection(lambda: first.size, lambda path: mask_in(path, limits))
    found = match_views(first, second, backbone, patches=asked, mirrored=flip, links=links, geometry=geometry)
    carried = transfer(found, selection) if marked.part else None
    part = None if carried is None else (selection.on(found.here)[0], carried)
    if to is not None:
        names = Path(here).name, Path(there).name
        write(to, drawn(found, first.pixels, second.pixels, names, dense=dense, part=part))
        note(f"Drawn: {escaped(to)}")
    if json:
        print_json(plain(here, there, backbone.identity.key, found, carried))
    else:
        show(found, carried)


def check(here: str, there: str, marked: Marked, *, dense: bool, to: Path | None) -> None:
    """Do the options go together? Raises: BadRequest."""
    if here == there == "-":
        raise BadRequest("only one of the two pictures can come from stdin: give a file for the other")
    if marked.not_points and not marked.part:
        raise BadRequest(
            "--not-point needs a part of the picture: mark it with --box, --polygon, --point or --mask"
        )
    if dense and to is None:
        raise BadRequest("--dense is a way to draw: say where to with --out FILE.png")
    if dense and marked.part:
        raise BadRequest("--dense draws everything, and a part is marked: leave one of them out")


def plain(here: str, there: str, model: str, found: Matches, carried: Transfer | None) -> dict[str, Any]:
    """The match for JSON; coordinates are pixels of each original, to a tenth."""
    way = found.orientation
    return {
        "here": {"picture": here, **_sides(found.here)},
        "there": {"picture": there, **_sides(found.there)},
        "links": [
            {
                "here": _point(link.here),
                "there": _point(link.there),
                "similarity": round(link.similarity, 4),
                "confidence": round(link.confidence, 4),
            }
            for link in found.links
        ],
        "orientation": asdict(way) | {"ambiguous": way.ambiguous, "sentence": way.sentence},
        "likeness": found.likeness,
        "note": found.note,
        "geometry": None if found.geometry is None else _geometry(found.geometry),
        "part": None if carried is None else _part(carried),
        "model": model,
    }


def show(found: Matches, carried: Transfer | None) -> None:
    """The links as a table, best first, and what is to be said of the pair."""
    if carried is not None:
        if carried.found:
            place = ",".join(f"{value:.0f}" for value in _corners(carried))
            say(f"The part lies at {place}  [dim](sure {carried.confidence:.2f})[/]")
        else:
            say("[yellow]The part is not to be found in the other picture.[/]")
    elif found.links:
        numbers = ["", "Alike", "Sure"]
        made = table("", "Here", "There", "Alike", "Sure", right=numbers)
        for rank, link in enumerate(found.links, 1):
            start, end = (f"{x:.0f},{y:.0f}" for x, y in (link.here, link.there))
            made.add_row(str(rank), start, end, f"{link.similarity:.2f}", f"{link.confidence:.2f}")
        out().print(made)
    if found.links:
        say(f"[green]{plural(len(found.links), 'link')}; {found.orientation.sentence}[/]")
    if found.geometry is not None:
        say(escaped(found.geometry.sentence))
    if found.note:
        say(f"[yellow]{escaped(found.note)}[/]")


def _sides(grid: PatchGrid) -> dict[str, int]:
    size = grid.picture
    return {"width": size.width, "height": size.height, "rows": grid.rows, "columns": grid.columns}


def _geometry(found: Geometry) -> dict[str, Any]:
    return {
        "relation": found.relation,
        "sentence": found.sentence,
        "matrix": None if found.matrix is None else found.matrix.tolist(),
        "mirrored": found.mirrored,
        "agreeing": len(found.here),
        "matched": found.matched,
    }


def _part(carried: Transfer) -> dict[str, Any]:
    return {
        "found": carried.found,
        "box": _corners(carried) or None,
        "confidence": round(carried.confidence, 4),
    }


def _corners(carried: Transfer) -> list[float]:
    box = carried.box
    if box is None:
        return []
    return [round(float(value), 1) for value in (box.left, box.top, box.right, box.bottom)]


def _point(point: tuple[float, float]) -> list[float]:
    return [round(float(value), 1) for value in point]
