"""The robustness lab over the wire: what may be done to a picture, and what came of it."""

from __future__ import annotations

from typing import Any, Literal, Self

from dinoscope.operations import edit_kinds, robustness
from dinoscope.operations.answers import Hit as LibraryHit
from dinoscope.server.wire import Hit, Wire, shown

LABELS = 100  # a strength's units are told in hundredths


class Kind(Wire):
    """One thing that may be done to a picture."""

    name: str
    title: str
    least: float  # strength: -1 where there is another direction, else 0; the most is 1
    switch: bool  # done or not
    less: str  # what a negative strength does, in a word or two
    more: str
    amounts: list[str]  # in a person's units, of the strengths from ``least`` to 1 in steps of 0.01

    @classmethod
    def of(cls, kind: edit_kinds.Kind) -> Self:
        lowest = round(kind.least * LABELS)
        return cls(
            name=kind.name,
            title=kind.title,
            least=kind.least,
            switch=kind.switch,
            less=kind.less,
            more=kind.more,
            amounts=[kind.amount(step / LABELS) for step in range(lowest, LABELS + 1)],
        )


class Edit(Wire):
    kind: str
    strength: float
    amount: str  # the strength in a person's units

    @classmethod
    def of(cls, edit: edit_kinds.Edit) -> Self:
        return cls(kind=edit.kind, strength=edit.strength, amount=edit.amount)


class Preset(Wire):
    name: str
    title: str
    edits: list[Edit]


class Edits(Wire):
    """Everything there is, in the order in which it is done."""

    kinds: list[Kind]
    presets: list[Preset]

    @classmethod
    def all(cls) -> Self:
        return cls(
            kinds=[Kind.of(kind) for kind in edit_kinds.KINDS.values()],
            presets=[
                Preset(name=one.name, title=one.title, edits=[Edit.of(edit) for edit in one.edits])
                for one in edit_kinds.PRESETS
            ],
        )


class Standing(Wire):
    """How a picture stands after some edits."""

    cosine: float  # to the original
    percentile: float | None  # share of the library's random pairs that are less alike, 0 to 100
    rank: int | None  # of the original among all pictures, from 1
    beyond: bool  # is the rank only known to be no better than that?
    among: int  # pictures, the original one of them
    chance: float | None  # probability that unrelated pictures come as near, 0 to 1
    by_chance: bool  # is that so likely that the likeness says nothing?

    @classmethod
    def of(cls, trial: robustness.Trial) -> Self:
        return cls(**_standing(trial))


class Trial(Standing):
    """The same, with what was done and what is found instead."""

    edits: list[Edit]  # those that do something, in the order in which they are done
    sentence: str
    hits: list[Hit]  # what is most like the edited picture
    model: str
    seconds: float  # of looking at it

    @classmethod
    def found(cls, trial: robustness.Trial, hits: tuple[LibraryHit, ...], model: str, seconds: float) -> Self:
        return cls(
            **_standing(trial),
            edits=[Edit.of(edit) for edit in trial.edits],
            sentence=trial.sentence,
            hits=[Hit.of(hit) for hit in hits],
            model=shown(model),
            seconds=round(seconds, 4),
        )


class Point(Standing):
    """One place of a curve."""

    strength: float
    amount: str


class Limit(Wire):
    """How far an edit can go in one direction."""

    kind: str
    direction: Literal[-1, 1]
    strength: float | None  # the weakest that loses the original; null: none does
    amount: str | None
    sentence: str

    @classmethod
    def of(cls, limit: robustness.Limit) -> Self:
        strength = limit.strength
        return cls(
            kind=limit.kind,
            direction=-1 if limit.direction < 0 else 1,
            strength=None if strength is None else round(strength, 4),
            amount=None if strength is None else edit_kinds.Edit(limit.kind, strength).amount,
            sentence=limit.sentence,
        )


class Curve(Wire):
    kind: str
    points: list[Point]  # by strength
    limits: list[Limit]  # one a direction

    @classmethod
    def of(cls, curve: robustness.Curve) -> Self:
        return cls(
            kind=curve.kind,
            points=[
                Point(
                    **_standing(trial),
                    strength=round(strength, 4),
                    amount=edit_kinds.Edit(curve.kind, strength).amount,
                )
                for strength, trial in zip(curve.strengths, curve.trials, strict=True)
            ],
            limits=[Limit.of(limit) for limit in curve.limits],
        )


class Step(Wire):
    """How far the search for the weakest edit is."""

    trials: int  # edited pictures that were looked at
    strength: float  # up to which no edit loses the original

    @classmethod
    def of(cls, seeking: robustness.Seeking) -> Self:
        return cls(trials=seeking.done, strength=round(seeking.strength, 4))


class Weakest(Wire):
    limit: Limit | None  # null: no edit loses the original
    sentence: str
    trials: int  # edited pictures that were looked at

    @classmethod
    def of(cls, found: robustness.Seeking) -> Self:
        limit = found.weakest
        return cls(
            limit=None if limit is None else Limit.of(limit),
            sentence="no edit loses it" if limit is None else limit.sentence,
            trials=found.done,
        )


def _standing(trial: robustness.Trial) -> dict[str, Any]:
    return {
        "cosine": round(trial.cosine, 5),
        "percentile": None if trial.percentile is None else round(trial.percentile, 4),
        "rank": trial.rank,
        "beyond": trial.beyond,
        "among": trial.among,
        "chance": None if trial.chance is None else round(trial.chance, 5),
        "by_chance": trial.lost("chance"),
    }
