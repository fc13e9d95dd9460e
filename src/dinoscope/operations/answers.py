"""What a search answers: frozen, typed, and with numbers that mean something."""

from __future__ import annotations

from dataclasses import dataclass

from dinoscope.library.records import Picture


@dataclass(frozen=True, slots=True)
class Hit:
    picture: Picture
    score: float  # cosine similarity with the query, in [-1, 1], higher is better
    percentile: float  # share of random pairs of this library that are less alike, in [0, 100]
    copies: tuple[Picture, ...] = ()  # files with the same bytes, when the search collapses them


@dataclass(frozen=True, slots=True)
class Verdict:
    """Is the best hit better than chance? See operations/calibration.py for the statistics."""

    found: bool  # False: nothing like this here
    chance: float  # probability that unrelated pictures alone would give so good a best hit, in [0, 1]
    sentence: str  # one line for a person


@dataclass(frozen=True, slots=True)
class Answer:
    hits: tuple[Hit, ...]  # best first
    verdict: Verdict
    model: str  # key of the ModelIdentity
    engine: str  # name of the engine that answered
    searched: int  # pictures that were eligible after filters
    seconds: float  # search alone, without the encoder
    encode_seconds: float  # 0.0 when the query was in the library
    silent: int = 0  # shards that did not answer; their pictures are missing
    note: str | None = None  # a sentence when something is missing
