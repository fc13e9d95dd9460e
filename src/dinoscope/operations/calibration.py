"""What a similarity means in this library: a percentile of random pairs, and the odds that it is chance.

Both come from one random sample of the library, the *cohort* of up to 1,000 pictures.

*Percentile.* The share of the cohort's pairs that are less alike than the query and the hit.

*Chance.* Is the best of n hits better than n unrelated pictures would bring by luck? A query lies nearer
to everything, or farther, than another; so its score is first measured in standard deviations from its
own mean over the cohort (the Z-norm of speaker verification, Auckenthaler et al. 2000):
z = (score - mean) / deviation. The same z of all random pairs gives the null distribution. Its highest
values come from pairs that *are* related, so the tail is not read off but extrapolated: beyond the 90th
percentile an exponential, fitted by maximum likelihood to the excesses with those beyond the 99th
censored (Weissman 1978). The number of unrelated pictures beyond z is then Poisson with mean n * tail(z),
and chance = 1 - exp(-n * tail(z)): a Gumbel law for the maximum. ``benchmarks/verdict.py`` measures the
false alarms with whole classes held out, and the matches found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, expm1
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Vectors
from dinoscope.library.shelves import Shelf
from dinoscope.operations.answers import Verdict

COHORT = 1000  # pictures sampled: half a million pairs, so percentiles hold to 99.999
ENOUGH = 30  # contents below which a verdict would be a guess
# "No better than chance": unrelated pictures would bring three as close. From 0.5 on, "nothing
# like this" was said of 45 % of the sample's queries whose best hit was right; from 0.95 on, of 4 %.
CHANCE = 0.95
CLEAR = 0.05
GROWN = 1.2  # a library this many times larger is sampled again
_BODY, _TAIL = 0.90, 0.99  # quantiles between which the tail is fitted
_SAME = 0.999  # a picture of the cohort this near is the query itself

# Where the pairs' distribution is kept: every percent, then finer and finer towards 1.
_LEVELS = np.concatenate([np.linspace(0.0, 0.99, 100), 1 - np.logspace(-2.05, -5.5, 70)])


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The cohort's pairs in brief, kept with the shelf."""

    contents: int  # the library had so many when it was sampled
    scores: NDArray[np.float64]  # quantiles of pair similarities, ascending
    levels: NDArray[np.float64]  # the quantiles' levels in [0, 1], ascending
    body: float  # z beyond which the tail begins: a tenth of all random pairs
    scale: float  # mean excess of the tail, in units of z

    @classmethod
    def of(cls, cohort: Vectors, contents: int) -> Self:
        """From (m, D) vectors, m >= 3, drawn from a library of ``contents`` pictures."""
        similarities = cohort @ cohort.T
        above, below = np.triu_indices(len(cohort), 1)
        pairs = np.sort(similarities[above, below].astype(np.float64))
        levels = np.append(_LEVELS[(1 - _LEVELS) * len(pairs) >= 1], 1.0)  # none finer than one pair
        body, scale = _tail(_z_of_pairs(similarities))
        return cls(contents, np.quantile(pairs, levels), levels, body, scale)

    @classmethod
    def read(cls, numbers: Mapping[str, float | list[float]] | None, contents: int) -> Self | None:
        """From what was kept; None when there is nothing, or the library has changed by a fifth since."""
        try:
            found = cls(
                int(_number(numbers, "contents")),
                np.asarray(_numbers(numbers, "scores")),
                np.asarray(_numbers(numbers, "levels")),
                _number(numbers, "body"),
                _number(numbers, "scale"),
            )
        except (KeyError, TypeError):
            return None
        return found if found.holds(contents) else None

    def holds(self, contents: int) -> bool:
        """Is a library of so many pictures about as large as when it was sampled?"""
        return contents <= self.contents * GROWN and self.contents <= contents * GROWN

    def written(self) -> dict[str, float | list[float]]:
        """For ``Library.set_calibration``."""
        return {
            "contents": float(self.contents),
            "scores": [round(float(score), 6) for score in self.scores],
            "levels": [float(level) for level in self.levels],
            "body": self.body,
            "scale": self.scale,
        }

    def percentile(self, score: float) -> float:
        """Share of random pairs that are less alike, between 0 and 100: no nearer to either than one pair."""
        return float(self.percentiles(np.array(score)))

    def percentiles(self, scores: NDArray[np.floating[Any]]) -> FloatArray:
        """``percentile`` of each, in the same shape."""
        pictures = min(self.contents, COHORT)
        surest = 1 - 2 / (pictures * (pictures - 1))  # n pairs, none more alike, prove 1 - 1/n and no more
        found = np.clip(np.interp(scores, self.scores, self.levels), 1 - surest, surest) * 100
        return np.asarray(found, np.float32)

    def quantiles(self) -> tuple[float, ...]:
        """101 similarities: of 0, 1, ... 100 % of random pairs none is higher."""
        found = np.interp(np.linspace(0, 1, 101), self.levels, self.scores)
        return tuple(round(float(score), 4) for score in found)

    def chance(self, z: float, among: int) -> float:
        """Probability that the best of ``among`` unrelated pictures lies at least ``z`` deviations out."""
        if z <= self.body:
            return 1.0
        tail = (1 - _BODY) * exp(-(z - self.body) / self.scale)
        return -expm1(-among * tail)


def percent(percentile: float) -> str:
    """As many digits as tell it from certainty: 71 %, 99.2 %, 99.97 %; never rounded up to 100 %."""
    for digits, limit in ((0, 98.0), (1, 99.8), (2, 99.98)):
        if percentile < limit:
            return f"{percentile:.{digits}f} %"
    return f"{min(percentile, 99.999):.3f} %"


def calibration_of(cohort: Vectors, contents: int) -> Calibration | None:
    """None for a library of one or two pictures, which has no pairs to speak of."""
    return Calibration.of(cohort, contents) if len(cohort) >= 3 else None


def cohort_of(shelf: Shelf) -> Vectors:
    """(up to 1,000, D) vectors of the library, the same ones each time while it stays as it is."""
    return shelf.sample(COHORT, seed=0)


def verdict(
    scores: Sequence[float],
    query: FloatArray,
    cohort: Vectors,
    calibration: Calibration | None,
    among: int,
) -> Verdict:
    """Is the best hit better than chance? The query itself, when it is there, is found without doubt;
    the sentence then judges the best of the others.

    Args:
        scores: cosine similarities of the hits, best first, equal files counted once.
        query: (D,) the unit vector that was searched with.
        among: pictures that were eligible.
    """
    if not scores:
        return Verdict(False, 1.0, "No picture passes the filter.")
    others = [score for score in scores if score < _SAME]
    here = len(others) < len(scores)
    if calibration is None or len(cohort) < ENOUGH:
        chance, sentence = (
            1.0,
            f"{len(cohort)} pictures are too few to tell a match from chance: judge by eye.",
        )
    else:
        told = odds(others[0], query, cohort, calibration, among) if others else None
        chance = 1.0 if told is None else told
        sentence = _sentence(chance, among, here)
    return Verdict(
        found=here or chance < CHANCE or len(cohort) < ENOUGH,
        chance=0.0 if here else chance,
        sentence=sentence,
    )


def odds(
    score: float, query: FloatArray, cohort: Vectors, calibration: Calibration | None, among: int
) -> float | None:
    """Probability that the best of ``among`` unrelated pictures is as like the query as ``score``.

    Args:
        query: (D,) unit vector.
        cohort: (m, D) of the library, ``cohort_of``.

    Returns:
        None where there are too few pictures to tell, or no other than the query.
    """
    if calibration is None or len(cohort) < ENOUGH:
        return None
    usual = (cohort @ query).astype(np.float64)
    usual = usual[usual < _SAME]
    if not len(usual):
        return None
    z = (score - float(usual.mean())) / max(float(usual.std()), 1e-6)  # in the query's own deviations
    return calibration.chance(z, max(1, among))


def _sentence(chance: float, among: int, here: bool) -> str:
    odds = f"{among:,} unrelated pictures would come this close in {_share(chance)} of cases."
    if here and chance >= CHANCE:
        return "This very picture is here, and nothing else like it."
    if here:
        next_one = "a clear" if chance < CLEAR else "perhaps a"
        return f"This very picture is here; the next is {next_one} match: {odds}"
    if chance >= CHANCE:
        return "Nothing like this here: unrelated pictures would often come as close as the best of these."
    return f"{'A clear' if chance < CLEAR else 'Perhaps a'} match: {odds}"


def _share(chance: float) -> str:
    if chance < 0.001:
        return "less than 0.1 %"
    return f"{chance * 100:.1f} %" if chance < 0.01 else f"{chance * 100:.0f} %"


def _z_of_pairs(similarities: FloatArray) -> NDArray[np.float64]:
    """(m, m) -> (m * (m - 1),) each pair seen from either side, in that side's deviations."""
    count = len(similarities)
    others = similarities[~np.eye(count, dtype=bool)].reshape(count, count - 1).astype(np.float64)
    spread = np.maximum(others.std(axis=1, keepdims=True), 1e-6)
    return np.asarray((others - others.mean(axis=1, keepdims=True)) / spread).ravel()


def _tail(z: NDArray[np.float64]) -> tuple[float, float]:
    """Where the tail begins, and the censored maximum-likelihood mean of its excess."""
    body, cut = (float(level) for level in np.quantile(z, [_BODY, _TAIL]))
    excess = np.minimum(z[z > body], cut) - body
    uncensored = int(np.count_nonzero((z > body) & (z < cut)))
    return body, max(float(excess.sum()) / max(uncensored, 1), 1e-6)


def _number(numbers: Mapping[str, float | list[float]] | None, key: str) -> float:
    value = (numbers or {})[key]
    if isinstance(value, list):
        raise TypeError(key)
    return float(value)


def _numbers(numbers: Mapping[str, float | list[float]] | None, key: str) -> list[float]:
    value = (numbers or {})[key]
    if not isinstance(value, list):
        raise TypeError(key)
    return value
