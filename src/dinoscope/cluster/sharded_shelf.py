"""One model's vectors in all shards, as one shelf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from dinoscope.cluster import merging
from dinoscope.cluster.answering import TokenState, VectorState
from dinoscope.cluster.asking import Asker
from dinoscope.cluster.numbering import by_shard, renumbered, shard_of
from dinoscope.cluster.sharded_views import ShardedTokens, ShardedVectors
from dinoscope.errors import NoRegions, NoSuchModel, NoSuchPicture
from dinoscope.features import FloatArray, Vectors
from dinoscope.library.filters import Filter
from dinoscope.library.shelves import Shelf, drawn


class ShardedShelf(Shelf):
    """Each call sees every shard's latest commit; a view sees those of the moment it was opened."""

    def __init__(self, asker: Asker, key: str, unknown: NoSuchModel) -> None:
        """Raises: NoSuchModel, which is ``unknown``, where no shard has such vectors."""
        self._asker = asker
        self._key = key
        self._states: dict[int, VectorState] = {
            shard: state for shard, state in asker.all("vectors", key).items() if state is not None
        }
        if not self._states:
            raise unknown
        if len(self._states) == asker.count:  # else some shards have pictures and no such vectors
            asker.pictures = sum(state.pictures for state in self._states.values())

    @property
    def key(self) -> str:
        return self._key

    @property
    def dimension(self) -> int:
        return next(iter(self._states.values())).dimension

    @property
    def count(self) -> int:
        return sum(state.count for state in self._states.values())

    @property
    def engine_name(self) -> str:
        return merging.one_name(state.engine for state in self._states.values())

    @contextmanager
    def tokens(self) -> Iterator[ShardedTokens]:
        found: dict[int, TokenState | None] = self._asker.all("tokens", self._key)
        states = {shard: state for shard, state in found.items() if state is not None}
        if not states:
            raise NoRegions(
                f"no shard knows parts of its pictures by the model {self._key} yet: "
                "index their folders again, which adds what is missing"
            )
        yield ShardedTokens(self._asker, self._key, states)

    @contextmanager
    def vectors(self) -> Iterator[ShardedVectors]:
        yield ShardedVectors(self._asker, self._key)

    def vector(self, content: str) -> FloatArray:
        found = self._asker.one(shard_of(content, self._asker.count), "vectors_of", self._key, [content])
        if content not in found:
            raise NoSuchPicture(
                f"the library has no vector of {content} by the model {self._key}: index its folder again"
            )
        vector: FloatArray = found[content]
        return vector

    def vectors_of(self, contents: Sequence[str]) -> dict[str, FloatArray]:
        questions = by_shard(contents, self._asker.count)
        answers = self._asker.each("vectors_of", {at: (self._key, own) for at, own in questions.items()})
        return {content: vector for found in answers.values() for content, vector in found.items()}

    def search(
        self, queries: Vectors, k: int, where: Filter | None = None, probes: int | None = None
    ) -> list[list[tuple[str, float]]]:
        answers = self._asker.all("search", self._key, queries, k, where, probes)
        text = "" if where is None else where.text
        for shard, (_, files) in answers.items():
            for content, pictures in files.items():
                self._asker.files[content, text] = tuple(renumbered(pictures, shard))
        return merging.nearest([found for found, _ in answers.values()], k)

    def sample(self, n: int, seed: int = 0) -> Vectors:
        """As one library draws: each vector as likely as any other, whichever shard it is in."""
        numbers = list(self._states)
        counts = np.array([self._states[shard].count for shard in numbers])
        chosen = drawn(int(counts.sum()), n, seed)
        ends = np.cumsum(counts)
        owners = np.searchsorted(ends, chosen, side="right")
        ranks = chosen - (ends - counts)[owners]
        questions = {
            shard: (self._key, ranks[owners == at])
            for at, shard in enumerate(numbers)
            if (owners == at).any()
        }
        parts = [part for part in self._asker.each("sample", questions).values() if len(part)]
        return np.concatenate([np.empty((0, self.dimension), np.float32), *parts])
