"""``dinoscope search``: the main job, from the shell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    WhereOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, out, print_json, say, table
from dinoscope.cli.parts import (
    AlsoOption,
    BoxOption,
    EraseOption,
    LessOption,
    Marked,
    MaskOption,
    MoreOption,
    NotPointOption,
    NotPolygonOption,
    OutOption,
    PointOption,
    PolygonOption,
    RefineOption,
)
from dinoscope.cli.regions import search_part

if TYPE_CHECKING:
    from dinoscope.operations.answers import Answer, Hit
    from dinoscope.operations.session import Like

ID = "id:"


def search(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE...", help="Files, - for stdin, or id:12 for one of the library."),
    ],
    *,
    unlike: Annotated[
        list[str] | None, typer.Option("--unlike", "-u", metavar="PICTURE", help="Not like this; repeatable.")
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Hits wanted.")] = 20,
    box: BoxOption = None,
    polygon: PolygonOption = None,
    point: PointOption = None,
    not_point: NotPointOption = None,
    not_polygon: NotPolygonOption = None,
    erase: EraseOption = None,
    mask: MaskOption = None,
    also: AlsoOption = 0.0,
    more: MoreOption = None,
    less: LessOption = None,
    refine: RefineOption = None,
    to: OutOption = None,
    where: WhereOption = None,
    collapse: Annotated[bool, typer.Option(help="Show files of equal bytes as one hit.")] = False,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Find the pictures that look most like these; or mark a part of one, and find it anywhere.

    dinoscope search holiday.jpg --box 120,80,260,200 --out found.png
    """
    from dinoscope.cluster.opening import opened
    from dinoscope.library.filters import parse_filter
    from dinoscope.operations.session import Session

    condition = parse_filter(where)
    part = box or (), polygon or (), point or (), not_point or (), mask, also
    marked = Marked(*part, more or (), less or (), refine, to, not_polygon or (), erase or ())
    marked.check(pictures, unlike or ())
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    likes, unlikes = [named(one) for one in pictures], [named(one) for one in unlike or []]
    with Session(opened(settings.library), settings) as session:
        if marked.part:
            return search_part(session, likes[0], marked, k=k, where=condition, collapse=collapse, json=json)
        answer = session.search(*likes, unlike=unlikes, k=k, where=condition, collapse=collapse)
    return print_json(answer) if json else show(answer)


def named(text: str) -> Like:
    """``-`` is stdin, ``id:12`` a picture of the library, anything else a path."""
    if text == "-":
        return sys.stdin.buffer.read()
    number = text.removeprefix(ID)
    return int(number) if text.startswith(ID) and number.isascii() and number.isdecimal() else Path(text)


def show(answer: Answer) -> None:
    """The hits as a table, best first, and the verdict under it."""
    if answer.hits:
        numbers = ["", "Score", "Closer than"]
        made = table(*numbers, "Size", "Taken", "Picture", right=numbers)
        for rank, hit in enumerate(answer.hits, 1):
            made.add_row(*row(rank, hit))
        out().print(made)
    colour = "green" if answer.verdict.found else "yellow"
    say(f"[{colour}]{escaped(answer.verdict.sentence)}[/]")
    spent = f"{answer.seconds * 1000:.0f} ms"
    if answer.encode_seconds:
        spent += f", encoding {answer.encode_seconds * 1000:.0f} ms"
    note(
        f"[dim]{answer.searched:,} pictures searched in {spent} ({answer.engine}, {escaped(answer.model)})[/]"
    )


def row(rank: int, hit: Hit) -> tuple[str, ...]:
    """A hit's cells."""
    from dinoscope.cli.in_videos import place_of
    from dinoscope.operations.calibration import percent

    picture = hit.picture
    taken = picture.metadata.taken_at
    copies = f" [dim](+{len(hit.copies)} copies)[/]" if hit.copies else ""
    return (
        str(rank),
        f"{hit.score:.3f}",
        percent(hit.percentile),
        f"{picture.size.width} x {picture.size.height}",
        f"{taken:%Y-%m-%d}" if taken else "",
        escaped(place_of(picture)) + copies,
    )
