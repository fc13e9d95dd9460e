"""Videos for tests: a second or two, small, in any container that PyAV writes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from tests.operations.test_remembering import OTHER, scene

from dinoscope.features import Pixels

RATE = 8  # frames a second


def film(
    path: Path,
    frames: Sequence[Pixels],
    *,
    times: Sequence[float] | None = None,
    started: str | None = None,
    turned: int = 0,
    codec: str = "mpeg4",
) -> Path:
    """Frames at RATE or at ``times``; ``turned`` is by how many degrees a player turns them."""
    import av

    with av.open(str(path), "w") as video:
        if started:
            video.metadata["creation_time"] = started
        stream: Any = video.add_stream(codec, rate=RATE)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt, stream.bit_rate, stream.time_base = "yuv420p", 8_000_000, Fraction(1, 1000)
        stream.codec_context.time_base = Fraction(1, 1000)
        if turned:
            stream.set_display_rotation(turned)
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = round(1000 * (number / RATE if times is None else times[number]))
            frame.time_base = Fraction(1, 1000)
            video.mux(stream.encode(frame))
        video.mux(stream.encode(None))
    return path


def sound(path: Path) -> Path:
    """Half a second of silence, and no pictures."""
    import av

    with av.open(str(path), "w") as video:
        stream: Any = video.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        video.mux(stream.encode(frame))
        video.mux(stream.encode(None))
    return path


def fields(seed: int, size: tuple[int, int] = (96, 64)) -> Pixels:
    """Soft colours, of which no two seeds are alike; (width, height)."""
    from PIL import Image

    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def moving(ground: Pixels, count: int, side: int = 16) -> list[Pixels]:
    """A light square that goes across."""
    found = []
    for number in range(count):
        picture = ground.copy()
        left = number * (ground.shape[1] - side) // max(count - 1, 1)
        picture[8 : 8 + side, left : left + side] = 250
        found.append(picture)
    return found


def place(number: int) -> tuple[int, int]:
    """Where the thing is, so many frames after it came."""
    return 20 + 4 * number, 30 + number


def shots(what: Pixels = OTHER, after: int = 0, stays: int = 2 * RATE) -> list[Pixels]:
    """Nothing for a while, then a thing that moves, then nothing again."""
    empty = [scene(50, None, what)] * after
    return (
        empty + [scene(50, place(number), what) for number in range(stays)] + [scene(50, None, what)] * RATE
    )
