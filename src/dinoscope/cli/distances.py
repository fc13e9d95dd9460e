"""``dinoscope distances``: how alike pictures are, what that means in the library, and why."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
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
from dinoscope.cli.output import escaped, note, out, print_json, say, table
from dinoscope.errors import BadRequest, NoLibrary

if TYPE_CHECKING:
    from dinoscope.library.library import Library
    from dinoscope.models.backbone import Backbone
    from dinoscope.operations.distances import Distances
    from dinoscope.operations.queries import PictureLike
    from dinoscope.operations.searching import Query
    from dinoscope.operations.session import Like
    from dinoscope.pictures.limits import Limits
    from dinoscope.settings import Settings

CLOSE = 99.0  # percentile from which a pair is marked: one pair of a hundred

WhyOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Draw which parts of two pictures make them alike.")
]


def distances(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE...", help="Files, - for stdin, or id:12 for one of the library."),
    ],
    *,
    why: WhyOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Tell how alike pictures are: closer than how many of the library's pairs.

    dinoscope distances cat.jpg dog.jpg id:12
    """
    from dinoscope.cli.match_drawing import check_place

    if pictures.count("-") > 1:
        raise BadRequest("only one of the pictures can come from stdin: give files for the others")
    if why is not None:
        if len(pictures) != 2:
            raise BadRequest(f"--why draws what two pictures share, and there are {len(pictures)}: give two")
        check_place(why)
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    found = run(pictures, settings, why)
    if why is not None:
        note(f"Drawn: {escaped(why)}")
    return print_json(plain(pictures, found)) if json else show(pictures, found)


def run(pictures: Sequence[str], settings: Settings, why: Path | None) -> Distances:
    """Measured with the library's pairs, where there is a library."""
    from dinoscope.cli.searching import named
    from dinoscope.cli.sources import source_of
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.queries import pixels_of
    from dinoscope.pictures.limits import Limits

    limits, asked = Limits.of(settings), [named(one) for one in pictures]
    with _library(asked, settings) as library:
        read = [one if isinstance(one, int) else pixels_of(one, limits) for one in asked]
        backbone = load_backbone(settings)
        queries = [one if isinstance(one, int) else backbone.describe([one])[0] for one in read]
        found = _measured(library, backbone.identity.key, queries)
    if why is not None:
        sources = [
            source_of(text, settings) if isinstance(one, int) else one
            for text, one in zip(pictures, asked, strict=True)
        ]
        draw(why, backbone, sources, pictures, limits)
    return found


def _library(asked: Sequence[Like], settings: Settings) -> AbstractContextManager[Library | None]:
    """None where there is none and none is needed."""
    from dinoscope.cluster.opening import opened

    try:
        return opened(settings.library)
    except NoLibrary:
        if any(isinstance(one, int) for one in asked):
            raise
        return nullcontext()


def _measured(library: Library | None, model: str, queries: Sequence[Query]) -> Distances:
    import numpy as np

    from dinoscope.operations import distances as operations

    if library is not None:
        return operations.distances(library, model, queries)
    return operations.distances_of(np.stack([one for one in queries if not isinstance(one, int)]), model)


def plain(pictures: Sequence[str], found: Distances) -> dict[str, Any]:
    """For JSON: each pair once."""
    count = len(pictures)
    return {
        "pictures": list(pictures),
        "order": list(found.order),
        "pairs": [
            {"here": pictures[one], "there": pictures[other], **asdict(found.between(one, other))}
            for one in range(count)
            for other in range(one + 1, count)
        ],
        "model": found.model,
    }


def show(pictures: Sequence[str], found: Distances) -> None:
    """A sentence for two; for more a matrix, those alike side by side."""
    if len(pictures) == 2:
        between = found.between(0, 1)
        say(f"[bold]{between.cosine:.3f}[/]  {escaped(between.sentence)}")
        return
    columns = [str(number) for number in range(1, len(pictures) + 1)]
    made = table("", "Picture", *columns, right=["", *columns])
    for number, one in enumerate(found.order, 1):
        cells = [_cell(found, one, other) for other in found.order]
        made.add_row(str(number), escaped(pictures[one]), *cells)
    out().print(made)
    note(
        "[dim]Cosines: the library has too few pictures to say what they mean.[/]"
        if found.percentiles is None
        else "[dim]Closer than so many of the library's random pairs.[/]"
    )


def _cell(found: Distances, one: int, other: int) -> str:
    from dinoscope.operations.calibration import percent

    between = found.between(one, other)
    if one == other:
        return "[dim]·[/]"
    if between.percentile is None:
        return f"{between.cosine:.3f}"
    text = percent(between.percentile)
    return f"[bold green]{text}[/]" if between.percentile >= CLOSE else text


def draw(
    to: Path, backbone: Backbone, sources: Sequence[PictureLike], names: Sequence[str], limits: Limits
) -> None:
    """Two pictures, each beside what of it carries their likeness.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    from dinoscope.cli.look_drawing import stacked
    from dinoscope.cli.match_drawing import write
    from dinoscope.operations.distances import why
    from dinoscope.operations.panels import drawn, share_panel
    from dinoscope.operations.queries import at_least, decoded, on_original

    views = [decoded(source, limits, at_least(backbone)) for source in sources]
    first, second = (on_original(backbone.encode([pixels])[0], size) for pixels, size in views)
    found = why(first, second)
    sheets = [
        drawn(pixels, [share_panel("what makes them alike", shares)], Path(name).name)
        for (pixels, _), shares, name in zip(
            views, (found.shares_here, found.shares_there), names, strict=True
        )
    ]
    write(to, stacked(sheets))
