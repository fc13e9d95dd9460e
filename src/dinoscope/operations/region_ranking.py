"""Which pictures have a part: nearest tokens name candidates, all tokens of the best of them rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dinoscope.engines.engine import Rows
from dinoscope.features import FloatArray, TokenTable
from dinoscope.library.filters import Filter
from dinoscope.library.shelves import Shelf
from dinoscope.library.token_views import TokenView
from dinoscope.operations.places import likeness
from dinoscope.operations.pooling import directions, says
from dinoscope.operations.region_query import RegionQuery

# Tokens asked for each query token, and candidates of which all tokens are read, 4 KB each: least and most.
# One token of 2,000 lies between, for where there are thousands of pictures of a kind the 400 nearest all
# come from copies of a few: of a million pictures the ten best were found to 98 % so, to 26 % with the least.
NEAREST = (400, 8_000)
RERANKED = (300, 600)
ONE_OF = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """The say of the whole pictures, beside that of the part."""

    shelf: Shelf
    descriptor: FloatArray | None  # (D,) unit, of the query picture; None: no say
    say: float  # in [0, 1]

    def cosines(self, contents: Sequence[str]) -> dict[str, float]:
        """Of the query picture and others; those removed since have none, nor any where it has no say."""
        if self.descriptor is None:
            return {}
        vectors = self.shelf.vectors_of(contents)
        return {content: float(vector @ self.descriptor) for content, vector in vectors.items()}

    def score(self, part: float, cosine: float | None) -> float:
        return part if cosine is None else (1 - self.say) * part + self.say * cosine

    def candidates(self, view: TokenView, where: Filter | None, most: int) -> Rows:
        """Rows of the pictures nearest as a whole that have tokens."""
        if self.descriptor is None:
            return np.empty(0, np.int64)
        nearest = self.shelf.search(self.descriptor[None], most, where)[0]
        return np.array(list(view.rows_of([content for content, _ in nearest]).values()), np.int64)


def candidates(query: RegionQuery, view: TokenView, where: Filter | None, most: int) -> Rows:
    """The rows that look best by the nearest tokens alone, ascending.

    What a row lacks for a query token is taken to be as good as the last that was answered for it.
    """
    rows, _, similarities = view.nearby(query.tokens, max(_nearest(view), most), where)
    named, gains = [np.empty(0, np.int64)], [np.empty(0)]
    for weight, line, marks in zip(query.weights, rows, similarities, strict=True):
        found = line >= 0
        if found.any():
            own, first = np.unique(line[found], return_index=True)  # best first: the first is the row's best
            named.append(own)
            gains.append(weight * (marks[found][first] - marks[found][-1]))
    every, which = np.unique(np.concatenate(named), return_inverse=True)
    gained = np.bincount(which, np.concatenate(gains), minlength=len(every))
    best = np.lexsort((every, -gained))[:most]
    return np.sort(every[best])


def reranked(view: TokenView) -> int:
    """How many candidates to rank, at least."""
    return min(max(_nearest(view) // 10, RERANKED[0]), RERANKED[1])


def _nearest(view: TokenView) -> int:
    return min(max(view.tokens // ONE_OF, NEAREST[0]), NEAREST[1])


def maxsim(query: RegionQuery, table: TokenTable) -> FloatArray:
    """(n,) the weighted mean over query tokens of the likeness that counts most in the picture."""
    pictures, most, dimension = table.vectors.shape
    vectors = directions(table.vectors).reshape(pictures * most, dimension)
    similar = likeness(query, vectors).reshape(len(query.tokens), pictures, most)
    similar = similar * says(table.vectors)
    similar = np.where(np.arange(most) < table.counts[:, None], similar, -1)
    return np.asarray(query.weights @ similar.max(axis=2), np.float32)
