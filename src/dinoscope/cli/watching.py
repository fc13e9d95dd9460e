"""A training on a terminal: where it stands, drawn anew in place; on a pipe, a line now and then."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from itertools import pairwise
from time import monotonic
from typing import TYPE_CHECKING

from dinoscope.cli.output import escaped, in_time, note, notes

if TYPE_CHECKING:
    from rich.console import RenderableType

    from dinoscope.training.journal import Measure, TrainingProgress

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40  # characters of a sparkline
KEPT = 2000  # rows a sparkline looks back
PACE = 10.0  # seconds between two lines on a pipe
PROBES = {"knn": "k-NN", "consistency": "consistency"}  # names of training.probe -> what a person reads


def watched(
    steps: Iterator[TrainingProgress], before: Sequence[Measure] = ()
) -> Generator[TrainingProgress, None, None]:
    """The same steps, each shown on stderr on the way.

    Args:
        before: rows of earlier sittings, with which the curves begin.
    """
    shown = _on_terminal if sys.stderr.isatty() else _on_pipe
    with closing(shown(steps, list(before))) as drawn:
        yield from drawn


def _on_terminal(
    steps: Iterator[TrainingProgress], rows: list[Measure]
) -> Generator[TrainingProgress, None, None]:
    from rich.live import Live

    said = ""
    with Live(console=notes(), refresh_per_second=4, transient=True) as live:
        for step in steps:
            remember(rows, step)
            said = step.note or said
            live.update(drawing(step, rows, said))
            yield step


def _on_pipe(
    steps: Iterator[TrainingProgress], rows: list[Measure]
) -> Generator[TrainingProgress, None, None]:
    told, alarm = -PACE, None
    for step in steps:
        remember(rows, step)
        if step.note:
            note(escaped(step.note))
        if step.alarm and step.alarm != alarm:
            note(f"[yellow]Alarm:[/] {escaped(step.alarm)}")
        alarm = step.alarm
        if step.measure and monotonic() - told >= PACE:
            told = monotonic()
            note(line(step))
        yield step


def remember(rows: list[Measure], step: TrainingProgress) -> None:
    """Add the newest row, once."""
    if step.measure and (not rows or rows[-1].step < step.measure.step):
        rows.append(step.measure)
        del rows[:-KEPT]


def line(step: TrainingProgress) -> str:
    """Where it stands, in one line of rich markup."""
    parts = [f"step {step.step:,} of {step.steps:,}"]
    if row := step.measure:
        parts += [f"{label} {text}" for label, text, _ in numbers([row])]
    if step.step:
        parts.append(f"{in_time(step.eta)} left")
    return escaped(", ".join(parts))


def numbers(rows: Sequence[Measure]) -> Iterator[tuple[str, str, list[float]]]:
    """(label, newest value, all values) of whatever was measured."""
    for field, label, form in (
        ("loss", "loss", "{:.3f}"),
        ("entropy", "entropy", "{:.2f}"),
        ("kl", "KL", "{:.3f}"),
        ("gradient", "gradient", "{:.2f}"),
        ("pictures_per_second", "pictures/s", "{:.1f}"),
        ("waited", "waited", "{:.0%}"),
    ):
        values = [value for row in rows if (value := getattr(row, field)) is not None]
        if values:
            yield label, form.format(values[-1]), values
    for key, label in PROBES.items():
        values = [row.probe[key] for row in rows if key in row.probe]
        if values:
            yield label, f"{values[-1]:.1%}", values


def drawing(step: TrainingProgress, rows: Sequence[Measure], said: str = "") -> RenderableType:
    """Everything about a step: bar, numbers with their curves, alarm, last remark."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    head = Table.grid(padding=(0, 2))
    share = f"{step.step / max(1, step.steps):.0%}"
    left = f"{in_time(step.seconds)} in, {in_time(step.eta)} left" if step.step else "starting"
    head.add_row(
        Text(step.run, "bold"),
        ProgressBar(max(1, step.steps), step.step, width=WIDTH),
        Text(f"{share}, {left}"),
    )
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", min_width=11)
    table.add_column(justify="right", style="bold", min_width=7)
    table.add_column(style="cyan", no_wrap=True)
    table.add_row("step", f"{step.step:,}", f"of {step.steps:,}")
    for label, value, values in numbers(rows):
        table.add_row(label, value, sparkline(values, WIDTH))
    parts: list[RenderableType] = [head, table]
    if step.alarm:
        parts.append(Text(f"! {step.alarm}", "bold yellow"))
    if said:
        parts.append(Text(said, "dim"))
    return Group(*parts)


def sparkline(values: Sequence[float], width: int) -> str:
    """A curve of ``width`` characters at most, each the mean of its share of the values.

    >>> sparkline([1, 2, 3, 4], 4), sparkline([5, 5, 5], 3), sparkline([], 3)
    ('▁▃▅█', '▄▄▄', '')
    """
    count = min(width, len(values))
    if not count:
        return ""
    edges = [len(values) * at // count for at in range(count + 1)]
    means = [sum(values[low:high]) / (high - low) for low, high in pairwise(edges)]
    low, high = min(means), max(means)
    if high - low <= 1e-9 * max(1.0, abs(high)):
        return "▄" * count
    return "".join(BARS[round((mean - low) / (high - low) * (len(BARS) - 1))] for mean in means)
