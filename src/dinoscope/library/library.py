"""The library: pictures, vectors and engines in step. The door to everything in this package."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from dinoscope.engines.engine import Tick
from dinoscope.errors import LibraryReadOnly, NoLibrary, NoSuchModel, NoSuchPicture
from dinoscope.features import Basis, FloatArray
from dinoscope.library import commits, compacting, facets, files, optimising, overview, pages, verifying
from dinoscope.library.connection import FILE, SHARDED, Connections, generation
from dinoscope.library.failures import told
from dinoscope.library.filmbook import Videos
from dinoscope.library.filters import Filter
from dinoscope.library.locking import WriterLock
from dinoscope.library.paths import absolute
from dinoscope.library.recordfile import sync_folder
from dinoscope.library.records import (
    CompactReport,
    Facets,
    Finding,
    LibraryInfo,
    NewFile,
    NewRegions,
    Page,
    Picture,
    Stamp,
)
from dinoscope.library.shelf_rows import FINE, REGIONS, basis_of, shelf_row, shelf_rows, token_row
from dinoscope.library.shelves import Shelf
from dinoscope.library.thumbnails import Thumbnails
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.refusal import Refusal

Calibration = Mapping[str, float | list[float]]
_REMEMBERED = 64  # totals and facets kept by generation and filter


class Library:
    """An open library folder. Use it from any thread; close it, or use it as a context manager.

    Many may be open for reading, in any process, while one is open for writing.
    """

    def __init__(self, folder: Path, connections: Connections, lock: WriterLock | None) -> None:
        self._folder = folder
        self._connections = connections
        self._lock = lock
        self._thumbnails = Thumbnails(folder / "thumbnails")
        self._shelves: dict[str, Shelf] = {}
        self._upkeep = threading.RLock()  # optimise and compact renumber and replace: one at a time
        self._memory: dict[tuple[object, ...], int | Facets] = {}

    @classmethod
    def open(cls, folder: Path, *, write: bool = False) -> Self:
        """Open a library; for writing make it when it is missing, and clear up after a writer that died.

        Raises:
            NoLibrary: nothing is there to read.
            LibraryReadOnly: it is in shards; or the disk refuses.
            LibraryBusy: another process writes; names it.
            DiskFull, LibraryDamaged: as the disk and the files turn out.
        """
        folder = absolute(folder)
        if (folder / SHARDED).is_file():  # cluster.opening reads it
            raise LibraryReadOnly(
                f"the library {folder} is in shards, which only dinoscope index --ray changes: name one of "
                f"them to change that alone, as --library {folder / 'shard-0000'}"
            )
        if not write:
            if not (folder / FILE).is_file():
                raise NoLibrary(f"there is no library at {folder}: index a folder of pictures to make one")
            return cls(folder, Connections(folder, write=False), None)
        if folder.exists() and not folder.is_dir():
            raise NoLibrary(f"{folder} is a file, so no library can be there: choose a folder")
        with told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            lock = WriterLock(folder)
        try:
            library = cls(folder, Connections(folder, write=True), lock)
            sync_folder(folder)
            optimising.clean(library._connections, folder)
        except BaseException:
            lock.release()
            raise
        return library

    def close(self) -> None:
        """Let go of the files and of the writer's lock. Twice is fine."""
        self._connections.close()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def folder(self) -> Path:
        return self._folder

    @property
    def videos(self) -> Videos:
        """The videos whose frames are among its pictures."""
        return Videos(self._connections)

    @property
    def read_only(self) -> bool:
        return self._lock is None

    @property
    def writable(self) -> bool:
        """May files of the folder be changed, by whoever opens it for writing?"""
        return os.access(self._folder, os.W_OK)

    # Of a library in shards some may be out of reach; see dinoscope.cluster

    def asked(self) -> Self:
        """This library as one request sees it, which notes what is out of reach."""
        return self

    @property
    def note(self) -> str | None:
        """A sentence when what this request was answered lacks something; None when it is whole."""
        return None

    @property
    def silent(self) -> int:
        """Shards that this request could not reach."""
        return 0

    def original(self, picture: Picture, limits: Limits) -> Path:
        """Where the picture's file can be opened on this machine; it may be gone, or another by now.

        Raises: Unreadable, NotAPicture, PictureTooLarge when it leads out of its folder or cannot be fetched.
        """
        with self._connections.read() as db:
            return files.confined(db, picture)

    # What is there

    def info(self) -> LibraryInfo:
        with self._connections.read() as db:
            return overview.info(db, self._folder, self._thumbnails, read_only=self.read_only)

    def stamp(self, path: Path) -> Stamp | None:
        """What is known of the file at an absolute path, None when it is not in the library."""
        with self._connections.read() as db:
            return files.stamp_of(db, path)

    def stamps(
        self, model_key: str, *, regions: bool = False, fine: bool = False
    ) -> Iterator[tuple[str, Stamp, bool]]:
        """(path, stamp, is it ``has`` of its content?) of every file; the path is ``paths.to_text``'s."""
        keys = [model_key, *([model_key + (FINE if fine else REGIONS)] if regions or fine else [])]
        with self._connections.read() as db:
            rows = [shelf_row(db, key) for key in keys]
            there = [row.id for row in rows if row is not None]
            yield from files.stamps(db, there if len(there) == len(keys) else [])

    def has(self, content: str, model_key: str, *, regions: bool = False, fine: bool = False) -> bool:
        """Is there a vector (or region tokens, or fine ones) of that content, be it of a removed picture?"""
        key = model_key + (FINE if fine else REGIONS if regions else "")
        with self._connections.read() as db:
            found = db.execute(
                "SELECT 1 FROM contents JOIN vectors ON vectors.content = contents.id "
                "JOIN shelves ON shelves.id = vectors.shelf WHERE contents.hash = ? AND shelves.key = ?",
                (content, key),
            ).fetchone()
            return found is not None

    def picture(self, id: int) -> Picture:
        """Raises: NoSuchPicture."""
        found = self.pictures([id])
        if not found:
            raise NoSuchPicture(f"the library has no picture {id}: it may have been removed; search again")
        return found[0]

    def pictures(self, ids: Sequence[int]) -> list[Picture]:
        """In the order asked; ids that are not there are left out."""
        with self._connections.read() as db:
            found = files.by_id(db, ids)
        return [found[id] for id in ids if id in found]

    def pictures_of(
        self, contents: Sequence[str], where: Filter | None = None
    ) -> dict[str, tuple[Picture, ...]]:
        """The files of each content that pass the filter, in the order they were added."""
        with self._connections.read() as db:
            return files.by_content(db, contents, where)

    def copies_of(self, id: int) -> tuple[Picture, ...]:
        """The other files with the same bytes. Raises: NoSuchPicture."""
        content = self.picture(id).content
        return tuple(one for one in self.pictures_of([content]).get(content, ()) if one.id != id)

    def under(self, root: Path) -> Iterator[tuple[int, Path]]:
        """(id, path) of every picture at or below a folder."""
        with self._connections.read() as db:
            yield from files.under(db, root)

    def twins(self) -> list[str]:
        """Contents that more than one file has, frames of videos left out."""
        with self._connections.read() as db:
            return files.twins(db)

    def find(self, path: Path) -> Picture | None:
        with self._connections.read() as db:
            return files.by_path(db, absolute(path))

    def count(self, where: Filter | None = None) -> int:
        """Pictures that pass the filter."""
        with self._connections.read() as db:
            key = (generation(db), "count", where)
            known = self._memory.get(key)
            if isinstance(known, int):
                return known
            total = files.count(db, where)
            self._remember(key, total)
            return total

    def page(
        self,
        where: Filter | None = None,
        after: str | None = None,
        limit: int = 100,
        order: pages.Order = "added",
        descending: bool = False,
    ) -> Page:
        """A stretch of a listing; ``after`` is the ``next`` of the page before.

        Ordered by ``taken``, pictures without a date come last in either direction.

        Raises:
            BadRequest: an unknown order, a limit not in 1..1000, a cursor of another listing.
        """
        total = self.count(where)
        with self._connections.read() as db:
            return pages.page(db, where, after, limit=limit, order=order, descending=descending, total=total)

    def facets(self, where: Filter | None = None) -> Facets:
        """What there is to filter by, counted over the pictures that pass."""
        with self._connections.read() as db:
            key = (generation(db), "facets", where)
            known = self._memory.get(key)
            if isinstance(known, Facets):
                return known
            found = facets.facets(db, where)
            self._remember(key, found)
            return found

    def folders(self) -> dict[Path, int]:
        """Folder -> distinct pictures right in it."""
        with self._connections.read() as db:
            return facets.folder_sizes(db)

    # Vectors and thumbnails

    def models(self) -> tuple[str, ...]:
        """Keys of the model identities with vectors here, oldest first."""
        with self._connections.read() as db:
            return tuple(row.key for row in shelf_rows(db) if not row.tokens)

    def shelf(self, model_key: str) -> Shelf:
        """One model's vectors. Raises: NoSuchModel when none was indexed with it."""
        shelf = self._shelves.get(model_key)
        if shelf is None:
            shelf = self._shelves.setdefault(model_key, Shelf(self._connections, self._folder, model_key))
        return shelf

    def region_basis(self, model_key: str) -> Basis | None:
        """What the region tokens of a model are reduced with, None while there are none."""
        with self._connections.read() as db:
            row = token_row(db, model_key)
            return None if row is None else basis_of(db, row.id)

    def fine(self, model_key: str) -> bool:
        """Has the model fine region tokens here, be they of some pictures only?"""
        with self._connections.read() as db:
            return shelf_row(db, model_key + FINE) is not None

    def calibration(self, model_key: str) -> dict[str, float | list[float]] | None:
        """The numbers kept with the shelf, None when there are none."""
        with self._connections.read() as db:
            return overview.calibration_of(db, model_key)

    def thumbnail(self, content: str) -> bytes | None:
        """WebP, None when there is none: make it again from the picture."""
        return self._thumbnails.get(content)

    def put_thumbnail(self, content: str, data: bytes) -> bool:
        """Keep one; also in a library open for reading. False when the disk refuses, which is harmless."""
        return self._thumbnails.put(content, data)

    # Writing

    def commit(
        self,
        model: ModelIdentity,
        dimension: int,
        files: Sequence[NewFile],
        vectors: Mapping[str, FloatArray],
        regions: NewRegions | None = None,
    ) -> None:
        """Make files, the vectors of their contents and region tokens permanent, all or nothing.

        When it returns they are on the disk.

        Args:
            files: new or changed paths; a known path keeps its id.
            vectors: content -> (D,) unit vector, for contents the shelf has none of; others are ignored.
            regions: tokens of contents that have a vector, be it of now or of long ago, and none yet;
                others are ignored.

        Raises:
            LibraryReadOnly, DiskFull: nothing has changed.
            BadRequest: a vector that is not finite, not of length 1 or not of ``dimension``; tokens of
                another shape or basis than those that are there.
            ValueError: a file whose content has no vector, neither given nor stored.
        """
        with self._connections.write() as db:
            commits.commit(db, self._folder, model, dimension, new=files, vectors=vectors, regions=regions)

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        """Remember files that could not be used, until they can or are gone."""
        with self._connections.write() as db:
            files.put_refusals(db, refusals)

    def refusals(self) -> tuple[Refusal, ...]:
        with self._connections.read() as db:
            return files.refusals(db)

    def remove(self, where: Filter | None = None, ids: Sequence[int] = ()) -> int:
        """Forget the pictures that pass the filter and those with the ids, never their files. How many."""
        with self._connections.write() as db:
            return files.remove(db, where, ids)

    def prune(self, root: Path, seen: Collection[Path]) -> int:
        """Forget the pictures at or below ``root`` that a complete walk of it did not meet. How many.

        Args:
            seen: every path the walk met, good or refused. Below a refused folder everything is kept:
                it could not be looked at. Older refusals of paths not among these are forgotten, too.
        """
        with self._connections.write() as db:
            return files.prune(db, root, seen)

    def forgive(self, root: Path, still: Collection[Path]) -> None:
        """Forget the refusals at or below ``root`` but those of the paths that are ``still`` refused."""
        with self._connections.write() as db:
            files.forgive(db, root, still)

    def set_calibration(self, model_key: str, numbers: Calibration) -> None:
        """Keep small numbers with the shelf. Raises: NoSuchModel."""
        with self._connections.write() as db:
            if not commits.calibrate(db, model_key, numbers):
                raise NoSuchModel(f"the library {self._folder} has no vectors of the model {model_key}")

    def drop_model(self, model_key: str) -> None:
        """Forget all vectors of a model. Raises: NoSuchModel."""
        with self._upkeep:
            compacting.drop_model(self._connections, self._folder, model_key)
            self._shelves.pop(model_key, None)

    def drop_coarse(self, model_key: str) -> None:
        """Forget a model's region tokens that fine ones have replaced, once these are of as many pictures."""
        with self._upkeep:
            compacting.drop_coarse(self._connections, self._folder, model_key)

    def optimise(self, tick: Tick | None = None, engine: str = "auto") -> None:
        """Give each shelf the engine its size asks for, and merge what was added since it was built.

        ``tick(done, total)`` may raise to cancel: nothing has changed then.
        """
        self._connections.demand_writer()
        with self._upkeep:
            optimising.optimise(self._connections, self._folder, engine, tick)
            optimising.clean(self._connections, self._folder)

    def compact(self) -> CompactReport:
        """Free the room of removed pictures. Readers go on undisturbed; safe to interrupt."""
        with self._upkeep:
            return compacting.compact(self._connections, self._folder, self._thumbnails)

    def verify(self, *, every_vector: bool = True) -> Iterator[Finding]:
        """Look for contradictions between the files; nothing found is a sound library."""
        return verifying.verify(self._connections, self._folder, every_vector=every_vector)

    def _remember(self, key: tuple[object, ...], value: int | Facets) -> None:
        if len(self._memory) >= _REMEMBERED:
            self._memory.clear()
        self._memory[key] = value
