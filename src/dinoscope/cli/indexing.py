"""``dinoscope index``: folders in, a progress bar, and each file that could not be used by its name."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import (
    AddressOption,
    FacesOption,
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RayOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, in_time, note, notes, plural, print_json, say
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from dinoscope.operations.copies import CopyProgress
    from dinoscope.operations.progress import Progress
    from dinoscope.operations.session import Session
    from dinoscope.pictures.gate import Mode
    from dinoscope.pictures.refusal import Refusal
    from dinoscope.settings import Settings

SHOWN = 50  # refusals listed on a terminal; --json has them all


def index(
    folders: Annotated[list[str], typer.Argument(metavar="FOLDER...", help="Folders of pictures, or files.")],
    *,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    fine: Annotated[
        bool, typer.Option("--fine", help="Tile by tile, so that small parts are found; takes longer.")
    ] = False,
    faces: FacesOption = None,
    ray: RayOption = False,
    address: AddressOption = None,
    shards: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Of a new library in shards; 4 where left out.")
    ] = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Index folders of pictures; again, to bring the library up to date.

    Only new and changed pictures are read. Ctrl-C keeps what is done; the same command goes on from there.
    """
    settings = settings_of(
        offline,
        library=library,
        model=model,
        precision=precision,
        runtime=runtime,
        threads=threads,
        faces=faces,
        fine=fine or None,
    )
    if ray or address:
        last, refusals = run_ray(folders, settings, address, shards)
    elif shards is not None:
        raise BadRequest("a library of one machine has no shards: add --ray, or leave --shards out")
    else:
        last, refusals = run(folders, settings)
    if json:
        print_json(summary(last, refusals, settings))
    else:
        say(told(last, settings))
        note(about_faces(settings))
        list_refusals(refusals)


def run(folders: Iterable[Path | str], settings: Settings) -> tuple[Progress, list[Refusal]]:
    """Index with a bar on stderr; the last Progress and every refusal.

    Raises:
        KeyboardInterrupt: after saying that what was done is kept.
    """
    from dinoscope.library.library import Library
    from dinoscope.operations.scouting import roots_of
    from dinoscope.operations.session import Session

    roots = roots_of(folders)  # a wrong folder is told before a library is made for it
    with Session(Library.open(settings.library, write=True), settings) as session:
        found = _followed(session.index(*roots))
        if found[0].added:
            tell_copies(session)
        return found


def tell_copies(session: Session) -> None:
    """Whether new pictures are copies; where copies were looked for before: else all were to be compared."""
    from dinoscope.operations.copying import looked_for

    if not looked_for(session.library):
        return
    with session.copies() as copies:
        new = copies.unchecked()
        compared(copies.look())
        groups = copies.report(only=new).groups
    if groups:
        count = sum(member.picture.id in new for group in groups for member in group.members)
        note(f"[yellow]Copies among the new pictures: {count:,}[/]; dinoscope copies shows them")


def compared(steps: Iterator[CopyProgress]) -> None:
    """Look for copies, with a bar on stderr."""
    with bar() as drawn:
        task = drawn.add_task("Comparing", total=None, rate="")
        for step in steps:
            drawn.update(task, description=step.stage, completed=step.done, total=step.total)


def run_ray(
    folders: Iterable[str], settings: Settings, address: str | None, shards: int | None
) -> tuple[Progress, list[Refusal]]:
    """``run`` through Ray, into a library in shards."""
    from dinoscope.cluster.indexing import index_in_shards

    steps = index_in_shards(folders, settings, address=address, shards=shards)
    return _followed(steps, kept="what the shards have is")


def _followed(steps: Iterator[Progress], kept: str | None = None) -> tuple[Progress, list[Refusal]]:
    """The last step and every refusal on the way, drawn as they come.

    Args:
        kept: what a stop leaves, where more may be kept than was told of; None: as many as were added.
    """
    refusals: list[Refusal] = []
    last: Progress | None = None
    try:
        with closing(shown(steps)) as drawn:
            for last in drawn:
                if last.refusal is not None:
                    refusals.append(last.refusal)
    except KeyboardInterrupt:
        done = kept or (plural(last.added, "new picture") if last else "nothing")
        note(f"Stopped; {done} kept. The same command goes on from there.")
        raise
    assert last is not None  # indexing always ends with a Progress
    return last, refusals


def shown(steps: Iterator[Progress]) -> Generator[Progress, None, None]:
    """The same steps, each drawn on the way."""
    with bar() as drawn:
        task = drawn.add_task("Indexing", total=None, rate="")
        for step in steps:
            draw(drawn, task, step)
            yield step


def bar() -> Bar:
    """An empty progress bar: text, bar, counts, pictures a second, time left."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        SpinnerColumn(),
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[cyan]{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        console=notes(),
        transient=True,
        disable=not sys.stderr.isatty(),
    )


def draw(drawn: Bar, task: TaskID, step: Progress) -> None:
    """Show a step. While folders are still walked the total is open, and the bar pulses."""
    encoded = step.added + step.completed
    rate = f"{encoded / step.seconds:.1f} pictures/s" if encoded and step.seconds > 0 else ""
    refused = f" [yellow]{step.refused:,} refused" if step.refused else ""
    total = None if step.walking else step.found
    drawn.update(task, completed=step.done, total=total, rate=rate + refused)


def summary(last: Progress, refusals: list[Refusal], settings: Settings) -> dict[str, object]:
    """What ``--json`` prints."""
    from dinoscope.library.faces import mode_of

    return {
        "library": settings.library,
        "found": last.found,
        "added": last.added,
        "known": last.known,
        "completed": last.completed,
        "removed": last.removed,
        "refused": last.refused,
        "seconds": round(last.seconds, 3),
        "finished": last.finished,
        "faces": mode_of(settings.faces, settings.library),
        "refusals": refusals,
    }


def told(last: Progress, settings: Settings) -> str:
    """One line for a person."""
    completed = f" ({last.completed:,} of them completed)" if last.completed else ""
    parts = [f"[bold green]{plural(last.added, 'new picture')}[/]", f"{last.known:,} known{completed}"]
    if last.removed:
        parts.append(f"{last.removed:,} gone")
    if last.refused:
        parts.append(f"[yellow]{last.refused:,} refused[/]")
    rate = f", {last.added / last.seconds:.1f} pictures/s" if last.added and last.seconds > 0 else ""
    where = escaped(settings.library)
    return f"{', '.join(parts)} in {in_time(last.seconds)}{rate}. Library: {where}"


def about_faces(settings: Settings, otherwise: Mode = "allow") -> str:
    """What is done with human faces, plainly; ``otherwise`` as ``library.faces.mode_of`` takes it."""
    from dinoscope.library.faces import mode_of

    said = {
        "allow": "let in like anything else; --faces block keeps them out of a library",
        "drop-patches": "hidden from the model; people still see them in this library's pictures",
        "blur": "blurred, for the model and in every view",
        "block": "kept out: a picture that looks like one is refused",
    }
    mode = mode_of(settings.faces, settings.library, otherwise)
    return f"[dim]Human faces are {said[mode]} (faces: {mode}; docs/faces.md).[/]"


def list_refusals(refusals: list[Refusal]) -> None:
    """Each refused file by its name, and why."""
    for refusal in refusals[:SHOWN]:
        note(f"  [yellow]refused[/] {escaped(refusal.sentence)}")
    if len(refusals) > SHOWN:
        note(f"  and {len(refusals) - SHOWN:,} more: dinoscope library refusals lists them all")
