"""From untrusted bytes to upright sRGB pixels, or one sentence that says why not."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil, sqrt
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.errors import DinoscopeError, MissingExtra, NotAPicture, PictureTooLarge
from dinoscope.features import Bytes, Pixels
from dinoscope.geometry import Box, Mask, Size
from dinoscope.pictures.faces import AREA
from dinoscope.pictures.gate import Trust, admitted
from dinoscope.pictures.labour import check_labour
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata, exif_of, orientation_of, read_metadata
from dinoscope.pictures.reading import check_head, too_many_bytes
from dinoscope.pictures.sniffing import HEAD

if TYPE_CHECKING:
    from PIL.Image import Image

_FORMATS = {"jpeg": "JPEG", "heic": "HEIF"}  # Pillow's names where they are not ours in capitals
_BANDED = {"1", "P", "PA", "LA", "RGBA"}  # modes that are averaged by way of another, larger or as large
_BAND = 2**22  # pixels
_SIDEWAYS = range(5, 9)  # EXIF orientations that swap width and height

# Pillow's bomb limit and Python's warning filters belong to the process, so one decode at a time sets
# them. Decodes that should run side by side run in DecodeWorkers.
_ONE_AT_A_TIME = Lock()


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """A picture as people see it."""

    pixels: Pixels  # possibly at reduced scale; see ``decode``
    size: Size  # of the original, upright
    kind: str  # "jpeg", "png", …, from the bytes
    metadata: Metadata
    opacity: Bytes | None = None  # (height, width) of the pixels, 0 where transparent; None: opaque all over
    plain: Pixels | None = None  # what people see, where faces are hidden from the model alone
    faces: tuple[Box, ...] = ()  # in the pixels: no region token may be made of the patches there

    @property
    def seen(self) -> Pixels:
        """What people are shown of it."""
        return self.pixels if self.plain is None else self.plain

    @property
    def shown(self) -> Mask | None:
        """What is at least half opaque, at the pixels' scale; None where that is all of it, or nothing."""
        if self.opacity is None:
            return None
        there = self.opacity >= 128
        return Mask(there) if there.any() and not there.all() else None


def decode(
    data: bytes, limits: Limits, *, where: str, at_least: int | None = None, trust: Trust = "stranger"
) -> Decoded:
    """Decode the first frame, upright, in sRGB, transparency on white, in this process.

    Then it passes the gate, as ``limits.faces`` says: what comes back is what may be taken in.

    Args:
        data: a whole picture file.
        limits: bytes, pixels and sides are checked before anything is decoded; the time limit needs
            a process that can be ended, see DecodeWorkers.
        where: names the picture in sentences.
        at_least: pixels the shorter side must keep; the picture may then come at a reduced scale
            (JPEG's own 1/2, 1/4, 1/8, then whole-number box reduction). None asks for full size.
        trust: whose bytes they are, see ``gate``.

    Raises:
        NotAPicture: no known format, damaged, or not complete.
        PictureTooLarge: beyond a limit, or the decoder ran out of memory.
        MissingExtra: HEIC without ``dinoscope[heic]``.
        FaceRefused, FacesUnchecked: see ``gate``.
    """

    def nearer(decoded: Decoded) -> Pixels:
        side = _side_for_faces(decoded)
        return decoded.pixels if side is None else _upright(data, limits, where, side).pixels

    return admitted(_upright(data, limits, where, at_least), limits.faces, trust, where, nearer)


def _side_for_faces(decoded: Decoded) -> int | None:
    """Pixels of the shorter side that show small faces, where the decoder left many out; else None.

    To decode once for both would give the model other pixels where faces are kept out than elsewhere.
    """
    height, width = decoded.pixels.shape[:2]
    whole = decoded.size.pixels
    if width * height >= min(AREA / 2, 0.9 * whole):
        return None
    return ceil(min(decoded.size.width, decoded.size.height) * sqrt(min(1.0, AREA / whole)))


def _upright(data: bytes, limits: Limits, where: str, at_least: int | None) -> Decoded:
    if len(data) > limits.max_bytes:
        raise too_many_bytes(where, len(data), limits)
    kind = check_head(data[:HEAD], where)
    if kind == "heic":
        _need_heif(where)
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of oddities in EXIF and TIFF tags that do no harm
        try:
            with _unlimited():
                return _decode(data, kind, limits, where, at_least)
        except DinoscopeError:
            raise
        except MemoryError:
            raise PictureTooLarge(
                f"{where} needs more memory than a decode may take: make it smaller"
            ) from None
        except Exception as error:  # noqa: BLE001  decoders raise anything; hand-listed types leaked as 500s
            raise NotAPicture(f"{where} is damaged ({_brief(error)}): restore it or skip it") from None


@contextmanager
def _unlimited() -> Iterator[None]:
    """Lift Pillow's bomb limit, which TIFF and WebP would meet before ours, and put it back."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None  # our own check comes before any pixel is decoded
    try:
        yield
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _decode(data: bytes, kind: str, limits: Limits, where: str, at_least: int | None) -> Decoded:
    from PIL import Image

    from dinoscope.pictures.completeness import check_decoded, check_end, webp_canvas

    check_labour(data, kind, where)
    if kind == "webp":  # its decoder takes memory for the whole canvas on opening
        _check_size(webp_canvas(data), limits, where)
    with Image.open(BytesIO(data), formats=[_FORMATS.get(kind, kind.upper())]) as image:
        _check_size(image.size, limits, where)
        check_end(data, kind, where)
        if kind == "png":  # looking for its EXIF block would load it, and hide why that fails
            image.load()
        metadata, original = read_metadata(exif_of(image)), image.size
        if kind == "jpeg" and at_least is not None:
            image.draft(None, _drafted(image.size, at_least))
        image.load()
        check_decoded(image, data, kind, where)
        turn = orientation_of(exif_of(image))  # only now: Pillow turns a TIFF itself, in load()
        colours, clear = _reduced(image, at_least)
        upright = _turned(colours, turn)
    size = Size(*(reversed(original) if turn in _SIDEWAYS else original))
    there = None if clear is None else np.array(_turned(clear, turn), np.uint8)
    return Decoded(np.array(upright, np.uint8), size, kind, metadata, there)


def _check_size(size: tuple[int, int], limits: Limits, where: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise NotAPicture(f"{where} has no pixels ({width} x {height}): restore it or skip it")
    if width * height > limits.max_pixels or max(size) > limits.max_side:
        raise PictureTooLarge(
            f"{where} has {width} x {height} pixels, over the limit of {limits.max_pixels / 1e6:g} "
            f"megapixels and {limits.max_side} a side: make it smaller or raise max_pixels"
        )


def _drafted(size: tuple[int, int], at_least: int) -> tuple[int, int]:
    """Pillow's draft keeps both sides at or above what it is asked; ask for the same shape."""
    scale = min(1.0, at_least / min(size))
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _reduced(image: Image, at_least: int | None) -> tuple[Image, Image | None]:
    """``to_srgb`` and ``opacity``, averaged over whole blocks while the shorter side stays long enough."""
    from dinoscope.pictures.colour import opacity, to_srgb

    factor = min(image.size) // at_least if at_least else 1
    if factor < 2 or image.mode in {"I", "F"}:  # whose scale is that of all their pixels
        return to_srgb(image), opacity(image)
    if image.mode in _BANDED or image.mode.startswith("I;"):
        return _reduced_in_bands(image, factor)
    reduced = image.reduce(factor)
    reduced.info = image.info  # profile and transparency still hold
    return to_srgb(reduced), opacity(reduced)


def _reduced_in_bands(image: Image, factor: int) -> tuple[Image, Image | None]:
    """What is averaged by way of another mode: band by band, or one bit a pixel would become 64."""
    from PIL import Image as Images

    from dinoscope.pictures.colour import opacity, to_srgb

    width, height = image.size
    size = -(-width // factor), -(-height // factor)
    colours, clear, seen = Images.new("RGB", size), Images.new("L", size, 255), False
    rows = factor * max(1, _BAND // (width * factor))
    for top in range(0, height, rows):
        band = image.crop((0, top, width, min(top + rows, height)))
        colours.paste(to_srgb(band).reduce(factor), (0, top // factor))
        if (there := opacity(band)) is not None:
            clear.paste(there.reduce(factor), (0, top // factor))
            seen = True
    return colours, clear if seen else None


def _turned(image: Image, orientation: int) -> Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _need_heif(where: str) -> None:
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        raise MissingExtra(
            f"{where} is a HEIC picture: pip install 'dinoscope[heic]' to read it, or convert it to JPEG"
        ) from None
    register_heif_opener()


def _brief(error: Exception) -> str:
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):  # its own text names a buffer in memory
        return "its header makes no sense or its end is missing"
    text = " ".join(str(error).split())
    return text[:120] if text else type(error).__name__
