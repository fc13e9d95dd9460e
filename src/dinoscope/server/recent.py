"""What was costly to make and is likely to be asked for again: who marks one part soon marks another."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """The most recently used values. Safe from several threads.

    Args:
        room: what all kept values may cost together; one that costs more is kept alone.
        cost: of a value; else each costs 1.
    """

    def __init__(self, room: int, cost: Callable[[V], int] = lambda _: 1) -> None:
        self._room, self._cost = room, cost
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._guard = Lock()

    def get(self, key: K) -> V | None:
        """None when it was never kept, or is no more."""
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: K, value: V) -> None:
        """Remember it in place of those that were used longest ago."""
        with self._guard:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(map(self._cost, self._kept.values())) > self._room:
                self._kept.popitem(last=False)
