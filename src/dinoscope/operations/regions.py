"""Search by a part of a picture: every picture that has such a part, and where it is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest, NoSuchPicture
from dinoscope.features import Features, FloatArray, Pixels
from dinoscope.geometry import Box, Mask, PatchGrid
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.models.backbone import Backbone
from dinoscope.operations.far_views import far_views
from dinoscope.operations.queries import at_least, on_original
from dinoscope.operations.refining import Closer, Read, ReadQuery, View, near_view, worth_it
from dinoscope.operations.region_answers import RegionAnswer
from dinoscope.operations.region_hits import Candidate, Original, hits_of, located, ordered, refined, verdict
from dinoscope.operations.region_query import RegionQuery, Seen, region_query
from dinoscope.operations.region_ranking import Whole, candidates, maxsim, reranked
from dinoscope.operations.selection import Selection
from dinoscope.pictures.filling import filled

MOST = 500  # hits one search may ask for: each costs about 0.5 ms to be localised
IN_PLACE = 0.4  # of 2, say of a part as it looks in place where tokens were made of tiles; measured
SIGHTED = 60  # the best candidates by their tokens, which are then ordered by where these lie, too


@dataclass(frozen=True, slots=True)
class Example:
    """A place in a picture of the library: more like this one, or less."""

    picture: int  # id
    box: Box  # original pixels


def search_region(
    library: Library,
    backbone: Backbone,
    asked: Features | int,  # the query picture, its grid on the original's size; or an id, then left out
    selection: Selection,
    *,
    k: int = 20,  # hits wanted, 1 to 500
    where: Filter | None = None,  # restricts the search itself: k answers come if k pass
    also: float = 0.0,  # say of the whole pictures' likeness, 0 to 1
    more: Sequence[Example] = (),  # places found before that are meant, too,
    less: Sequence[Example] = (),  # or not at all
    refine: bool | None = None,  # encode the best hits again around their place; None: if the part is small
    read: Read | None = None,  # opens files of the library; None: no second look, and an id's tokens serve
    pixels: ReadQuery | None = None,  # opens the query picture, to see its part near; None: an id's file
    content: str | None = None,  # hash of the query picture's file, of which others may be copies
    exclude: Collection[int] = (),  # ids left out
    collapse: bool = False,  # files of equal bytes are one hit
    encode_seconds: float = 0.0,  # what the caller spent on encoding
) -> RegionAnswer:
    """The ``k`` pictures with the part that is most like the selected one, and its places in each.

    Raises:
        BadRequest: a selection that makes no sense on this picture (see ``Selection.on``), or a number
            out of its range.
        NoSuchPicture: an id that is not in the library, or of which no tokens are stored.
        NoSuchModel, NoRegions: nothing was indexed with this model yet, or not with regions.
    """
    started, library = perf_counter(), _checked(library, k, also)
    shelf = library.shelf(backbone.identity.key)
    one = _Asked.of(library, backbone, asked, read)
    whole = Whole(shelf, one.descriptor(shelf) if also else None, also)
    left_out = {*exclude, one.picture.id} if one.picture else set(exclude)
    one, near, far = one.seen_again(backbone, selection, pixels or one.reader(read))
    with shelf.tokens() as view:
        seen = one.seen(view)
        views = _views(view, seen, selection, near, far)
        query = _joined(library, view, views[0].joined(views[1:], []), more, less)
        found = _ranked(library, view, query, whole, _Wanted(k, where, left_out, content))
        basis, engine, exact, missing = view.basis, view.engine, view.exact, view.missing(where)
    original = Original(content, selection.extent(seen.grid)) if content else None
    hits = located(query, found[: max(SIGHTED, k)], whole, original)
    if read is not None and near and (worth_it(seen.grid, selection) if refine is None else refine):
        closer = Closer.of(backbone, basis, near, views[1].joined([], [query.against]))
        hits = refined(closer, hits, read, whole)
    return RegionAnswer(
        hits_of(query, seen, hits[:k], whole, collapse)[:k],
        seen.grid,
        query.patches,
        shelf.key,
        engine,
        exact,
        library.count(where) - missing,
        missing,
        library.note or _note(missing),
        perf_counter() - started - one.seconds,
        encode_seconds + one.seconds,
        library.silent,
        *verdict(hits, could=near is not None and read is not None),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The query picture: one that was sent has features, one of the library may have none."""

    features: Features | None  # None: its file cannot be had, its tokens serve
    picture: Picture | None  # when it was asked by its id
    seconds: float  # of encoding it here

    @classmethod
    def of(cls, library: Library, backbone: Backbone, asked: Features | int, read: Read | None) -> _Asked:
        if isinstance(asked, Features):
            return cls(asked, None, 0.0)
        picture, started = library.picture(asked), perf_counter()
        pixels = None if read is None else read(picture, at_least(backbone))
        if pixels is None:
            return cls(None, picture, 0.0)
        features = on_original(backbone.encode([pixels])[0], picture.size)
        return cls(features, picture, perf_counter() - started)

    def seen_again(
        self, backbone: Backbone, selection: Selection, read: ReadQuery
    ) -> tuple[_Asked, View | None, list[View]]:
        """Without a transparent ground; and the part seen from near, or else from afar, where that helps."""
        if self.features is None:
            return self, None, []
        one, grid = self, self.features.grid
        if selection.shown is not None:
            read = _grounded(read, selection.shown)
            one = self.again(backbone, grid, read)
        near = near_view(backbone, grid, selection, read)
        return one, near, [] if near else far_views(backbone, grid, selection, read)

    def again(self, backbone: Backbone, grid: PatchGrid, read: ReadQuery) -> _Asked:
        """With the features of other pixels of the same picture, where these can be had."""
        started = perf_counter()
        pixels = read(at_least(backbone))
        if pixels is None:
            return self
        features = on_original(backbone.encode([pixels])[0], grid.picture)
        return replace(self, features=features, seconds=self.seconds + perf_counter() - started)

    def seen(self, view: TokenView) -> Seen:
        if self.features is not None:
            return Seen.of(self.features, view.basis)
        assert self.picture is not None
        return _remembered(view, self.picture)

    def descriptor(self, shelf: Shelf) -> FloatArray:
        """(D,) of the whole picture."""
        if self.features is not None:
            return self.features.descriptor
        assert self.picture is not None
        return shelf.vector(self.picture.content)

    def reader(self, read: Read | None) -> ReadQuery:
        """Opens the picture, where it is one of the library."""
        picture = self.picture
        return lambda side: None if picture is None or read is None else read(picture, side)


def _grounded(read: ReadQuery, shown: Mask) -> ReadQuery:
    """The model would take the white that stands for a transparent ground for a part of the thing."""

    def opened(side: int) -> Pixels | None:
        pixels = read(side)
        return None if pixels is None else filled(pixels, shown)

    return opened


def _views(
    view: TokenView, seen: Seen, selection: Selection, near: View | None, far: Sequence[View]
) -> list[RegionQuery]:
    """The part in place, and as other views have it.

    A part of a few patches is poorly described in place; from near it is like larger appearances of it, and
    what fills its picture is like smaller ones from afar. Tokens made of tiles show parts from near, too:
    such a view of the query then counts more.
    """
    in_place = region_query(seen, selection)
    others = [
        region_query(Seen.of(one.features, view.basis), one.selection) for one in ([near] if near else far)
    ]
    if view.fine and near:
        return [in_place.counting(IN_PLACE), *(one.counting(2 - IN_PLACE) for one in others)]
    return [in_place, *others]


def _checked(library: Library, k: int, also: float) -> Library:
    """The library as this search sees it. Raises: BadRequest."""
    if not 1 <= k <= MOST:
        raise BadRequest(f"{k} hits cannot be asked for: choose 1 to {MOST}")
    if not 0 <= also <= 1:
        raise BadRequest(f"the whole picture cannot have a say of {also:g}: choose 0 to 1")
    return library.asked()


def _remembered(view: TokenView, picture: Picture) -> Seen:
    """A picture of the library as its tokens have it. Raises: NoSuchPicture."""
    row = view.row_of(picture.content)
    if row is None:
        raise NoSuchPicture(f"the parts of {picture.path} are not known yet: index its folder again")
    return Seen.stored(view.read(np.array([row]))[0], picture.size)


def _joined(
    library: Library,
    view: TokenView,
    query: RegionQuery,
    more: Sequence[Example],
    less: Sequence[Example],
) -> RegionQuery:
    """The query joined with the places of hits somebody judged."""

    def at(one: Example) -> RegionQuery:
        return region_query(_remembered(view, library.picture(one.picture)), Selection.of(one.box))

    return query.joined([at(one) for one in more], [at(one).tokens for one in less])


@dataclass(frozen=True, slots=True)
class _Wanted:
    hits: int
    where: Filter | None
    left_out: set[int]  # ids
    original: str | None  # content of the picture that is asked about


def _ranked(
    library: Library,
    view: TokenView,
    query: RegionQuery,
    whole: Whole,
    wanted: _Wanted,
) -> list[Candidate]:
    """Candidates by all their tokens, best first; the picture that is asked about before all."""
    where, original = wanted.where, wanted.original
    most = max(reranked(view), 2 * (wanted.hits + len(wanted.left_out)))
    rows = np.union1d(candidates(query, view, where, most), whole.candidates(view, where, most))
    own = view.row_of(original) if original else None
    rows = rows if own is None else np.union1d(rows, [own])
    table, contents = view.read(rows), view.contents(rows)
    files, cosines = library.pictures_of(contents, where), whole.cosines(contents)
    found = []
    scores = maxsim(query, table).tolist()
    for number, content in enumerate(contents):
        pictures = tuple(one for one in files.get(content, ()) if one.id not in wanted.left_out)
        if pictures:  # else its last file was the query, or was removed since
            score = 1.0 if content == original else scores[number]
            found.append(Candidate(pictures, table[number], score, cosines.get(content)))
    return ordered(found, whole)


def _note(missing: int) -> str | None:
    if not missing:
        return None
    if missing == 1:
        return "1 picture is not searched by parts yet: index its folder again to complete it"
    return f"{missing:,} pictures are not searched by parts yet: index their folders again to complete them"
