"""The answers of several shards as one: exactly what one library with all their pictures would say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.engines.engine import Rows
from dinoscope.features import FloatArray, TokenTable
from dinoscope.library.facets import MOST
from dinoscope.library.records import Counted, Facets, ModelShelf

Found = list[tuple[str, float]]  # (content, cosine), best first


def nearest(answers: Iterable[Sequence[Found]], k: int) -> list[Found]:
    """For each query the k best of all shards. Equal scores go by content, whichever shard was quicker."""
    lines = zip(*answers, strict=True)
    return [
        sorted((one for found in line for one in found), key=lambda one: (-one[1], one[0]))[:k]
        for line in lines
    ]


def nearest_tokens(answers: Sequence[tuple[Rows, Rows, FloatArray]], n: int) -> tuple[Rows, Rows, FloatArray]:
    """Rows, tokens and similarities, (q, n) each, from those of every shard, (q, up to n) each."""
    rows, tokens, scores = (np.concatenate(parts, axis=1) for parts in zip(*answers, strict=True))
    order = np.lexsort((tokens, rows, -scores), axis=1)[:, :n]
    best = (np.take_along_axis(one, order, axis=1) for one in (rows, tokens, scores))
    return next(best), next(best), next(best)


def joined(tables: Sequence[TokenTable]) -> TokenTable:
    """One below the other; where some have fewer tokens or smaller maps, what they lack is not in use."""
    most = max(table.vectors.shape[1] for table in tables)
    largest = max(table.maps.shape[1] for table in tables)
    return TokenTable(
        np.concatenate([_wider(table.vectors, most) for table in tables]),
        np.concatenate([table.counts for table in tables]),
        np.concatenate([_wider(table.maps, largest) for table in tables]),
        np.concatenate([table.grids for table in tables]),
    )


def taken(table: TokenTable, order: Rows) -> TokenTable:
    """The same in another order."""
    return TokenTable(table.vectors[order], table.counts[order], table.maps[order], table.grids[order])


def _wider(array: NDArray[Any], to: int) -> NDArray[Any]:
    room = [(0, 0)] * array.ndim
    room[1] = (0, to - array.shape[1])
    return np.pad(array, room)


def facets(parts: Sequence[Facets]) -> Facets:
    """Counts added up. A value beyond a shard's 200 most frequent may be counted too low."""
    return Facets(
        kinds=_added([one.kinds for one in parts]),
        cameras=_added([one.cameras for one in parts]),
        years=tuple(sorted(_added([one.years for one in parts]), reverse=True))[:MOST],
        folders=_added([one.folders for one in parts]),
    )


def _added(parts: Sequence[Counted]) -> Counted:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(dict(part))
    return tuple(sorted(total.items(), key=lambda one: (-one[1], one[0])))[:MOST]


def shelves(parts: Sequence[Sequence[ModelShelf]]) -> tuple[ModelShelf, ...]:
    """Each model's shelf, its sizes added up."""
    found: dict[str, list[ModelShelf]] = {}
    for shelf in (shelf for part in parts for shelf in part):
        found.setdefault(shelf.key, []).append(shelf)
    return tuple(_shelf(of) for of in found.values())


def _shelf(parts: Sequence[ModelShelf]) -> ModelShelf:
    first = parts[0]
    return ModelShelf(
        key=first.key,
        name=first.name,
        dimension=first.dimension,
        vectors=sum(one.vectors for one in parts),
        dead=sum(one.dead for one in parts),
        engine=one_name(one.engine for one in parts),
        regions=sum(one.regions for one in parts),
        region_engine=one_name(one.region_engine for one in parts if one.region_engine) or None,
        fine=any(one.fine for one in parts),
        vector_bytes=sum(one.vector_bytes for one in parts),
        region_bytes=sum(one.region_bytes for one in parts),
        engine_bytes=sum(one.engine_bytes for one in parts),
        bytes=sum(one.bytes for one in parts),
    )


def one_name(names: Iterable[str]) -> str:
    """The name they share, or all of them."""
    return ", ".join(sorted(set(names)))
