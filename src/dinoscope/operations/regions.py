"""Search by a part of a picture: every picture that has such a part, and where it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest, NoSuchPicture
from dinoscope.features import Features, FloatArray
from dinoscope.geometry import Box
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.models.backbone import Backbone
from dinoscope.operations.places import Sighting, links, sighting
from dinoscope.operations.queries import at_least, on_original
from dinoscope.operations.refining import LOOKED_AT, Closer, Eye, Read, ReadQuery, worth_it
from dinoscope.operations.region_answers import Place, RegionAnswer, RegionHit
from dinoscope.operations.region_query import RegionQuery, Seen, region_query
from dinoscope.operations.region_ranking import RERANKED, Whole, candidates, maxsim
from dinoscope.operations.selection import Selection

MOST = 500  # hits one search may ask for: each costs about 0.5 ms to be localised
SIGHTED = 100  # best candidates that are ordered by their best place; the others stay as they were ranked


@dataclass(frozen=True, slots=True)
class Example:
    """A place in a picture of the library: more like this one, or less."""

    picture: int  # id
    box: Box  # original pixels


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """A content that may be a hit."""

    pictures: tuple[Picture, ...]  # its files that pass and are not left out, at least one
    seen: Seen
    score: float  # of its tokens, later of its best place
    whole: float | None  # cosine of the whole pictures, where it has a say
    sighting: Sighting | None = None  # None: where it is has not been looked for yet


def search_region(
    library: Library,
    backbone: Backbone,
    asked: Features | int,
    selection: Selection,
    *,
    k: int = 20,
    where: Filter | None = None,
    also: float = 0.0,
    more: Sequence[Example] = (),
    less: Sequence[Example] = (),
    refine: bool | None = None,
    read: Read | None = None,
    pixels: ReadQuery | None = None,
    exclude: Collection[int] = (),
    collapse: bool = False,
    encode_seconds: float = 0.0,
) -> RegionAnswer:
    """The ``k`` pictures with the part that is most like the selected one, and its places in each.

    Args:
        asked: the query picture as this model sees it, its grid on the original's size; or the id of a
            picture of the library, which is then left out of the answer. Without ``read`` that one is
            asked by its stored tokens.
        selection: what is meant, in the original's pixels.
        k: hits wanted, 1 to 500.
        where: only pictures that pass; the search itself is restricted.
        also: say of the whole pictures' likeness, from 0 to 1.
        more, less: places found before that are meant, too, or not at all.
        refine: encode the best hits again around their place. None does so when the part is small.
        read: opens a library picture's file; None opens none and refines nothing.
        pixels: opens the query picture, for ``refine``; an id's own file where none is given.
        exclude: ids left out.
        collapse: files of equal bytes are one hit.
        encode_seconds: what the caller spent on encoding.

    Raises:
        BadRequest: a selection that makes no sense on this picture (see ``Selection.on``), or a number
            out of its range.
        NoSuchPicture: an id that is not in the library, or an example of which no tokens are stored.
        NoSuchModel, NoRegions: nothing was indexed with this model yet, or not with regions.
    """
    started = perf_counter()
    _check(k, also)
    shelf = library.shelf(backbone.identity.key)
    features, encoding = _features(library, backbone, asked, read)
    whole = Whole(shelf, _descriptor(library, shelf, asked, features) if also else None, also)
    left_out = {*exclude, asked} if isinstance(asked, int) else set(exclude)
    with shelf.tokens() as view:
        basis, engine, exact, missing = view.basis, view.engine, view.exact, view.missing(where)
        seen = _stored(library, view, asked) if features is None else Seen.of(features, basis)
        query = _joined(library, view, region_query(seen, selection), more, less)
        found = _ranked(library, view, query, whole, wanted=k + len(left_out), where=where, left_out=left_out)
    found = _sighted(query, found[: max(SIGHTED, k)], whole)
    if read is not None and (refine or (refine is None and worth_it(seen.grid, query))):
        eye = Eye(backbone, basis)
        closer = Closer.of(eye, seen, query, selection, pixels or _own(library, asked, read))
        found = found if closer is None else _refined(closer, found, read, whole)
    return RegionAnswer(
        hits=_hits(query, seen, found, whole, collapse)[:k],
        grid=seen.grid,
        weights=query.patches,
        model=shelf.key,
        engine=engine,
        exact=exact,
        searched=library.count(where) - missing,
        missing=missing,
        note=_note(missing),
        seconds=perf_counter() - started - encoding,
        encode_seconds=encode_seconds + encoding,
    )


def _check(k: int, also: float) -> None:
    if not 1 <= k <= MOST:
        raise BadRequest(f"{k} hits cannot be asked for: choose 1 to {MOST}")
    if not 0 <= also <= 1:
        raise BadRequest(f"the whole picture cannot have a say of {also:g}: choose 0 to 1")


def _features(
    library: Library, backbone: Backbone, asked: Features | int, read: Read | None
) -> tuple[Features | None, float]:
    """What the model sees in the query picture, and seconds; None for one whose file cannot be had."""
    if isinstance(asked, Features):
        return asked, 0.0
    picture = library.picture(asked)
    pixels = None if read is None else read(picture, at_least(backbone))
    if pixels is None:
        return None, 0.0
    started = perf_counter()
    features = backbone.encode([pixels])[0]
    return on_original(features, picture.size), perf_counter() - started


def _descriptor(
    library: Library, shelf: Shelf, asked: Features | int, features: Features | None
) -> FloatArray:
    """(D,) of the query picture."""
    if features is not None:
        return features.descriptor
    assert isinstance(asked, int)
    return shelf.vector(library.picture(asked).content)


def _own(library: Library, asked: Features | int, read: Read) -> ReadQuery:
    if isinstance(asked, Features):
        return lambda _: None
    picture = library.picture(asked)
    return lambda side: read(picture, side)


def _stored(library: Library, view: TokenView, picture: Features | int) -> Seen:
    """A picture of the library as its tokens remember it. Raises: NoSuchPicture."""
    assert isinstance(picture, int), "a picture that was sent comes with its features"
    known = library.picture(picture)
    row = view.row_of(known.content)
    if row is None:
        raise NoSuchPicture(f"the parts of {known.path} are not known yet: index its folder again")
    return Seen.stored(view.read(np.array([row]))[0], known.size)


def _joined(
    library: Library,
    view: TokenView,
    query: RegionQuery,
    more: Sequence[Example],
    less: Sequence[Example],
) -> RegionQuery:
    """The query joined with the places of hits somebody judged."""

    def at(one: Example) -> RegionQuery:
        return region_query(_stored(library, view, one.picture), Selection.of(one.box))

    return query.joined([at(one) for one in more], [at(one).tokens for one in less])


def _ranked(
    library: Library,
    view: TokenView,
    query: RegionQuery,
    whole: Whole,
    *,
    wanted: int,
    where: Filter | None,
    left_out: set[int],
) -> list[_Found]:
    """Candidates by all their tokens, best first."""
    most = max(RERANKED, 2 * wanted)
    rows = np.union1d(candidates(query, view, where, most), whole.candidates(view, where, most))
    table, contents = view.read(rows), view.contents(rows)
    files = library.pictures_of(contents, where)
    found = []
    for number, (content, score) in enumerate(zip(contents, maxsim(query, table).tolist(), strict=True)):
        pictures = tuple(one for one in files.get(content, ()) if one.id not in left_out)
        if pictures:  # else its last file was the query, or was removed since
            seen = Seen.stored(table[number], pictures[0].size)
            found.append(_Found(pictures, seen, score, whole.cosine(content)))
    return _ordered(found, whole)


def _ordered(found: list[_Found], whole: Whole) -> list[_Found]:
    return sorted(found, key=lambda one: -whole.score(one.score, one.whole))


def _sighted(query: RegionQuery, found: list[_Found], whole: Whole) -> list[_Found]:
    """Each with its places, in the order of the best of them."""
    sightings = [sighting(query, one.seen) for one in found]
    return _ordered(
        [replace(one, sighting=new, score=new.score) for one, new in zip(found, sightings, strict=True)],
        whole,
    )


def _refined(closer: Closer, found: list[_Found], read: Read, whole: Whole) -> list[_Found]:
    """The best hits looked at again around their best place.

    From near all scores lie higher or lower, so they are brought to the level of the first look.
    """
    pairs = [(one, closer.sighting(read, one.pictures[0], _places(one)[0])) for one in found[:LOOKED_AT]]
    changes = [new.score - one.score for one, new in pairs if new is not None]
    level = sum(changes) / len(changes) if changes else 0.0
    again = [one if new is None else _closer(one, new, level) for one, new in pairs]
    return _ordered(again + found[LOOKED_AT:], whole)


def _closer(one: _Found, near: Sighting, level: float) -> _Found:
    """A hit with its best place as seen from near, its score the mean of both looks."""
    assert one.sighting is not None
    best = replace(near.places[0], score=one.sighting.places[0].score)
    score = (one.score + near.score - level) / 2
    return replace(one, score=score, sighting=replace(one.sighting, places=(best, *one.sighting.places[1:])))


def _places(one: _Found) -> tuple[Place, ...]:
    return one.sighting.places if one.sighting is not None else ()


def _hits(
    query: RegionQuery, seen: Seen, found: list[_Found], whole: Whole, collapse: bool
) -> tuple[RegionHit, ...]:
    sightings = [one.sighting for one in found if one.sighting is not None]
    brightest = max((float(one.heat.max()) for one in sightings), default=1.0)
    hits: list[RegionHit] = []
    for one, where in zip(found, sightings, strict=True):
        hit = RegionHit(
            one.pictures[0],
            whole.score(one.score, one.whole),
            one.whole,
            where.places,
            np.asarray(255 * np.clip(where.heat / max(brightest, 1e-6), 0, 1), np.uint8),
            links(query, seen, where, one.seen),
            one.pictures[1:] if collapse else (),
        )
        hits += [hit] if collapse else [replace(hit, picture=picture) for picture in one.pictures]
    return tuple(hits)


def _note(missing: int) -> str | None:
    if not missing:
        return None
    return f"{missing:,} pictures are not searched by parts yet: index their folders again to complete them"
