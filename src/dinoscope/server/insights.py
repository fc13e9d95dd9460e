"""What the model held of pictures inside lately: whoever turns a knob turns it back."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from dinoscope.features import Facet, Inside

MOST_BYTES = 48 * 2**20  # kept; 0.4 MB for 256 patches of 384 numbers, 1.6 MB for 1024

Key = tuple[str, int, Facet, int]  # content or upload, layer, facet, most patches


class Insights:
    """The most recently used. Safe from several threads."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Key, Inside] = OrderedDict()
        self._guard = Lock()

    def get(self, key: Key) -> Inside | None:
        """None when it was never kept, or is no more."""
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: Key, inside: Inside) -> None:
        """Remember it in place of those that were used longest ago."""
        with self._guard:
            self._kept[key] = inside
            self._kept.move_to_end(key)
            while len(self._kept) > 1 and sum(one.vectors.nbytes for one in self._kept.values()) > self._most:
                self._kept.popitem(last=False)
