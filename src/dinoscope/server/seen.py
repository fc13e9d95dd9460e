"""What the model saw in pictures of the library lately: somebody who marks one part soon marks another."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from dinoscope.features import Features

MOST = 32  # pictures; each ~0.4 MB


class Seen:
    """The Features of the most recently used pictures, by content. Safe from several threads."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[str, Features] = OrderedDict()
        self._guard = Lock()

    def get(self, content: str) -> Features | None:
        """None when it was never kept, or is no more."""
        with self._guard:
            features = self._kept.get(content)
            if features is not None:
                self._kept.move_to_end(content)
            return features

    def keep(self, content: str, features: Features) -> None:
        """Remember it in place of the one that was used longest ago."""
        with self._guard:
            self._kept[content] = features
            self._kept.move_to_end(content)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
