"""The library in a folder, whichever of the two kinds it is of, and what a Python user starts with."""

from __future__ import annotations

from pathlib import Path

from dinoscope.library.connection import SHARDED
from dinoscope.library.library import Library
from dinoscope.library.paths import absolute
from dinoscope.operations.session import Session
from dinoscope.settings import load_settings


def opened(folder: Path, *, write: bool = False) -> Library:
    """One machine's library; or all shards of one, in this process and without Ray, to be read.

    Raises:
        LibraryReadOnly: ``write``, and it is in shards.
        NoLibrary, LibraryBusy, LibraryDamaged: see ``Library.open``.
    """
    root = absolute(folder)
    if write or not (root / SHARDED).is_file():
        return Library.open(root, write=write)
    from dinoscope.cluster.asking import LocalShards  # most libraries need none of it
    from dinoscope.cluster.manifest import Manifest
    from dinoscope.cluster.sharded_library import ShardedLibrary

    manifest = Manifest.read(root)
    return ShardedLibrary(root, manifest, LocalShards(root, manifest))


def open(
    folder: Path | str | None = None, *, model: str | None = None, write: bool = False, **settings: object
) -> Session:
    """Open a library.

    Args:
        folder: the library's own folder (not the pictures'); None takes the configured one.
        model: ModelCard name or path to weights; None takes the configured one.
        write: make the library when it is missing, and hold its writer's lock until closed. One in shards
            can only be read.
        settings: any other field of ``Settings``, e.g. ``precision="fp32"``.

    Raises:
        NoLibrary: there is none and ``write`` is False.
        LibraryBusy: ``write``, and another process is writing.
        LibraryReadOnly, LibraryDamaged, BadRequest.
    """
    chosen = load_settings().with_overrides(library=folder, model=model, **settings)
    return Session(opened(chosen.library, write=write), chosen)
