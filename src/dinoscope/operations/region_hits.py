"""From candidates to hits: their places, the order these give, and what links them to the query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from dinoscope.features import RegionTokens
from dinoscope.geometry import Box
from dinoscope.library.records import Picture
from dinoscope.operations import refining
from dinoscope.operations.places import Sighting, itself, links, sighting
from dinoscope.operations.refining import Closer, Read
from dinoscope.operations.region_answers import RegionHit
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.region_ranking import Whole

DOUBTFUL = 0.5  # likeness from near: two thirds of wrong hits lie below, and 6 % of right ones; decision 011


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A content that may be a hit."""

    pictures: tuple[Picture, ...]  # its files that pass and are not left out, at least one
    tokens: RegionTokens
    score: float  # of the part
    whole: float | None  # cosine of the whole pictures, where it has a say


@dataclass(frozen=True, slots=True, eq=False)
class Located(Candidate):
    """A candidate of which it is known where the part is."""

    seen: Seen
    sighting: Sighting
    known: bool = False  # it is the very picture that is asked about
    near: float | None = None  # likeness from near, 1: as the part itself; None: nobody looked


@dataclass(frozen=True, slots=True)
class Original:
    """The picture that is asked about, where it is a file, which may be among those that are found."""

    content: str  # hash of the file
    part: Box  # what is marked, original pixels


Some = TypeVar("Some", bound=Candidate)


def ordered(found: Sequence[Some], whole: Whole) -> list[Some]:
    """Best first; equal ones stay as they are."""
    return sorted(found, key=lambda one: -whole.score(one.score, one.whole))


def located(
    query: RegionQuery, found: Sequence[Candidate], whole: Whole, original: Original | None = None
) -> list[Located]:
    """Each with its places, in the order that these give."""

    def place(one: Candidate) -> Located:
        seen = Seen.stored(one.tokens, one.pictures[0].size)
        new = sighting(query, seen)
        if original is None or original.content != one.pictures[0].content:
            return Located(one.pictures, one.tokens, new.score, one.whole, seen, new)
        new = itself(seen, new, original.part)
        return Located(one.pictures, one.tokens, new.score, one.whole, seen, new, known=True, near=1.0)

    return ordered([place(one) for one in found], whole)


def refined(closer: Closer, found: Sequence[Located], read: Read, whole: Whole) -> list[Located]:
    """The best of them looked at again around their best place.

    From near all scores lie higher or lower, so they are brought to the level of the first look.
    """
    pairs = [
        (one, None if one.known else closer.sighting(read, one.pictures[0], one.sighting.places[0]))
        for one in found[: refining.LOOKED_AT]
    ]
    changes = [near.score - one.score for one, near in pairs if near is not None]
    level = sum(changes) / max(len(changes), 1)
    again = [
        one if near is None else _nearer(one, near, near.score - level, closer.likeness(near))
        for one, near in pairs
    ]
    return ordered([*again, *found[refining.LOOKED_AT :]], whole)


def hits_of(
    query: RegionQuery, seen: Seen, found: Sequence[Located], whole: Whole, collapse: bool
) -> tuple[RegionHit, ...]:
    """In the same order; the heat of all on one scale.

    Args:
        seen: the query picture.
        collapse: files of equal bytes are one hit.
    """
    brightest = max((float(one.sighting.heat.max()) for one in found), default=1.0)
    looked = _looked(found)  # the best: where most of them are doubtful, so are those behind them
    mostly = 2 * sum(near < DOUBTFUL for near in looked) > len(looked)
    hits: list[RegionHit] = []
    for one in found:
        hit = RegionHit(
            one.pictures[0],
            whole.score(one.score, one.whole),
            one.whole,
            one.sighting.places,
            np.asarray(255 * np.clip(one.sighting.heat / max(brightest, 1e-6), 0, 1), np.uint8),
            links(query, seen, one.sighting, one.seen),
            one.pictures[1:] if collapse else (),
            one.near,
            mostly if one.near is None else one.near < DOUBTFUL,
        )
        hits += [hit] if collapse else [replace(hit, picture=picture) for picture in one.pictures]
    return tuple(hits)


def verdict(found: Sequence[Located], could: bool) -> tuple[str | None, bool]:
    """How many of those that were looked at are like the part; and whether anybody looked at all.

    Args:
        could: it is seen any better from near, and files can be opened.
    """
    looked = _looked(found)
    if not looked:
        return _unjudged(could) if any(not one.known for one in found) else None, False
    return _judged(looked, "elsewhere" if any(one.known for one in found) else "here"), True


def _judged(looked: Sequence[float], where: str) -> str:
    alike, best = sum(near >= DOUBTFUL for near in looked), "the best hit is"
    if len(looked) > 1:
        best = f"the {len(looked)} best are"
    if not alike:
        return f"Perhaps it is not {where}: seen from near, {best} not much like the part."
    if alike == len(looked):
        return f"Seen from near, {best} like the part, too."
    verb = "is" if alike == 1 else "are"
    return f"Seen from near, {alike} of the {len(looked)} best {verb} like the part; the others are doubtful."


def _unjudged(could: bool) -> str:
    """Scores of parts have no scale, so there is nothing else to judge by; decision 011."""
    why = "nobody looked at them from near" if could else "a part like this is not seen any better from near"
    return f"The hits are ranked, not judged: {why}, so even the best may be unlike it."


def _looked(found: Sequence[Located]) -> list[float]:
    """Likenesses from near of those that were looked at; the very picture need not be."""
    return [one.near for one in found if one.near is not None and not one.known]


def _nearer(one: Located, near: Sighting, score: float, likeness: float) -> Located:
    """With the best place as it was seen from near, and the mean of both scores.

    Args:
        score: from near, brought to the level of the first look.

    The picture's other places were not looked at: they rise or fall with their best, and stay behind it.
    """
    change = (score - one.score) / 2
    first, *others = one.sighting.places
    places = tuple(
        replace(place, score=place.score + change)
        for place in (replace(first, box=near.places[0].box), *others)
    )
    found = replace(one.sighting, places=places)
    return replace(one, score=one.score + change, sighting=found, near=likeness)
