"""Pictures made on the spot, in every format and mode Pillow can write."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dinoscope.pictures.limits import Limits


@pytest.fixture
def limits() -> Limits:
    return Limits(max_bytes=8 * 2**20, max_pixels=4_000_000, max_seconds=5.0)


@pytest.fixture
def corner() -> Image.Image:
    """64 x 48, grey, with a red block in the top left corner: every turn of it can be told apart."""
    pixels = np.full((48, 64, 3), 128, np.uint8)
    pixels[:16, :16] = (255, 0, 0)
    return Image.fromarray(pixels)


@pytest.fixture
def noise(rng: np.random.Generator) -> Image.Image:
    """200 x 150 pixels that no codec can guess when they are missing."""
    return Image.fromarray(rng.integers(0, 256, (150, 200, 3), np.uint8))


@pytest.fixture
def file_of() -> Callable[..., bytes]:
    def save(image: Image.Image, kind: str, **options: object) -> bytes:
        buffer = BytesIO()
        image.save(buffer, kind, **options)
        return buffer.getvalue()

    return save
