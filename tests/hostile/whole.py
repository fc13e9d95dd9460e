"""Whole pictures, one for every way of storing that is known here: what mutants are made of."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image, ImageCms


def noise(mode: str = "RGB") -> Image.Image:
    shades = np.random.default_rng(5).integers(0, 256, (24, 32, 4), np.uint8)
    return Image.fromarray(shades).convert("RGB" if mode == "P" else mode).convert(mode)


def srgb() -> bytes:
    """A whole profile, of always the same hour."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:24] + bytes((7, 228, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0)) + made[36:]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def frames() -> dict[str, object]:
    """Four more, fresh each time: saving an image leaves its options on it."""
    more = [Image.new("RGB", (32, 24), (n * 40, 0, 0)) for n in range(1, 5)]
    return {"save_all": True, "append_images": more}


@cache
def seed(kind: str) -> bytes | None:
    """A small AVIF or HEIC; None where it cannot be written."""
    if kind == "HEIF":
        try:
            from pillow_heif import register_heif_opener
        except ImportError:
            return None
        register_heif_opener()
    try:
        return saved(Image.new("RGB", (64, 64), (200, 30, 30)), kind, quality=40)
    except (KeyError, OSError):
        return None


@cache
def whole_pictures() -> dict[str, bytes]:
    """One picture for every way of storing that this machine's Pillow can write."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8825)[2] = (1.0, 2.0, 3.0)
    made = {
        "jpeg": jpeg(exif=exif, icc_profile=srgb()),
        "jpeg progressive": jpeg(progressive=True),
        "jpeg grey": jpeg(noise("L")),
        "jpeg cmyk": jpeg(noise("CMYK")),
        "jpeg of several": saved(noise(), "MPO", **frames()),
        "png": saved(noise(), "PNG", exif=exif, icc_profile=srgb()),
        "png palette": saved(noise("P"), "PNG", transparency=3),
        "png grey 16": saved(Image.fromarray(np.arange(768, dtype=np.uint16).reshape(24, 32)), "PNG"),
        "png alpha": saved(noise("LA"), "PNG"),
        "png moving": saved(noise(), "PNG", **frames()),
        "gif": saved(noise("P"), "GIF"),
        "gif moving": saved(noise(), "GIF", **frames()),
        "bmp": saved(noise(), "BMP"),
        "bmp palette": saved(noise("P"), "BMP"),
        "webp": saved(noise(), "WEBP", exif=exif),
        "webp lossless": saved(noise("RGBA"), "WEBP", lossless=True),
        "webp moving": saved(noise(), "WEBP", **frames()),
    }
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits", "zstd", "lzma"):
        try:
            made[f"tiff {compression}"] = saved(noise(), "TIFF", compression=compression, exif=exif)
        except (KeyError, OSError, RuntimeError):
            continue
    made["tiff fax"] = saved(noise("1"), "TIFF", compression="group4")
    made["tiff big"] = saved(noise("RGBA"), "TIFF", big_tiff=True)
    made["tiff pages"] = saved(noise(), "TIFF", **frames())
    for kind in ("AVIF", "HEIF"):
        whole = seed(kind)
        if whole is not None:
            made[kind.lower()] = whole
            made[f"{kind.lower()} moving"] = saved(noise(), kind, **frames())
    return made


def jpeg(image: Image.Image | None = None, **options: object) -> bytes:
    buffer = BytesIO()
    (image or noise()).save(buffer, "JPEG", **options)
    return buffer.getvalue()
