"""Is one model better than another? Both answer the same questions, so the questions are paired.

The difference's interval is a percentile bootstrap over the questions (Efron 1979); the sign test
(Arbuthnot 1710; for yes-or-no answers it is McNemar's exact test) asks how often chance alone would give
so many more wins to one side. Neither assumes anything about how the scores are distributed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import lgamma, log
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

ROUNDS = 2000  # of the bootstrap: the ends of a 95 % interval then move by a few per cent of its width
LEVEL = 0.95

Better = Literal["first", "second", ""]
Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and where it would lie, had other questions of the same kind been asked (95 %)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Values, seed: int = 0) -> Self:
        """Of the mean of (n,) values, n >= 1."""
        dice = np.random.default_rng(seed)
        means = np.empty(ROUNDS)
        for start in range(0, ROUNDS, 100):  # a hundred at a time: 0.4 MB at 500 questions
            drawn = dice.integers(0, len(values), (100, len(values)))
            means[start : start + 100] = values[drawn].mean(axis=1)
        low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(float(values.mean()), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Paired:
    """One score of two models on the same questions; more is better."""

    name: str  # what is scored, e.g. "nearest in the same folder"
    first: float  # mean of the first model, in [0, 1]
    second: float
    difference: Interval  # second less first
    p: float  # of the sign test, two-sided
    questions: int

    @classmethod
    def of(cls, name: str, first: Values, second: Values, seed: int = 0) -> Self:
        """From (n,) scores of each model on the same n >= 1 questions."""
        apart = second - first
        return cls(
            name=name,
            first=float(first.mean()),
            second=float(second.mean()),
            difference=Interval.of(apart, seed),
            p=sign_test(int((apart > 0).sum()), int((apart < 0).sum())),
            questions=len(first),
        )

    @property
    def better(self) -> Better:
        """The model whose lead both the interval and the sign test call more than chance."""
        if self.p > 1 - LEVEL or self.difference.low <= 0 <= self.difference.high:
            return ""
        return "second" if self.difference.value > 0 else "first"


def sign_test(wins: int, losses: int) -> float:
    """Two-sided probability that a fair coin gives a count at least so uneven; ties are left out."""
    tosses, fewer = wins + losses, min(wins, losses)
    if wins == losses:
        return 1.0
    ways = [lgamma(tosses + 1) - lgamma(k + 1) - lgamma(tosses - k + 1) for k in range(fewer + 1)]
    return min(1.0, 2 * float(np.exp(np.array(ways) - tosses * log(2)).sum()))
