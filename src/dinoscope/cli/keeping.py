"""``dinoscope library``: look after what was indexed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import JsonOption, LibraryOption, WhereOption, settings_of
from dinoscope.cli.output import escaped, in_bytes, note, out, plural, print_json, say, table
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.library.library import Library
    from dinoscope.library.records import ModelShelf, Picture

app = typer.Typer(no_args_is_help=True, help="Look after the library.")


@app.command()
def info(library: LibraryOption = None, json: JsonOption = False) -> None:
    """What is in the library."""
    with opened(library) as opened_library:
        found = opened_library.info()
    if json:
        print_json(found)
        return
    say(f"[bold]{escaped(found.folder)}[/]{' (read-only)' if found.read_only else ''}")
    same = found.pictures - found.contents
    say(f"  {plural(found.pictures, 'picture')}, {plural(same, 'copy')}, {in_bytes(found.bytes)} on disk")
    for root in found.roots:
        say(f"  from {escaped(root)}")
    for shelf in found.shelves:
        dead = f", {shelf.dead:,} dead" if shelf.dead else ""
        size = in_bytes(shelf.bytes)
        say(f"  {escaped(shelf.key)}: {shelf.vectors:,} x {shelf.dimension}, {shelf.engine}, {size}{dead}")
        say(f"    {_in_parts(shelf)}")
    if found.refusals:
        say(f"  [yellow]{plural(found.refusals, 'file')} refused[/]: dinoscope library refusals")


@app.command("list")
def list_pictures(
    library: LibraryOption = None,
    where: WhereOption = None,
    limit: Annotated[int, typer.Option(min=1, help="Most pictures to list.")] = 50,
    json: JsonOption = False,
) -> None:
    """List pictures with their ids."""
    from dinoscope.library.filters import parse_filter

    condition = parse_filter(where)
    with opened(library) as opened_library:
        pictures: list[Picture] = []
        after: str | None = None
        while len(pictures) < limit:
            page = opened_library.page(condition, after, min(1000, limit - len(pictures)), "path")
            pictures += page.pictures
            after = page.next
            if after is None:
                break
        total = opened_library.count(condition)
    if json:
        print_json({"total": total, "pictures": pictures})
        return
    made = table("Id", "Kind", "Size", "Bytes", "Picture", right=["Id", "Bytes"])
    for one in pictures:
        size = f"{one.size.width} x {one.size.height}"
        made.add_row(str(one.id), one.kind, size, in_bytes(one.bytes), escaped(one.path))
    out().print(made)
    note(f"[dim]{len(pictures):,} of {plural(total, 'picture')}[/]")


@app.command()
def refusals(library: LibraryOption = None, json: JsonOption = False) -> None:
    """Files that could not be indexed, and why."""
    with opened(library) as opened_library:
        found = opened_library.refusals()
    if json:
        print_json(found)
        return
    for refusal in found:
        say(escaped(refusal.sentence))
    note(f"[dim]{plural(len(found), 'file')} refused[/]")


@app.command()
def verify(library: LibraryOption = None, json: JsonOption = False) -> None:
    """Look for contradictions between the library's files; exit 1 when there are any."""
    with opened(library) as opened_library:
        findings = list(opened_library.verify())
    if json:
        print_json({"sound": not findings, "findings": findings})
    elif not findings:
        say("[green]The library is sound.[/]")
    else:
        for finding in findings:
            say(f"[red]{escaped(finding.what)}[/]: {escaped(finding.mend)}")
    if findings:
        raise typer.Exit(1)


@app.command()
def compact(library: LibraryOption = None, json: JsonOption = False) -> None:
    """Free the room that removed pictures still take."""
    with opened(library, write=True) as opened_library:
        report = opened_library.compact()
    if json:
        print_json(report)
    else:
        dropped = f"{plural(report.vectors, 'vector')} and {plural(report.thumbnails, 'thumbnail')}"
        say(f"{in_bytes(report.freed)} freed: {dropped}.")


@app.command()
def remove(
    where: WhereOption = None,
    id: Annotated[list[int] | None, typer.Option("--id", help="A picture's id; repeatable.")] = None,
    library: LibraryOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    json: JsonOption = False,
) -> None:
    """Forget pictures. Their files are never touched; indexing their folder again brings them back."""
    from dinoscope.library.filters import parse_filter

    condition = parse_filter(where)
    if condition is None and not id:
        raise BadRequest("nothing says what to forget: give --where or --id")
    with opened(library, write=True) as opened_library:
        count = opened_library.count(condition) if condition else 0
        if not yes and not json and count > 0:
            typer.confirm(f"Forget {plural(count, 'picture')}?", abort=True, err=True)
        removed = opened_library.remove(condition, tuple(id or ()))
    if json:
        print_json({"removed": removed})
    else:
        say(f"{plural(removed, 'picture')} forgotten. dinoscope library compact frees the room.")


def opened(folder: object, *, write: bool = False) -> Library:
    """The library that was named or configured; one that is not there is not made.

    Raises:
        NoLibrary and the library's other errors.
    """
    from dinoscope.cluster import opening

    chosen = settings_of(library=folder).library
    if write:
        opening.opened(chosen).close()  # opening for writing would make one
    return opening.opened(chosen, write=write)


def _in_parts(shelf: ModelShelf) -> str:
    """A shelf's bytes a picture by what they are for."""
    pictures = max(1, shelf.vectors + shelf.dead)
    spent = {"vector": shelf.vector_bytes, "regions": shelf.region_bytes, "engines": shelf.engine_bytes}
    said = ", ".join(f"{name} {in_bytes(size / pictures)}" for name, size in spent.items() if size)
    if shelf.regions < shelf.vectors:
        said += f"; regions of {shelf.regions:,} pictures only: index their folders again"
    return f"a picture: {said}"
