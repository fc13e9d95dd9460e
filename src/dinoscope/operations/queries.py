"""From whatever a user points at (path, bytes, array, PIL picture) to one unit vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Features, FloatArray, Pixels, normalise
from dinoscope.geometry import Mask, Size
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.gate import Trust, admitted_frame
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import FileBytes, read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from PIL.Image import Image

    from dinoscope.models.backbone import Backbone

PictureLike: TypeAlias = "Path | str | bytes | NDArray[np.uint8] | Image"

PATCH = 16  # pixels a side: none of the models has larger ones
AT_LEAST = 512  # pixels; twice the 256 px that 256 patches make: the model sees no difference
UNLIKE_WEIGHT = 0.5  # an unlike counts half a like, between Rocchio's classical 0.15 / 0.75 and an equal say


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A picture somebody asks with."""

    pixels: Pixels  # possibly at a reduced scale
    size: Size  # of the original
    shown: Mask | None  # what of it is not transparent, at the pixels' scale; None: all of it
    content: str | None = None  # hash of the file; None: there is none


def at_least(backbone: Backbone, budget: int | None = None) -> int:
    """Shorter side in pixels below which no picture is reduced while decoding it for this model.

    Whoever encodes, for the index or for a query, must decode with it: equal files, equal vectors.

    Args:
        budget: as ``Backbone.encode`` is asked; None: the model's own.
    """
    if budget is None or budget == backbone.identity.budget:
        return AT_LEAST
    return max(AT_LEAST, ceil(2 * PATCH * sqrt(budget)))


def pixels_of(picture: PictureLike, limits: Limits, trust: Trust = "stranger") -> Pixels:
    """Decode a picture the caller named, upright, in sRGB, as ``at_least`` asks.

    Raises:
        Unreadable, NotAPicture, PictureTooLarge: with a sentence that names it.
        BadRequest: an array that is no (height, width, 3) or (height, width) of uint8.
        FaceRefused, FacesUnchecked: as ``limits.faces`` says.
    """
    return opened(picture, limits, trust=trust).pixels


def decoded(picture: PictureLike, limits: Limits, side: int = AT_LEAST) -> tuple[Pixels, Size]:
    """``pixels_of`` with the shorter side at least ``side``, and the size of the original."""
    found = opened(picture, limits, side)
    return found.pixels, found.size


def opened(picture: PictureLike, limits: Limits, side: int = AT_LEAST, trust: Trust = "stranger") -> Opened:
    """``decoded``, and what of the picture is there to be seen."""
    if isinstance(picture, np.ndarray):
        pixels = admitted_frame(_checked(picture), limits.faces, "the picture")
        return Opened(pixels, Size(pixels.shape[1], pixels.shape[0]), None)
    if isinstance(picture, bytes):
        file, where = FileBytes(picture, 0), "the picture"
    elif isinstance(picture, (str, Path)):
        path = Path(picture).expanduser()
        file, where = read_file(path, limits), str(path)
    else:
        found = _from_pillow(picture, limits, side)
        return Opened(found.pixels, found.size, found.shown)
    found = decode(file.data, limits, where=where, at_least=side, trust=trust)
    return Opened(found.pixels, found.size, found.shown, file.content)


def on_original(features: Features, size: Size) -> Features:
    """Features of pixels that were decoded at a reduced scale, their grid laid over the original."""
    return replace(features, grid=replace(features.grid, picture=size))


def combine(likes: Sequence[FloatArray], unlikes: Sequence[FloatArray] = ()) -> FloatArray:
    """One unit vector to search with: mean of the likes minus half the mean of the unlikes.

    This is Rocchio's rule (1971) on unit vectors. One like and no unlike is the like itself.

    Args:
        likes, unlikes: (D,) unit vectors each; at least one like.

    Raises:
        BadRequest: there is no like, or likes and unlikes cancel out.
    """
    if not likes:
        raise BadRequest("there is nothing to look for: give at least one picture you like")
    mean = np.mean(np.stack(likes), axis=0)
    if unlikes:
        mean = mean - UNLIKE_WEIGHT * np.mean(np.stack(unlikes), axis=0)
    if float(np.linalg.norm(mean)) < 1e-3:
        raise BadRequest("the pictures you like and unlike cancel out: take one of them away")
    return normalise(np.asarray(mean, np.float32))


def _checked(array: NDArray[np.uint8]) -> Pixels:
    if array.ndim == 2:
        array = np.repeat(array[:, :, None], 3, axis=2)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape or array.dtype != np.uint8:
        raise BadRequest(
            f"an array of shape {array.shape} and type {array.dtype} is no picture: "
            "give (height, width, 3) of uint8 in sRGB"
        )
    return np.ascontiguousarray(array)


def _from_pillow(picture: Image, limits: Limits, side: int) -> Decoded:
    from io import BytesIO

    from PIL import Image

    if not isinstance(picture, Image.Image):
        raise BadRequest(
            f"a {type(picture).__name__} is no picture: give a path, bytes, an array or a PIL image"
        )
    # Through the decoder, so that orientation, transparency and colour profile are treated as in a file.
    buffer = BytesIO()
    picture.save(
        buffer, "PNG", compress_level=0, exif=picture.getexif(), icc_profile=picture.info.get("icc_profile")
    )
    limits = replace(limits, max_bytes=2**40, max_pixels=2**40)  # it is decoded, and was let in as it is
    return decode(buffer.getvalue(), limits, where="the picture", at_least=side)
