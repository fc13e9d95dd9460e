"""Index folders: walk -> skip what is known -> decode ahead -> encode in batches -> commit often."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic

from dinoscope.features import FloatArray
from dinoscope.library import faces
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile, Stamp
from dinoscope.models.backbone import Backbone
from dinoscope.operations import tiling
from dinoscope.operations.ahead import MEMORY, ReadAhead, Ready, Watched
from dinoscope.operations.arithmetic import one_thread
from dinoscope.operations.bases import basis_for
from dinoscope.operations.batching import Batches, Shape, shape_of
from dinoscope.operations.filming import Films, frame_row
from dinoscope.operations.hiding import without_faces
from dinoscope.operations.progress import Progress
from dinoscope.operations.queries import at_least
from dinoscope.operations.scouting import Found, PathSet, RootWalked, Scout, Sighting, roots_of
from dinoscope.operations.searching import calibrate
from dinoscope.operations.tokenising import Tokeniser
from dinoscope.pictures import faces as detector
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.workers import DecodeWorkers
from dinoscope.settings import Settings

__all__ = ["THUMBNAIL", "at_least", "index_folders"]

BATCH = 8  # pictures a call of the encoder, or what keeps it busy where that is more; delays Ctrl-C
PATIENCE = 8  # a picture of a rare shape is encoded after at most so many batches of younger ones
COMMIT_SECONDS = 2.0  # what kill -9 can cost at most, together with
COMMIT_PICTURES = 256  # so many pictures
THUMBNAIL = 320  # longest side, made while the pixels are at hand
BATCHES_AHEAD = 6  # pictures decoded, or asked for, so that the encoder finds a batch of one shape ready
MEMORY_EACH = 12 * 2**20  # bytes of pixels held for each picture of a batch, which is six of one megapixel
WAIT = 0.05  # seconds the encoder idles for a fuller batch before it takes a smaller one
SKIP_STRIDE = 512  # unchanged files passed over between two looks at the decoders


def index_folders(
    folders: Iterable[Path | str],
    library: Library,
    backbone: Backbone,
    settings: Settings,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    batch: int | None = None,
) -> Iterator[Progress]:
    """Bring the library in step with the folders, and say how far it is.

    Unchanged files (path, size, time) are not read. A file whose bytes the library has already seen
    under any name gets a row and no new vector. Changed files are replaced, vanished ones forgotten:
    only below a root that is there and not suddenly empty, so that an unmounted disk costs nothing.
    A file that cannot be used is reported once and passed over. Of a video the frames that are worth keeping
    become pictures. Faces are let in, kept out or hidden as ``settings.faces`` and the library say.

    With ``settings.regions`` each picture's region tokens are stored, too; a library that was indexed
    without them gets those it lacks, for which its pictures are encoded again. With ``settings.fine``
    they are made of tiles, also of new pictures of a library that has such already.

    Finished pictures are committed every 2 s, and also when the caller closes the generator, when
    ``cancelled()`` turns true, or on Ctrl-C; running it again goes on from there. The last Progress
    has ``finished`` set, unless it was cancelled.

    Args:
        batch: pictures a call of the encoder; None: what keeps it busy.

    Raises:
        Unreadable, FacesUnchecked: a folder is missing, or the detector. Before anything is read or removed.
        LibraryReadOnly, DiskFull: from the library; what was committed stays.
    """
    batch = batch or max(BATCH, backbone.batch)
    roots = roots_of(folders)
    settings = settled(library, settings)
    workers = decode_workers(os.cpu_count() or 1)
    with ExitStack() as stack:
        reader = stack.enter_context(DecodeWorkers(workers, Limits.of(settings)))
        room = {"depth": BATCHES_AHEAD * batch, "memory": max(MEMORY, MEMORY_EACH * batch)}
        ahead = stack.enter_context(
            ReadAhead(reader, workers, reader, at_least=at_least(backbone), thumbnail=THUMBNAIL, **room)
        )
        stack.callback(reader.close)  # a stop waits for no picture that is being read, be it for 20 s
        scout = stack.enter_context(Scout(roots, without=library.folder.resolve()))
        tokeniser, fine = None, settings.fine or library.fine(backbone.identity.key)
        if settings.regions:
            basis = partial(basis_for, library, backbone, settings)
            tokeniser = stack.enter_context(Tokeniser(basis, tiled=tiling.MOST if fine else 0))
        run = _Run(library, backbone, scout, ahead, batch=batch, tokeniser=tokeniser, fine=fine)
        with one_thread():
            try:
                while run.working and not cancelled():
                    yield from run.step()
            finally:
                run.commit(wait=True)
        if not run.working:
            yield from run.finish()
        else:
            yield run.progress()


def settled(library: Library, settings: Settings) -> Settings:
    """The settings with what holds about faces, which a library keeps from its first indexing on.

    Raises: FacesUnchecked, LibraryReadOnly, DiskFull.
    """
    mode = faces.mode_of(settings.faces, library.folder)
    if mode != "allow":
        detector.ready()
    if faces.kept(library.folder) is None:  # one that has pictures already may have faces among them
        faces.keep(library.folder, "allow" if library.count() else mode)
    return replace(settings, faces=mode)


def decode_workers(cores: int) -> int:
    """Half the cores, at most 32: a picture's decoding takes 5-15 ms of a core, its encoding 50 or more."""
    return min(32, max(1, cores // 2))


class _Run:
    """One indexing run: the tally, the rows waiting for their vectors, and those waiting for a commit."""

    def __init__(
        self,
        library: Library,
        backbone: Backbone,
        scout: Scout,
        ahead: ReadAhead,
        *,
        batch: int,
        tokeniser: Tokeniser | None,
        fine: bool,
    ) -> None:
        self._library = library
        self._backbone = backbone
        self._model = backbone.identity.key
        self._scout = scout
        self._ahead = ahead
        self._tokeniser = tokeniser  # None: region tokens are not wanted
        self._fine = fine  # those that are wanted are of tiles
        self._batches: Batches[Ready] = Batches(batch, PATIENCE * batch, _shape)
        self._waiting: dict[str, list[NewFile]] = {}  # content being encoded -> files that have it
        self._files: list[NewFile] = []  # ready to commit
        self._vectors: dict[str, FloatArray] = {}  # content -> (D,), ready to commit
        self._refusals: list[Refusal] = []
        self._walked: list[RootWalked] = []
        self._seen = PathSet()
        self._films = Films(library)
        self._added = self._known = self._completed = self._removed = self._refused = 0
        self._started = self._committed = monotonic()

    @property
    def working(self) -> bool:
        return not (self._scout.exhausted and len(self._ahead) == 0 and len(self._batches) == 0)

    def step(self) -> Iterator[Progress]:
        """Pass over known files, take what is decoded, encode one batch, commit when it is time."""
        yield from self._look()
        yield from self._take()
        batch = self._batches.full()
        if not batch:
            arrived = yield from self._wait()
            batch = [] if arrived else self._batches.any()  # rather a small batch than an idle encoder
        if batch:
            self._encode(batch)
        if self._due():
            self.commit()
        yield self.progress()

    def finish(self) -> Iterator[Progress]:
        """Forget what vanished, and let the library settle."""
        for walked in self._walked:
            yield from self._forget(walked)
        self.commit(wait=True)
        if self._fine and self._tokeniser is not None:
            self._library.drop_coarse(self._model)
        self._library.optimise()
        calibrate(self._library, self._model)
        yield self.progress(finished=True)

    def commit(self, *, wait: bool = False) -> None:
        """Make finished pictures permanent. Rows still without a vector wait for the next commit.

        Region tokens come when they are ready, with ``wait`` all that are under way: after their
        vectors, so a run killed between the two leaves some to the next one.
        """
        files, vectors, refusals = self._files, self._vectors, self._refusals
        self._files, self._vectors, self._refusals = [], {}, []  # never twice, also when it fails
        tokeniser, self._tokeniser = self._tokeniser, None
        self._committed = monotonic()
        regions = None if tokeniser is None else tokeniser.take(wait=wait)
        if files or regions is not None:
            model, dimension = self._backbone.identity, self._backbone.dimension
            self._library.commit(model, dimension, files, vectors, regions)
        self._films.committed(self._waiting)
        self._tokeniser = tokeniser
        if refusals:
            self._library.refuse(refusals)

    def progress(self, refusal: Refusal | None = None, *, finished: bool = False) -> Progress:
        return Progress(
            found=self._scout.found + self._films.extra,
            walking=self._scout.walking,
            added=self._added,
            known=self._known,
            removed=self._removed,
            refused=self._refused,
            seconds=monotonic() - self._started,
            completed=self._completed,
            refusal=refusal,
            finished=finished,
        )

    def _look(self) -> Iterator[Progress]:
        for _ in range(SKIP_STRIDE):
            sighting = self._scout.take() if self._ahead.has_room else None
            if sighting is None:
                return
            yield from self._meet(sighting)
        yield self.progress()

    def _meet(self, sighting: Sighting) -> Iterator[Progress]:
        if isinstance(sighting, RootWalked):
            self._walked.append(sighting)
            return
        self._seen.add(sighting.path)
        if isinstance(sighting, Refusal):
            yield self._refuse(sighting)
        elif self._unchanged(sighting):
            self._known += 1
        elif frames := self._films.unchanged(sighting, self._indexed):
            self._known += frames
        else:
            self._ahead.ask(sighting)

    def _unchanged(self, found: Found) -> bool:
        stamp = self._library.stamp(found.path)
        return (
            stamp is not None
            and stamp == Stamp(stamp.content, found.bytes, found.modified_ns)
            and self._indexed(stamp.content)
        )

    def _indexed(self, content: str) -> bool:
        """Does the library have all of a content that this run would make, or will it have soon?"""
        if not (content in self._vectors or self._library.has(content, self._model)):
            return False
        return (
            self._tokeniser is None
            or content in self._tokeniser
            or self._library.has(content, self._model, regions=True, fine=self._fine)
        )

    def _take(self) -> Iterator[Progress]:
        while (result := self._ahead.take()) is not None:
            yield from self._receive(result)

    def _wait(self) -> Generator[Progress, None, bool]:
        """Sleep until a decoder or the walk has something; False when neither had within ``WAIT``."""
        if len(self._ahead):
            result = self._ahead.take(WAIT)
            if result is not None:
                yield from self._receive(result)
            return result is not None
        sighting = None if len(self._batches) else self._scout.take(WAIT)
        if sighting is not None:
            yield from self._meet(sighting)
        return sighting is not None

    def _receive(self, result: Ready | Watched | Refusal) -> Iterator[Progress]:
        if isinstance(result, Refusal):
            yield self._refuse(result)
            return
        if isinstance(result, Watched):
            self._films.ended(result)
            return
        self._films.extra += result.film is not None
        row = row_of(result)
        if result.loaded.thumbnail is not None:
            self._library.put_thumbnail(row.content, result.loaded.thumbnail)
        if row.content in self._waiting:
            self._waiting[row.content].append(row)
        elif self._indexed(row.content):
            self._files.append(row)
            self._known += 1
        else:
            self._waiting[row.content] = [row]
            self._batches.add(result)
            return  # its pixels are held until they are encoded
        self._ahead.release(result)

    def _encode(self, batch: list[Ready]) -> None:
        vectors = self._described(batch)
        for ready, vector in zip(batch, vectors, strict=True):
            content = ready.loaded.content
            rows = self._waiting.pop(content)
            self._files += rows
            new = not self._library.has(content, self._model)  # else only its region tokens were missing
            self._vectors[content] = vector
            self._added += new
            self._known += len(rows) - new
            self._completed += not new
            self._ahead.release(ready)

    def _described(self, batch: list[Ready]) -> list[FloatArray]:
        """The vector of each picture, its region tokens begun where they are wanted."""
        pixels = [ready.loaded.decoded.pixels for ready in batch]
        if self._tokeniser is None:
            return list(self._backbone.describe(pixels))
        found = tiling.encode_tiled(self._backbone, pixels) if self._fine else self._backbone.encode(pixels)
        for ready, features in zip(batch, found, strict=True):
            if not self._library.has(ready.loaded.content, self._model, regions=True, fine=self._fine):
                kept = without_faces(features, ready.loaded.decoded.faces)
                self._tokeniser.add(ready.loaded.content, kept)
        if self._fine:
            return list(self._backbone.describe(pixels))
        return [features.descriptor for features in found]

    def _due(self) -> bool:
        full = len(self._files) >= COMMIT_PICTURES or len(self._refusals) >= COMMIT_PICTURES
        return full or monotonic() - self._committed >= COMMIT_SECONDS

    def _refuse(self, refusal: Refusal) -> Progress:
        self._refusals.append(refusal)
        self._refused += 1
        return self.progress(refusal)

    def _forget(self, walked: RootWalked) -> Iterator[Progress]:
        """Drop the rows whose file a complete walk did not meet."""
        if walked.files == 0 and _has_rows(self._library, walked.root):
            yield self._refuse(emptied(walked.root))
            return
        self._removed += self._library.prune(walked.root, self._seen)
        yield self.progress()


def _has_rows(library: Library, folder: Path) -> bool:
    return any(root == folder or folder in root.parents for root in library.info().roots)


def emptied(root: Path) -> Refusal:
    """What is said of a root that has files in the library and none any more."""
    return Refusal(
        root,
        f"{root} is empty, so the pictures known of it were kept: mount its disk, or forget them with "
        "dinoscope library remove",
    )


def row_of(ready: Ready) -> NewFile:
    """What the library keeps of a file, beside what its content looks like."""
    loaded, found = ready.loaded, ready.found
    row = NewFile(
        path=found.path,
        root=found.root,
        content=loaded.content,
        kind=loaded.decoded.kind,
        size=loaded.decoded.size,
        bytes=loaded.bytes,
        modified_ns=loaded.modified_ns,
        metadata=loaded.decoded.metadata,
    )
    return row if ready.film is None else frame_row(row, ready)


def _shape(ready: Ready) -> Shape:
    return shape_of(ready.loaded.decoded.size)
