"""A comparison of two models, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Self

from dinoscope.operations import comparison, paired
from dinoscope.server.wire import Picture, Wire, shown


class Side(Wire):
    """One of the two models, as the library knows it."""

    key: str
    name: str
    dimension: int
    vectors: int
    index_bytes: int

    @classmethod
    def of(cls, side: comparison.Side) -> Self:
        return cls(
            key=side.key,
            name=shown(side.name),
            dimension=side.dimension,
            vectors=side.vectors,
            index_bytes=side.index_bytes,
        )


class Interval(Wire):
    value: float
    low: float  # 95 %
    high: float


class Score(Wire):
    name: str
    first: float  # mean over the questions, 0 to 1; more is better
    second: float
    difference: Interval  # second less first
    p: float  # of the sign test, two-sided
    questions: int
    better: paired.Better  # empty where chance would do as well

    @classmethod
    def of(cls, score: paired.Paired) -> Self:
        return cls(
            name=score.name,
            first=score.first,
            second=score.second,
            difference=Interval(**asdict(score.difference)),
            p=score.p,
            questions=score.questions,
            better=score.better,
        )


class Neighbour(Wire):
    picture: Picture
    score: float  # cosine similarity, -1 to 1
    shared: bool  # the other model has it among its own nearest, too

    @classmethod
    def of(cls, one: comparison.Neighbour) -> Self:
        return cls(picture=Picture.of(one.picture), score=one.score, shared=one.shared)


class Example(Wire):
    query: Picture
    first: list[Neighbour]  # best first
    second: list[Neighbour]

    @classmethod
    def of(cls, example: comparison.Example) -> Self:
        return cls(
            query=Picture.of(example.query),
            first=[Neighbour.of(one) for one in example.first],
            second=[Neighbour.of(one) for one in example.second],
        )


class Comparison(Wire):
    first: Side
    second: Side
    pictures: int
    queries: int  # pictures whose neighbours were compared
    nearest: int  # neighbours of each
    agreement: Interval | None  # share of its nearest that both name; null: nothing could be asked
    scores: list[Score]
    examples: list[Example]
    sentences: list[str]  # the outcome, a clause each

    @classmethod
    def of(cls, found: comparison.Comparison) -> Self:
        return cls(
            first=Side.of(found.first),
            second=Side.of(found.second),
            pictures=found.pictures,
            queries=found.queries,
            nearest=found.nearest,
            agreement=None if found.agreement is None else Interval(**asdict(found.agreement)),
            scores=[Score.of(score) for score in found.scores],
            examples=[Example.of(example) for example in found.examples],
            sentences=[shown(sentence) for sentence in found.sentences],
        )
