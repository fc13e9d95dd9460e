"""Compare two models on the user's own library: index with both, look at both, edit and find again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from dinoscope.errors import BadRequest, DinoscopeError
from dinoscope.features import FloatArray, Pixels
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.library.shelves import Shelf
from dinoscope.models.backbone import Backbone
from dinoscope.operations.comparison import Comparison, Questions, Side
from dinoscope.operations.edits import EDITS, edited
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.neighbourhoods import compare_shelves
from dinoscope.operations.paired import Paired
from dinoscope.operations.progress import Progress
from dinoscope.operations.queries import pixels_of
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

DEEP = 50  # the original counts as lost beyond this rank


@dataclass(frozen=True, slots=True)
class Comparing:
    """How far a comparison is. The last one has ``comparison`` set, unless it was cancelled."""

    stage: str  # for a person, e.g. "Indexing with mine"
    done: int
    total: int | None  # None: not known yet
    indexing: Progress | None = None
    comparison: Comparison | None = None


def compare(
    library: Library,
    first: Backbone,
    second: Backbone,
    settings: Settings,
    questions: Questions = Questions(),  # noqa: B008  frozen
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Comparing]:
    """Index what either model has not seen, then compare them on the same questions.

    The library must be open for writing unless both models have seen all of it.

    Raises:
        BadRequest: both are the same model, or the library is empty.
        LibraryReadOnly, DiskFull: from indexing; what was committed stays.
    """
    if first.identity == second.identity:
        raise BadRequest(f"{first.identity.key} cannot be compared with itself: name two models")
    if library.count() == 0:
        raise BadRequest(f"the library {library.folder} is empty: index a folder of pictures first")
    for backbone in (first, second):
        yield from _index(library, backbone, settings, cancelled)
    if cancelled():
        return
    keys = first.identity.key, second.identity.key
    yield Comparing("Looking at neighbours", 0, None)
    found = compare_shelves(library, *keys, questions)
    trial = _Trial(library, (first, second), Limits.of(settings))
    chosen = _chosen(library, keys, questions)
    for done, picture in enumerate(chosen):
        if cancelled():
            return
        yield Comparing("Editing and finding again", done, len(chosen))
        trial.run(picture)
    yield Comparing("Done", len(chosen), len(chosen), comparison=trial.told(found))


def unseen(library: Library, key: str) -> bool:
    """Has the model of that key vectors to make in this library?"""
    info = library.info()
    return not any(shelf.key == key and shelf.vectors >= info.contents for shelf in info.shelves)


def _index(
    library: Library, backbone: Backbone, settings: Settings, cancelled: Callable[[], bool]
) -> Iterator[Comparing]:
    """Folders that are not there now are passed over: their pictures are compared if both have seen them."""
    roots: list[Path] = [root for root in library.info().roots if root.exists()]
    if not roots or not unseen(library, backbone.identity.key) or cancelled():
        return
    stage = f"Indexing with {backbone.identity.name}"
    for now in index_folders(roots, library, backbone, settings, cancelled=cancelled):
        yield Comparing(stage, now.done, None if now.walking else now.found, indexing=now)


def _chosen(library: Library, keys: tuple[str, str], questions: Questions) -> list[Picture]:
    """Pictures to edit: both models have seen them and their files are there."""
    count = questions.originals
    if not count:
        return []
    more = Questions(queries=2 * count, examples=2 * count, seed=questions.seed + 1)
    drawn = compare_shelves(library, *keys, more).examples
    return [one.query for one in drawn if one.query.path.is_file()][:count]


class _Trial:
    """Edited copies, and where each model finds their original."""

    def __init__(self, library: Library, backbones: tuple[Backbone, Backbone], limits: Limits) -> None:
        self._backbones = backbones
        self._shelves = [library.shelf(backbone.identity.key) for backbone in backbones]
        self._limits = limits
        self._ranks: list[list[FloatArray]] = [[], []]  # of each model: (edits,) reciprocal ranks a picture
        self._seconds: list[list[float]] = [[], []]  # of each model: a picture's time

    def run(self, picture: Picture) -> None:
        """Edit one picture and look for it with both; one that cannot be read is passed over."""
        try:
            copies = edited(pixels_of(picture.path, self._limits, "known"))
        except DinoscopeError:
            return
        turns = (0, 1) if len(self._ranks[0]) % 2 else (1, 0)  # whoever comes second finds warm caches
        for side in turns:
            ranks, seconds = _found(self._backbones[side], self._shelves[side], copies, picture.content)
            self._ranks[side].append(ranks)
            self._seconds[side].append(seconds)

    def told(self, comparison: Comparison) -> Comparison:
        """The comparison, with what was found out here."""
        if not self._ranks[0]:
            return comparison
        first, second = (np.stack(ranks).astype(np.float64) for ranks in self._ranks)
        whole = Paired.of("the original of an edited copy found", first.mean(axis=1), second.mean(axis=1))
        single = tuple(Paired.of(name, first[:, at], second[:, at]) for at, name in enumerate(EDITS))
        return replace(
            comparison,
            first=self._timed(comparison.first, 0),
            second=self._timed(comparison.second, 1),
            scores=(*comparison.scores, whole),
            edits=single,
        )

    def _timed(self, side: Side, at: int) -> Side:
        return replace(side, milliseconds=1000 * float(np.median(self._seconds[at])))


def _found(
    backbone: Backbone, shelf: Shelf, copies: Sequence[Pixels], content: str
) -> tuple[FloatArray, float]:
    """(edits,) reciprocal ranks of the content, 0 beyond DEEP; and the seconds to encode one copy."""
    started = perf_counter()
    vectors = backbone.describe(copies)
    seconds = (perf_counter() - started) / len(copies)
    ranks = np.zeros(len(copies), np.float32)
    for at, hits in enumerate(shelf.search(vectors, DEEP)):
        names = [name for name, _ in hits]
        ranks[at] = 1 / (1 + names.index(content)) if content in names else 0.0
    return ranks, seconds
