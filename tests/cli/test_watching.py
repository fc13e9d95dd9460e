"""What a terminal shows of a training, told apart from training."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from rich.console import Console
from tests.recorded import measure

from dinoscope.cli.watching import drawing, line, numbers, remember, sparkline, watched
from dinoscope.training.journal import Measure, TrainingProgress


def progress(step: int, rows: list[Measure], **more: object) -> TrainingProgress:
    newest = rows[-1] if rows else None
    return TrainingProgress(step, 1000, 60.0, 90.0, newest, run="mine", **more)  # type: ignore[arg-type]


@pytest.fixture
def rows(rng: np.random.Generator) -> list[Measure]:
    return [measure(step, 1000, rng) for step in range(10, 1001, 10)]


def drawn(step: TrainingProgress, rows: list[Measure], said: str = "", width: int = 100) -> str:
    file = io.StringIO()
    Console(file=file, width=width).print(drawing(step, rows, said))
    return file.getvalue()


def test_a_sparkline_goes_the_way_the_values_go(rng: np.random.Generator) -> None:
    falling = sparkline(np.linspace(5, 1, 300).tolist(), 20)
    assert len(falling) == 20
    assert (falling[0], falling[-1]) == ("█", "▁")
    assert list(falling) == sorted(falling, reverse=True)


@pytest.mark.parametrize("count", [0, 1, 2, 39, 40, 41, 1999])
def test_a_sparkline_is_never_wider_than_asked(count: int, rng: np.random.Generator) -> None:
    assert len(sparkline(rng.normal(size=count).tolist(), 40)) == min(count, 40)


def test_everything_measured_is_drawn(rows: list[Measure]) -> None:
    text = drawn(progress(1000, rows, alarm="the teacher sleeps: wake it"), rows, "checkpoint at step 990")
    for word in (
        "mine",
        "100%",
        "loss",
        "entropy",
        "k-NN",
        "pictures/s",
        "waited",
        "! the teacher sleeps: wake it",
    ):
        assert word in text, word
    assert text.rstrip().endswith("checkpoint at step 990")


def test_what_was_not_measured_is_not_drawn() -> None:
    assert [label for label, *_ in numbers([Measure(1, 1.0, loss=2.0)])] == ["loss"]
    assert "starting" in drawn(progress(0, []), [])


@pytest.mark.parametrize("width", [60, 80, 200])
def test_it_fits_the_terminal(width: int, rows: list[Measure]) -> None:
    assert max(map(len, drawn(progress(500, rows), rows, width=width).splitlines())) <= width


def test_a_line_says_where_it_stands(rows: list[Measure]) -> None:
    assert line(progress(500, rows)).startswith("step 500 of 1,000, loss ")
    assert line(progress(500, rows)).endswith("1 min 30 s left")


def test_a_row_is_remembered_once(rows: list[Measure]) -> None:
    kept: list[Measure] = []
    for one in (rows[0], rows[0], rows[1]):
        remember(kept, progress(one.step, [one]))
    assert kept == rows[:2]


def test_on_a_pipe_remarks_and_alarms_are_lines_told_once(
    rows: list[Measure], capsys: pytest.CaptureFixture[str]
) -> None:
    alarm = "the teacher sleeps: wake it"

    def steps() -> Iterator[TrainingProgress]:
        yield progress(0, [], note="4,213 pictures found")
        yield progress(10, rows[:1], alarm=alarm)
        yield progress(20, rows[:2], alarm=alarm)

    assert len(list(watched(steps()))) == 3
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "4,213 pictures found"
    assert [one for one in told if alarm in one] == [f"Alarm: {alarm}"]
    assert len([one for one in told if one.startswith("step ")]) == 1


def test_leaving_early_closes_the_training() -> None:
    closed = []

    def steps() -> Iterator[TrainingProgress]:
        try:
            while True:
                yield progress(1, [])
        finally:
            closed.append(True)

    shown = watched(steps())
    next(shown)
    shown.close()
    assert closed == [True]
