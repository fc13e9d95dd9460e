"""Find every picture below some sources: folders, single files, .tar files, videos, all of them mixed."""

from __future__ import annotations

import os
import tarfile
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from dinoscope.errors import BadRequest, DinoscopeError, MissingExtra, Unreadable
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.naming import reason, shown
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.sniffing import HEAD, sniff
from dinoscope.pictures.walking import walk
from dinoscope.training.items import Items, digest_of
from dinoscope.training.video import extracting, frames_of, moment_of

VIDEOS = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".mts", ".m2ts", ".wmv")
)

_TAR_AT, _TAR = 257, b"ustar"  # both POSIX and GNU headers (IEEE Std 1003.1, "ustar")
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\3\4": "zip",
}
_EVERY = 1000  # pictures between two reports
_NAMED = 100  # refusals kept with their sentence; all are counted


@dataclass(frozen=True, slots=True)
class Gathering:
    """How far the search is; the last one holds the items."""

    found: int  # pictures so far
    skipped: int  # files that hold none
    where: str  # the file or folder being looked at
    items: Items | None = None


def gather(sources: Sequence[Path], limits: Limits, cache: Path | None = None) -> Items:
    """The result of ``gathering``, whose errors are raised here as well."""
    (last,) = deque(gathering(sources, limits, cache), maxlen=1)
    assert last.items is not None
    return last.items


def gathering(sources: Sequence[Path], limits: Limits, cache: Path | None = None) -> Iterator[Gathering]:
    """Look at the first bytes of every file; nothing is decoded but videos.

    Args:
        sources: folders are walked as ``pictures.walking`` does (hidden files are left out).
        limits: videos and pictures beyond them are skipped and counted.
        cache: where the frames of videos are kept; without it videos are skipped and counted.

    Raises:
        BadRequest: no sources, or fewer than two pictures in all of them.
        Unreadable: a source does not exist.
        MissingExtra: there are videos, and PyAV is not installed.
    """
    if not sources:
        raise BadRequest("no pictures are named: give a folder, a .tar file or a video")
    table = _Table(limits, cache)
    for source in map(Path.absolute, sources):
        if not source.exists():
            raise Unreadable(f"{shown(source)} does not exist: check the name")
        yield Gathering(len(table.names), table.skipped, shown(source))
        for found in walk(source):
            if isinstance(found, Refusal):
                table.refuse(found)
                continue
            for _ in table.add(found, source):
                yield Gathering(len(table.names), table.skipped, shown(found))
    items = table.items()
    if len(items) < 2:
        why = f"; {table.refusals[0].sentence}" if table.refusals else ": name a folder with more"
        raise BadRequest(
            f"there {'is' if len(items) == 1 else 'are'} {len(items) or 'no'} "
            f"picture{'' if len(items) == 1 else 's'} in {', '.join(map(shown, sources))}, "
            f"too few to learn from{why}"
        )
    yield Gathering(len(items), table.skipped, "", items)


@dataclass(slots=True)
class _Table:
    """Columns under construction."""

    limits: Limits
    cache: Path | None
    files: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    relative: list[str] = field(default_factory=list)  # what the digest is taken of
    file: list[int] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)  # (offset, length)
    shots: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    skipped: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    _shots: int = 0

    def add(self, path: Path, source: Path) -> Iterator[None]:
        """Whatever the file holds. Yields from time to time."""
        relative = path.name if path == source else path.relative_to(source).as_posix()
        try:
            with path.open("rb") as file:
                head = file.read(512)
                size = os.fstat(file.fileno()).st_size
            if head[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR:
                yield from self._add_tar(path, relative)
            elif path.suffix.lower() in VIDEOS:
                yield from self._add_video(path, relative)
            elif sniff(head[:HEAD]):
                self._add_picture(path, relative, size)
                if len(self.names) % _EVERY == 0:
                    yield
            else:
                self.refuse(Refusal(path, _no_picture(path, head)))
        except OSError as error:
            self.refuse(
                Refusal(path, f"{shown(path)} cannot be read ({reason(error)}): check its permissions")
            )

    def _add_picture(self, path: Path, relative: str, size: int) -> None:
        if size > self.limits.max_bytes:
            self.refuse(Refusal(path, f"{shown(path)} is larger than max_bytes: make it smaller"))
            return
        self.files.append(str(path))
        self._row("", relative, -1, size)

    def _add_tar(self, path: Path, relative: str, shots: bool = False) -> Iterator[None]:
        self.files.append(str(path))
        try:
            with path.open("rb") as looking, tarfile.open(path, "r:") as tar:
                for member in tar:
                    tar.members.clear()  # type: ignore[attr-defined]  # otherwise every member of a large archive stays in memory
                    if not member.isreg() or member.issparse():
                        continue
                    looking.seek(member.offset_data)
                    if (
                        member.size > self.limits.max_bytes
                        or sniff(looking.read(min(HEAD, member.size))) is None
                    ):
                        name = shown(f"{path}: {member.name}")
                        self.refuse(Refusal(path, f"{name} is no picture, or too large a one: skip it"))
                        continue
                    self._row(
                        member.name, f"{relative}: {member.name}", member.offset_data, member.size, shots
                    )
                    if len(self.names) % _EVERY == 0:
                        yield
                looking.seek(tar.offset)
                if looking.read(512).strip(b"\0"):  # tarfile takes any nonsense for the end
                    raise tarfile.ReadError("a member's header makes no sense")
        except tarfile.TarError as error:
            self.refuse(Refusal(path, f"{shown(path)} is damaged ({error}): what came before it is used"))

    def _add_video(self, path: Path, relative: str) -> Iterator[None]:
        if self.cache is None:
            self.refuse(Refusal(path, f"{shown(path)} is a video, and there is no cache for its frames"))
            return
        try:
            for _ in extracting(path, self.cache, faces=self.limits.faces):
                yield
        except MissingExtra:
            raise
        except DinoscopeError as error:
            self.refuse(Refusal(path, str(error)))
            return
        before = len(self.shots)
        yield from self._add_tar(frames_of(path, self.cache, faces=self.limits.faces), relative, shots=True)
        self._shots = max(self.shots[before:], default=self._shots - 1) + 1

    def _row(self, name: str, relative: str, offset: int, length: int, shots: bool = False) -> None:
        shot, seconds = moment_of(name) if shots else (-1, 0.0)
        self.file.append(len(self.files) - 1)
        self.names.append(name)
        self.relative.append(relative)
        self.spans.append((offset, length))
        self.shots.append(self._shots + shot if shots else -1)
        self.seconds.append(seconds)

    def refuse(self, refusal: Refusal) -> None:
        self.skipped += 1
        if len(self.refusals) < _NAMED:
            self.refusals.append(refusal)

    def items(self) -> Items:
        spans = np.array(self.spans, np.int64).reshape(-1, 2)
        offsets, lengths = np.ascontiguousarray(spans[:, 0]), np.ascontiguousarray(spans[:, 1])
        return Items(
            files=tuple(self.files),
            names=tuple(self.names),
            file=np.array(self.file, np.int32),
            offsets=offsets,
            lengths=lengths,
            shots=np.array(self.shots, np.int32),
            seconds=np.array(self.seconds, np.float32),
            digest=digest_of(self.relative, lengths),
            skipped=self.skipped,
            refusals=tuple(self.refusals),
        )


def _no_picture(path: Path, head: bytes) -> str:
    for mark, kind in _PACKED.items():
        if head.startswith(mark):
            return (
                f"{shown(path)} is compressed ({kind}), and its parts cannot be read singly: unpack it first"
            )
    return f"{shown(path)} is not a picture Dinoscope knows: skip it or convert it to JPEG or PNG"
