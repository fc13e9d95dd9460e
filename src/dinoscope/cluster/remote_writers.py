"""The shards' writers as Ray actors: started again on another machine when theirs dies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from dinoscope.cluster.manifest import Manifest
from dinoscope.cluster.writing import ShardWriter
from dinoscope.errors import DinoscopeError
from dinoscope.models.backbone import ModelIdentity

CLOSING = 20.0  # seconds a writer has to put its tables in order at the end


@dataclass(frozen=True, slots=True)
class RemoteWriters:
    """Handles that every machine may use. Whatever is asked is asked again after a restart."""

    actors: Sequence[Any]

    @classmethod
    @contextmanager
    def started(cls, root: Path, manifest: Manifest, model: ModelIdentity) -> Iterator[Self]:
        """One each, spread over the machines, closed at the end of the block.

        Raises: LibraryBusy, LibraryDamaged and their like, as the shards turn out.
        """
        import ray

        remote = ray.remote(ShardWriter).options(
            num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy="SPREAD"
        )
        writers = cls([remote.remote(root, manifest, number, model) for number in range(manifest.shards)])
        try:
            each(writers, "ready")
            yield writers
        finally:
            ending = [actor.answer.remote("close") for actor in writers.actors]
            with suppress(Exception):  # what was committed is on the disk, closed or not
                ray.wait(ending, num_returns=len(ending), timeout=CLOSING)
            for actor in writers.actors:
                ray.kill(actor)

    @property
    def count(self) -> int:
        return len(self.actors)

    def begin(self, shard: int, verb: str, *arguments: Any) -> Callable[[], Any]:
        """Ask one writer; what comes back waits for its answer, and raises its refusal."""
        import ray

        asked = self.actors[shard].answer.remote(verb, *arguments)

        def answer() -> Any:
            found = ray.get(asked)
            if isinstance(found, DinoscopeError):
                raise found
            return found

        return answer


def each(writers: RemoteWriters, verb: str, *arguments: Any) -> list[Any]:
    """What every writer answers, all asked at once."""
    waiting = [writers.begin(shard, verb, *arguments) for shard in range(writers.count)]
    return [answer() for answer in waiting]
