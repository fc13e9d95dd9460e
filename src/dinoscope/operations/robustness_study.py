"""How robust models are on a folder of pictures: the same edits of the same pictures, side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import BadRequest, DinoscopeError
from dinoscope.features import Pixels, Vectors
from dinoscope.models.backbone import Backbone
from dinoscope.operations.edit_kinds import KINDS, Edit, checked, working
from dinoscope.operations.paired import Paired
from dinoscope.operations.queries import pixels_of
from dinoscope.operations.robustness import Lab
from dinoscope.operations.surroundings import Gathered
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.walking import walk

HALF = 0.5  # a row's limit: so many originals are still found


@dataclass(frozen=True, slots=True)
class Task:
    """What is asked of the models; equal ones ask the same of a folder that has not changed."""

    originals: int = 12  # pictures edited and looked for
    among: int = 200  # pictures of the folder they are looked for in, themselves included
    kinds: tuple[str, ...] = tuple(KINDS)
    steps: int = 4  # strengths in each direction
    seed: int = 0  # chooses the pictures, draws the noise and what is covered


@dataclass(frozen=True, slots=True)
class Row:
    """One edit in one direction."""

    kind: str
    direction: float  # -1 or 1
    strengths: tuple[float, ...]  # from weak to strong, signed
    first: tuple[tuple[float, ...], ...]  # of each model, at each strength: share of originals found first

    @property
    def way(self) -> str:
        """What is done, in a word or two."""
        return KINDS[self.kind].way(self.direction)

    @property
    def amounts(self) -> tuple[str, ...]:
        """The strengths in a person's units."""
        return tuple(Edit(self.kind, strength).amount for strength in self.strengths)

    def held(self, model: int) -> float:
        """Mean share found over the strengths."""
        return float(np.mean(self.first[model]))

    def limit(self, model: int) -> str | None:
        """The first amount at which not even half are found; None: more are, to the end."""
        for amount, share in zip(self.amounts, self.first[model], strict=True):
            if share < HALF:
                return amount
        return None


@dataclass(frozen=True, slots=True)
class Tested:
    """One of the models."""

    key: str  # of its identity
    name: str
    milliseconds: float  # to encode a picture
    held: float  # share of edited pictures whose original is found first


@dataclass(frozen=True, slots=True)
class Study:
    """Models on the pictures of a folder."""

    folder: Path
    models: tuple[Tested, ...]
    originals: int
    among: int
    refused: int  # files that could not be read
    rows: tuple[Row, ...]
    scores: tuple[Paired, ...]  # each further model against the first, picture by picture
    seed: int

    @property
    def sentences(self) -> tuple[str, ...]:
        """The outcome for a person, a clause each."""
        return (*map(self._weakest, range(len(self.models))), *map(self._better, self.scores))

    def _weakest(self, model: int) -> str:
        name, found = self.models[model].name, f"{100 * self.models[model].held:.0f} %"
        row = min(self.rows, key=lambda row: row.held(model))
        if row.held(model) == 1:
            return f"{name} finds every original"
        limit = row.limit(model)
        where = "" if limit is None else f": half of them are lost by {KINDS[row.kind].title.lower()} {limit}"
        return f"{name} finds {found} of the originals, and fewest when they are {row.way}{where}"

    def _better(self, score: Paired) -> str:
        if not score.better:
            return f"no more than chance between {score.name}"
        first, second = score.name.split(" and ")
        low, high = sorted(100 * abs(end) for end in (score.difference.low, score.difference.high))
        return f"{first if score.better == 'first' else second} finds more: by {low:.0f} to {high:.0f} points"


@dataclass(frozen=True, slots=True)
class Studying:
    """How far a study is. The last one has ``study`` set, unless it was cancelled."""

    stage: str
    done: int
    total: int | None  # None: not known yet
    study: Study | None = None


def study(
    folder: Path,
    backbones: Sequence[Backbone],
    limits: Limits,
    task: Task = Task(),
    *,
    cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Studying]:
    """Edit pictures of a folder, and look for the originals among the folder's pictures with each model.

    Raises:
        BadRequest: no folder, fewer than two pictures, two models that are the same, or unknown edits.
    """
    checked([Edit(kind, 0.0) for kind in task.kinds])
    if len({backbone.identity.key for backbone in backbones}) < len(backbones):
        raise BadRequest("a model cannot be compared with itself: name each once")
    drawn = _Drawn(folder, task, limits)
    trying = _Trying(backbones, task)
    for pixels in drawn:
        if cancelled():
            return
        trying.look(pixels)
        yield Studying("Looking at the pictures", drawn.read, None)
    if drawn.read < 2:
        raise BadRequest(f"{folder} holds {drawn.read} pictures that can be read: at least two are needed")
    total = len(drawn.originals) * len(backbones)
    for own, pixels in enumerate(drawn.originals):
        for at in range(len(backbones)):
            if cancelled():
                return
            yield Studying("Editing and finding again", own * len(backbones) + at, total)
            trying.edit(at, pixels, own)
    yield Studying("Done", total, total, trying.told(drawn))


class _Drawn:
    """Pictures of a folder in an order that the seed gives; the first of them are kept to be edited."""

    def __init__(self, folder: Path, task: Task, limits: Limits) -> None:
        if not folder.is_dir():
            raise BadRequest(f"{folder} is no folder: name one that holds pictures")
        paths = sorted(path for path in walk(folder) if not isinstance(path, Refusal))
        dice = np.random.default_rng(task.seed)
        self.folder = folder
        self._paths = [paths[at] for at in dice.permutation(len(paths))]
        self._task, self._limits = task, limits
        self.originals: list[Pixels] = []
        self.read = 0
        self.refused = 0

    def __iter__(self) -> Iterator[Pixels]:
        for path in self._paths:
            if self.read >= max(self._task.among, self._task.originals):
                return
            try:
                pixels = working(pixels_of(path, self._limits))
            except DinoscopeError:
                self.refused += 1
                continue
            if self.read < self._task.originals:
                self.originals.append(pixels)
            self.read += 1
            yield pixels


class _Trying:
    """What each model sees, and whether it finds the originals of what was edited."""

    def __init__(self, backbones: Sequence[Backbone], task: Task) -> None:
        self._backbones, self._seed = backbones, task.seed
        ways = [(kind, direction) for kind in task.kinds for direction in KINDS[kind].directions]
        self._asked = [(kind, direction, _strengths(kind, direction, task.steps)) for kind, direction in ways]
        self._vectors: list[list[Vectors]] = [[] for _ in backbones]
        self._seconds = [0.0] * len(backbones)
        self._found: list[list[NDArray[np.bool_]]] = [[] for _ in backbones]  # a picture: (edits,)
        self._around: list[Gathered] = []  # of each model

    def look(self, pixels: Pixels) -> None:
        """At a picture among which the originals will be looked for."""
        for at, backbone in enumerate(self._backbones):
            started = perf_counter()
            self._vectors[at].append(backbone.describe([pixels]))
            self._seconds[at] += perf_counter() - started

    def edit(self, at: int, pixels: Pixels, own: int) -> None:
        """All edits of the picture that was the ``own``-th, with one model."""
        self._around = self._around or [Gathered.of(np.concatenate(each), 0) for each in self._vectors]
        around = replace(self._around[at], own=own)
        lab = replace(Lab.of(self._backbones[at], pixels, self._seed), surroundings=around)
        edits = [[Edit(kind, strength)] for kind, _, strengths in self._asked for strength in strengths]
        self._found[at].append(np.array([trial.rank == 1 for trial in lab.trials(edits)]))

    def told(self, drawn: _Drawn) -> Study:
        """Everything that was found out."""
        rows = self._rows()
        weights = np.concatenate([np.full(len(row.strengths), 1 / len(row.strengths)) for row in rows])
        held = np.array(self._found) @ (weights / weights.sum())  # (models, originals): each row counts alike
        models = [
            Tested(
                backbone.identity.key,
                backbone.identity.name,
                1000 * self._seconds[at] / drawn.read,
                float(held[at].mean()),
            )
            for at, backbone in enumerate(self._backbones)
        ]
        return Study(
            drawn.folder,
            tuple(models),
            len(drawn.originals),
            drawn.read,
            drawn.refused,
            rows,
            tuple(
                Paired.of(f"{models[0].name} and {other.name}", held[0], scores)
                for other, scores in zip(models[1:], held[1:], strict=True)
            ),
            self._seed,
        )

    def _rows(self) -> tuple[Row, ...]:
        found = np.array(self._found)  # (models, originals, edits), the edits of each way side by side
        rows, start = [], 0
        for kind, direction, strengths in self._asked:
            shares = found[:, :, start : start + len(strengths)].mean(axis=1).tolist()
            rows.append(Row(kind, direction, strengths, tuple(map(tuple, shares))))
            start += len(strengths)
        return tuple(rows)


def _strengths(kind: str, direction: float, steps: int) -> tuple[float, ...]:
    if KINDS[kind].switch:
        return (1.0,)
    return tuple(direction * step / steps for step in range(1, steps + 1))
