"""A map of the whole library: pictures that are alike lie together. Made once, kept, and then only grown."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Bools
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.vector_views import Names, Points, VectorView
from dinoscope.operations.projecting import AT_ONCE, FITTED, Method, best_method, place, project

VERSION = 1  # one more whenever project() gives something else: maps are then made anew
OUTGROWN = 3  # times the pictures it was fitted on: a map of a few says little of so many


@dataclass(frozen=True, slots=True, eq=False)
class LibraryMap:
    """Where the library's pictures lie, in the order of their ids."""

    model: str
    method: Method
    generation: int  # of the library it shows
    pictures: NDArray[np.int64]  # (n,) ids, ascending; of files of equal bytes the oldest
    places: FloatArray  # (n, 2) x to the right, y down, in [0, 1]
    fitted: Bools  # (n,) the map was fitted on these; the others were placed among them

    def __len__(self) -> int:
        return len(self.pictures)


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """How far the making of a map has come; the last one has the map."""

    stage: str
    done: int
    total: int
    map: LibraryMap | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    """What is stored: places by content, whatever their rows and ids are now."""

    method: Method
    names: Names  # (m,) ascending
    places: FloatArray  # (m, 2)
    fitted: Bools  # (m,)

    def where(self, names: Names) -> tuple[Bools, NDArray[np.int64]]:
        """(n,) which of the names are on it, and (n,) at which index; any index for the others."""
        if not len(self.names):
            return np.zeros(len(names), np.bool_), np.zeros(len(names), np.int64)
        at = np.minimum(np.searchsorted(self.names, names), len(self.names) - 1)
        return self.names[at] == names, at


def lay_out(
    library: Library, model: str, *, again: bool = False, method: Method | None = None
) -> Iterator[Mapping]:
    """Bring the map in step with the library, step by step.

    Only new pictures are placed, among those that are there, and nothing else moves. The map is made anew
    when the library has three times those it was fitted on and still has, or PaCMAP was installed meanwhile.

    Args:
        model: key of the identity whose vectors it is of.
        again: make it anew in any case.
        method: None: the best that is installed.

    Raises:
        NoSuchModel: none was indexed with this model.
        BadRequest: the library has no pictures.
        MissingExtra: PaCMAP is asked for and not installed.
    """
    best = best_method()
    path = _path(library, model)
    with library.shelf(model).vectors() as view:
        yield Mapping("Reading", 0, 1)
        points = _some(view)
        kept = None if again else _read(path)
        if kept is None or _outgrown(kept, points) or kept.method != (method or _better(kept.method, best)):
            kept, chosen = None, np.sort(np.random.default_rng(0).permutation(len(points))[:FITTED])
            names, vectors = points.names[chosen], view.read(points.rows[chosen])
    if kept is None:  # minutes, in which the library must not be held as it was: its log would grow
        yield Mapping("Laying out", 0, len(names))
        kept = _fitted(names, vectors, method or best)
        _write(path, kept)
    with library.shelf(model).vectors() as view:
        points = _some(view)
        here, _ = kept.where(points.names)
        if not here.all():
            for step, grown in _placed(view, points, kept):
                kept = grown
                yield step
            _write(path, kept)
        yield Mapping("Done", len(points), len(points), _shown(model, view.generation, points, kept))


def kept_map(library: Library, model: str) -> LibraryMap | None:
    """The map as it is, when it has every picture of the library; None when it has to be laid out."""
    kept = _read(_path(library, model))
    if kept is None:
        return None
    with library.shelf(model).vectors() as view:
        points = view.points()
        whole = len(points) and kept.where(points.names)[0].all() and not _outgrown(kept, points)
        return _shown(model, view.generation, points, kept) if whole else None


def passing(library: Library, found: LibraryMap, where: Filter) -> Bools:
    """(n,) those of the map's pictures of which a file passes the filter."""
    with library.shelf(found.model).vectors() as view:
        points = view.points()
        return np.isin(found.pictures, points.pictures[view.passing(points, where)])


def _some(view: VectorView) -> Points:
    points = view.points()
    if not len(points):
        raise BadRequest("the library is empty, so there is nothing to map: index a folder first")
    return points


def _fitted(names: Names, vectors: FloatArray, method: Method) -> _Kept:
    places = project(vectors, method)
    names, order = np.unique(names, return_index=True)
    return _Kept(method, names, places[order], np.ones(len(names), np.bool_))


def _placed(view: VectorView, points: Points, kept: _Kept) -> Iterator[tuple[Mapping, _Kept]]:
    """With the pictures it lacks."""
    here, at = kept.where(points.names)
    known = here & kept.fitted[at]  # some are left, see _outgrown
    anchors, places = view.read(points.rows[known]), kept.places[at[known]]
    new, found = np.flatnonzero(~here), [np.empty((0, 2), np.float32)]
    for start in range(0, len(new), AT_ONCE):
        part = new[start : start + AT_ONCE]
        found.append(place(view.read(points.rows[part]), points.names[part], anchors, places))
        yield Mapping("Placing", min(start + AT_ONCE, len(new)), len(new)), kept
    names, order = np.unique(np.concatenate([kept.names, points.names[new]]), return_index=True)
    yield (
        Mapping("Placing", len(new), len(new)),
        replace(
            kept,
            names=names,
            places=np.concatenate([kept.places, *found])[order],
            fitted=np.concatenate([kept.fitted, np.zeros(len(new), np.bool_)])[order],
        ),
    )


def _better(one: Method, other: Method) -> Method:
    """A map by PaCMAP stays, also where PaCMAP is not installed."""
    return "pacmap" if "pacmap" in {one, other} else "pca"


def _outgrown(kept: _Kept, points: Points) -> bool:
    """So many more than are left of those it was fitted on that it says little."""
    here, at = kept.where(points.names)
    left = int(np.count_nonzero(here & kept.fitted[at]))
    if np.count_nonzero(kept.fitted) >= FITTED:  # no map is ever fitted on more
        return OUTGROWN * left < FITTED
    return len(points) > OUTGROWN * left


def _shown(model: str, generation: int, points: Points, kept: _Kept) -> LibraryMap:
    at = kept.where(points.names)[1]
    order = np.argsort(points.pictures)
    return LibraryMap(
        model,
        kept.method,
        generation,
        pictures=points.pictures[order],
        places=kept.places[at[order]],
        fitted=kept.fitted[at[order]],
    )


def _path(library: Library, model: str) -> Path:
    return library.folder / "maps" / f"{blake2b(model.encode(), digest_size=8).hexdigest()}.npz"


def _read(path: Path) -> _Kept | None:
    """None when there is none, it is damaged or it was made by another version."""
    try:
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:  # it closes no spoilt file
            about = json.loads(str(stored["about"]))
            kept = _Kept(about["method"], stored["names"], stored["places"], stored["fitted"])
            whole = kept.places.shape == (len(kept.names), 2) and len(kept.fitted) == len(kept.names)
            return kept if about["version"] == VERSION and whole else None
    except (OSError, KeyError, ValueError, TypeError, EOFError, BadZipFile):
        return None


def _write(path: Path, kept: _Kept) -> None:
    """Where it can be written; else it is made anew the next time."""
    about = json.dumps({"version": VERSION, "method": kept.method})
    unfinished = path.with_name(f"{path.stem}.{os.getpid()}.part")
    try:
        path.parent.mkdir(exist_ok=True)
        with unfinished.open("wb") as file:
            np.savez(file, about=np.array(about), names=kept.names, places=kept.places, fitted=kept.fitted)
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
