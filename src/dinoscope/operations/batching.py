"""Group decoded pictures into batches of one shape, without letting a rare shape starve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dinoscope.geometry import Size, fit_grid

Item = TypeVar("Item")
Shape = tuple[int, int]

BUDGET = 256  # patches; equal to every card's default, so that one of our batches is one of the backbone's


def shape_of(size: Size) -> Shape:
    """(rows, columns) of the patch grid a picture gets. Only speed depends on it, never a result."""
    grid = fit_grid(size, 1, BUDGET)
    return grid.rows, grid.columns


@dataclass(slots=True)
class _Bucket(Generic[Item]):
    since: int  # serial number of its oldest item
    items: list[Item] = field(default_factory=list)


class Batches(Generic[Item]):
    """Buckets by shape.

    ``full`` gives a batch when a bucket holds ``size`` items, or when its oldest item has seen
    ``patience`` younger ones arrive: a lone panorama is encoded after at most ``patience`` pictures.
    ``any`` gives the fullest bucket, for an encoder that would otherwise be idle.
    """

    def __init__(self, size: int, patience: int, shape: Callable[[Item], Shape]) -> None:
        self._size = size
        self._patience = patience
        self._shape = shape
        self._serial = 0
        self._buckets: dict[Shape, _Bucket[Item]] = {}

    def __len__(self) -> int:
        return sum(len(bucket.items) for bucket in self._buckets.values())

    def add(self, item: Item) -> None:
        self._serial += 1
        self._buckets.setdefault(self._shape(item), _Bucket(self._serial)).items.append(item)

    def full(self) -> list[Item]:
        """A batch that is due, oldest bucket first; empty when none is."""
        for shape, bucket in sorted(self._buckets.items(), key=lambda entry: entry[1].since):
            if len(bucket.items) >= self._size or self._serial - bucket.since >= self._patience:
                return self._pop(shape)
        return []

    def any(self) -> list[Item]:
        """The fullest bucket's batch; empty when there is nothing at all."""
        if not self._buckets:
            return []
        return self._pop(max(self._buckets, key=lambda shape: len(self._buckets[shape].items)))

    def _pop(self, shape: Shape) -> list[Item]:
        bucket = self._buckets.pop(shape)
        batch, rest = bucket.items[: self._size], bucket.items[self._size :]
        if rest:
            self._buckets[shape] = _Bucket(self._serial, rest)
        return batch
