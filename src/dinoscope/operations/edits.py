"""What people do to pictures before they send them on: a model worth its name finds the original."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from math import cos, radians, sin

import numpy as np
from PIL import Image, ImageEnhance, ImageOps

from dinoscope.features import Pixels

TURN = 15  # degrees

Edit = Callable[[Image.Image], Image.Image]


def _cropped(image: Image.Image) -> Image.Image:
    """The middle, 60 % of each side; what lies around it is lost."""
    return _middle(image, 0.6)


def _shrunk(image: Image.Image) -> Image.Image:
    """At most 64 pixels a side, as a preview has."""
    small = image.copy()
    small.thumbnail((64, 64))
    return small


def _squeezed(image: Image.Image) -> Image.Image:
    """JPEG at quality 10: blocks and false colours."""
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=10)
    return Image.open(buffer)


def _turned(image: Image.Image) -> Image.Image:
    """By 15 degrees, and cut so that no corner is empty."""
    turned = image.rotate(TURN, Image.Resampling.BICUBIC)
    longer = max(image.width / image.height, image.height / image.width)
    whole = 1 / (cos(radians(TURN)) + longer * sin(radians(TURN)))  # the largest share that is all picture
    return _middle(turned, 0.98 * whole)


def _middle(image: Image.Image, share: float) -> Image.Image:
    """The middle of a picture, ``share`` of each side and at least a pixel."""
    width, height = max(1, round(image.width * share)), max(1, round(image.height * share))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


EDITS: dict[str, Edit] = {
    "cropped": _cropped,
    "shrunk": _shrunk,
    "squeezed": _squeezed,
    "turned": _turned,
    "mirrored": ImageOps.mirror,
    "grey": ImageOps.grayscale,
    "dark": lambda image: ImageEnhance.Brightness(image).enhance(0.35),
}


def edited(pixels: Pixels) -> list[Pixels]:
    """The picture after each of EDITS, in their order."""
    image = Image.fromarray(pixels)
    return [np.asarray(edit(image).convert("RGB")) for edit in EDITS.values()]
