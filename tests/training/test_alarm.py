"""The alarm sounds for each way to collapse, names a knob, and is silent otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.training.tiny import TINY

from dinoscope.training.alarm import PATIENCE, alarm, quiet_until
from dinoscope.training.journal import Measure
from dinoscope.training.overrides import overridden

LONG = replace(TINY, steps=1000)
LATER = quiet_until(LONG) + 1


def rows(
    entropy: float | None, count: int = PATIENCE, first: int = LATER, std: float | None = None
) -> list[Measure]:
    probe = {} if std is None else {"std": std, "rank": 3.0}
    return [Measure(first + number, 1.0, entropy=entropy, probe=probe) for number in range(count)]


@pytest.mark.parametrize(
    ("entropy", "std", "words", "knob"),
    [
        (0.995, 0.9, "uniform", "teacher.temperature"),
        (0.01, 0.9, "one prototype", "teacher.temperature"),
        (0.5, 1e-5, "same descriptor", "optimiser.rate"),
    ],
)
def test_each_collapse_is_told_with_its_knob(entropy: float, std: float, words: str, knob: str) -> None:
    sentence = alarm(rows(entropy, std=std), LONG)
    assert sentence is not None
    assert words in sentence
    assert f"--set {knob}=" in sentence


def test_the_advice_can_be_followed() -> None:
    for entropy in (0.995, 0.01):
        sentence = alarm(rows(entropy), LONG) or ""
        settings = [word.rstrip(",:").split("=", 1) for word in sentence.split() if "=" in word]
        changed = overridden(LONG, dict(settings))
        assert changed != LONG


@pytest.mark.parametrize("entropy", [0.06, 0.4, 0.97, None])
def test_a_run_that_learns_is_left_alone(entropy: float | None) -> None:
    assert alarm(rows(entropy, 50, std=0.8), LONG) is None


def test_odd_values_mean_nothing_before_the_warm_up_is_over() -> None:
    assert alarm(rows(0.999, first=1), LONG) is None


def test_one_good_row_silences_it() -> None:
    collapsed = rows(0.999, 2 * PATIENCE)
    assert alarm(collapsed, LONG)
    assert alarm([*collapsed, replace(collapsed[-1], entropy=0.5)], LONG) is None
    assert alarm(collapsed[: PATIENCE - 1], LONG) is None


def test_rows_without_a_probe_do_not_hide_that_all_descriptors_are_the_same() -> None:
    seen = rows(0.5, 1, std=1e-6)
    assert alarm([*seen, *rows(0.5, 30), *seen, *rows(0.5, 3)], LONG)
