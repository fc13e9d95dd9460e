"""Region tokens and vectors of all shards, rows numbered over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dinoscope.cluster import merging
from dinoscope.cluster.answering import TokenState
from dinoscope.cluster.asking import Asker
from dinoscope.cluster.numbering import STRIDE, by_shard, outer, outers, shard_of
from dinoscope.engines.engine import Rows
from dinoscope.errors import LibraryDamaged
from dinoscope.features import Basis, FloatArray, TokenTable, Vectors
from dinoscope.geometry import Bools
from dinoscope.library.filters import Filter
from dinoscope.library.token_views import TokenView
from dinoscope.library.vector_views import Points, VectorView

SPARE, SOME = 2, 32  # a shard is asked for twice its share of the nearest tokens, and so many


class ShardedTokens(TokenView):
    """What region search reads. Tokens come over the wire only for the candidates it ranks."""

    def __init__(self, asker: Asker, model: str, states: Mapping[int, TokenState]) -> None:
        """
        Raises:
            LibraryDamaged: shards were made with different bases, so their tokens do not compare.
        """
        self._asker = asker
        self._model = model
        self._states = states
        self._contents: dict[int, str] = {}  # of rows that were read
        first, *others = states.items()
        for shard, state in others:
            if first[1].basis != state.basis:
                raise LibraryDamaged(
                    f"shards {first[0] + 1} and {shard + 1} describe parts of pictures in different terms: "
                    "index the pictures into another --library"
                )

    @property
    def basis(self) -> Basis:
        shard, state = next(iter(self._states.items()))
        bases = self._asker.kept.bases
        if state.basis not in bases:
            bases[state.basis] = self._asker.one(shard, "basis", self._model)
        return bases[state.basis]

    @property
    def numbering(self) -> str:
        return " ".join(state.numbering for state in self._states.values())

    @property
    def fine(self) -> bool:
        return any(state.fine for state in self._states.values())

    @property
    def count(self) -> int:
        return sum(state.count for state in self._states.values())

    @property
    def tokens(self) -> int:
        return sum(state.tokens for state in self._states.values())

    @property
    def engine(self) -> str:
        return merging.one_name(state.engine for state in self._states.values())

    @property
    def exact(self) -> bool:
        return all(state.exact for state in self._states.values())

    def nearby(self, queries: Vectors, n: int, where: Filter | None = None) -> tuple[Rows, Rows, FloatArray]:
        """As one library answers. Each shard is asked for its share and some more, and for all n only where
        what it kept back may be among the n best: so n answers cross the wire twice, not once for each shard.
        """
        asked = dict.fromkeys(self._states, min(n, SPARE * -(-n // len(self._states)) + SOME))
        nothing = np.full((len(queries), 0), -1, np.int64)
        answers: dict[int, tuple[Rows, Rows, FloatArray]] = {}
        waiting = set(asked)
        while True:
            answers |= self._asker.each(
                "nearby",
                {at: (self._model, queries, asked[at], where, self._states[at].numbering) for at in waiting},
            )
            parts = [(outers(rows, at), tokens, scores) for at, (rows, tokens, scores) in answers.items()]
            best = merging.nearest_tokens([(nothing, nothing, nothing.astype(np.float32)), *parts], n)
            last = best[2][:, n - 1] if best[2].shape[1] == n else np.full(len(queries), -np.inf, np.float32)
            waiting = {at for at in answers if asked[at] < n and _may_have_more(answers[at], last)}
            if not waiting:
                return best
            asked |= dict.fromkeys(waiting, n)

    def read(self, rows: Rows) -> TokenTable:
        """In the order asked; rows of a shard that fell silent since have no tokens in use."""
        answers = self._asker.each(
            "read_tokens",
            {
                shard: (self._model, own, self._states[shard].numbering)
                for shard, own in _by_shard(rows).items()
            },
        )
        tables, order = [], []
        for shard, own in _by_shard(rows).items():
            if shard in answers:
                table, contents = answers[shard]
                tables.append(table)
                order += outers(own, shard).tolist()
                self._contents.update(zip(outers(own, shard).tolist(), contents, strict=True))
        at = {row: index for index, row in enumerate(order)}
        table = merging.joined([*tables, self._blank()])
        return merging.taken(table, np.array([at.get(row, len(order)) for row in rows.tolist()], np.int64))

    def contents(self, rows: Rows) -> list[str]:
        if any(row not in self._contents for row in rows.tolist()):
            self.read(rows)
        return [self._contents.get(row, "") for row in rows.tolist()]  # "" of a silent shard is no content

    def row_of(self, content: str) -> int | None:
        shard = shard_of(content, self._asker.count)
        if shard not in self._states:
            return None
        numbering = self._states[shard].numbering
        found = self._asker.one(shard, "token_rows", self._model, [content], numbering)
        return outer(found[content], shard) if content in found else None

    def rows_of(self, contents: Sequence[str]) -> dict[str, int]:
        questions = {
            shard: (self._model, own, self._states[shard].numbering)
            for shard, own in by_shard(contents, self._asker.count).items()
            if shard in self._states
        }
        answers = self._asker.each("token_rows", questions)
        return {content: outer(row, at) for at, own in answers.items() for content, row in own.items()}

    def missing(self, where: Filter | None = None) -> int:
        return sum(self._asker.all("without_tokens", self._model, where).values())

    def _blank(self) -> TokenTable:
        """One picture without any token, for rows that cannot be had."""
        return TokenTable(
            np.zeros((1, 1, self.basis.dimension), np.int8),
            np.zeros(1, np.int64),
            np.zeros((1, 1), np.uint8),
            np.ones((1, 2), np.int64),
        )


class ShardedVectors(VectorView):
    """What a map of the whole library is made from."""

    def __init__(self, asker: Asker, model: str) -> None:
        self._asker = asker
        self._model = model
        found = asker.all("points", model)
        self._parts: dict[int, tuple[Points, str, int]] = {
            shard: part for shard, part in found.items() if part is not None
        }

    @property
    def generation(self) -> int:
        return sum(generation for _, _, generation in self._parts.values())

    @property
    def numbering(self) -> str:
        return " ".join(numbering for _, numbering, _ in self._parts.values())

    def points(self) -> Points:
        rows, pictures, names = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
        for shard, (points, _, _) in self._parts.items():
            rows.append(outers(points.rows, shard))
            pictures.append(outers(points.pictures, shard))
            names.append(points.names)
        all_rows = np.concatenate(rows)
        order = np.argsort(all_rows)
        return Points(all_rows[order], np.concatenate(pictures)[order], np.concatenate(names)[order])

    def alive(self) -> Rows:
        return self.points().rows

    def passing(self, points: Points, where: Filter) -> Bools:
        answers = self._asker.each(
            "passing", {at: (self._model, own, where) for at, (own, _, _) in self._parts.items()}
        )
        good = [outers(self._parts[at][0].rows[passes], at) for at, passes in answers.items() if passes.any()]
        return np.isin(points.rows, np.concatenate([np.empty(0, np.int64), *good]))

    def read(self, rows: Rows) -> Vectors:
        found: dict[int, FloatArray] = {}
        questions = {
            shard: (self._model, own, self._parts[shard][1]) for shard, own in _by_shard(rows).items()
        }
        for shard, (_, own, _) in questions.items():
            vectors = self._asker.one(shard, "read_vectors", *questions[shard])
            found.update(zip(outers(own, shard).tolist(), vectors, strict=True))
        return np.stack([found[row] for row in rows.tolist()])


def _may_have_more(answer: tuple[Rows, Rows, FloatArray], last: FloatArray) -> bool:
    """Does a shard's answer end above the last of the best, of any query?"""
    rows, _, scores = answer
    return bool(((rows[:, -1] >= 0) & (scores[:, -1] >= last)).any()) if rows.shape[1] else False


def _by_shard(rows: Rows) -> dict[int, Rows]:
    """The shards' own rows, each once."""
    shards = rows % STRIDE
    return {int(shard): np.unique(rows[shards == shard] // STRIDE) for shard in np.unique(shards)}
