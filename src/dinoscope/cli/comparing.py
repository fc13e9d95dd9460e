"""``dinoscope compare``: two models on one's own pictures, in numbers and side by side."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, in_bytes, note, out, plural, print_json, say, table
from dinoscope.errors import Unreadable

if TYPE_CHECKING:
    from dinoscope.operations.comparing import Comparing
    from dinoscope.operations.comparison import Comparison, Questions
    from dinoscope.operations.paired import Paired
    from dinoscope.settings import Settings

FirstArgument = Annotated[str, typer.Argument(metavar="MODEL", help="A model's name or a weights file.")]
SecondArgument = Annotated[str, typer.Argument(metavar="OTHER", help="The one to compare it with.")]


def compare(
    first: FirstArgument,
    second: SecondArgument,
    *,
    library: LibraryOption = None,
    queries: Annotated[
        int, typer.Option(min=2, max=10_000, help="Pictures whose neighbours are compared.")
    ] = 500,
    edits: Annotated[
        int, typer.Option(min=0, max=1000, help="Pictures edited and found again; 0 for none.")
    ] = 40,
    examples: Annotated[int, typer.Option(min=0, max=100, help="Pictures shown in the report.")] = 12,
    report: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write neighbours side by side as HTML.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Chooses the pictures.")] = 0,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Compare two models on your own library: who finds more, and is it more than chance?

    Pictures that one of them has not seen are indexed with it first; vectors of both stay side by side.
    """
    from dinoscope.operations.comparison import Questions

    settings = settings_of(offline, library=library, precision=precision, runtime=runtime, threads=threads)
    if report is not None and not report.absolute().parent.is_dir():
        raise Unreadable(f"{report.parent} is no folder to write {report.name} into: choose another place")
    found = run(first, second, settings, Questions(queries, edits, examples, seed))
    if report is not None:
        write(report, found, settings)
    if json:
        print_json({"sentences": found.sentences, "comparison": found})
        return
    show(found)
    if report is not None:
        note(f"Side by side: {escaped(report)}")


def run(first: str, second: str, settings: Settings, questions: Questions) -> Comparison:
    """Load both, and compare them with a bar on stderr."""
    from dinoscope.cluster.opening import opened
    from dinoscope.models.cards import card_of
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.comparing import compare as compare_models
    from dinoscope.operations.comparing import unseen

    cards = card_of(first, settings.models), card_of(second, settings.models)
    opened(settings.library).close()  # a library that is not there is told before models are loaded
    backbones = load_backbone(settings, first), load_backbone(settings, second)
    with opened(settings.library) as library:
        write = any(unseen(library, backbone.identity.key) for backbone in backbones)
    with opened(settings.library, write=write) as library:
        steps = compare_models(library, backbones[0], backbones[1], settings, questions)
        last: Comparing | None = None
        with closing(shown(steps)) as drawn:
            for last in drawn:
                refused(last)
    assert last is not None
    assert last.comparison is not None, "nobody cancels it"
    found = last.comparison
    return replace(
        found,
        first=replace(found.first, weights_bytes=cards[0].bytes),
        second=replace(found.second, weights_bytes=cards[1].bytes),
    )


def shown(steps: Iterator[Comparing]) -> Generator[Comparing, None, None]:
    """The same steps, each drawn on the way."""
    from dinoscope.cli.indexing import bar

    with bar() as drawn:
        task = drawn.add_task("Loading", total=None, rate="")
        for step in steps:
            drawn.update(task, description=escaped(step.stage), completed=step.done, total=step.total)
            yield step


def refused(step: Comparing) -> None:
    """Name a file that could not be indexed."""
    if step.indexing is not None and step.indexing.refusal is not None:
        note(f"  [yellow]refused[/] {escaped(step.indexing.refusal.sentence)}")


def show(found: Comparison) -> None:
    """Costs, scores and the outcome."""
    first, second = names(found)
    made = table("", first, second, "Difference", "95 % interval", "Chance", right=[first, second])
    made.add_row("Weights", in_bytes(found.first.weights_bytes), in_bytes(found.second.weights_bytes))
    made.add_row("Numbers a picture", str(found.first.dimension), str(found.second.dimension))
    made.add_row("Index", in_bytes(found.first.index_bytes), in_bytes(found.second.index_bytes))
    if found.first.milliseconds:
        made.add_row(
            "Time a picture", f"{found.first.milliseconds:.1f} ms", f"{found.second.milliseconds:.1f} ms"
        )
    made.add_section()
    for score in found.scores:
        made.add_row(*row(score))
    for score in found.edits:
        made.add_row(*row(replace(score, name=f"  {score.name}"), faint=True))
    out().print(made)
    for sentence in found.sentences:
        say(f"[bold]{escaped(sentence[:1].upper() + sentence[1:])}.[/]")
    counted = f"{plural(found.pictures, 'picture')}, {found.queries:,} asked about"
    note(f"[dim]{counted}. Chance: of so uneven a count of wins, by the sign test.[/]")


def row(score: Paired, faint: bool = False) -> tuple[str, ...]:
    """A score's cells; the better one is green."""
    apart = score.difference
    one, other = f"{score.first:.3f}", f"{score.second:.3f}"
    return (
        f"[dim]{escaped(score.name)}[/]" if faint else escaped(score.name[:1].upper() + score.name[1:]),
        f"[green]{one}[/]" if score.better == "first" else one,
        f"[green]{other}[/]" if score.better == "second" else other,
        f"{apart.value:+.3f}",
        f"{apart.low:+.3f} to {apart.high:+.3f}",
        f"{score.p:.2g}",
    )


def names(found: Comparison) -> tuple[str, str]:
    """What the columns are called: the models' names, or their keys where the names are the same."""
    first, second = found.first, found.second
    if first.name != second.name:
        return escaped(first.name), escaped(second.name)
    return escaped(first.key), escaped(second.key)


def write(path: Path, found: Comparison, settings: Settings) -> None:
    """The report, one file that needs no other.

    Raises:
        Unreadable: it cannot be written there.
    """
    from dinoscope.cluster.opening import opened
    from dinoscope.operations.comparison_report import report

    with opened(settings.library) as library:
        text = report(found, library.thumbnail)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Unreadable(f"{path} cannot be written ({error.strerror}): choose another place") from None
