"""Masks from picture files: what is inside, at which scale, and what is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from dinoscope.errors import BadRequest, NotAPicture, PictureTooLarge
from dinoscope.geometry import Mask, Size
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.masks import fitted, mask_of

LIMITS = Limits(max_bytes=2**20, max_pixels=100_000, max_seconds=10.0)
WHERE = "mask.png"


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def painted(mode: str, white: object, black: object = 0) -> Image.Image:
    """20 x 10 pixels, white from (4, 2) to (10, 8)."""
    image = Image.new(mode, (20, 10), black)  # type: ignore[arg-type]
    image.paste(white, (4, 2, 10, 8))  # type: ignore[arg-type]
    return image


def expected() -> np.ndarray:
    inside = np.zeros((10, 20), np.bool_)
    inside[2:8, 4:10] = True
    return inside


@pytest.mark.parametrize(
    "image",
    [
        painted("L", 255),
        painted("1", 1),
        painted("RGB", (255, 255, 255), (0, 0, 0)),
        painted("RGBA", (255, 255, 255, 255), (0, 0, 0, 255)),
        painted("RGBA", (255, 255, 255, 255), (255, 255, 255, 0)),  # a canvas: transparent outside
        painted("LA", (255, 255), (0, 0)),
        painted("I;16", 65535),
        painted("RGB", (255, 255, 255), (0, 0, 0)).convert("P", palette=Image.Palette.ADAPTIVE),
    ],
    ids=["L", "1", "RGB", "RGBA", "canvas", "LA", "I;16", "P"],
)
def test_white_is_inside_in_every_mode(image: Image.Image) -> None:
    assert np.array_equal(mask_of(saved(image), LIMITS, WHERE).pixels, expected())


def test_a_mask_that_a_camera_turned_is_turned_back() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = painted("L", 255).transpose(Image.Transpose.ROTATE_90)
    assert np.array_equal(mask_of(saved(turned, exif=exif), LIMITS, WHERE).pixels, expected())


def test_a_mask_without_white_marks_nothing() -> None:
    for empty in (Image.new("L", (9, 9)), Image.new("RGBA", (9, 9), (255, 255, 255, 0))):
        with pytest.raises(BadRequest, match=r"mask\.png marks nothing: paint"):
            mask_of(saved(empty), LIMITS, WHERE)


@pytest.mark.parametrize("data", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 40, b"\xff\xd8\xff"])
def test_what_is_no_picture_is_no_mask(data: bytes) -> None:
    with pytest.raises(NotAPicture, match=r"mask\.png"):
        mask_of(data, LIMITS, WHERE)


def test_a_broken_off_mask_is_refused() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8))
    data = saved(noise)
    with pytest.raises(NotAPicture, match=r"mask\.png cannot be read"):
        mask_of(data[: len(data) // 2], LIMITS, WHERE)


def test_a_huge_mask_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(PictureTooLarge, match="1000 x 1000 pixels"):
        mask_of(saved(Image.new("1", (1000, 1000), 1)), LIMITS, WHERE)
    with pytest.raises(PictureTooLarge, match="over the limit"):
        mask_of(b"\x89PNG" * 2**19, LIMITS, WHERE)


def test_a_mask_at_the_scale_it_was_shown_fits_the_picture() -> None:
    mask = fitted(Mask(expected()), Size(60, 30))
    assert mask.picture == Size(60, 30)
    assert mask.box.left == 12
    assert mask.box.bottom == 24
    assert mask.area == 9 * 36
    same = Mask(expected())
    assert fitted(same, Size(20, 10)) is same


def test_a_shown_picture_has_rounded_sides() -> None:
    # 4000 x 3001 shown 160 wide is 160 x 120.04 pixels
    shown = Mask(np.ones((120, 160), np.bool_))
    assert fitted(shown, Size(4000, 3001)).picture == Size(4000, 3001)


def test_a_mask_of_another_shape_is_refused_with_both_sizes() -> None:
    with pytest.raises(BadRequest, match=r"20 x 10 pixels does not fit a picture of 30 x 30"):
        fitted(Mask(expected()), Size(30, 30))


def test_a_speck_that_scaling_down_loses_is_refused() -> None:
    speck = np.zeros((100, 100), np.bool_)
    speck[1, 1] = True
    with pytest.raises(BadRequest, match="less than a pixel"):
        fitted(Mask(speck), Size(10, 10))
