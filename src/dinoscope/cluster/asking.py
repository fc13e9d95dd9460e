"""Asking the shards, one or all at once, and remembering which did not answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dinoscope.cluster.answering import ShardAnswers
from dinoscope.cluster.manifest import Manifest, demand_shard
from dinoscope.errors import DinoscopeError, ShardSilent
from dinoscope.features import Basis
from dinoscope.library.library import Library
from dinoscope.library.records import Picture

Questions = Mapping[int, Sequence[Any]]  # shard -> the verb's arguments


class Shards(Protocol):
    """A way to reach the shards. SEAM: in this process, or through Ray."""

    @property
    def count(self) -> int: ...

    def ask(self, verb: str, questions: Questions) -> Mapping[int, Any]:
        """What each of the shards asked answers to the verb; a shard that does not is left out.

        A refusal comes as a value, a DinoscopeError.
        """
        ...

    def close(self) -> None: ...


class LocalShards:
    """All shards in this process, without Ray."""

    def __init__(self, root: Path, manifest: Manifest) -> None:
        self._libraries = [
            Library.open(demand_shard(root, manifest, number)) for number in range(manifest.shards)
        ]
        self._answers = [ShardAnswers(library) for library in self._libraries]

    @property
    def count(self) -> int:
        return len(self._answers)

    def ask(self, verb: str, questions: Questions) -> Mapping[int, Any]:
        return {shard: self._answers[shard].answer(verb, given) for shard, given in questions.items()}

    def close(self) -> None:
        for library in self._libraries:
            library.close()


@dataclass(slots=True)
class Kept:
    """What never changes while shards are served, so that no request asks for it again."""

    models: list[str] = field(default_factory=list)  # known to have vectors
    bases: dict[str, Basis] = field(default_factory=dict)  # by the names that TokenState has


class Asker:
    """The questions of one request: a shard that was silent once is not asked again, nor what was told.

    Raises, from every method: ShardSilent when there is nobody left to ask; a shard's own refusal.
    """

    def __init__(self, shards: Shards, kept: Kept | None = None) -> None:
        self._shards = shards
        self.kept = kept or Kept()
        self.silent: set[int] = set()
        self.pictures: int | None = None  # in all shards that answer, once that was told
        self.files: dict[tuple[str, str], tuple[Picture, ...]] = {}  # (content, filter) -> those that pass

    @property
    def count(self) -> int:
        return self._shards.count

    def one(self, shard: int, verb: str, *arguments: Any) -> Any:
        """The answer of the only shard that can know."""
        answers = self.each(verb, {shard: arguments})
        if shard not in answers:
            raise ShardSilent(
                f"shard {shard + 1} of {self.count}, which has what was asked for, does not answer: "
                "it is being started again, so ask again in a minute"
            )
        return answers[shard]

    def all(self, verb: str, *arguments: Any) -> dict[int, Any]:
        """The answer of every shard that gives one, at least one, by its number."""
        return self.some(verb, dict.fromkeys(range(self.count), arguments))

    def some(self, verb: str, questions: Questions) -> dict[int, Any]:
        """``each`` of a question to every shard, of which at least one answers."""
        answers = self.each(verb, questions)
        if not answers:
            raise ShardSilent(
                f"none of the {self.count} shards answers: they are being started, so ask again in a minute"
            )
        return answers

    def each(self, verb: str, questions: Questions) -> dict[int, Any]:
        """Each shard's own question, answered at the same time."""
        asked = {shard: given for shard, given in questions.items() if shard not in self.silent}
        answers = dict(self._shards.ask(verb, asked)) if asked else {}
        self.silent |= asked.keys() - answers.keys()
        for answer in answers.values():
            if isinstance(answer, DinoscopeError):
                raise type(answer)(str(answer))  # a new one: a raised error keeps its traceback
        return dict(sorted(answers.items()))

    @property
    def note(self) -> str | None:
        """A sentence when the answer lacks what silent shards know."""
        if not self.silent:
            return None
        missing, whose = len(self.silent), "its" if len(self.silent) == 1 else "their"
        return (
            f"{missing} of {self.count} shards did not answer, so {whose} pictures are missing here: "
            "ask again in a minute"
        )
