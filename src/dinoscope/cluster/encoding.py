"""What runs beside every encoder: read, decode, encode, and send each picture to its shard's writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dinoscope.cluster.knowing import path_hash
from dinoscope.cluster.numbering import shard_of
from dinoscope.cluster.sources import fetched, url_of
from dinoscope.cluster.writing import Parcel
from dinoscope.features import Basis, FloatArray, RegionTokens
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.models.backbone import Backbone
from dinoscope.operations import tiling
from dinoscope.operations.ahead import ReadAhead, Ready
from dinoscope.operations.batching import Batches, shape_of
from dinoscope.operations.hiding import without_faces
from dinoscope.operations.indexing import BATCH, THUMBNAIL, row_of
from dinoscope.operations.pooling import pool
from dinoscope.operations.queries import at_least
from dinoscope.operations.scouting import Found
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.workers import DecodeWorkers, Loaded
from dinoscope.settings import Settings

READERS = 4  # files fetched at once, so that a store's latency is not waited for
WAIT = 0.2  # seconds between two looks whether a picture is decoded


class Writers(Protocol):
    """The writers of all shards, wherever they are. A refusal of theirs is raised here."""

    @property
    def count(self) -> int: ...

    def begin(self, shard: int, verb: str, *arguments: Any) -> Callable[[], Any]:
        """Ask; what comes back waits for the answer."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """What is the same for every batch of a run."""

    settings: Settings
    basis: Basis | None  # None: region tokens are not wanted
    fine: bool


@dataclass(slots=True)
class Tally:
    """What became of a batch."""

    added: int = 0
    known: int = 0
    completed: int = 0
    refusals: list[Refusal] = field(default_factory=list)


class Encoding:
    """A model and its decoders, for as long as a run takes. A context manager."""

    def __init__(self, backbone: Backbone, writers: Writers, job: Job) -> None:
        self._backbone = backbone
        self._writers = writers
        self._job = job
        self._stack = ExitStack()
        limits = Limits.of(job.settings)
        reader = _Fetching(self._stack.enter_context(DecodeWorkers(1, limits)), limits)
        self._ahead = self._stack.enter_context(
            ReadAhead(reader, READERS, at_least=at_least(backbone), thumbnail=THUMBNAIL)
        )

    def __enter__(self) -> Encoding:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the decoders."""
        self._stack.close()

    def run(self, found: Sequence[Found], outdated: Mapping[Path, Sequence[int]]) -> Tally:
        """Index these files. When it returns, all is on the disks of the shards.

        Args:
            outdated: path -> shards with rows of it that no longer hold.

        Raises:
            DiskFull, LibraryReadOnly, LibraryDamaged, LibraryBusy: of a shard; what other shards were
                sent stays.
        """
        batch = _Batch(self._backbone, self._writers, self._job)
        for one in found:
            self._ahead.ask(one)
        try:
            while len(self._ahead):
                result = self._ahead.take(WAIT)
                if isinstance(result, Refusal):
                    batch.refused.append(result)
                elif isinstance(result, Ready) and not batch.take(result):
                    self._ahead.release(result)
                for ready in batch.encode():
                    self._ahead.release(ready)
        finally:
            while len(self._ahead):  # an error above: the next batch must not get this one's pictures
                left = self._ahead.take(WAIT)
                if isinstance(left, Ready):
                    self._ahead.release(left)
        for ready in batch.encode(rest=True):
            self._ahead.release(ready)
        return batch.send(outdated)


class _Batch:
    """The files of one call, on their way from pixels to parcels."""

    def __init__(self, backbone: Backbone, writers: Writers, job: Job) -> None:
        self._backbone = backbone
        self._writers = writers
        self._job = job
        size = max(BATCH, backbone.batch)
        self._batches: Batches[Ready] = Batches(size, 10**9, lambda one: shape_of(one.loaded.decoded.size))
        self._lacking: dict[str, Callable[[], Any]] = {}  # content -> what its shard says it lacks of it
        self._rows: dict[str, list[NewFile]] = {}
        self._thumbnails: dict[str, bytes] = {}
        self._vectors: dict[str, FloatArray] = {}
        self._tokens: dict[str, RegionTokens] = {}
        self._tally = Tally()
        self.refused: list[Refusal] = []

    def take(self, ready: Ready) -> bool:
        """Does a picture wait for being encoded? Else it is one of equal bytes."""
        content = ready.loaded.content
        if ready.loaded.thumbnail is not None:
            self._thumbnails[content] = ready.loaded.thumbnail
        self._rows.setdefault(content, []).append(row_of(ready))
        if content in self._lacking:
            return False
        job, shard = self._job, shard_of(content, self._writers.count)
        self._lacking[content] = self._writers.begin(
            shard, "lacking", [content], job.basis is not None, job.fine
        )
        self._batches.add(ready)
        return True

    def encode(self, *, rest: bool = False) -> Iterable[Ready]:
        """Encode the batches that are full, or all; those that are done with."""
        while batch := self._batches.any() if rest else self._batches.full():
            wanted = [one for one in batch if self._wants(one.loaded.content)]
            if wanted:
                self._encode(wanted)
            yield from batch

    def send(self, outdated: Mapping[Path, Sequence[int]]) -> Tally:
        """Each shard its parcel, all at once; then rows that no longer hold are dropped elsewhere."""
        tally, waiting = self._tally, []
        for shard, contents in self._by_shard(self._rows).items():
            parcel = Parcel(
                [row for content in contents for row in self._rows[content]],
                _only(self._vectors, contents),
                self._regions(contents),
                _only(self._thumbnails, contents),
            )
            waiting.append(self._writers.begin(shard, "commit", parcel))
        for refusal in self.refused:
            waiting.append(self._writers.begin(self._home(refusal), "refuse", [refusal]))
        for answer in waiting:
            answer()
        self._forget(outdated)
        tally.known = sum(len(rows) for rows in self._rows.values()) - tally.added
        tally.refusals = self.refused
        return tally

    def _wants(self, content: str) -> bool:
        plain, parts = self._lacking[content]()
        self._tally.added += bool(plain)
        self._tally.completed += bool(parts and not plain)
        return bool(plain or parts)

    def _encode(self, batch: Sequence[Ready]) -> None:
        pixels = [ready.loaded.decoded.pixels for ready in batch]
        contents = [ready.loaded.content for ready in batch]
        job, basis = self._job, self._job.basis
        if basis is None or job.fine:
            self._vectors.update(zip(contents, self._backbone.describe(pixels), strict=True))
        if basis is None:
            return
        found = tiling.encode_tiled(self._backbone, pixels) if job.fine else self._backbone.encode(pixels)
        for content, features, one in zip(contents, found, batch, strict=True):
            kept = without_faces(features, one.loaded.decoded.faces)
            self._tokens[content] = pool(basis.reduced(kept.patches), kept.attention)
            if not job.fine:
                self._vectors[content] = features.descriptor

    def _regions(self, contents: Iterable[str]) -> NewRegions | None:
        tokens = _only(self._tokens, contents)
        if self._job.basis is None or not tokens:
            return None
        return NewRegions(self._job.basis, tokens, tiling.MOST if self._job.fine else 0)

    def _forget(self, outdated: Mapping[Path, Sequence[int]]) -> None:
        """A file that has other bytes now may belong to another shard."""
        now = {
            row.path: shard_of(row.content, self._writers.count) for own in self._rows.values() for row in own
        }
        waiting = [
            self._writers.begin(shard, "forget", [path])
            for path, shards in outdated.items()
            for shard in shards
            if path in now and shard != now[path]
        ]
        for answer in waiting:
            answer()

    def _by_shard(self, contents: Iterable[str]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for content in contents:
            found.setdefault(shard_of(content, self._writers.count), []).append(content)
        return found

    def _home(self, refusal: Refusal) -> int:
        """Refused files have no content: any shard will do, as long as it is the same each time."""
        return path_hash(str(refusal.path)) % self._writers.count


class _Fetching:
    """Reads what is behind a URL as if it were a file here."""

    def __init__(self, workers: DecodeWorkers, limits: Limits) -> None:
        self._workers = workers
        self._limits = limits

    def read(self, path: Path, *, at_least: int | None, thumbnail: int | None) -> Loaded:
        """As DecodeWorkers do."""
        url = url_of(path)
        if url is None:
            return self._workers.read(path, at_least=at_least, thumbnail=thumbnail)
        data = fetched(path, self._limits)
        return self._workers.load(
            data.data, where=url, at_least=at_least, thumbnail=thumbnail, modified_ns=data.modified_ns
        )


def _only(values: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    return {key: values[key] for key in keys if key in values}
