from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import NotAPicture
from dinoscope.features import Pixels
from dinoscope.pictures.thumbnails import encode_webp, thumbnail, thumbnail_pixels


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


def test_a_thumbnail_is_about_as_good_as_one_made_the_slow_way() -> None:
    """Of rings that get finer than its pixels: averaging blocks first must bring no false ones."""
    down, across = np.mgrid[-500:500, -500:500]
    rings = (127.5 + 127.5 * np.cos((down**2 + across**2) * np.pi / 2000)).astype(np.uint8)
    pixels = np.repeat(rings[:, :, None], 3, axis=2)
    slow = Image.fromarray(pixels)
    slow.thumbnail((320, 320), Image.Resampling.BICUBIC, reducing_gap=None)
    wanted = np.asarray(slow)
    assert off(thumbnail(pixels, 320), wanted) < 1.5 * off(encode_webp(wanted, 78), wanted)


def off(webp: bytes, wanted: Pixels) -> float:
    """Root mean square difference, grey levels."""
    with Image.open(BytesIO(webp)) as image:
        return float(np.sqrt(((np.asarray(image.convert("RGB"), float) - wanted) ** 2).mean()))


def test_a_thumbnail_is_read_back_and_a_damaged_one_refused() -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], 48, 0).repeat(3, 2)
    webp = thumbnail(ramp, 320)
    assert np.abs(thumbnail_pixels(webp).astype(int) - ramp).mean() < 4
    for broken in (b"", b"RIFF", webp[: len(webp) // 3], encode_webp(np.zeros((1100, 8, 3), np.uint8))):
        with pytest.raises(NotAPicture, match="thumbnail"):
            thumbnail_pixels(broken)
