"""Search: likes and unlikes become one query, the shelf answers, and the numbers get a meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Vectors
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.models.backbone import Backbone
from dinoscope.operations.answers import Answer, Hit, Verdict
from dinoscope.operations.calibration import COHORT, Calibration, calibration_of, cohort_of, verdict
from dinoscope.operations.queries import combine

Query = FloatArray | int  # (D,) unit vector, or the id of a picture of the library
MOST = 10_000  # hits one search may ask for
_CHANGED = 1_000  # a cohort holds until one in so many pictures has come or gone


@dataclass(slots=True)
class Yardstick:
    """The cohort and calibration of one shelf, kept between searches until the library has grown."""

    model: str = ""
    contents: int = -1
    cohort: Vectors | None = None
    calibration: Calibration | None = None

    def of(self, library: Library, shelf: Shelf) -> tuple[Vectors, Calibration | None]:
        """Those of the library as it is now; at most 0.1 s when it has changed, else nothing."""
        contents = shelf.count
        changed = abs(contents - self.contents) > contents // _CHANGED
        if self.cohort is None or self.model != shelf.key or changed:
            self.cohort = cohort_of(shelf)
            before = self.calibration if self.model == shelf.key else None
            kept = Calibration.read(library.calibration(shelf.key), contents)
            if kept is None and before is not None and contents > COHORT and before.holds(contents):
                kept = before  # 70 ms to make another
            self.calibration = kept or calibration_of(self.cohort, contents)
            self.model, self.contents = shelf.key, contents
        return self.cohort, self.calibration


def search(
    library: Library,
    backbone: Backbone,
    *,
    like: Sequence[Query],
    unlike: Sequence[Query] = (),
    k: int = 20,
    where: Filter | None = None,
    collapse: bool = False,
    exclude_self: bool = True,
    encode_seconds: float = 0.0,
    yardstick: Yardstick | None = None,
) -> Answer:
    """The ``k`` pictures nearest to all of ``like`` and not to ``unlike`` (see ``queries.combine``).

    Args:
        like, unlike: unit vectors or ids; at least one like.
        k: hits wanted, 1 to 10,000.
        where: only pictures that pass; the search itself is restricted, so k answers come if k pass.
        collapse: files of equal bytes are one hit, the oldest row first, the others its ``copies``.
        exclude_self: leave out the pictures named by id (not their copies).
        encode_seconds: what the caller spent on encoding, for the Answer.
        yardstick: keeps the calibration between calls; a Session has one.

    Raises:
        BadRequest: no like, likes and unlikes that cancel out, or k out of range.
        NoSuchPicture: an id that is not in the library.
        NoSuchModel: there are pictures, but none was indexed with this model yet.
    """
    started = perf_counter()
    library = library.asked()
    if not 1 <= k <= MOST:
        raise BadRequest(f"{k} hits cannot be asked for: choose 1 to {MOST:,}")
    if not like:
        raise BadRequest("there is nothing to look for: give at least one picture you like")
    model = backbone.identity.key
    if model not in library.models() and library.count() == 0:
        return _empty(model, encode_seconds)
    shelf = library.shelf(model)
    query = combine(
        [_vector(one, library, shelf) for one in like], [_vector(one, library, shelf) for one in unlike]
    )
    mine = {one for one in (*like, *unlike) if isinstance(one, int)} if exclude_self else set()
    groups = _groups(library, shelf, query, k=k + len(mine), where=where, mine=mine)
    cohort, calibration = (yardstick or Yardstick()).of(library, shelf)
    searched = library.count(where)
    return Answer(
        hits=_hits(groups, calibration, collapse)[:k],
        verdict=verdict(
            [score for _, score in groups], query, cohort, calibration, max(1, searched - len(mine))
        ),
        model=shelf.key,
        engine=shelf.engine_name,
        searched=searched,
        seconds=perf_counter() - started,
        encode_seconds=encode_seconds,
        silent=library.silent,
        note=library.note,
    )


def calibrate(library: Library, model: str) -> None:
    """Measure the library and keep the numbers with it, unless those kept still hold. Needs the writer."""
    if model not in library.models():
        return
    shelf = library.shelf(model)
    contents = shelf.count
    if Calibration.read(library.calibration(model), contents) is None:
        fresh = calibration_of(cohort_of(shelf), contents)
        if fresh is not None:
            library.set_calibration(model, fresh.written())


def _empty(model: str, encode_seconds: float) -> Answer:
    nothing = Verdict(False, 1.0, "The library is empty: index a folder of pictures first.")
    return Answer((), nothing, model, "exact", searched=0, seconds=0.0, encode_seconds=encode_seconds)


def _vector(query: Query, library: Library, shelf: Shelf) -> FloatArray:
    return shelf.vector(library.picture(query).content) if isinstance(query, int) else query


def _groups(
    library: Library, shelf: Shelf, query: FloatArray, *, k: int, where: Filter | None, mine: set[int]
) -> list[tuple[tuple[Picture, ...], float]]:
    """The nearest contents, each with the files that pass the filter and are not the query itself."""
    found = shelf.search(query[None, :], k, where)[0]
    files = library.pictures_of([content for content, _ in found], where)
    groups = []
    for content, score in found:
        pictures = tuple(one for one in files.get(content, ()) if one.id not in mine)
        if pictures:  # else its last file was the query, or was removed since
            groups.append((pictures, score))
    return groups


def _hits(
    groups: list[tuple[tuple[Picture, ...], float]], calibration: Calibration | None, collapse: bool
) -> tuple[Hit, ...]:
    hits: list[Hit] = []
    scores = np.array([score for _, score in groups])
    percentiles = calibration.percentiles(scores) if calibration else np.zeros(len(scores), np.float32)
    for (pictures, score), percentile in zip(groups, percentiles.tolist(), strict=True):
        if collapse:
            hits.append(Hit(pictures[0], score, percentile, pictures[1:]))
        else:
            hits += [Hit(picture, score, percentile) for picture in pictures]
    return tuple(hits)
