"""From every mode a file may come in to eight-bit sRGB on white."""

from __future__ import annotations

from functools import cache, lru_cache
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL.Image import Image

_CLEAR = {"LA", "La", "PA", "RGBA", "RGBa"}  # modes with a channel of transparency
_WIDE = {"I", "I;16", "I;16L", "I;16B", "I;16N", "F"}  # more than eight bits in one channel


def to_srgb(image: Image) -> Image:
    """An "RGB" image in sRGB. Transparency is laid on white, deep grey is scaled to eight bits."""
    profile = image.info.get("icc_profile")
    if image.mode in _WIDE:
        return _eight_bits(image).convert("RGB")
    if _may_be_clear(image):
        image = _on_white(image)
    if profile:
        converted = _through_profile(image, profile)
        if converted is not None:
            return converted
    return image if image.mode == "RGB" else image.convert("RGB")


def opacity(image: Image) -> Image | None:
    """Its "L" image of what is there: 255 opaque, 0 transparent; None when all of it is opaque."""
    if image.mode in _WIDE or not _may_be_clear(image):
        return None
    alpha = image.convert("RGBA").getchannel("A")
    return None if alpha.getextrema()[0] == 255 else alpha


def _may_be_clear(image: Image) -> bool:
    return image.mode in _CLEAR or "transparency" in image.info


def _on_white(image: Image) -> Image:
    from PIL import Image as Images

    image = image.convert("RGBA")
    canvas = Images.new("RGB", image.size, (255, 255, 255))
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def _eight_bits(image: Image) -> Image:
    """Grey of 16 or 32 bits or floats: the scale is the format's own where the values fit it."""
    from PIL import Image as Images

    values = np.nan_to_num(np.asarray(image, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = min(float(values.min()), 0.0), float(values.max())
    top = high
    if image.mode.startswith("I;16") or (image.mode == "I" and 255 < high <= 65535):
        top = 65535.0
    elif image.mode == "F" and high <= 1.0:
        top = 1.0
    elif high <= 255:
        top = 255.0
    scaled = (values - low) * (255.0 / max(top - low, 1e-12))
    return Images.fromarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8))


def _through_profile(image: Image, profile: bytes) -> Image | None:
    """None where the profile is sRGB already, unreadable, or of another kind than the pixels."""
    from PIL import ImageCms

    if image.mode == "P":
        image = image.convert("RGB")
    try:
        transform = _transform(profile, image.mode)
        return None if transform is None else ImageCms.applyTransform(image, transform)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        return None


@lru_cache(maxsize=8)  # a camera's pictures have one profile, and a transform takes 2.4 ms to build
def _transform(profile: bytes, mode: str) -> Any:
    """From a profile to sRGB; None where no colour moves by more than one level.

    Many pictures of the web carry sRGB under a name such as "c2"; going through it took 10 ms, for nothing.
    """
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    if "srgb" in ImageCms.getProfileDescription(source).lower():
        return None
    transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    if mode != "RGB":
        return transform
    before = _colours()
    after = ImageCms.applyTransform(before, transform)
    moved = np.abs(np.asarray(after, np.int16) - np.asarray(before, np.int16)).max()
    return None if moved <= 1 else transform


@cache
def _colours() -> Image:
    """All colours of 17 levels a channel."""
    from PIL import Image as Images

    levels = np.linspace(0, 255, 17).round().astype(np.uint8)
    return Images.fromarray(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 17, 3))


@cache
def _srgb() -> Any:
    from PIL import ImageCms

    return ImageCms.createProfile("sRGB")
