"""``dinoscope runs``: the trainings there are, how each stands, and ending one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dinoscope.cli.options import JsonOption, settings_of
from dinoscope.cli.output import escaped, in_time, note, out, plural, print_json, say, table

if TYPE_CHECKING:
    from dinoscope.training.journal import Measure
    from dinoscope.training.runs import RunInfo

app = typer.Typer(invoke_without_command=True, help="Trainings: list them, look at one, stop one.")
RunArgument = Annotated[str, typer.Argument(metavar="NAME", help="A run's name.")]
COLOURS = {"running": "green", "finished": "bold", "stopped": "yellow", "failed": "red", "new": "dim"}


@app.callback()
def runs(context: typer.Context) -> None:
    """List the trainings, when nothing else is asked."""
    if context.invoked_subcommand is None:
        list_all()


@app.command("list")
def list_all(json: JsonOption = False) -> None:
    """The trainings on this machine, the newest first."""
    from dinoscope.training.runs import list_runs, open_run

    settings = settings_of()
    found = list_runs(settings)
    if json:
        print_json(found)
        return
    if not found:
        note("No training yet: dinoscope train FOLDER starts one.")
        return
    made = table(
        "Name", "State", "Step", "Loss", "Score", "Pictures", "Started", right=["Step", "Loss", "Pictures"]
    )
    for one in found:
        made.add_row(*row(one, score(open_run(one.name, settings).measures())))
    out().print(made)


def row(one: RunInfo, score: str) -> tuple[str, ...]:
    """A run's cells."""
    loss = one.last.loss if one.last else None
    return (
        escaped(one.name),
        coloured(one),
        f"{one.step:,} / {one.steps:,}",
        "" if loss is None else f"{loss:.3f}",
        score,
        f"{one.pictures:,}",
        f"{datetime.fromtimestamp(one.started):%Y-%m-%d %H:%M}",
    )


def coloured(one: RunInfo) -> str:
    """The state in its colour, as rich markup."""
    return f"[{COLOURS[one.state]}]{one.state}[/]"


def score(rows: Iterable[Measure]) -> str:
    """The newest probe's, which the very last row may not have."""
    from dinoscope.cli.watching import PROBES

    probe: dict[str, float] = {}
    for each in rows:
        probe = each.probe or probe
    return next((f"{label} {probe[key]:.1%}" for key, label in PROBES.items() if key in probe), "")


@app.command()
def show(name: RunArgument, json: JsonOption = False) -> None:
    """How a training stands and what it measured."""
    from dinoscope.cli.watching import WIDTH, numbers, sparkline
    from dinoscope.training.runs import open_run

    run = open_run(name, settings_of())
    one = run.info()
    if json:
        print_json(one)
        return
    say(f"[bold]{escaped(one.name)}[/] {coloured(one)}, step {one.step:,} of {one.steps:,}")
    if one.reason:
        say(f"  [yellow]{escaped(one.reason)}[/]")
    say(f"  {plural(one.pictures, 'picture')} from {escaped(', '.join(one.sources))}")
    spent = in_time(one.last.seconds) if one.last else "no time yet"
    say(f"  preset {escaped(one.preset)}, {spent} of training, in {escaped(run.folder)}")
    curves = table("", "Now", "From the start", right=["Now"])
    for label, value, values in numbers(list(run.measures())):
        curves.add_row(label, value, sparkline(values, WIDTH))
    out().print(curves)
    if one.last and one.last.alarm:
        say(f"[yellow]Alarm:[/] {escaped(one.last.alarm)}")
    say(what_next(one))


@app.command()
def stop(name: RunArgument, json: JsonOption = False) -> None:
    """Have a training end after a checkpoint; --resume goes on from there."""
    from dinoscope.training.runs import open_run

    run = open_run(name, settings_of())
    run.info()  # a run that is not there is told as such
    run.ask_to_stop()
    if json:
        print_json(run.info())
    else:
        say(f"{escaped(name)} stops after a checkpoint. Go on with: dinoscope train --resume {escaped(name)}")


def what_next(one: RunInfo) -> str:
    """What to do with it, as rich markup."""
    name = escaped(one.name)
    if one.state == "running":
        return "[dim]Watch it in the browser: dinoscope serve --open, then Training[/]"
    if one.model:
        return f"Search with it: [bold]dinoscope index FOLDER --model {escaped(one.model)}[/]"
    return f"Go on with: [bold]dinoscope train --resume {name}[/]"
