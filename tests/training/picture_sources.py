"""Folders, tars and videos to gather pictures from, and a recipe small enough to see what is made of them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dinoscope.models.config import VitConfig
from dinoscope.pictures.limits import Limits
from dinoscope.training.recipe import Crops, Recipe

LIMITS = Limits(max_bytes=2**20, max_pixels=1_000_000, max_seconds=5.0)


def jpeg(seed: int, width: int = 60, height: int = 45) -> bytes:
    """Noise nobody else has."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def folder_of(path: Path, count: int, first: int = 0) -> Path:
    """``count`` pictures, half of them one level down."""
    (path / "below").mkdir(parents=True)
    for number in range(first, first + count):
        place = path if number % 2 else path / "below"
        (place / f"{number:03}.jpg").write_bytes(jpeg(number))
    return path


def tar_of(path: Path, members: dict[str, bytes]) -> Path:
    """An uncompressed archive."""
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


def video_of(path: Path, colours: list[tuple[int, int, int]], seconds: int = 4, still: bool = False) -> Path:
    """A shot of ``seconds`` for every colour; a light square moves through it unless it is ``still``."""
    import av

    with av.open(str(path), "w") as video:
        stream: Any = video.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        stream.bit_rate = 4_000_000  # a cut at a low rate leaves ghosts of the shot before
        for colour in colours:
            for at in range(seconds * 5):
                pixels = np.empty((64, 96, 3), np.uint8)
                pixels[:] = colour
                left = 0 if still else at * 70 // (seconds * 5)
                pixels[10:34, left : left + 24] = 255
                video.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        video.mux(stream.encode(None))
    return path


def recipe_of(**changes: Any) -> Recipe:
    """Two views of 32 pixels and two of 16, five steps of six pictures."""
    values: dict[str, Any] = {
        "name": "tiny",
        "model": VitConfig(32, 1, 2, 8),
        "steps": 5,
        "batch": 6,
        "crops": Crops(global_size=32, local_size=16, locals=2),
        "seed": 7,
    }
    return Recipe(**(values | changes))
