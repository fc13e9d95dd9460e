"""Index through Ray: list -> leave out what is known -> encoders on every machine -> a writer per shard.

Placing encoders, giving a dead machine's work to another and starting its writers again are Ray's. That
nothing is lost or doubled by it is the shards': see writing.py.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from dinoscope.cluster import sources
from dinoscope.cluster.encoding import Encoding, Job
from dinoscope.cluster.knowing import Knowledge
from dinoscope.cluster.manifest import Manifest, claimed, kept_basis
from dinoscope.cluster.remote_writers import RemoteWriters, each
from dinoscope.cluster.starting import joined, quiet, refusal_in
from dinoscope.features import Basis
from dinoscope.library import faces
from dinoscope.library.connection import SHARDED
from dinoscope.library.paths import absolute, to_path, to_text
from dinoscope.models.backbone import Backbone
from dinoscope.models.loading import load_backbone
from dinoscope.operations.bases import basis_of_model
from dinoscope.operations.indexing import emptied
from dinoscope.operations.progress import Progress
from dinoscope.operations.scouting import Found
from dinoscope.pictures import faces as detector
from dinoscope.pictures.refusal import Refusal
from dinoscope.settings import Settings

BATCH = 32  # files an encoder is given at once: what a dead machine costs, and 2 s of a core
WINDOW = 100_000  # files listed ahead of the encoders: 30 MB, and one start of them for each
Load = Callable[[Settings], Backbone]


@dataclass(slots=True)
class _Count:
    """What is told on the way."""

    found: int = 0
    walking: bool = True
    added: int = 0
    known: int = 0
    removed: int = 0
    refused: int = 0
    completed: int = 0
    started: float = field(default_factory=monotonic)

    def progress(self, refusal: Refusal | None = None, *, finished: bool = False) -> Progress:
        return Progress(
            found=self.found,
            walking=self.walking,
            added=self.added,
            known=self.known,
            removed=self.removed,
            refused=self.refused,
            seconds=monotonic() - self.started,
            refusal=refusal,
            finished=finished,
            completed=self.completed,
        )


def index_in_shards(
    names: Iterable[str | Path],
    settings: Settings,
    *,
    address: str | None = None,
    shards: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
    load: Load = load_backbone,
) -> Generator[Progress]:
    """Bring the library in shards at ``settings.library`` in step with folders and URLs.

    As ``operations.indexing.index_folders``, and with the same outcome. Folders, and the library, must be
    seen by every machine of the cluster under the same path. Each batch is on the disks of its shards
    before the next progress tells of it; running it again goes on from there.

    Args:
        names: folders, files, and URLs of folders and files that fsspec opens.
        address: see ``starting.joined``.
        shards: of a library that is made by this; None: 4.
        load: gives every encoder its model.

    Raises:
        MissingExtra, NoClusterThere, BadRequest, Unreadable, NoLibrary: before anything is read.
        DiskFull, LibraryReadOnly, LibraryDamaged, LibraryBusy: of a shard; what was told of stays.
    """
    root = absolute(settings.library)
    settings = replace(settings, library=root, threads=settings.threads or 1)
    with joined(address), ExitStack() as stack:
        roots = sources.roots(names)
        backbone = load(settings)
        identity = backbone.identity
        made = not (root / SHARDED).is_file()
        manifest = claimed(
            root, shards=shards, model=identity.key, name=settings.model, dimension=backbone.dimension
        )
        settings = _settled(root, settings, made=made)
        if settings.regions:
            kept_basis(root, lambda: basis_of_model(backbone, settings))
        with _told():
            writers = stack.enter_context(RemoteWriters.started(root, manifest, identity))
            run = _Run(root, settings, writers, load)
            yield from run.all(roots, cancelled)


def _settled(root: Path, settings: Settings, *, made: bool) -> Settings:
    """As ``operations.indexing.settled`` does."""
    mode = faces.mode_of(settings.faces, root)
    if mode != "allow":
        detector.ready()
    if faces.kept(root) is None:
        faces.keep(root, mode if made else "allow")
    return replace(settings, faces=mode)


class _Run:
    """One run, from the listing to the shards' engines."""

    def __init__(self, root: Path, settings: Settings, writers: RemoteWriters, load: Load) -> None:
        self._root = root
        self._settings = settings
        self._writers = writers
        self._load = load
        self._fine = settings.fine or any(each(writers, "fine"))
        self._knowledge = Knowledge(each(writers, "inventory", settings.regions, self._fine))
        self._kept: list[
            Path
        ] = []  # folders and files that could not be looked at: nothing of them is dropped
        self._count = _Count()

    def all(self, roots: Sequence[sources.Root], cancelled: Callable[[], bool]) -> Iterator[Progress]:
        """Every step; the last one tells whether it came to the end."""
        bare: list[Path] = []
        window: list[tuple[Found, tuple[int, ...]]] = []
        for root in roots:
            files = 0
            for sighting in sources.listed(root, self._root):
                if cancelled():
                    yield self._count.progress()
                    return
                files += isinstance(sighting, Found)
                yield from self._meet(sighting, window)
                if len(window) >= WINDOW:
                    yield from self._encode(window)
                    window.clear()
            if not files:
                bare.append(root.path)
        self._count.walking = False
        yield from self._encode(window)
        if cancelled():
            yield self._count.progress()
            return
        yield from self._settle(roots, bare)

    def _meet(
        self, sighting: Found | Refusal, window: list[tuple[Found, tuple[int, ...]]]
    ) -> Iterator[Progress]:
        self._count.found += 1
        if isinstance(sighting, Refusal):
            self._knowledge.keep(sighting.path)
            yield self._refused(sighting)
            self._writers.begin(0, "refuse", [sighting])()
            return
        met = self._knowledge.meet(sighting)
        self._count.known += met.known
        if not met.known:
            window.append((sighting, met.outdated))
        elif met.outdated:  # a run ended between writing the new row and dropping the old one
            for shard in met.outdated:
                self._writers.begin(shard, "forget", [sighting.path])()
        if self._count.found % 512 == 0:
            yield self._count.progress()

    def _encode(self, window: Sequence[tuple[Found, tuple[int, ...]]]) -> Iterator[Progress]:
        """Through Ray Data: as many encoders as there is room for, machines that come later included."""
        if not window:
            yield self._count.progress()
            return
        import ray.data

        _configure()
        threads = self._settings.threads
        room = max(1, int(ray.cluster_resources().get("CPU", 1) // threads))
        blocks = max(1, len(window) // BATCH)
        encoded = ray.data.from_items(
            [_item(*one) for one in window], override_num_blocks=blocks
        ).map_batches(
            Encoder,
            batch_size=BATCH,
            fn_constructor_args=(self._load, self._settings, self._writers, self._fine),
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=None, initial_size=min(room, blocks)),
            num_cpus=threads,
        )
        for line in encoded.iter_rows():
            self._count.added += int(line["added"])
            self._count.known += int(line["known"])
            self._count.completed += int(line["completed"])
            for path, sentence in json.loads(line["refusals"]):
                yield self._refused(Refusal(to_path(path), sentence))
            yield self._count.progress()

    def _refused(self, refusal: Refusal) -> Progress:
        self._kept.append(refusal.path)
        self._count.refused += 1
        return self._count.progress(refusal)

    def _settle(self, roots: Sequence[sources.Root], bare: Sequence[Path]) -> Iterator[Progress]:
        """Forget what vanished, and let every shard choose its engine."""
        vanished = [self._knowledge.vanished(shard) for shard in range(self._writers.count)]
        for root in roots:
            waiting = [
                self._writers.begin(shard, "prune", root.path, gone, self._kept, root.path in bare)
                for shard, gone in enumerate(vanished)
                if len(gone)
            ]
            removed = [answer() for answer in waiting]
            if any(one is None for one in removed):
                yield self._refused(emptied(root.path))
            self._count.removed += sum(one or 0 for one in removed)
            each(self._writers, "forgive", root.path, self._kept)
        each(self._writers, "settle", self._fine)
        yield self._count.progress(finished=True)


class Encoder:
    """One member of Ray Data's pool: files in, a line of numbers out, the rest sent to the shards."""

    def __init__(self, load: Load, settings: Settings, writers: RemoteWriters, fine: bool) -> None:
        backbone = load(settings)
        Manifest.read(settings.library).demand_model(backbone.identity.key, settings.library)
        basis: Basis | None = kept_basis(settings.library) if settings.regions else None
        self._encoding = Encoding(backbone, writers, Job(settings, basis, fine))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The batch's columns as Ray Data has them."""
        found, outdated = [], {}
        for path, root, size, time, shards in zip(*(batch[name] for name in _COLUMNS), strict=True):
            one = Found(to_path(str(path)), to_path(str(root)), int(size), int(time))
            found.append(one)
            outdated[one.path] = tuple(json.loads(str(shards)))
        tally = self._encoding.run(found, outdated)
        refusals = [(to_text(refusal.path), refusal.sentence) for refusal in tally.refusals]
        return {
            "added": np.array([tally.added]),
            "known": np.array([tally.known]),
            "completed": np.array([tally.completed]),
            "refusals": np.array([json.dumps(refusals)]),
        }


_COLUMNS = ("path", "root", "bytes", "modified_ns", "outdated")


def _item(found: Found, outdated: tuple[int, ...]) -> dict[str, object]:
    values = (to_text(found.path), to_text(found.root), found.bytes, found.modified_ns, json.dumps(outdated))
    return dict(zip(_COLUMNS, values, strict=True))


def _configure() -> None:
    """Ray Data draws no bars of its own: the caller's bar shows our Progress."""
    import ray.data

    quiet()
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.enable_operator_progress_bars = False


@contextmanager
def _told() -> Iterator[None]:
    """A shard's refusal comes wrapped in Ray's errors: the sentence inside is what counts."""
    try:
        yield
    except Exception as error:
        refusal = refusal_in(error)
        if refusal is None:
            raise
        raise refusal from None
