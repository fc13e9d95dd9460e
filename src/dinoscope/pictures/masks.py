"""From a black and white picture file to a Mask: which pixels of another picture somebody means."""

from __future__ import annotations

import warnings
from io import BytesIO

import numpy as np

from dinoscope.errors import BadRequest, DinoscopeError, NotAPicture, PictureTooLarge
from dinoscope.geometry import Bools, Mask, Size
from dinoscope.pictures.labour import check_labour
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import check_head, too_many_bytes
from dinoscope.pictures.sniffing import HEAD

KINDS = ("PNG", "WEBP", "BMP", "GIF", "TIFF", "JPEG")  # what painting programs and canvases write


def mask_of(data: bytes, limits: Limits, where: str) -> Mask:
    """White (at least half) is inside; black, and what is mostly transparent, is outside.

    Args:
        data: a whole picture file.
        where: names the mask in sentences.

    Raises:
        NotAPicture, PictureTooLarge: it cannot be decoded, or not within the limits.
        BadRequest: nothing in it is white.
    """
    if len(data) > limits.max_bytes:
        raise too_many_bytes(where, len(data), limits)
    check_labour(data, check_head(data[:HEAD], where), where)
    try:
        inside = _inside(data, limits, where)
    except DinoscopeError:
        raise
    except MemoryError:
        raise PictureTooLarge(f"{where} needs more memory than a decode may take: make it smaller") from None
    except Exception as error:  # noqa: BLE001  decoders raise anything, see decoding.decode
        raise NotAPicture(
            f"{where} cannot be read as a mask ({type(error).__name__}): save it as PNG"
        ) from None
    if not inside.any():
        raise BadRequest(f"{where} marks nothing: paint the part white on black")
    return Mask(inside)


def fitted(mask: Mask, picture: Size) -> Mask:
    """A mask that was painted over the picture at another scale, at the picture's own size.

    Raises:
        BadRequest: it is of another shape, so it belongs to another picture.
    """
    own = mask.picture
    if own == picture:
        return mask
    # A picture shown smaller has its sides rounded to whole pixels: each may be off by one.
    off = abs(own.width * picture.height - own.height * picture.width)
    if off > max(picture.width, picture.height):
        raise BadRequest(
            f"a mask of {own.width} x {own.height} pixels does not fit a picture of "
            f"{picture.width} x {picture.height}: make it as large as the picture, or the same shape"
        )
    down = np.arange(picture.height) * own.height // picture.height
    across = np.arange(picture.width) * own.width // picture.width
    inside = mask.pixels[np.ix_(down, across)]
    if not inside.any():
        raise BadRequest("the mask marks less than a pixel of the picture: mark more")
    return Mask(inside)


def _inside(data: bytes, limits: Limits, where: str) -> Bools:
    from PIL import Image, ImageOps

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's limit of pixels warns below ours
        with Image.open(BytesIO(data), formats=KINDS) as image:
            if image.width * image.height > limits.max_pixels or max(image.size) > limits.max_side:
                raise PictureTooLarge(
                    f"{where} has {image.width} x {image.height} pixels, over the limit of "
                    f"{limits.max_pixels / 1e6:g} megapixels: make it smaller"
                )
            upright = ImageOps.exif_transpose(image)
            if "transparency" in upright.info or upright.mode in {"LA", "La", "PA", "RGBA", "RGBa"}:
                grey, alpha = (np.asarray(band) for band in upright.convert("RGBA").convert("LA").split())
                return (grey >= 128) & (alpha >= 128)
            if upright.mode.startswith(("I", "F")):  # more than eight bits: white is its largest value
                deep = np.asarray(upright, np.float32)
                return np.asarray(deep >= max(float(deep.max()), 1.0) / 2, np.bool_)
            return np.asarray(upright.convert("L")) >= 128
