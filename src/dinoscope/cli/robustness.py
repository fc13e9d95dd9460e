"""``dinoscope robustness``: what may be done to a picture before a model takes it for another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

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
from dinoscope.errors import BadRequest, Unreadable

EditsOption = Annotated[
    str | None,
    typer.Option(metavar="LIST", help="Of a picture: do exactly this, e.g. brightness:-0.5,blur:0.2,mirror."),
]
KindOption = Annotated[list[str] | None, typer.Option(metavar="NAME", help="Try this edit only; repeatable.")]
UntilOption = Annotated[
    Literal["first", "chance"], typer.Option(help="Lost when no longer the first, or no nearer than chance.")
]
ModelsOption = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Of a folder: compare these models, e.g. starter,mine.")
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE", help="Write a .md; with --edits the edited picture, a .png or .jpg."
    ),
]


def robustness(
    source: Annotated[
        str, typer.Argument(metavar="PICTURE|DIR", help="A file, - for stdin, id:12, or a folder.")
    ],
    *,
    edits: EditsOption = None,
    kind: KindOption = None,
    until: UntilOption = "first",
    models: ModelsOption = None,
    originals: Annotated[int, typer.Option(min=1, max=10_000, help="Of a folder: pictures edited.")] = 12,
    among: Annotated[
        int, typer.Option(min=2, max=100_000, help="Of a folder: pictures they are looked for in.")
    ] = 200,
    steps: Annotated[int, typer.Option(min=1, max=50, help="Strengths tried in each direction.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Draws the noise, what is covered, and the pictures.")] = 0,
    to: OutOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Edit pictures until they are not found any more: which edit is too much, and for which model?

    dinoscope robustness holiday.jpg
    """
    from dinoscope.cli import robustness_runs as runs
    from dinoscope.operations.robustness_study import Task

    folder = source != "-" and Path(source).expanduser().is_dir()
    check(source, folder=folder, edits=edits, models=models, to=to)
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    if folder:
        task = Task(originals, among, tuple(kind or Task().kinds), steps, seed)
        names = [name.strip() for name in (models or settings.model).split(",") if name.strip()]
        runs.folder(Path(source).expanduser(), names, settings, task, to=to, json=json)
    elif edits is not None:
        runs.once(source, edits, settings, seed, to=to, json=json)
    else:
        runs.picture(source, runs.Asked(tuple(kind or ()), until, steps, seed), settings, to=to, json=json)


def check(source: str, *, folder: bool, edits: str | None, models: str | None, to: Path | None) -> None:
    """Do the options go together, and can the answer be written? Raises: BadRequest, Unreadable."""
    from dinoscope.cli.match_drawing import check_place
    from dinoscope.operations.edit_kinds import parsed

    if folder and edits is not None:
        raise BadRequest(
            f"--edits is for one picture, and {source} is a folder: leave it out, or name a file"
        )
    if models is not None and not folder:
        raise BadRequest("--models compares models on a folder: name one, or use --model for a picture")
    if edits is not None:
        parsed(edits)
    if to is not None and edits is not None:
        check_place(to)
    elif to is not None:
        check_report(to)


def check_report(to: Path) -> None:
    """Raises: BadRequest, Unreadable when no report can be written there."""
    if not to.absolute().parent.is_dir():
        raise Unreadable(f"{to.parent} is no folder to write {to.name} into: choose another place")
    if to.is_dir() or to.suffix.lower() not in {".md", ".markdown"}:
        raise BadRequest(f"{to} is no name of a report: end it in .md")
