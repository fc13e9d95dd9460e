"""One writer a shard: appends what encoders send, through the library's own commits.

Whatever is sent twice, because a machine died before it could say that it was done, is there once: contents
go by their hashes and files by their paths.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dinoscope.cluster.knowing import Hashes, Inventory, among
from dinoscope.cluster.manifest import Manifest, demand_shard
from dinoscope.errors import DinoscopeError, LibraryBusy
from dinoscope.features import FloatArray
from dinoscope.library.filters import Filter
from dinoscope.library.library import Library
from dinoscope.library.paths import to_text
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations.searching import calibrate
from dinoscope.pictures.refusal import Refusal

PATIENCE = 5.0  # seconds until the lock of a writer whose machine died must be free
_SLICE = 500  # pictures removed at once


@dataclass(frozen=True, slots=True, eq=False)
class Parcel:
    """What an encoder has for one shard, committed at once."""

    files: Sequence[NewFile]
    vectors: Mapping[str, FloatArray]  # content -> (D,)
    regions: NewRegions | None
    thumbnails: Mapping[str, bytes]  # content -> WebP


class ShardWriter:
    """Holds a shard's lock. Its methods are called one at a time, from other machines."""

    def __init__(self, root: Path, manifest: Manifest, number: int, model: ModelIdentity) -> None:
        self._root = root
        self._manifest = manifest
        self._number = number
        self._model = model

    def answer(self, verb: str, *arguments: Any) -> Any:
        """The verb's answer, or its refusal as a value: what crosses a wire keeps its type and sentence."""
        try:
            return getattr(self, verb)(*arguments)
        except DinoscopeError as error:
            return error

    @cached_property
    def _library(self) -> Library:
        """Opened with the first question, so that a refusal is an answer to it."""
        return _opened(demand_shard(self._root, self._manifest, self._number))

    def ready(self) -> bool:
        """Is the shard open for writing? Raises: LibraryBusy, LibraryDamaged and their like."""
        return not self._library.read_only

    def fine(self) -> bool:
        return self._library.fine(self._model.key)

    def inventory(self, regions: bool, fine: bool) -> Inventory:
        return Inventory.of(self._library, self._model.key, regions=regions, fine=fine)

    def lacking(self, contents: Sequence[str], regions: bool, fine: bool) -> tuple[set[str], set[str]]:
        """Those without a vector, and those without region tokens where these are wanted."""
        key = self._model.key
        plain = {one for one in contents if not self._library.has(one, key)}
        if not regions:
            return plain, set()
        return plain, {one for one in contents if not self._library.has(one, key, regions=True, fine=fine)}

    def commit(self, parcel: Parcel) -> None:
        """On the disk when it returns. Raises: DiskFull, LibraryReadOnly, BadRequest."""
        for content, webp in parcel.thumbnails.items():
            self._library.put_thumbnail(content, webp)
        self._library.commit(
            self._model, self._manifest.dimension, parcel.files, parcel.vectors, parcel.regions
        )

    def refuse(self, refusals: Sequence[Refusal]) -> None:
        self._library.refuse(refusals)

    def forget(self, paths: Sequence[Path]) -> int:
        """Rows of files whose bytes are another shard's by now. How many."""
        return sum(self._library.remove(_at(path)) for path in paths)

    def prune(self, root: Path, vanished: Hashes, kept: Sequence[Path], emptied: bool) -> int | None:
        """Forget the files below a root that are among the vanished and not below what is kept. How many.

        None, and nothing is forgotten, where there are some and the root was ``emptied``: an unmounted disk.
        """
        pictures = list(self._library.under(root))
        if emptied and pictures:
            return None
        gone = [
            id
            for (id, path), lost in zip(
                pictures, among((to_text(path) for _, path in pictures), vanished), strict=True
            )
            if lost and not any(path == one or one in path.parents for one in kept)
        ]
        for start in range(0, len(gone), _SLICE):
            self._library.remove(ids=gone[start : start + _SLICE])
        return len(gone)

    def forgive(self, root: Path, still: Sequence[Path]) -> None:
        """Files below a root that could not be used before, and can, or are gone."""
        self._library.forgive(root, still)

    def settle(self, fine: bool) -> None:
        """The engine that the size asks for, and the numbers a library of one machine would have."""
        if fine:
            self._library.drop_coarse(self._model.key)
        self._library.optimise()
        calibrate(self._library, self._model.key)

    def close(self) -> None:
        """Let go of the shard, where it was opened."""
        if "_library" in vars(self):
            self._library.close()


def _at(path: Path) -> Filter:
    return Filter(f"path={path}", "path = ?", (to_text(path),))


def _opened(folder: Path) -> Library:
    """A writer that died may hold its lock for some seconds more."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return Library.open(folder, write=True)
        except LibraryBusy:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
