"""A video file, opened with PyAV (extra ``video``): its frames upright, with the second each is seen at.

FFmpeg is told what container it is, from the file's first bytes, and is handed the open file: it never
chooses a format that names other files or addresses, and opens nothing else.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import numpy as np

from dinoscope.errors import MissingExtra, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.features import Pixels
from dinoscope.geometry import Size
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.naming import shown
from dinoscope.pictures.sniffing import HEAD, container

Clock = Literal["container", "file"]

TOLERANCE = 0.001  # seconds: moments are told to the millisecond
_WHOLE = 32 * 2**20  # bytes up to which all of a file is hashed; of a longer one its length and
_BLOCKS, _BLOCK = 64, 2**18  # so many stretches of so many bytes
_DAMAGED = 200  # packets in a row that do not decode, after which nothing more is expected
_BUFFER = 2**18  # bytes FFmpeg reads at once
_EARLIEST = 1980  # clocks that were never set say 1904 or 1970


@dataclass(frozen=True, slots=True)
class FilmFacts:
    """What a video file says of itself."""

    content: str  # 40 hex digits that tell it from other files
    bytes: int
    modified_ns: int
    size: Size  # as it is shown: upright, its pixels square
    seconds: float  # its length, as far as it is declared; 0 where it is not
    started_at: datetime  # when the first frame was seen, in this machine's time zone or the camera's
    clock: Clock  # who says so: the container, or the file's time less its length


class Film:
    """An open video. A context manager; for one thread."""

    def __init__(self, path: Path, limits: Limits) -> None:
        """
        Raises:
            Unreadable: missing, no permission, not a regular file.
            NotAPicture: no video, sound alone, or damaged from its beginning.
            PictureTooLarge: its frames are. MissingExtra: PyAV is not installed.
        """
        self._where = shown(path)
        self._limits = limits
        self._file = _opened(path)
        try:
            self._av = _pyav(self._where)
            self._container = self._open()
            self._stream = self._first_stream()
            self._fresh = True  # nothing was read of it yet
            self._turn: int | None = None  # quarter turns counter-clockwise, known from the first frame on
            self.damaged = 0  # packets that did not decode
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        if getattr(self, "_container", None) is not None:
            self._container.close()
        self._file.close()

    def facts(self) -> FilmFacts:
        """What there is to know before it is gone through. Decodes its first frame.

        Raises:
            NotAPicture: there is no frame.
        """
        first = next(self.frames(), None)
        if first is None:
            raise NotAPicture(f"{self._where} holds no frame that can be decoded: restore it or skip it")
        height, width = self.upright(first[1]).shape[:2]
        seconds = self._length()
        told = _told_start(self._container.metadata | self._stream.metadata)
        content, modified_ns = self.stamp()
        modified = datetime.fromtimestamp(modified_ns / 1e9, UTC).astimezone()
        return FilmFacts(
            content,
            os.fstat(self._file.fileno()).st_size,
            modified_ns,
            Size(width, height),
            seconds,
            told or modified - timedelta(seconds=seconds),
            "container" if told else "file",
        )

    def stamp(self) -> tuple[str, int]:
        """(what tells it from other files, when it was changed)."""
        facts = os.fstat(self._file.fileno())
        return content_of(self._file, facts.st_size), facts.st_mtime_ns

    def frames(self, start: float = 0.0) -> Iterator[tuple[float, Any]]:
        """(second, PyAV frame) of every frame from a second on; what does not decode is passed over."""
        if start > 0 and self._sought(start):
            early = False  # else the seek has gone too far: some containers have no index
            for second, frame in self._decoded():
                early = early or second <= start + TOLERANCE
                if not early:
                    break
                if second >= start - TOLERANCE:
                    yield second, frame
            if early:
                return
        self._from_the_start()
        yield from (one for one in self._decoded() if one[0] >= start - TOLERANCE)

    def at(self, second: float) -> tuple[float, Pixels]:
        """The first frame that is seen at a second or later, and when that is.

        Raises:
            NotAPicture: it has ended by then.
        """
        found = next(self.frames(second), None)
        if found is None:
            raise NotAPicture(f"{self._where} has no frame at {second:g} s: it ends before")
        return found[0], self.upright(found[1])

    def upright(self, frame: Any) -> Pixels:
        """(height, width, 3) sRGB of a frame as players show it.

        Raises:
            PictureTooLarge: it has more pixels than may be decoded.
        """
        self._check_size(frame.width, frame.height)
        if self._turn is None:
            self._turn = round(float(getattr(frame, "rotation", 0) or 0) / 90) % 4
        width = max(1, round(frame.width * self._stretch))
        pixels = frame.to_ndarray(width=width, height=frame.height, format="rgb24")
        return np.ascontiguousarray(np.rot90(pixels, self._turn))

    def small(self, frame: Any, width: int, height: int) -> Pixels:
        """(height, width, 3): the frame averaged to a few cells, not turned. 1 ms of a core for 1080p."""
        made: Pixels = frame.reformat(
            width=width, height=height, format="rgb24", interpolation="AREA"
        ).to_ndarray()
        return made

    def skip_idle(self) -> None:
        """Pass over frames that no other frame is made of: half the work, and times stay exact."""
        rate = float(self._stream.average_rate or 0)
        if rate > 20:
            self._stream.codec_context.skip_frame = "NONREF"

    # Inside

    def _open(self) -> Any:
        self._file.seek(0)
        head = self._file.read(HEAD)
        self._file.seek(0)
        kind = container(head)
        if kind is None:
            raise NotAPicture(f"{self._where} is no video Dinoscope knows: skip it or convert it to MP4")
        try:
            return self._av.open(
                self._file,
                format=kind,
                options={"protocol_whitelist": "file"},
                metadata_errors="ignore",
                buffer_size=_BUFFER,
            )
        except (self._av.FFmpegError, OSError, ValueError) as error:
            raise NotAPicture(
                f"{self._where} cannot be opened as a video ({_brief(error)}), it may not be complete: "
                "restore it or skip it"
            ) from None

    def _first_stream(self) -> Any:
        streams = [one for one in self._container.streams.video if not _is_cover(one)]
        if not streams:
            raise NotAPicture(f"{self._where} has no pictures, only sound: skip it")
        stream = streams[0]
        if stream.codec_context is None:
            raise NotAPicture(
                f"{self._where} is coded in a way that cannot be decoded here: convert it to MP4"
            )
        self._check_size(stream.width or 1, stream.height or 1)
        stream.codec_context.options = {"max_pixels": str(self._limits.max_pixels)}
        stream.thread_count = 1
        ratio = stream.sample_aspect_ratio
        stretch = float(ratio) if ratio else 1.0
        self._stretch = stretch if 0.2 < stretch < 5 else 1.0
        return stream

    def _check_size(self, width: int, height: int) -> None:
        if width * height > self._limits.max_pixels or max(width, height) > self._limits.max_side:
            raise PictureTooLarge(
                f"the frames of {self._where} have {width} x {height} pixels, over the limit of "
                f"{self._limits.max_pixels / 1e6:g} megapixels: make it smaller or raise max_pixels"
            )

    def _decoded(self) -> Iterator[tuple[float, Any]]:
        second, bad = 0.0, 0
        self._fresh = False
        for packet in self._packets():
            try:
                decoded = packet.decode()
                bad = 0
            except self._av.FFmpegError:
                self.damaged, bad = self.damaged + 1, bad + 1
                if bad >= _DAMAGED:
                    return
                continue
            for frame in decoded:
                second = max(0.0, self._second(frame, second))
                yield second, frame

    def _sought(self, second: float) -> bool:
        """Has it gone to the key frame before a second?"""
        try:
            self._container.seek(round((second + self._begin) * 1e6), backward=True)
        except self._av.FFmpegError:
            return False
        return True

    def _from_the_start(self) -> None:
        """As it was opened; going back would lose the first frames of some containers."""
        if not self._fresh:
            skip = self._stream.codec_context.skip_frame
            self._container.close()
            self._container = self._open()
            self._stream = self._first_stream()
            self._stream.codec_context.skip_frame = skip

    def _packets(self) -> Iterator[Any]:
        """Packets until the file ends, or until it cannot be read any further."""
        try:
            yield from self._container.demux(self._stream)
        except (self._av.FFmpegError, OSError):
            self.damaged += 1

    def _second(self, frame: Any, before: float) -> float:
        """When a frame is seen; one that does not say so follows the one before."""
        pts = frame.pts if frame.pts is not None else frame.dts
        if pts is None or not frame.time_base:
            return before + 1 / float(self._stream.average_rate or 25)
        return float(pts * frame.time_base) - self._begin

    @property
    def _begin(self) -> float:
        """What players call 0:00, in the container's seconds."""
        return float(self._container.start_time or 0) / 1e6

    def _length(self) -> float:
        if self._container.duration:
            return max(0.0, float(self._container.duration) / 1e6)
        if self._stream.duration and self._stream.time_base:
            return max(0.0, float(self._stream.duration * self._stream.time_base))
        return 0.0


def content_of(file: BinaryIO, size: int) -> str:
    """A hash of the bytes; of more than 32 MB, of 64 stretches spread evenly and the length."""
    hashed = blake2b(digest_size=20)
    place = file.tell()
    if size <= _WHOLE:
        file.seek(0)
        while block := file.read(_BLOCK):
            hashed.update(block)
    else:
        hashed.update(str(size).encode())
        for number in range(_BLOCKS):
            file.seek(number * (size - _BLOCK) // (_BLOCKS - 1))
            hashed.update(file.read(_BLOCK))
    file.seek(place)
    return hashed.hexdigest()


def is_video(path: Path) -> bool:
    """Does a file begin as a video does? One that cannot be read is none."""
    try:
        with _opened(path) as file:
            return container(file.read(HEAD)) is not None
    except (Unreadable, OSError):
        return False


def still_content(film: str, second: float) -> str:
    """The content hash that the frame at a second goes by: that of the video and the moment."""
    return blake2b(f"{film}@{second:.3f}".encode(), digest_size=20).hexdigest()


def _opened(path: Path) -> BinaryIO:
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except FileNotFoundError:
        raise Unreadable(f"{shown(path)} does not exist: check the name") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise Unreadable(
            f"{shown(path)} cannot be read ({why}): check its permissions and the disk"
        ) from None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise Unreadable(f"{shown(path)} is not a regular file: name a video file")
    return os.fdopen(handle, "rb")


def _pyav(where: str) -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtra(f"{where} is a video: pip install 'dinoscope[video]' to look into it") from None
    av.logging.set_level(None)
    return av


def _is_cover(stream: Any) -> bool:
    """Is it the picture on a record's sleeve, which sound files carry as a video of one frame?"""
    return bool(int(getattr(stream.disposition, "value", stream.disposition) or 0) & 0x400)


def _told_start(metadata: dict[str, str]) -> datetime | None:
    """When recording began, if the container tells it: in the camera's time zone, else this machine's."""
    for key in ("com.apple.quicktime.creationdate", "creation_time", "date"):
        try:
            told = datetime.fromisoformat(metadata[key])
        except (KeyError, ValueError):
            continue
        if told.year >= _EARLIEST and len(metadata[key]) > 10:
            return told if told.tzinfo and key != "creation_time" else _local(told)
    return None


def _local(told: datetime) -> datetime:
    """Containers keep UTC; people read the clock on the wall."""
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone()


def _brief(error: Exception) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:80]
