"""Groups of copies, and which of each to keep; from the pairs that are kept, at any threshold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dinoscope.library.copybook import CopyBook, Pair, ordered
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.copy_answers import (
    IDENTICAL,
    CopyGroup,
    CopyPair,
    CopyReport,
    Found,
    Member,
)
from dinoscope.operations.copy_index import stills
from dinoscope.operations.copy_pixels import area

COPY = 0.5  # probability from which two pictures count as copies, unless another is asked for
SIMILAR = 0.5  # the same for pictures that are only alike
MOST_SIMILAR = 1000  # pairs only alike that a report holds, the likest
ALL = 0.9  # of a picture: it shows no more than that in the other
FRAMED = 0.5  # of a picture within a border: around less there is more than a border, however plain it is
FINER = 1.05  # times the pixels a side: what is within a larger picture is more than a part of it
HARMLESS = frozenset({"identical", "size", "compression", "mirror", "rotation", "stretch"})
LOSSLESS = frozenset({"png", "tiff", "bmp"})


def report_of(
    library: Library,
    book: CopyBook,
    method: str,
    *,
    twins: Sequence[str] = (),
    at_least: float = COPY,
    similar: float = SIMILAR,
    only: Iterable[str] | None = None,
) -> CopyReport:
    """What is known, grouped; looks at no picture.

    Args:
        twins: contents that more than one file has.
        at_least: probability of a copy from which two are grouped, in [0, 1].
        similar: probability of the same subject from which a pair is named as only alike.
        only: contents; groups and pairs without any of them are left out.
    """
    kept = book.pairs(method)
    marks = book.marks()
    named = {content for one, other, *_ in kept for content in (one, other)} | set(twins)
    pictures = library.pictures_of(sorted(named))
    wanted = None if only is None else set(only)
    links: dict[Pair, Found] = {}
    alike: list[CopyPair] = []
    marked: list[CopyPair] = []
    for one, other, copy, like, found in kept:
        if not (pictures.get(one) and pictures.get(other)):
            continue  # a file of it is gone since
        pair = CopyPair(
            pictures[one][0], pictures[other][0], Found.read(copy, like, found), (one, other) in marks
        )
        if pair.marked:
            marked.append(pair)
        elif copy >= at_least:
            links[one, other] = pair.found
        elif like >= similar:
            alike.append(pair)
    groups = [
        group_of(contents, pictures, links)
        for contents in joined(links, twins)
        if wanted is None or wanted & set(contents)
    ]
    alike = [pair for pair in alike if wanted is None or {pair.here.content, pair.there.content} & wanted]
    known, all_of_them = book.checked(method), stills(library)
    checked = min(len(known), all_of_them)
    return CopyReport(
        at_least,
        tuple(sorted(groups, key=lambda group: (-len(group.members), -group.freed, group.keep))),
        tuple(sorted(alike, key=lambda pair: -pair.found.similar)[:MOST_SIMILAR]),
        tuple(marked),
        library.count(),
        checked,
        all_of_them - checked,
    )


def joined(links: Mapping[Pair, Found], alone: Iterable[str]) -> list[tuple[str, ...]]:
    """Contents that hang together by pairs, and those that are a group by themselves."""
    parent: dict[str, str] = {}

    def root(content: str) -> str:
        parent.setdefault(content, content)
        while parent[content] != content:
            parent[content] = parent[parent[content]]
            content = parent[content]
        return content

    for content in alone:
        root(content)
    for one, other in links:
        first, second = sorted((root(one), root(other)))
        parent[second] = first
    found = defaultdict(list)
    for content in sorted(parent):
        found[root(content)].append(content)
    return [tuple(contents) for contents in found.values()]


@dataclass(frozen=True, slots=True)
class _Rank:
    """What speaks for keeping a picture; compared in this order."""

    unedited: int  # minus the pairs in which it is what is left of the other
    pixels: int
    sharp: int
    lossless: bool
    bytes: int
    age: float

    @property
    def order(self) -> tuple[float, ...]:
        return (self.unedited, self.pixels, self.sharp, self.lossless, self.bytes, self.age)


def group_of(
    contents: Sequence[str], pictures: Mapping[str, tuple[Picture, ...]], links: Mapping[Pair, Found]
) -> CopyGroup:
    """One group, the picture to keep first, with the reason."""
    within = {
        pair: found
        for one in contents
        for other in contents
        if (found := links.get(pair := (one, other))) is not None
    }
    ranks = {content: _rank(content, pictures[content][0], within) for content in contents}
    best = max(contents, key=lambda content: (ranks[content].order, -pictures[content][0].id))
    first = min(pictures[best], key=lambda one: (len(one.path.parts), len(one.path.name), one.id))
    members = [Member(first, False, _reason(best, ranks, len(contents)))]
    members += [
        Member(picture, True, "the same file as the one to keep")
        for picture in pictures[best]
        if picture.id != first.id
    ]
    for content in sorted(contents, key=lambda content: ranks[content].order, reverse=True):
        if content != best:
            spare, why = _fate(content, best, within)
            members += [Member(picture, spare, why) for picture in pictures[content]]
    pairs = [
        CopyPair(pictures[one][0], pictures[other][0], found, False) for (one, other), found in within.items()
    ]
    pairs += [
        CopyPair(files[0], file, IDENTICAL, False)
        for files in (pictures[content] for content in contents)
        for file in files[1:]
    ]
    pairs.sort(key=lambda pair: (-pair.found.copy, pair.here.id, pair.there.id))
    return CopyGroup(first.id, tuple(members), tuple(pairs))


def _rank(content: str, picture: Picture, within: Mapping[Pair, Found]) -> _Rank:
    edited = blunt = 0
    for (one, other), found in within.items():
        if content in (one, other):
            mine = found.edited == ("here" if content == one else "there")
            edited += mine and not set(found.edits) <= HARMLESS and not _finer(found, here=content == one)
            sharper = found.sharper if content == one else 1 / max(found.sharper, 1e-6)
            blunt += sharper < 1 / 1.3
    return _Rank(
        -edited,
        picture.size.pixels,
        -blunt,
        picture.kind in LOSSLESS,
        picture.bytes,
        -picture.modified_at.timestamp(),
    )


def _reason(best: str, ranks: Mapping[str, _Rank], count: int) -> str:
    """Why it is the one to keep, beside the next best."""
    if count == 1:
        return "keep: the shortest name, nearest to the top"
    mine = ranks[best]
    rival = max((rank for content, rank in ranks.items() if content != best), key=lambda rank: rank.order)
    for better, why in (
        (mine.unedited > rival.unedited, "unedited, the others were made from it"),
        (mine.pixels > rival.pixels, "most pixels"),
        (mine.sharp > rival.sharp, "sharpest"),
        (mine.lossless and not rival.lossless, "the same pixels without loss"),
        (mine.bytes > rival.bytes, "the same pixels, the larger file"),
        (mine.age > rival.age, "the oldest"),
    ):
        if better:
            return f"keep: {why}"
    return "keep: the first that was indexed"


def _fate(content: str, best: str, within: Mapping[Pair, Found]) -> tuple[bool, str]:
    """May a picture go when the best one stays, and why."""
    found = within.get(ordered(content, best))
    if found is None:
        return False, "look: it belongs here by another copy only"
    mine = found.shared[0 if content < best else 1]
    if mine < (FRAMED if "border" in found.edits else ALL):
        return False, "look: it shows something that the one to keep does not"
    if "inset" in found.edits or "overlay" in found.edits:
        return False, f"look: {found.words}"
    if _finer(found, here=content < best):
        return False, "look: the one to keep has it smaller"
    return True, found.words


def _finer(found: Found, *, here: bool) -> bool:
    """Is one within the other, and of more pixels than it has there? Such a one was not cut out of it."""
    mine, other = (found.here, found.there) if here else (found.there, found.here)
    beside = found.shared[1 if here else 0]
    return 0 < beside < ALL and area(mine) > FINER**2 * area(other) > 0
