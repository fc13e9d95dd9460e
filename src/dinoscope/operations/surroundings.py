"""The other pictures among which one is to be found again, and what a likeness means among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dinoscope.features import FloatArray, Vectors
from dinoscope.library.library import Library
from dinoscope.library.shelves import Shelf
from dinoscope.operations.calibration import Calibration, calibration_of, odds
from dinoscope.operations.distances import SAME
from dinoscope.operations.searching import Yardstick

DEEP = 200  # others counted; of an original behind more of them it is only said that it is lost
_TIE = 1e-6  # cosines this near are equal: rounding


class Surroundings(Protocol):
    """What an edited picture is looked for in."""

    @property
    def among(self) -> int:
        """Pictures, the original one of them."""
        ...

    def nearer(self, vectors: Vectors, cosines: FloatArray) -> list[int]:
        """For each of (q, D) vectors: how many others, at most DEEP, are more like it than (q,) cosines."""
        ...

    def percentile(self, cosine: float) -> float | None:
        """Share of random pairs that are less alike, in [0, 100]; None: too few to tell."""
        ...

    def chance(self, cosine: float, vector: FloatArray) -> float | None:
        """Probability that unrelated pictures come as near to a (D,) vector; None: too few to tell."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What both kinds have in common: a sample of the pictures."""

    cohort: Vectors
    calibration: Calibration | None

    @property
    def among(self) -> int:
        raise NotImplementedError

    def percentile(self, cosine: float) -> float | None:
        return None if self.calibration is None else self.calibration.percentile(cosine)

    def chance(self, cosine: float, vector: FloatArray) -> float | None:
        return odds(cosine, vector, self.cohort, self.calibration, self.among)


@dataclass(frozen=True, slots=True, eq=False)
class Shelved(Measured):
    """All pictures of a library that one model has seen."""

    shelf: Shelf
    selves: frozenset[str]  # contents that are the original itself

    @classmethod
    def of(
        cls, library: Library, model: str, original: FloatArray, yardstick: Yardstick | None = None
    ) -> Shelved:
        """The library around a picture, which may be one of it or not.

        Args:
            model: key of the identity that made ``original``, the (D,) vector of the picture.
            yardstick: keeps the calibration between calls.

        Raises:
            NoSuchModel: nothing in the library was indexed with this model.
        """
        shelf = library.shelf(model)
        cohort, calibration = (yardstick or Yardstick()).of(library, shelf)
        return cls(cohort, calibration, shelf, _selves(shelf, original))

    @property
    def among(self) -> int:
        """The original counts as one of them, whether it is or not."""
        return self.shelf.count + (not self.selves)

    def nearer(self, vectors: Vectors, cosines: FloatArray) -> list[int]:
        found = self.shelf.search(vectors, DEEP + len(self.selves))
        return [_count(hits, self.selves, float(cosine)) for hits, cosine in zip(found, cosines, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Gathered(Measured):
    """Pictures that are in no library, by their (n, D) vectors."""

    vectors: Vectors
    own: int  # the row that is the original

    @classmethod
    def of(cls, vectors: Vectors, own: int, calibration: Calibration | None = None) -> Gathered:
        """Around one of them; who asks about many hands the calibration in."""
        return cls(vectors, calibration or calibration_of(vectors, len(vectors)), vectors, own)

    @property
    def among(self) -> int:
        return len(self.vectors)

    def nearer(self, vectors: Vectors, cosines: FloatArray) -> list[int]:
        alike = vectors @ self.vectors.T
        alike[:, self.vectors @ self.vectors[self.own] >= SAME] = -1
        return [min(DEEP, int(count)) for count in np.sum(alike > cosines[:, None] + _TIE, axis=1)]


def _selves(shelf: Shelf, original: FloatArray) -> frozenset[str]:
    """The contents that are a picture itself, stored more than once as other files."""
    wanted = 20
    while True:
        found = shelf.search(original[None, :], wanted)[0]
        selves = frozenset(content for content, cosine in found if cosine >= SAME)
        if len(selves) < wanted:
            return selves
        wanted *= 10


def _count(hits: Sequence[tuple[str, float]], selves: frozenset[str], cosine: float) -> int:
    above = sum(score > cosine + _TIE and content not in selves for content, score in hits)
    return min(DEEP, above)
