"""What a comparison of two models says: numbers with their uncertainty, examples, and a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dinoscope.library.records import Picture
from dinoscope.operations.paired import Interval, Paired


@dataclass(frozen=True, slots=True)
class Questions:
    """What is asked of the models; equal ones ask the same of a library that has not changed."""

    queries: int = 500  # pictures whose neighbours are compared: a share's interval is then 9 points at most
    originals: int = 40  # pictures edited and looked for, seven edits each
    examples: int = 12  # of the queries, shown with their neighbours
    seed: int = 0  # chooses the pictures


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two models."""

    key: str  # of the model identity
    name: str
    dimension: int  # numbers a vector
    vectors: int  # pictures it has seen
    index_bytes: int  # on disk, for all of them
    weights_bytes: int = 0  # of the weights file; 0: not asked
    milliseconds: float = 0.0  # to encode a picture, median; 0: not measured


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A picture that a model finds near another."""

    picture: Picture
    score: float  # cosine similarity
    shared: bool  # the other model has it among its own nearest, too


@dataclass(frozen=True, slots=True)
class Example:
    """A picture and what lies nearest to it by either model, best first."""

    query: Picture
    first: tuple[Neighbour, ...]
    second: tuple[Neighbour, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models on one library."""

    first: Side
    second: Side
    pictures: int  # distinct ones in the library
    queries: int  # pictures whose neighbours were compared
    nearest: int  # neighbours looked at, of each
    agreement: Interval | None  # share of its nearest that both models name; None: no query
    scores: tuple[Paired, ...]
    edits: tuple[Paired, ...]  # the last of the scores, edit by edit: too many looks for a verdict
    examples: tuple[Example, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """The outcome for a person, a clause each."""
        if not self.queries:
            return ("There is nothing to compare: no picture has vectors of both models",)
        return tuple(self._clauses())

    def _clauses(self) -> Iterator[str]:
        names = {"first": self.first.name, "second": self.second.name}
        if names["first"] == names["second"]:
            names = {"first": "the first", "second": "the second"}
        for score in self.scores:
            if score.better:
                yield f"{names[score.better]} is better at “{score.name}”: {_numbers(score)}"
        level = [f"“{score.name}”" for score in self.scores if not score.better]
        if level:
            yield f"no more than chance between them at {', '.join(level)}"
        if self.agreement:
            share = f"{100 * self.agreement.value:.0f} %"
            yield f"of the {self.nearest} nearest they have {share} in common"


def _numbers(score: Paired) -> str:
    better, other = sorted((score.first, score.second), reverse=True)
    low, high = sorted((abs(score.difference.low), abs(score.difference.high)))
    return f"{better:.2f} against {other:.2f} (difference {low:.2f} to {high:.2f})"
