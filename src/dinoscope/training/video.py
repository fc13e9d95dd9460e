"""Frames of videos as pictures: one a second, without those that look like the one before (needs PyAV).

A random seek for every sample would decode from the last key frame each time. So each video is gone
through once, and its frames are kept as JPEGs in one tar whose members say when they were seen and in
which shot: ``00012.400-3.jpg``.
"""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import DiskFull, FaceRefused, MissingExtra, NotAPicture
from dinoscope.pictures.gate import admitted_frame
from dinoscope.pictures.naming import reason, shown

RATE = 1.0  # frames looked at per second of video

_SIDE = 640  # pixels the shorter side is reduced to: enough for global views of 224 at any scale
_SAME = 2.0  # mean difference of 16 x 16 thumbnails, of 255, below which a frame adds nothing
_CUT = 40.0  # above which another shot has begun
_QUALITY = 92  # of the JPEGs


def frames_of(path: Path, cache: Path, rate: float = RATE, faces: str = "allow") -> Path:
    """Where the frames of a video are kept; changes with its content's size and time, not read here.

    Args:
        faces: a mode of ``pictures.gate``, with which the frames were taken in.
    """
    facts = path.stat()
    told = "" if faces == "allow" else f"\0{faces}"
    key = f"{path.resolve()}\0{facts.st_size}\0{facts.st_mtime_ns}\0{rate:g}{told}".encode(
        "utf-8", "backslashreplace"
    )
    return cache / "frames" / f"{blake2b(key, digest_size=16).hexdigest()}.tar"


def moment_of(name: str) -> tuple[int, float]:
    """(shot, seconds) from the name of a frame."""
    seconds, _, shot = name.removesuffix(".jpg").partition("-")
    return int(shot), float(seconds)


def extracting(path: Path, cache: Path, rate: float = RATE, faces: str = "allow") -> Iterator[int]:
    """Make ``frames_of(path, cache, rate, faces)`` unless it is there; yields how many frames it has so far.

    Frames with a face that is kept out are passed over before they are written anywhere.

    Raises:
        MissingExtra: PyAV is not installed.
        NotAPicture: the file is no video that can be decoded, or has no pictures.
        DiskFull: the frames cannot be written.
    """
    target = frames_of(path, cache, rate, faces)
    if target.exists():
        return
    unfinished = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(unfinished, "w", format=tarfile.USTAR_FORMAT) as tar:
            count = 0
            for count, (name, data) in enumerate(_kept(path, rate, faces), 1):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                tar.addfile(member, io.BytesIO(data))
                yield count
        if not count:
            raise NotAPicture(f"{shown(path)} holds no frames: skip it")
        unfinished.replace(target)
    except OSError as error:
        raise DiskFull(
            f"the frames of {shown(path)} cannot be kept in {shown(cache)}: {reason(error)}"
        ) from None
    finally:
        with suppress(OSError):  # it was renamed, or never made
            unfinished.unlink()


def _kept(path: Path, rate: float, faces: str) -> Iterator[tuple[str, bytes]]:
    """(name, JPEG) of every frame that differs from the one before it."""
    shot, before = 0, None
    for seconds, image in _seen(path, rate):
        small = np.asarray(image.convert("L").resize((16, 16)), np.float32)
        apart = _apart(small, before)
        if apart < _SAME:
            continue
        shot += apart > _CUT and before is not None
        before = small
        admitted = _admitted(image, faces, path)
        if admitted is None:
            continue
        buffer = io.BytesIO()
        admitted.save(buffer, "JPEG", quality=_QUALITY)
        yield f"{seconds:09.3f}-{shot}.jpg", buffer.getvalue()


def _admitted(image: Any, faces: str, path: Path) -> Any:
    """The frame as the gate lets it in; None when it does not."""
    if faces == "allow":
        return image
    from PIL import Image

    try:
        return Image.fromarray(admitted_frame(np.asarray(image.convert("RGB")), faces, shown(path)))
    except FaceRefused:
        return None


def _apart(small: NDArray[np.float32], before: NDArray[np.float32] | None) -> float:
    return 255.0 if before is None else float(np.abs(small - before).mean())


def _seen(path: Path, rate: float) -> Iterator[tuple[float, Any]]:
    """(seconds, Pillow image) of ``rate`` frames a second, upright, at most ``_SIDE`` on the shorter side."""
    av = _av()
    try:
        with av.open(str(path)) as video:
            if not video.streams.video:
                raise NotAPicture(f"{shown(path)} has no pictures, only sound: skip it")
            stream = video.streams.video[0]
            stream.thread_type = "AUTO"
            due = 0.0
            for frame in video.decode(stream):
                seconds = max(0.0, float(frame.time or 0.0))
                if seconds + 1e-6 < due:
                    continue
                due = seconds + 1 / rate
                yield seconds, _upright(frame)
    except av.FFmpegError as error:
        raise NotAPicture(f"{shown(path)} cannot be decoded ({error.strerror}): skip or convert it") from None


def _upright(frame: Any) -> Any:
    scale = min(1.0, _SIDE / min(frame.width, frame.height))
    size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
    image = frame.to_image(**size)
    turn = getattr(frame, "rotation", 0)  # degrees counter-clockwise that put it upright
    return image.rotate(turn, expand=True) if turn else image


def _av() -> Any:
    try:
        import av
    except ImportError:
        raise MissingExtra("videos need PyAV: pip install 'dinoscope[train]'") from None
    return av
