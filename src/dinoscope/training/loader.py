"""Batches of views, made ahead of the training by processes of their own, the same on any number of them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Self

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.training.crops import crops_at, side_needed
from dinoscope.training.items import Item, Items
from dinoscope.training.kept import Kept, slots_for
from dinoscope.training.recipe import Recipe
from dinoscope.training.sampling import NEIGHBOUR, REPLACEMENT, IndexArray, batch_indices, generator_of
from dinoscope.training.view_workers import ViewWorkers
from dinoscope.training.viewing import Failed, Order, room_for, rows_of, view_all

_AHEAD = 2  # batches made while one is trained on: 2 x 134 MB for 256 pictures with 2 x 224 + 8 x 96
_CHUNK = 16  # most pictures a process is asked for at once: enough to hide what asking costs
_TRIES = 20  # other pictures tried in place of one that cannot be read
_NAMED = 100  # refusals kept with their sentence


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What one rank trains on in one step; n = recipe.batch / world pictures."""

    step: int
    views: list[Pixels]  # two global ones, then the local ones: (n, size, size, 3) each, colours untouched
    indices: IndexArray  # (n,) which items they are
    positions: IndexArray  # (n,) places in the whole batch of all ranks


class Loader:
    """A context manager whose ``batches`` are pure functions of the recipe's seed and the step.

    A picture that cannot be read is replaced by another one, which one is again a function of the seed
    and the step. A reading process that dies is replaced and its work done again.
    """

    def __init__(
        self,
        items: Items,
        recipe: Recipe,
        limits: Limits,
        *,
        workers: int = 0,
        rank: int = 0,
        world: int = 1,
        keep: Path | None = None,
    ) -> None:
        """Make ``workers`` processes, none with 0: then ``batches`` works in this one when asked.

        Args:
            keep: a folder to keep decoded pictures in until the loader is closed; None decodes every time.

        Raises:
            BadRequest: the batch cannot be shared evenly among ranks and accumulation windows.
        """
        if recipe.batch % (world * recipe.accumulate):
            raise BadRequest(
                f"a batch of {recipe.batch} cannot be shared by {world} processes in {recipe.accumulate} "
                f"windows each: ask for a multiple of {world * recipe.accumulate}"
            )
        self._items, self._recipe, self._limits = items, recipe, limits
        self._share = recipe.batch // world
        self._first = rank * self._share
        self._kept = _kept(keep / f"decoded-{rank}", items, recipe) if keep else None
        self._workers = ViewWorkers(workers, limits, self._kept) if workers else None
        self._threads = ThreadPoolExecutor(workers, "views") if workers else None
        self._chunk = max(1, min(_CHUNK, self._share // max(1, 2 * workers)))
        self._lock = Lock()
        self.waited = 0.0  # seconds ``batches`` kept the training waiting, since the beginning
        self.refusals: dict[int, Refusal] = {}  # item number -> why it could not be read; the first 100
        self.skipped: set[int] = set()  # numbers of all items that could not be read

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes at once."""
        if self._workers:
            self._workers.close()
        if self._threads:
            self._threads.shutdown(wait=True, cancel_futures=True)
        if self._kept:
            self._kept.close()
            with suppress(OSError):
                self._kept.path.unlink()

    def batches(self, start: int = 0, end: int | None = None) -> Iterator[Batch]:
        """The batches of the steps from ``start`` up to ``end`` (default: recipe.steps).

        Raises:
            BadRequest: so many pictures cannot be read that no replacement is found.
            Unreadable: the reading processes keep dying.
        """
        end = self._recipe.steps if end is None else end
        pending: deque[tuple[Batch, list[Callable[[], None]]]] = deque()
        ahead = _AHEAD if self._threads else 0
        for step in range(start, end):
            while len(pending) <= ahead and step + len(pending) < end:
                pending.append(self._begin(step + len(pending)))
            began = time.perf_counter()
            batch, parts = pending.popleft()
            for part in parts:
                part()
            self.waited += time.perf_counter() - began
            yield batch

    def _begin(self, step: int) -> tuple[Batch, list[Callable[[], None]]]:
        """A batch still to be filled, and what to call for its parts: each waits or works."""
        recipe = self._recipe
        positions = np.arange(self._first, self._first + self._share)
        indices = batch_indices(recipe.seed, step, recipe.batch, len(self._items))[positions]
        batch = Batch(step, room_for(crops_at(recipe, step), self._share), indices, positions)
        spans = [(low, min(low + self._chunk, self._share)) for low in range(0, self._share, self._chunk)]
        if self._threads is None:
            return batch, [partial(self._fill, batch, *span) for span in spans]
        futures: list[Future[None]] = [self._threads.submit(self._fill, batch, *span) for span in spans]
        return batch, [future.result for future in futures]

    def _fill(self, batch: Batch, low: int, high: int) -> None:
        """Rows ``low`` to ``high`` of the batch."""
        failed = self._view(batch, low, [int(index) for index in batch.indices[low:high]])
        for number, sentence in failed.items():
            self._replace(batch, low + number, sentence)

    def _replace(self, batch: Batch, row: int, sentence: str) -> None:
        """Another picture for a row; the same one whoever asks."""
        dice = generator_of(self._recipe.seed, REPLACEMENT, batch.step, int(batch.positions[row]))
        index = int(batch.indices[row])
        for _ in range(_TRIES):
            self._refuse(index, sentence)
            index = int(dice.integers(len(self._items)))
            failed = self._view(batch, row, [index])
            if not failed:
                batch.indices[row] = index
                return
            sentence = failed[0]
        raise BadRequest(f"{_TRIES} pictures in a row cannot be read; the last of them: {sentence}")

    def _refuse(self, index: int, sentence: str) -> None:
        with self._lock:
            self.skipped.add(index)
            if len(self.refusals) < _NAMED:
                self.refusals.setdefault(index, Refusal(Path(self._items[index].where), sentence))

    def _view(self, batch: Batch, row: int, indices: list[int]) -> Failed:
        """Views of these pictures into the rows from ``row`` on."""
        recipe, first = self._recipe, int(batch.positions[row])
        order = Order(
            seed=recipe.seed,
            step=batch.step,
            first=first,
            crops=crops_at(recipe, batch.step),
            pictures=tuple(
                self._picture(index, batch.step, first + number) for number, index in enumerate(indices)
            ),
        )
        rows = rows_of(batch.views, row, row + len(indices))
        if self._workers:
            return self._workers.view_all(order, rows)
        return view_all(order, self._limits, rows, self._kept)

    def _picture(self, index: int, step: int, position: int) -> tuple[Item, ...]:
        if self._recipe.positives == "same":
            return (self._items[index],)
        dice = generator_of(self._recipe.seed, NEIGHBOUR, step, position)
        return self._items[index], self._items[self._items.nearby(index, dice)]


def _kept(path: Path, items: Items, recipe: Recipe) -> Kept | None:
    """An empty one; a run that was killed may have left another, of pictures that changed since."""
    side = side_needed(recipe.crops)
    try:
        path.unlink(missing_ok=True)
        return Kept(path, side, slots_for(len(items), side, path.parent))
    except OSError:
        return None


def default_workers(cuda: bool, ranks: int = 1) -> int:
    """How many processes keep a training busy: one beside a processor that trains, all cores beside GPUs.

    On a processor a step costs some 30 to 100 times what its pictures cost. ``ranks`` share this machine.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // ranks - 1) if cuda else 1
