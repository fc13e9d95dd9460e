"""Distances that mean something: how alike pictures are, against all pairs of the library, and why.

A cosine of 0.43 says nothing by itself: models differ, and so do collections. So each is also told as a
percentile of the library's random pairs (``calibration``): closer than 99.2 % of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest
from dinoscope.features import Features, FloatArray, Vectors, normalise
from dinoscope.geometry import PatchGrid
from dinoscope.library.library import Library
from dinoscope.operations.calibration import Calibration, percent
from dinoscope.operations.searching import Query, Yardstick

MOST = 200  # pictures of one matrix
SAME = 0.9995  # cosine from which the model sees one and the same picture: JPEG again, another size


@dataclass(frozen=True, slots=True)
class Distance:
    """How far two pictures lie apart."""

    cosine: float  # -1 to 1, 1 for the same
    percentile: float | None  # share of the library's random pairs that are less alike, in [0, 100]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Distances:
    """How far n pictures lie apart, each from each."""

    model: str
    cosines: FloatArray  # (n, n), 1 on the diagonal
    percentiles: (
        FloatArray | None
    )  # (n, n) in [0, 100]; None where a library has too few pairs to compare with
    order: tuple[int, ...]  # all n, so that those alike stand together
    quantiles: tuple[float, ...]  # cosine below which 0, 1, ... 100 % of the library's pairs lie; or empty

    def between(self, one: int, other: int) -> Distance:
        """Two of them, by their places in what was asked."""
        cosine = float(self.cosines[one, other])
        share = None if self.percentiles is None else float(self.percentiles[one, other])
        return Distance(cosine, share, _sentence(cosine, share))


@dataclass(frozen=True, slots=True, eq=False)
class Why:
    """Which patches carry the likeness of two pictures. Either map sums to 1."""

    here: PatchGrid
    there: PatchGrid
    cosine: float  # of the two descriptors
    shares_here: FloatArray  # (rows, columns) of ``here``
    shares_there: FloatArray  # (rows, columns) of ``there``


def distances(
    library: Library, model: str, pictures: Sequence[Query], yardstick: Yardstick | None = None
) -> Distances:
    """How far pictures lie apart, measured with the library's pairs; nothing is encoded.

    Args:
        model: key of the identity that the vectors belong to.
        pictures: 2 to 200 of unit vectors, (D,) each, and ids of pictures of the library.
        yardstick: keeps the calibration between calls; a Session has one.

    Raises:
        BadRequest: too few or too many.
        NoSuchPicture: an id that is not in the library, or was indexed with another model only.
        NoSuchModel: an id, and none was indexed with this model yet.
    """
    _check(len(pictures))
    named = any(isinstance(one, int) for one in pictures)
    shelf = library.shelf(model) if named or model in library.models() else None
    if shelf is None:
        return distances_of(np.stack([one for one in pictures if not isinstance(one, int)]), model)
    vectors = [
        shelf.vector(library.picture(one).content) if isinstance(one, int) else one for one in pictures
    ]
    return distances_of(np.stack(vectors), model, (yardstick or Yardstick()).of(library, shelf)[1])


def distances_of(vectors: Vectors, model: str, calibration: Calibration | None = None) -> Distances:
    """The same for (n, D) vectors of a model; cosines only where there is no calibration.

    Raises:
        BadRequest: n is not 2 to 200.
    """
    _check(len(vectors))
    cosines = np.clip(vectors @ vectors.T, -1, 1)
    np.fill_diagonal(cosines, 1)
    return Distances(
        model,
        cosines,
        None if calibration is None else calibration.percentiles(cosines),
        _alike_together(cosines),
        () if calibration is None else calibration.quantiles(),
    )


def _check(count: int) -> None:
    if not 2 <= count <= MOST:
        given = "1 was" if count == 1 else f"{count} were"
        raise BadRequest(f"distances are told between 2 and {MOST} pictures, and {given} given")


def why(here: Features, there: Features) -> Why:
    """Which patches carry the likeness.

    A patch carries much when the model attends to it and the other picture has its like. What all patches
    of both have in common is taken away first: it tells nothing apart.

    Raises:
        BadRequest: the two come from different models.
    """
    if here.model != there.model:
        raise BadRequest(f"{here.model} and {there.model} see differently: encode both with one model")
    size = here.patches.shape[-1]
    first, second = here.patches.reshape(-1, size), there.patches.reshape(-1, size)
    common = (first.mean(axis=0) + second.mean(axis=0)) / 2
    alike = normalise(first - common) @ normalise(second - common).T
    return Why(
        here.grid,
        there.grid,
        float(here.descriptor @ there.descriptor),
        _shares(alike.max(axis=1), here),
        _shares(alike.max(axis=0), there),
    )


def _shares(alike: FloatArray, seen: Features) -> FloatArray:
    """What each patch carries; a model without attention has all patches attended alike."""
    attended = seen.attention.mean(axis=0)
    if float(attended.max()) <= 0:
        attended = np.ones_like(attended)
    carried = attended * np.maximum(alike.reshape(attended.shape), 0)
    total = float(carried.sum())
    return np.asarray(carried / total if total > 0 else np.full_like(carried, 1 / carried.size), np.float32)


def _sentence(cosine: float, percentile: float | None) -> str:
    if cosine >= SAME:
        return "to the model they are one and the same picture"
    if percentile is None:
        return "there are too few pictures in the library to say what that means"
    if percentile >= 50:
        return f"closer than {percent(percentile)} of the library's pairs"
    return f"farther apart than {percent(100 - percentile)} of the library's pairs"


def _alike_together(cosines: FloatArray) -> tuple[int, ...]:
    """In the order of the likenesses' second eigenvector, as in Atkins et al. 1998."""
    weights = np.maximum(cosines.astype(np.float64), 0)
    np.fill_diagonal(weights, 0)
    degrees = np.maximum(weights.sum(axis=1), 1e-12)
    scaled = weights / np.sqrt(np.outer(degrees, degrees))
    vectors: NDArray[np.float64] = np.linalg.eigh(scaled)[1]
    second = vectors[:, -2] / np.sqrt(degrees)
    return tuple(int(index) for index in np.argsort(second, kind="stable"))
