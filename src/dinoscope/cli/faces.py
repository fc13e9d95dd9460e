"""``dinoscope faces``: what a library does with human faces, and the proof that it does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.keeping import opened
from dinoscope.cli.options import JsonOption, LibraryOption, settings_of
from dinoscope.cli.output import escaped, note, notes, plural, print_json, say
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.library.records import Picture
    from dinoscope.operations.traces import Trace
    from dinoscope.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Keep human faces out of a library, and prove it.")

PicturesArgument = Annotated[list[Path], typer.Argument(metavar="PICTURE...", help="Picture files.")]


@app.command()
def keep(
    mode: Annotated[str | None, typer.Argument(help="block, blur, drop-patches or allow.")] = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Show what a library does with faces; or change it, for what is indexed from now on."""
    from dinoscope.library import faces
    from dinoscope.pictures.gate import MODES

    settings = settings_of(library=library)
    if mode is not None:
        chosen = next((known for known in MODES if known == mode), None)
        if chosen is None:
            raise BadRequest(f"{mode!r} is no way to treat faces: use block, blur, drop-patches or allow")
        with opened(library, write=not _in_shards(settings)) as there:
            faces.keep(there.folder, chosen)
    else:
        opened(library).close()
    kept = faces.kept(settings.library) or "allow"
    if json:
        print_json({"library": settings.library, "faces": kept})
        return
    say(f"faces: [bold]{kept}[/]")
    if mode is not None and kept != "allow":
        note("Pictures that are there already stay as they are: dinoscope faces check looks at them.")


@app.command()
def look(pictures: PicturesArgument, json: JsonOption = False) -> None:
    """Say of pictures whether they look like a human face; exit 1 when one does."""
    from dinoscope.operations.queries import pixels_of
    from dinoscope.pictures.gate import gate
    from dinoscope.pictures.limits import Limits

    limits = Limits.of(settings_of().with_overrides(faces="allow"))
    verdicts = {str(path): gate(pixels_of(path, limits)) for path in pictures}
    if json:
        print_json({path: [round(face.score, 4) for face in found.faces] for path, found in verdicts.items()})
    else:
        for path, found in verdicts.items():
            sure = f" ({found.faces[0].score:.2f})" if found.face else ""
            say(f"{'[yellow]face[/]' if found.face else 'no face'}{sure}  {escaped(path)}")
    if any(found.face for found in verdicts.values()):
        raise typer.Exit(1)


@app.command()
def check(
    library: LibraryOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take what is found out of the library.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Look for faces in the pictures a library has; exit 1 when some are there and stay."""
    settings = settings_of(library=library)
    found, unread = _checked(settings, library)
    removed = _taken_out(found, library, yes or json) if remove and found else 0
    if json:
        print_json({"faces": found, "unread": unread, "removed": removed})
    else:
        for one in found:
            say(f"[yellow]face[/]  {one.id:>6}  {escaped(one.path)}")
        for one in unread:
            note(f"[dim]gone, and without a thumbnail: {escaped(one.path)}[/]")
        gone = f"; {plural(removed, 'picture')} taken out, and compacted" if removed else ""
        say(f"{plural(len(found), 'picture')} with what looks like a human face{gone}.")
    if len(found) > removed:
        raise typer.Exit(1)


@app.command()
def traces(
    pictures: PicturesArgument,
    library: LibraryOption = None,
    place: Annotated[
        list[Path] | None, typer.Option("--in", help="Another folder to search; repeatable.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Search library, cache and temporary files for what is left of pictures; exit 1 if anything is."""
    settings = settings_of(library=library)
    found = {str(path): _traces(path, settings, library, place or []) for path in pictures}
    if json:
        print_json(found)
    else:
        for path, left in found.items():
            for trace in left:
                say(f"[yellow]{escaped(path)}[/]: {escaped(trace.what)} in {escaped(trace.where)}")
            if not left:
                say(f"[green]No trace[/] of {escaped(path)}")
    if any(found.values()):
        raise typer.Exit(1)


def _checked(settings: Settings, library: Path | None) -> tuple[list[Picture], list[Picture]]:
    """(those with a face, those that could not be looked at), with a bar on the way."""
    from dinoscope.operations.rechecking import recheck

    found, unread = [], []
    with opened(library) as there, notes().status("Looking for faces") as status:
        for step in recheck(there, settings):
            found += [step.face] if step.face else []
            unread += [step.unread] if step.unread else []
            status.update(f"Looking for faces: {step.done:,} of {step.total:,}, {len(found):,} found")
    return found, unread


def _taken_out(found: list[Picture], library: Path | None, sure: bool) -> int:
    from dinoscope.operations.rechecking import take_out

    if not sure:
        typer.confirm(f"Forget {plural(len(found), 'picture')}?", abort=True, err=True)
    with opened(library, write=True) as there:
        return take_out(there, [one.id for one in found])


def _traces(path: Path, settings: Settings, library: Path | None, more: list[Path]) -> list[Trace]:
    from dinoscope.operations.session import Session
    from dinoscope.operations.traces import places_of, traces_of
    from dinoscope.pictures.limits import Limits
    from dinoscope.pictures.reading import read_bytes

    data = read_bytes(path, Limits.of(settings))
    with Session(opened(library), settings) as session:
        places = (*places_of(session.library, settings), *more)
        return list(
            traces_of(data, session.library, session.backbone, settings, places=places, where=str(path))
        )


def _in_shards(settings: Settings) -> bool:
    from dinoscope.library.connection import SHARDED

    return (settings.library / SHARDED).is_file()
