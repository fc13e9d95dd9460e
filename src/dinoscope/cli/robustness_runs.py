"""What ``dinoscope robustness`` does with a picture, with edits of one and with a folder, and shows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dinoscope.cli.output import escaped, note, out, print_json, say, table
from dinoscope.cli.writing import writing
from dinoscope.errors import NoLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dinoscope.operations.robustness import Lab, Limit, Until
    from dinoscope.operations.robustness_study import Study, Task
    from dinoscope.settings import Settings

STRONG = 0.9  # share found from which a cell is green
WEAK = 0.5  # and below which it is red


@dataclass(frozen=True, slots=True)
class Asked:
    """What is tried on a picture."""

    kinds: tuple[str, ...]  # none: all
    until: Until
    steps: int
    seed: int


def once(
    source: str, edits: str, settings: Settings, seed: int, *, to: Path | None = None, json: bool = False
) -> None:
    """Edits at once: how far is the picture from itself, and is it still found?"""
    from dinoscope.cli.match_drawing import write
    from dinoscope.operations.edit_kinds import parsed

    wanted = parsed(edits)
    with laboratory(source, settings, seed) as lab:
        trial = lab.trial(wanted)
        if to is not None:
            from PIL import Image

            write(to, Image.fromarray(lab.edited(wanted)))
            note(f"Written: {escaped(to)}")
        if json:
            done = [asdict(edit) | {"amount": edit.amount} for edit in trial.edits]
            print_json(asdict(trial) | {"edits": done, "sentence": trial.sentence} | _of(source, lab))
            return
    for edit in trial.edits:
        note(f"[dim]{escaped(edit.words)}[/]")
    say(f"[bold]{trial.cosine:.3f}[/]  {escaped(trial.sentence)}")


def picture(
    source: str, asked: Asked, settings: Settings, *, to: Path | None = None, json: bool = False
) -> None:
    """How far each edit can go, the weakest first."""
    from dinoscope.operations.robustness_report import limits_report

    with laboratory(source, settings, asked.seed) as lab:
        found = _limits(lab, asked)
        among = 0 if lab.surroundings is None else lab.surroundings.among
    if to is not None:
        _write(to, limits_report(Path(source).name, found, among))
    if json:
        print_json({"limits": [_plain(limit) for limit in found], "among": among} | _of(source, lab))
        return
    show(found)
    note(
        f"[dim]Looked for among {among:,} pictures of the library.[/]"
        if among
        else f"[yellow]{escaped(_alone(settings, lab.backbone.identity.key))}[/]"
    )


def folder(
    path: Path, names: Sequence[str], settings: Settings, task: Task, *, to: Path | None, json: bool
) -> None:
    """Models side by side on the pictures of a folder."""
    from dinoscope.cli.indexing import bar
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.robustness_report import study_report
    from dinoscope.operations.robustness_study import study
    from dinoscope.pictures.limits import Limits

    backbones = [load_backbone(settings, name) for name in names]
    last = None
    with bar() as drawn:
        line = drawn.add_task("Loading", total=None, rate="")
        for last in study(path, backbones, Limits.of(settings), task):
            drawn.update(line, description=last.stage, completed=last.done, total=last.total)
    assert last is not None
    assert last.study is not None, "nobody cancels it"
    if to is not None:
        _write(to, study_report(last.study))
    if json:
        print_json({"sentences": last.study.sentences, "study": last.study})
    else:
        show_study(last.study)


@contextmanager
def laboratory(source: str, settings: Settings, seed: int) -> Iterator[Lab]:
    """A picture among those of the library, where there is one and the model has seen it.

    Raises:
        NoLibrary: the picture is an id, and there is none.
    """
    from dinoscope.cli.searching import named
    from dinoscope.cli.sources import source_of
    from dinoscope.cluster.opening import opened
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.queries import pixels_of
    from dinoscope.operations.robustness import Lab
    from dinoscope.pictures.limits import Limits

    pixels = pixels_of(source_of(source, settings), Limits.of(settings))
    lab = Lab.of(load_backbone(settings), pixels, seed)
    try:
        library = opened(settings.library)
    except NoLibrary:
        if isinstance(named(source), int):
            raise
        yield lab
        return
    with library:
        yield lab.within(library)


def _alone(settings: Settings, model: str) -> str:
    """Why there is nothing to look for a picture among, and what to do."""
    from dinoscope.cluster.opening import opened

    try:
        with opened(settings.library) as library:
            others = library.models()
    except NoLibrary:
        others = ()
    if not others:
        return "There are no pictures to look for it among: index a folder of pictures first."
    name, precision = others[0].partition("@")[0], others[0].rpartition("/")[2]
    return (
        f"The library has pictures of {', '.join(others)}, and none of {model} to look for it among: "
        f"choose --model {name} --precision {precision}, or index its folders with this one, too."
    )


def _limits(lab: Lab, asked: Asked) -> list[Limit]:
    """Of every kind, the weakest first, with a bar on the way."""
    from dinoscope.cli.indexing import bar
    from dinoscope.operations.edit_kinds import KINDS

    kinds = asked.kinds or tuple(KINDS)
    found: list[Limit] = []
    with bar() as drawn:
        line = drawn.add_task("Editing", total=len(kinds), rate="")
        for kind in kinds:
            drawn.update(line, description=f"Editing: {escaped(kind)}")
            *_, last = lab.curve(kind, steps=asked.steps, until=asked.until)
            found += last.limits
            drawn.advance(line)
    return sorted(found, key=lambda limit: limit.weakness)


def show(limits: Sequence[Limit]) -> None:
    """A line an edit, and the weakest in a sentence."""
    from dinoscope.operations.robustness_report import title_of

    made = table("Edit", "Strength", "The original is", right=["Strength"])
    for limit in limits:
        strength = "-" if limit.strength is None else f"{limit.weakness:.2f}"
        colour = "green" if limit.strength is None else "yellow" if limit.weakness > WEAK else "red"
        made.add_row(escaped(title_of(limit)), f"[{colour}]{strength}[/]", escaped(limit.sentence))
    out().print(made)
    if limits and limits[0].strength is not None:
        say(f"[bold]The weakest edit that loses it: {escaped(title_of(limits[0]).lower())}.[/]")
    elif limits and limits[0].trial is None:
        say("[bold]No edit loses it.[/]")


def show_study(found: Study) -> None:
    """A line an edit, a column a model."""
    from dinoscope.operations.robustness_report import cell, title_of

    names = [escaped(model.name) for model in found.models]
    made = table("Edit", "Up to", *names)
    for row in found.rows:
        cells = []
        for model in range(len(names)):
            held = row.held(model)
            colour = "green" if held >= STRONG else "red" if held < WEAK else "yellow"
            cells.append(f"[{colour}]{escaped(cell(row, model))}[/]")
        made.add_row(escaped(title_of(row)), escaped(row.amounts[-1]), *cells)
    out().print(made)
    for sentence in found.sentences:
        say(f"[bold]{escaped(sentence[:1].upper() + sentence[1:])}.[/]")
    refused = f"; {found.refused} files could not be read" if found.refused else ""
    note(
        f"[dim]{found.originals} pictures edited and looked for among {found.among}{refused}. "
        "Each cell: share found first, a bar a strength, and where not even half are found any more.[/]"
    )


def _write(path: Path, text: str) -> None:
    """Raises: Unreadable, DiskFull when it cannot be written."""
    with writing(path):
        path.write_text(text, "utf-8")
    note(f"Written: {escaped(path)}")


def _plain(limit: Limit) -> dict[str, Any]:
    return asdict(limit) | {"sentence": limit.sentence}


def _of(source: str, lab: Lab) -> dict[str, Any]:
    return {"picture": source, "model": lab.backbone.identity.key}
