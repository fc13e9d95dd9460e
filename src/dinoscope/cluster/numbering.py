"""Where a picture belongs, and numbers that are unique over all shards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from dinoscope.cluster.manifest import MOST_SHARDS
from dinoscope.library.records import Picture

STRIDE = MOST_SHARDS  # an outer number is an inner one times this, plus the shard: below 2**53 for JavaScript
Numbers = NDArray[np.int64]


def shard_of(content: str, shards: int) -> int:
    """The shard of a content hash: equal bytes always belong to the same, however often they are indexed."""
    return int(content[:16], 16) % shards


def by_shard(contents: Sequence[str], shards: int) -> dict[int, list[str]]:
    """Which shards to ask for which contents, each once; "" is none."""
    found: dict[int, list[str]] = {}
    for content in dict.fromkeys(one for one in contents if one):
        found.setdefault(shard_of(content, shards), []).append(content)
    return found


def outer(number: int, shard: int) -> int:
    """A shard's own id or row as the whole library's."""
    return number * STRIDE + shard


def inner(number: int) -> tuple[int, int]:
    """(the shard's own number, the shard)."""
    return divmod(number, STRIDE)


def outers(numbers: Numbers, shard: int) -> Numbers:
    """Any shape; -1, which stands for nothing, stays."""
    return np.where(numbers >= 0, numbers * STRIDE + shard, -1)


def renumbered(pictures: Sequence[Picture], shard: int) -> list[Picture]:
    """A shard's pictures with ids of the whole library."""
    return [replace(one, id=outer(one.id, shard)) for one in pictures]
