"""Bytes from disk, bounded, and the name that content goes by."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

from dinoscope.errors import AVideo, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.pictures.films import Film, still_content
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.moments import moment_of
from dinoscope.pictures.naming import shown
from dinoscope.pictures.sniffing import HEAD, container, sniff


@dataclass(frozen=True, slots=True)
class FileBytes:
    """A whole file, with its time as the same open file reported it; or a frame of a video, as if one."""

    data: bytes
    modified_ns: int
    still: str | None = None  # what a frame goes by, whose bytes are made anew each time

    @property
    def content(self) -> str:
        """What the bytes go by."""
        return self.still or content_hash(self.data)


def content_hash(data: bytes) -> str:
    """40 hex digits of BLAKE2b: equal bytes, equal name (collisions at 2**80 files)."""
    return blake2b(data, digest_size=20).hexdigest()


def read_bytes(path: Path, limits: Limits) -> bytes:
    """A picture file's bytes. Never blocks on a pipe or device, and reads 64 bytes of what is no picture.

    A path such as ``clip.mp4/12.5`` means the frame of a video at that second, see ``moments``.

    Raises:
        Unreadable: missing, no permission, an I/O error, or not a regular file.
        NotAPicture: empty, or its first bytes are of no known picture format; AVideo: of a video.
        MissingExtra: a frame is meant, without ``dinoscope[video]``.
        PictureTooLarge: more than ``limits.max_bytes``.
    """
    return read_file(path, limits).data


def read_file(path: Path, limits: Limits) -> FileBytes:
    """Like ``read_bytes``, with the modification time."""
    if (moment := moment_of(path)) is not None:
        return _still(*moment, limits)
    try:
        # O_NONBLOCK: opening a named pipe would wait for a writer for ever.
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise Unreadable(f"{shown(path)} does not exist: check the name") from None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise Unreadable(f"{shown(path)} is not a regular file: name a picture file")
        if facts.st_size > limits.max_bytes:
            raise too_many_bytes(shown(path), facts.st_size, limits)
        try:
            head = file.read(HEAD)
            check_head(head, shown(path))
            data = head + file.read(limits.max_bytes + 1 - len(head))
        except OSError as error:
            raise _unreadable(path, error) from None
    if len(data) > limits.max_bytes:  # it grew while we read
        raise too_many_bytes(shown(path), len(data), limits)
    return FileBytes(data, facts.st_mtime_ns)


def check_head(head: bytes, where: str) -> str:
    """The picture's kind.

    Raises:
        NotAPicture: no known picture begins so.
    """
    if not head:
        raise NotAPicture(f"{where} is empty: skip it or restore it from a backup")
    kind = sniff(head)
    if kind is None and container(head) is not None:
        raise AVideo(
            f"{where} is a video, and a picture is wanted: name a moment of it, as clip.mp4/12.5 for 12.5 s"
        )
    if kind is None:
        raise NotAPicture(f"{where} is not a picture Dinoscope knows: skip it or convert it to JPEG or PNG")
    return kind


def _still(video: Path, second: float, limits: Limits) -> FileBytes:
    """The frame of a video at a second, as a file without loss."""
    from PIL import Image

    with Film(video, limits) as film:
        found, pixels = film.at(second)
        content, modified_ns = film.stamp()
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "BMP")
    return FileBytes(buffer.getvalue(), modified_ns, still_content(content, found))


def too_many_bytes(where: str, count: int, limits: Limits) -> PictureTooLarge:
    return PictureTooLarge(
        f"{where} has {count / 2**20:.1f} MB, over the limit of {limits.max_bytes / 2**20:.0f} MB: "
        "make it smaller or raise max_bytes"
    )


def _unreadable(path: Path, error: OSError | ValueError) -> Unreadable:
    why = getattr(error, "strerror", None) or error
    return Unreadable(f"{shown(path)} cannot be read ({why}): check its permissions and the disk")
