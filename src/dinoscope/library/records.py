"""The values a library hands out: frozen, and in the user's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dinoscope.geometry import Size
from dinoscope.pictures.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the library. Two files of equal bytes are two pictures with one ``content``."""

    id: int
    path: Path  # absolute
    content: str  # hex of the content hash
    kind: str  # "jpeg", "png", …, from the bytes, not from the name
    size: Size  # upright
    bytes: int
    modified_at: datetime  # UTC
    added_at: datetime  # UTC
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a listing; pass ``next`` as ``after`` to go on, None at the end."""

    pictures: tuple[Picture, ...]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class ModelShelf:
    """One model identity's vectors in a library."""

    key: str
    name: str
    dimension: int
    vectors: int  # committed and alive
    dead: int  # tombstones that compaction would free
    engine: str  # "exact" or "ivf_rabitq"
    bytes: int  # vectors and engine on disk


@dataclass(frozen=True, slots=True)
class LibraryInfo:
    folder: Path
    pictures: int
    contents: int  # distinct bytes
    bytes: int  # everything on disk
    roots: tuple[Path, ...]
    shelves: tuple[ModelShelf, ...]
    refusals: int
    read_only: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing ``verify`` found wrong, and what mends it."""

    what: str
    mend: str
