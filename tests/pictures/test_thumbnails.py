from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dinoscope.pictures.thumbnails import encode_webp, thumbnail


@pytest.mark.parametrize(("shape", "expected"), [((300, 600, 3), (320, 160)), ((40, 30, 3), (30, 40))])
def test_a_thumbnail_keeps_the_shape_and_never_grows(
    shape: tuple[int, int, int], expected: tuple[int, int]
) -> None:
    small = Image.open(BytesIO(thumbnail(np.zeros(shape, np.uint8), 320)))
    assert small.format == "WEBP"
    assert small.size == expected


def test_the_most_extreme_panorama_has_a_thumbnail() -> None:
    assert Image.open(BytesIO(thumbnail(np.zeros((2, 9000, 3), np.uint8), 320))).size == (320, 1)


def test_an_encoded_picture_looks_like_itself_and_carries_no_metadata() -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    image = Image.open(BytesIO(encode_webp(ramp)))
    assert np.abs(np.asarray(image.convert("RGB"), int) - ramp).mean() < 4
    assert not image.getexif()
