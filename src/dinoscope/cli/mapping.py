"""``dinoscope map``: the whole library as a map, on which pictures that are alike lie together."""

from __future__ import annotations

from collections.abc import Iterator
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
    settings_of,
)
from dinoscope.cli.output import escaped, note, plural, print_json, say
from dinoscope.cli.writing import writing
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.library.library import Library
    from dinoscope.operations.mapping import LibraryMap, Mapping

TABLE = ".csv"

OutOption = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Draw it (.png, .jpg, .webp), or write places as .csv."),
]
AgainOption = Annotated[bool, typer.Option("--again", help="Make it anew; places change.")]
SideOption = Annotated[int, typer.Option(min=256, max=16_384, help="Of a drawing, pixels a side.")]


def map(
    *,
    to: OutOption = None,
    again: AgainOption = False,
    side: SideOption = 2048,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Map the whole library: pictures that are alike lie together.

    dinoscope map --out map.png
    """
    from dinoscope.cli.map_drawing import drawn
    from dinoscope.cli.match_drawing import check_place, write
    from dinoscope.cluster.opening import opened
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.mapping import lay_out
    from dinoscope.pictures.limits import Limits

    if to is not None and to.suffix.lower() != TABLE:
        check_place(to)
    settings = settings_of(offline, library=library, model=model, precision=precision, runtime=runtime)
    with opened(settings.library) as read:
        key = load_backbone(settings).identity.key
        found = _shown(lay_out(read, key, again=again))
        if to is not None and to.suffix.lower() == TABLE:
            write_table(to, read, found)
        elif to is not None:
            write(to, drawn(read, found, side, Limits.of(settings)))
    if to is not None:
        note(f"Written: {escaped(to)}")
    return print_json(plain(found)) if json else show(found)


def show(found: LibraryMap) -> None:
    """What it is made of, and by what."""
    fitted = int(found.fitted.sum())
    placed = len(found) - fitted
    later = f", {plural(placed, 'picture')} placed among them" if placed else ""
    say(f"[green]A map of {plural(len(found), 'picture')}[/]: laid out on {fitted:,}{later}")
    if found.method == "pca":
        note(
            "[yellow]Two principal components, which keep only the coarsest differences. "
            "For neighbourhoods:[/] pip install 'dinoscope\\[map]'"
        )


def plain(found: LibraryMap) -> dict[str, Any]:
    """For JSON: every picture's place, in [0, 1]."""
    return {
        "model": found.model,
        "method": found.method,
        "fitted": int(found.fitted.sum()),
        "pictures": [
            {"id": id, "x": round(x, 5), "y": round(y, 5)}
            for id, (x, y) in zip(found.pictures.tolist(), found.places.tolist(), strict=True)
        ],
    }


def write_table(to: Path, library: Library, found: LibraryMap) -> None:
    """id, x, y and path of each picture, for a spreadsheet or a program.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    from csv import writer

    with writing(to), to.open("w", encoding="utf-8", errors="replace", newline="") as file:
        rows = writer(file)
        rows.writerow(["id", "x", "y", "path"])
        for start in range(0, len(found), 1000):
            part = slice(start, start + 1000)
            ids, places = found.pictures[part].tolist(), found.places[part].tolist()
            paths = {one.id: one.path for one in library.pictures(ids)}
            for id, (x, y) in zip(ids, places, strict=True):
                rows.writerow([id, f"{x:.5f}", f"{y:.5f}", paths.get(id, "")])


def _shown(steps: Iterator[Mapping]) -> LibraryMap:
    """The map, with a bar on stderr while it is made."""
    from dinoscope.cli.indexing import bar

    found = None
    with bar() as drawn:
        task = drawn.add_task("Reading", total=None, rate="")
        for step in steps:
            total = step.total if step.stage == "Placing" else None  # nobody knows how far a layout is
            drawn.update(task, description=step.stage, completed=step.done, total=total)
            found = step.map
    if found is None:
        raise BadRequest("no map came of it")
    return found
