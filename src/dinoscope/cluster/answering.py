"""What a shard answers, to whomever asks over whatever wire: plain values in, plain values out.

A shard is a Library, and each verb below is a question it knows already. Ids and rows are the shard's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.errors import DinoscopeError, LibraryBusy, NoRegions, NoSuchModel
from dinoscope.features import Basis, FloatArray, TokenTable, Vectors
from dinoscope.geometry import Bools
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.pages import Order
from dinoscope.library.records import Facets, Finding, LibraryInfo, Page, Picture
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.library.vector_views import Points, VectorView
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal

Pictures = dict[str, tuple[Picture, ...]]  # content -> its files
MOST_FILES = 100  # contents whose files come with an answer: 40 KB


@dataclass(frozen=True, slots=True)
class VectorState:
    """A shard's vectors as they are now."""

    dimension: int
    count: int
    engine: str
    pictures: int  # of the shard, be they of this model or not


@dataclass(frozen=True, slots=True, eq=False)
class TokenState:
    """A shard's region tokens as they are now."""

    basis: str  # a name that equal bases share; the basis itself is 200 KB
    fine: bool
    count: int
    tokens: int
    engine: str
    exact: bool
    numbering: str  # as TokenView has it


class ShardAnswers:
    """Answers for one shard. Every public method is a verb; safe from several threads."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def answer(self, verb: str, arguments: Sequence[Any]) -> Any:
        """The verb's answer, or its refusal as a value: what crosses a wire keeps its type and sentence."""
        try:
            return getattr(self, verb)(*arguments)
        except DinoscopeError as error:
            return error

    # Pictures

    def info(self) -> LibraryInfo:
        return self._library.info()

    def models(self) -> tuple[str, ...]:
        return self._library.models()

    def pictures(self, ids: Sequence[int]) -> list[Picture]:
        return self._library.pictures(ids)

    def pictures_of(self, contents: Sequence[str], where: Filter | None) -> Pictures:
        return self._library.pictures_of(contents, where)

    def twins(self) -> list[str]:
        return self._library.twins()

    def find(self, path: Path) -> Picture | None:
        return self._library.find(path)

    def count(self, where: Filter | None) -> int:
        return self._library.count(where)

    def page(
        self, where: Filter | None, after: str | None, limit: int, order: Order, descending: bool
    ) -> Page:
        return self._library.page(where, after, limit, order, descending)

    def facets(self, where: Filter | None) -> Facets:
        return self._library.facets(where)

    def folders(self) -> dict[Path, int]:
        return self._library.folders()

    def refusals(self) -> tuple[Refusal, ...]:
        return self._library.refusals()

    def verify(self, every_vector: bool) -> list[Finding]:
        return list(self._library.verify(every_vector=every_vector))

    def thumbnail(self, content: str) -> bytes | None:
        return self._library.thumbnail(content)

    def put_thumbnail(self, content: str, data: bytes) -> bool:
        return self._library.put_thumbnail(content, data)

    def original(self, id: int, limits: Limits) -> bytes:
        """A picture's file. Raises: Unreadable, NotAPicture, NoSuchPicture."""
        from dinoscope.cluster.sources import read  # may cost fsspec's import

        return read(self._library.original(self._library.picture(id), limits), limits)

    # Whole pictures

    def vectors(self, model: str) -> VectorState | None:
        """None where nothing was indexed with the model."""
        shelf = self._shelf(model)
        if shelf is None:
            return None
        return VectorState(shelf.dimension, shelf.count, shelf.engine_name, self._library.count())

    def search(
        self, model: str, queries: Vectors, k: int, where: Filter | None, probes: int | None
    ) -> tuple[list[list[tuple[str, float]]], Pictures]:
        """What is nearest and, where it is not much, its files that pass, which is asked next."""
        shelf = self._shelf(model)
        if shelf is None:
            return [[] for _ in queries], {}
        found = shelf.search(queries, k, where, probes)
        contents = {content for line in found for content, _ in line}
        if len(contents) > MOST_FILES:
            return found, {}
        nothing: Pictures = dict.fromkeys(contents, ())
        return found, nothing | self._library.pictures_of(sorted(contents), where)

    def vectors_of(self, model: str, contents: Sequence[str]) -> dict[str, FloatArray]:
        """(D,) of each that has one."""
        shelf = self._shelf(model)
        return {} if shelf is None else shelf.vectors_of(contents)

    def has(self, content: str, model: str, regions: bool, fine: bool) -> bool:
        return self._library.has(content, model, regions=regions, fine=fine)

    def points(self, model: str) -> tuple[Points, str, int] | None:
        """Every vector's picture, and by which numbering of which state."""
        shelf = self._shelf(model)
        if shelf is None:
            return None
        with shelf.vectors() as view:
            return view.points(), view.numbering, view.generation

    def passing(self, model: str, points: Points, where: Filter) -> Bools:
        with self._demand(model).vectors() as view:
            return view.passing(points, where)

    def read_vectors(self, model: str, rows: Rows, numbering: str) -> Vectors:
        """Raises: LibraryBusy: rows have got other numbers since."""
        with self._demand(model).vectors() as view:
            _demand_numbering(view, numbering)
            return view.read(rows)

    def sample(self, model: str, ranks: Rows) -> Vectors:
        """The vectors alive at these places in the order of their rows; places beyond are left out."""
        shelf = self._shelf(model)
        if shelf is None:
            return np.empty((0, 0), np.float32)
        with shelf.vectors() as view:
            alive = view.alive()
            return view.read(alive[ranks[ranks < len(alive)]])

    # Parts of pictures

    def tokens(self, model: str) -> TokenState | None:
        """None where nothing was indexed with the model, or without its parts."""
        shelf = self._shelf(model)
        try:
            if shelf is None:
                return None
            with shelf.tokens() as view:
                name = blake2b(view.basis.mean.tobytes() + view.basis.projection.tobytes(), digest_size=16)
                return TokenState(
                    basis=name.hexdigest(),
                    fine=view.fine,
                    count=view.count,
                    tokens=view.tokens,
                    engine=view.engine,
                    exact=view.exact,
                    numbering=view.numbering,
                )
        except NoRegions:
            return None

    def basis(self, model: str) -> Basis:
        """What the tokens were reduced with."""
        with self._demand(model).tokens() as view:
            return view.basis

    def nearby(
        self, model: str, queries: Vectors, n: int, where: Filter | None, numbering: str
    ) -> tuple[Rows, Rows, FloatArray]:
        with self._demand(model).tokens() as view:
            _demand_numbering(view, numbering)
            return view.nearby(queries, n, where)

    def read_tokens(self, model: str, rows: Rows, numbering: str) -> tuple[TokenTable, list[str]]:
        """The tokens and contents of the rows."""
        with self._demand(model).tokens() as view:
            _demand_numbering(view, numbering)
            return view.read(rows), view.contents(rows)

    def token_rows(self, model: str, contents: Sequence[str], numbering: str) -> dict[str, int]:
        """The rows of the contents that have tokens."""
        with self._demand(model).tokens() as view:
            _demand_numbering(view, numbering)
            return view.rows_of(contents)

    def without_tokens(self, model: str, where: Filter | None) -> int:
        """Pictures that pass and have none."""
        if self.tokens(model) is None:
            return self._library.count(where)
        with self._demand(model).tokens() as view:
            return view.missing(where)

    def _shelf(self, model: str) -> Shelf | None:
        try:
            return self._library.shelf(model)
        except NoSuchModel:
            return None

    def _demand(self, model: str) -> Shelf:
        return self._library.shelf(model)


def _demand_numbering(view: TokenView | VectorView, numbering: str) -> None:
    if view.numbering != numbering:
        raise LibraryBusy("a shard was compacted while it was searched: ask again")
