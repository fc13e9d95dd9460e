"""The values a library hands out: frozen, and in the user's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dinoscope.features import Basis, RegionTokens
from dinoscope.geometry import Size
from dinoscope.pictures.films import Clock, FilmFacts
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.moments import clock


@dataclass(frozen=True, slots=True)
class Moment:
    """Where in which video a frame is seen."""

    video: int  # its id
    second: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One file of the library, or a frame of a video.

    Two files of equal bytes are two pictures with one ``content``.
    """

    id: int
    path: Path  # absolute
    content: str  # hex of the content hash
    kind: str  # "jpeg", "png", …, from the bytes, not from the name
    size: Size  # upright
    bytes: int
    modified_at: datetime  # UTC
    added_at: datetime  # UTC
    metadata: Metadata
    moment: Moment | None = None  # of a frame, whose ``path`` is pictures.moments.moment_path

    @property
    def name(self) -> str:
        """What people call it: ``beach.jpg``, or ``kitchen.mp4 0:17``."""
        if self.moment is None:
            return self.path.name
        return f"{self.path.parent.name} {clock(self.moment.second)}"


@dataclass(frozen=True, slots=True)
class Video:
    """A video of the library, whose frames are pictures."""

    id: int
    path: Path  # absolute
    content: str
    size: Size  # upright
    bytes: int
    modified_ns: int
    seconds: float
    started_at: datetime
    clock: Clock  # who tells ``started_at``: the container, or the file's time
    hidden: int  # frames that were kept out, because they look like human faces
    note: str | None  # a sentence where it is not as it should be
    complete: bool  # has it been gone through to its end?
    frames: int  # pictures of it

    def at(self, second: float) -> datetime:
        """The time on the wall at a second of it."""
        return self.started_at + timedelta(seconds=second)


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A video as the indexer met it."""

    path: Path  # absolute
    facts: FilmFacts


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a listing; pass ``next`` as ``after`` to go on, None at the end."""

    pictures: tuple[Picture, ...]
    total: int
    next: str | None
    note: str | None = None  # a sentence when shards that did not answer are missing


@dataclass(frozen=True, slots=True)
class ModelShelf:
    """One model identity's vectors in a library."""

    key: str
    name: str
    dimension: int
    vectors: int  # committed and alive
    dead: int  # tombstones that compaction would free
    engine: str  # "exact" or "ivf_rabitq"
    regions: int  # of the vectors' contents, those with region tokens
    region_engine: str | None  # None where there are no region tokens
    fine: bool  # were these made of tiles?
    vector_bytes: int
    region_bytes: int  # region tokens, without their engine
    engine_bytes: int  # both engines
    bytes: int  # all of it on disk


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
    note: str | None = None  # a sentence when shards that did not answer are missing


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing ``verify`` found wrong, and what mends it."""

    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file as the indexer met it: everything a row holds beside the vector."""

    path: Path  # absolute
    root: Path  # the folder the user asked to index
    content: str  # hex of the content hash
    kind: str
    size: Size
    bytes: int
    modified_ns: int  # st_mtime_ns
    metadata: Metadata = field(default_factory=Metadata)
    video: NewVideo | None = None  # whose frame it is, and
    second: float | None = None  # where in it


@dataclass(frozen=True, slots=True, eq=False)
class NewRegions:
    """Region tokens to keep beside the vectors of their contents."""

    basis: Basis  # what reduced them; the same one for as long as the shelf lives
    tokens: Mapping[str, RegionTokens]  # content -> its tokens
    tiled: int = 0  # most patches of a picture encoded in tiles, whose tokens have a shelf of their own


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the library knows of a path; equal ``bytes`` and ``modified_ns`` mean an unchanged file."""

    content: str
    bytes: int
    modified_ns: int


Counted = tuple[tuple[str, int], ...]  # (value, pictures), most frequent first


@dataclass(frozen=True, slots=True)
class Facets:
    """What there is to filter by, with the number of pictures behind each value."""

    kinds: Counted
    cameras: Counted
    years: Counted  # years of ``taken``, latest first
    folders: Counted
    note: str | None = None  # a sentence when shards that did not answer are missing


@dataclass(frozen=True, slots=True)
class CompactReport:
    """What compaction gave back."""

    vectors: int  # dead vectors dropped, all shelves together
    thumbnails: int  # thumbnails of dead contents deleted
    freed: int  # bytes
