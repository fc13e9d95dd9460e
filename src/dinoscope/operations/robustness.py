"""How much may be done to a picture before a model takes it for another: distance, rank, curves, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, TypeAlias

import numpy as np

from dinoscope.features import FloatArray, Pixels, Vectors
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.operations.calibration import CHANCE, percent
from dinoscope.operations.distances import SAME
from dinoscope.operations.edit_kinds import KINDS, Edit, checked, edited, parsed, working
from dinoscope.operations.searching import Yardstick
from dinoscope.operations.surroundings import DEEP, Shelved, Surroundings

STEPS = 5  # strengths of a curve in each direction; where the original is lost, more are added
FINE = 0.02  # how exactly the strength is found at which it is lost
BATCH = 2  # edited pictures at once: whoever drags a slider meanwhile waits 0.3 s at most

Until: TypeAlias = Literal["first", "chance"]  # lost when: no longer the first; no nearer than by chance


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a picture after some edits."""

    edits: tuple[Edit, ...]
    cosine: float  # to the original
    percentile: float | None  # share of the library's random pairs that are less alike, in [0, 100]
    rank: int | None  # of the original among all pictures, 1 is first; beyond DEEP it stays DEEP + 1
    among: int  # pictures, the original one of them; 0: none
    chance: float | None  # probability that unrelated pictures come as near

    @property
    def beyond(self) -> bool:
        """Is the rank only known to be worse than DEEP?"""
        return self.rank is not None and self.rank > DEEP

    def lost(self, until: Until = "first") -> bool:
        """Would somebody who looks for the original not find it? Where that cannot be told: no."""
        if until == "chance":
            return self.chance is not None and self.chance >= CHANCE
        return self.rank is not None and self.rank > 1

    @property
    def sentence(self) -> str:
        """For a person."""
        where, far = self._where(), self._far()
        return f"{where}; {far}" if where else far

    def _where(self) -> str:
        if self.rank is None:
            return ""
        if self.beyond:
            return f"lost: more than {DEEP} of {self.among:,} are more like it"
        if self.rank > 1:
            return f"the original comes {_ordinal(self.rank)} of {self.among:,}"
        return f"the original is still the first of {self.among:,}"

    def _far(self) -> str:
        if self.percentile is None:
            return f"cosine {self.cosine:.3f}"
        if self.cosine >= SAME:
            return "to the model it is one and the same picture"
        if self.lost("chance"):
            return "it is no closer than unrelated pictures come by chance"
        if self.percentile >= 50:
            return f"it is closer than {percent(self.percentile)} of the library's pairs"
        return f"it is farther than {percent(100 - self.percentile)} of the library's pairs"


@dataclass(frozen=True, slots=True)
class Limit:
    """How far one edit can go in one direction."""

    kind: str
    direction: float  # -1 or 1
    until: Until
    strength: float | None  # the weakest found that loses the original, signed; None: none does
    trial: Trial | None = None  # what it then looks like

    @property
    def weakness(self) -> float:
        """By which the weakest edit is the least: 0 to 1, infinite when none loses the original."""
        return float("inf") if self.strength is None else abs(self.strength)

    @property
    def sentence(self) -> str:
        """For a person."""
        kind = KINDS[self.kind]
        if self.strength is None:
            how = "found even when" if kind.switch else "found however much"
            return f"{how} it is {kind.way(self.direction)}"
        if not self.strength:
            return "lost already without it"
        words = Edit(self.kind, self.strength).words
        return (
            f"lost when it is {KINDS[self.kind].more}" if KINDS[self.kind].switch else f"lost beyond {words}"
        )


@dataclass(frozen=True, slots=True)
class Curve:
    """One edit from the one end of its strength to the other."""

    kind: str
    trials: tuple[Trial, ...]  # in the order of ``strengths``
    strengths: tuple[float, ...]  # ascending, 0 among them
    limits: tuple[Limit, ...] = ()  # one in each direction; none while it is being drawn


@dataclass(frozen=True, slots=True)
class Seeking:
    """How far the search for the weakest edit is."""

    done: int  # edited pictures looked at
    strength: float  # every edit as strong as that has been tried, and those that are weaker
    finished: bool = False
    weakest: Limit | None = None  # when finished; None: no edit loses the original


@dataclass(frozen=True, slots=True, eq=False)
class Lab:
    """One picture, one model, and the pictures among which it is to be found. Safe from several threads.

    ``dataclasses.replace`` gives it other surroundings or other dice, and nothing is encoded.
    """

    backbone: Backbone
    pixels: Pixels  # at the size at which they are edited
    original: FloatArray  # (D,) unit vector of them
    surroundings: Surroundings | None = None  # None: only cosines are told
    seed: int = 0  # draws the noise and what is covered

    @classmethod
    def of(cls, backbone: Backbone, pixels: Pixels, seed: int = 0) -> Self:
        """A picture of any size, looked at; nothing is around it yet."""
        small = working(pixels)
        return cls(backbone, small, backbone.describe([small])[0], seed=seed)

    def within(self, library: Library, yardstick: Yardstick | None = None) -> Lab:
        """Among the pictures of a library that the model has seen; as it is when there are none.

        Args:
            yardstick: keeps the library's calibration between calls.
        """
        model = self.backbone.identity.key
        if model not in library.models():
            return self
        return replace(self, surroundings=Shelved.of(library, model, self.original, yardstick))

    def edited(self, edits: Sequence[Edit]) -> Pixels:
        """The picture as the model is shown it."""
        return edited(self.pixels, edits, self.seed)

    def trial(self, edits: Sequence[Edit] | str) -> Trial:
        """After some edits at once, or ``brightness:-0.5,blur:0.2,mirror``.

        Raises:
            BadRequest: edits that make no sense.
        """
        return self.trials([parsed(edits) if isinstance(edits, str) else edits])[0]

    def trials(self, many: Sequence[Sequence[Edit]]) -> list[Trial]:
        """Of each, in the order given."""
        return [trial for trial, _ in self.looked(many)]

    def looked(self, many: Sequence[Sequence[Edit]]) -> Iterator[tuple[Trial, FloatArray]]:
        """Each with the (D,) vector of the edited picture."""
        asked = [checked(edits) for edits in many]
        for start in range(0, len(asked), BATCH):
            batch = asked[start : start + BATCH]
            vectors = self.backbone.describe([self.edited(edits) for edits in batch])
            yield from zip(self._told(batch, vectors), vectors, strict=True)

    def curve(
        self, kind: str, others: Sequence[Edit] = (), *, steps: int = STEPS, until: Until = "first"
    ) -> Iterator[Curve]:
        """One edit from end to end, the others held, and where it loses the original; the last is complete.

        Raises:
            BadRequest: unknown edits.
        """
        checked([Edit(kind, 0.0), *(held := [edit for edit in others if edit.kind != kind])])
        trials: dict[float, Trial] = {}
        strengths = self._strengths(kind, steps)
        for start in range(0, len(strengths), BATCH):
            trials.update(self._at(kind, strengths[start : start + BATCH], held))
            yield _curve(kind, trials)
        limits = []
        for direction in KINDS[kind].directions:
            for _ in self._halved(kind, direction, held, trials, until):
                yield _curve(kind, trials)
            limits.append(_limit(kind, direction, trials, until))
        yield _curve(kind, trials, limits)

    def weakest(
        self, kinds: Sequence[str] = (), *, steps: int = STEPS, until: Until = "first"
    ) -> Iterator[Seeking]:
        """The smallest strength of any edit that loses the original; no kinds: of all.

        All are tried at the same strength, from weak to strong, and only those that lose it first are
        looked into: a third of what their curves take.

        Raises:
            BadRequest: an unknown kind.
        """
        ways = [(kind, direction) for kind in kinds or KINDS for direction in self._directions(kind)]
        whole = self.trial(())
        if whole.lost(until):
            yield Seeking(1, 0.0, True, Limit(*ways[0], until, 0.0, whole))
            return
        known = {way: {0.0: whole} for way in ways}
        for strength in (step / steps for step in range(1, steps + 1)):
            asked = [way for way in ways if strength == 1 or not KINDS[way[0]].switch]
            for kind, direction in asked:
                known[kind, direction].update(self._at(kind, [direction * strength], ()))
                yield Seeking(_looked_at(known), strength - 1 / steps)
            lost = [way for way in asked if known[way][way[1] * strength].lost(until)]
            for way in lost:
                for _ in self._halved(*way, (), known[way], until):
                    yield Seeking(_looked_at(known), strength - 1 / steps)
            if lost:
                limits = [_limit(*way, known[way], until) for way in lost]
                yield Seeking(
                    _looked_at(known), strength, True, min(limits, key=lambda limit: limit.weakness)
                )
                return
        yield Seeking(_looked_at(known), 1.0, True)

    def _directions(self, kind: str) -> tuple[float, ...]:
        checked([Edit(kind, 0.0)])
        return KINDS[kind].directions

    def _strengths(self, kind: str, steps: int) -> list[float]:
        if KINDS[kind].switch:
            return [0.0, 1.0]
        lowest = -steps if KINDS[kind].less else 0
        return [step / steps for step in range(lowest, steps + 1)]

    def _at(
        self, kind: str, strengths: Sequence[float], held: Sequence[Edit]
    ) -> Iterator[tuple[float, Trial]]:
        many = [[*held, Edit(kind, strength)] for strength in strengths]
        return zip(strengths, self.trials(many), strict=True)

    def _halved(
        self, kind: str, direction: float, held: Sequence[Edit], trials: dict[float, Trial], until: Until
    ) -> Iterator[None]:
        """Halve the step in which the original is first lost until it is FINE; ``trials`` is added to."""
        while (step := _first_lost(direction, trials, until)) is not None:
            kept, lost = step
            if abs(lost - kept) <= FINE or KINDS[kind].switch:
                return
            trials.update(self._at(kind, [(lost + kept) / 2], held))
            yield

    def _told(self, batch: Sequence[tuple[Edit, ...]], vectors: Vectors) -> list[Trial]:
        cosines = np.clip(vectors @ self.original, -1, 1)
        plain = [
            Trial(edits, float(cosine), None, None, 0, None)
            for edits, cosine in zip(batch, cosines, strict=True)
        ]
        around = self.surroundings
        if around is None:
            return plain
        nearer = around.nearer(vectors, cosines)
        return [
            replace(
                trial,
                percentile=around.percentile(trial.cosine),
                rank=1 + count,
                among=around.among,
                chance=around.chance(trial.cosine, vector),
            )
            for trial, count, vector in zip(plain, nearer, vectors, strict=True)
        ]


def _first_lost(direction: float, trials: Mapping[float, Trial], until: Until) -> tuple[float, float] | None:
    """The last strength at which it is found, and the first at which it is not; the same for 0."""
    mine = sorted((strength for strength in trials if strength * direction >= 0), key=abs)
    for before, strength in zip([mine[0], *mine], mine, strict=False):
        if trials[strength].lost(until):
            return before, strength
    return None


def _limit(kind: str, direction: float, trials: Mapping[float, Trial], until: Until) -> Limit:
    step = _first_lost(direction, trials, until)
    if step is None:
        return Limit(kind, direction, until, None)
    return Limit(kind, direction, until, step[1], trials[step[1]])


def _curve(kind: str, trials: Mapping[float, Trial], limits: Sequence[Limit] = ()) -> Curve:
    strengths = tuple(sorted(trials))
    return Curve(kind, tuple(trials[strength] for strength in strengths), strengths, tuple(limits))


def _looked_at(known: Mapping[tuple[str, float], Mapping[float, Trial]]) -> int:
    return 1 + sum(len(trials) - 1 for trials in known.values())


def _ordinal(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return f"{number}th"
    return f"{number}{({1: 'st', 2: 'nd', 3: 'rd'}).get(number % 10, 'th')}"
