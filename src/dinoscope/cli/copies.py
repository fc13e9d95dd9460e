"""``dinoscope copies``: pictures that are the same one, edited; which to keep, and a trash with undo."""

from __future__ import annotations

from collections.abc import Iterator
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
    settings_of,
)
from dinoscope.cli.output import escaped, in_bytes, note, out, plural, print_json, say, table
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from dinoscope.library.trash import Moved
    from dinoscope.operations.copies import CopyProgress
    from dinoscope.operations.copy_answers import CopyAnswer, CopyReport
    from dinoscope.operations.copying import Copies
    from dinoscope.operations.session import Like, Session

GROUPS = 20  # shown in the shell; --json, --csv and --out have all

PicturesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PICTURE|FOLDER]...",
        help="Files, folders, - for stdin, or id:12; left out: the library against itself.",
    ),
]
ThresholdOption = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="How sure a copy must be; never looks again.")
]
SimilarOption = Annotated[bool, typer.Option("--similar", help="Show pairs that are only alike, too.")]
ThoroughOption = Annotated[
    bool, typer.Option("--thorough", help="Look for more copies of a PICTURE after a sure one.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Compare all pictures anew.")]
MarkOption = Annotated[
    list[str] | None,
    typer.Option("--not-copy", metavar="ID,ID", help="Remember that these two are no copies; repeatable."),
]
UnmarkOption = Annotated[
    list[str] | None,
    typer.Option("--copy-after-all", metavar="ID,ID", help="Take that back; repeatable."),
]
TrashOption = Annotated[
    bool, typer.Option("--trash", help="Move spare copies to the library's trash; --undo is the way back.")
]
UndoOption = Annotated[bool, typer.Option("--undo", help="Bring back what was moved to the trash last.")]
TableOption = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write every pair as a table.")
]
ReportOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write a report to look at (.html).")
]


def copies(
    pictures: PicturesArgument = None,
    *,
    threshold: ThresholdOption = 0.5,
    similar: SimilarOption = False,
    thorough: ThoroughOption = False,
    again: AgainOption = False,
    not_copy: MarkOption = None,
    after_all: UnmarkOption = None,
    trash: TrashOption = False,
    undo: UndoOption = False,
    csv: TableOption = None,
    to: ReportOption = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Find copies, whatever was done to them: cropped, mirrored, written on, pasted into another picture.

    dinoscope copies                      the library against itself

    dinoscope copies holiday.jpg          is it there already?
    """
    from dinoscope.cluster.opening import opened
    from dinoscope.operations.session import Session

    given = pictures or []
    _checked(given, trash=trash, undo=undo, to=to)
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    with (
        Session(opened(settings.library, write=trash or undo), settings) as session,
        session.copies() as found,
    ):
        if undo:
            return _told(found.undo(), "brought back", json=json)
        for pairs, back in ((not_copy, False), (after_all, True)):
            for pair in pairs or []:
                found.mark(*_ids(pair), copies=back)
        if given:
            asked = _asked(found, given, threshold=threshold, thorough=thorough)
            return print_json(list(asked)) if json else _show_answers(asked, similar=similar)
        if again:
            found.again()
        _followed(found.look())
        report = found.report(at_least=threshold)
        _write(session, report, csv, to)
        if trash:
            spare = [one.picture.id for group in report.groups for one in group.members if one.spare]
            return _told(found.trash(spare), "moved to the trash", json=json)
        return print_json(report) if json else show(report, similar=similar)


def _checked(given: list[str], *, trash: bool, undo: bool, to: Path | None) -> None:
    if given and (trash or undo):
        raise BadRequest("--trash and --undo are for the library itself: leave the pictures away")
    if trash and undo:
        raise BadRequest("--trash and --undo undo each other: choose one")
    if to is not None and to.suffix.lower() not in {".html", ".htm"}:
        raise BadRequest(f"{to} is no .html: a report is a page to look at; for a table use --csv")


def _ids(pair: str) -> tuple[int, int]:
    parts = [part.strip().removeprefix("id:") for part in pair.split(",")]
    if len(parts) != 2 or not all(part.isascii() and part.isdecimal() for part in parts):
        raise BadRequest(f"{pair!r} is no pair of pictures: give two ids, such as 12,34")
    return int(parts[0]), int(parts[1])


def _write(session: Session, report: CopyReport, csv: Path | None, to: Path | None) -> None:
    from dinoscope.cli import copies_report

    if csv is not None:
        copies_report.write_table(csv, report)
        note(f"Written: {escaped(csv)}")
    if to is not None:
        copies_report.write_page(to, report, session.library.thumbnail)
        note(f"Written: {escaped(to)}")


def _followed(steps: Iterator[CopyProgress]) -> None:
    """With a bar on stderr; a stop keeps what is done."""
    from dinoscope.cli.indexing import compared

    try:
        compared(steps)
    except KeyboardInterrupt:
        note("Stopped; what was compared is kept. The same command goes on from there.")
        raise


def _asked(
    found: Copies, given: list[str], *, threshold: float, thorough: bool
) -> Iterator[dict[str, str | CopyAnswer]]:
    """Each picture against the library."""
    for name, picture in _pictures(given):
        yield {"picture": name, "answer": found.find(picture, at_least=threshold, thorough=thorough)}


def _show_answers(asked: Iterator[dict[str, str | CopyAnswer]], *, similar: bool) -> None:
    found = False
    for one in asked:
        found = True
        answer = one["answer"]
        assert not isinstance(answer, str)
        _show_answer(str(one["picture"]), answer, similar=similar)
    if not found:
        note("[yellow]No picture was found in there.[/]")


def _pictures(given: list[str]) -> Iterator[tuple[str, Like]]:
    """What to call each, and the picture; a folder's files one by one, refused ones told and passed over."""
    from dinoscope.cli.searching import named
    from dinoscope.errors import NotAPicture, Unreadable
    from dinoscope.pictures.refusal import Refusal
    from dinoscope.pictures.sniffing import HEAD, sniff
    from dinoscope.pictures.walking import walk

    for text in given:
        like = named(text)
        if not isinstance(like, Path) or not like.is_dir():
            yield text, like
            continue
        for path in walk(like):
            if isinstance(path, Refusal):
                note(escaped(path.sentence))
                continue
            try:
                with path.open("rb") as file:
                    known = sniff(file.read(HEAD)) is not None
            except (OSError, Unreadable, NotAPicture):
                known = False
            if known:
                yield str(path), path


def _show_answer(name: str, answer: CopyAnswer, *, similar: bool) -> None:
    colour = "green" if answer.copies else "yellow"
    say(f"[bold]{escaped(name)}[/]: [{colour}]{escaped(answer.sentence)}[/]")
    shown = [*answer.copies, *(answer.similar if similar else ())]
    if shown:
        made = table("Copy", "Alike", "What was done", "Size", "Id", "Picture", right=["Copy", "Alike", "Id"])
        for hit in shown:
            size = f"{hit.picture.size.width} x {hit.picture.size.height}"
            numbers = f"{hit.found.copy:.0%}", f"{hit.found.similar:.0%}"
            words = hit.found.words if hit in answer.copies else "[dim]only alike[/]"
            made.add_row(*numbers, words, size, str(hit.picture.id), escaped(hit.picture.path))
        out().print(made)
    note(f"[dim]{answer.searched:,} pictures, {answer.compared} looked at, in {answer.seconds:.1f} s[/]")


def show(report: CopyReport, *, similar: bool = False) -> None:
    """The groups, each with what to keep; then what to do with them."""
    for number, group in enumerate(report.groups[:GROUPS], 1):
        say(f"[bold]{number}.[/] {plural(len(group.members), 'picture')}")
        made = table("", "Id", "Size", "Bytes", "Why", "Picture", right=["Id", "Bytes"])
        for one in group.members:
            mark = (
                "[green]keep[/]"
                if one.picture.id == group.keep
                else "spare"
                if one.spare
                else "[yellow]look[/]"
            )
            size = f"{one.picture.size.width} x {one.picture.size.height}"
            why = escaped(one.why.split(": ", 1)[-1])
            numbers = str(one.picture.id), size, in_bytes(one.picture.bytes)
            made.add_row(mark, *numbers, why, escaped(one.picture.path))
        out().print(made)
    if len(report.groups) > GROUPS:
        note(
            f"[dim]and {plural(len(report.groups) - GROUPS, 'group')} more: --json, --csv or --out has all[/]"
        )
    if similar and report.similar:
        made = table("Alike", "Copy", "Ids", "Pictures", right=["Alike", "Copy"])
        for pair in report.similar[:GROUPS]:
            paths = f"{escaped(pair.here.path)}\n{escaped(pair.there.path)}"
            odds = f"{pair.found.similar:.0%}", f"{pair.found.copy:.0%}"
            made.add_row(*odds, f"{pair.here.id},{pair.there.id}", paths)
        say("[bold]Only alike[/]")
        out().print(made)
    _summary(report)


def _summary(report: CopyReport) -> None:
    spare = [one for group in report.groups for one in group.members if one.spare]
    if not report.groups:
        say(f"[green]No copies among {plural(report.pictures, 'picture')}[/] at {report.at_least:.0%}.")
    else:
        freed = in_bytes(sum(one.picture.bytes for one in spare))
        say(
            f"[green]{plural(len(report.groups), 'group')} of copies[/] among "
            f"{plural(report.pictures, 'picture')}: {plural(len(spare), 'spare copy')}, {freed}"
        )
    if report.similar:
        note(f"[dim]{plural(len(report.similar), 'pair')} only alike: --similar shows them[/]")
    if spare:
        note("[dim]--trash moves the spare ones to the library's trash, and --undo brings them back[/]")


def _told(moved: Moved, what: str, *, json: bool) -> None:
    if json:
        return print_json(moved)
    for sentence in moved.refused:
        note(f"[yellow]{escaped(sentence)}[/]")
    if not moved.paths:
        return say(f"Nothing was {what}.")
    for path in moved.paths:
        say(escaped(path))
    return note(f"[green]{plural(len(moved.paths), 'picture')} {what}[/]")
