"""Is the file whole? Some decoders fill what is missing with grey and say nothing."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.errors import NotAPicture

if TYPE_CHECKING:
    from PIL.Image import Image

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG colour types (ISO/IEC 15948, table 11.1)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


_JPEG_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # not stuffing, restart or fill (ITU T.81, B.1.1)
_JPEG_START_OF_SCAN, _JPEG_END, _JPEG_BARE = 0xDA, 0xD9, {0x01, 0xD8}
_NOISE = bytes(value for value in range(1, 255) for _ in range(3)) * 8  # decodes to anything but grey


def check_end(data: bytes, kind: str, where: str) -> None:
    """Refuse a JPEG without an end mark, before it is decoded.

    Raises:
        NotAPicture: the file was cut off, or the rest of it was never downloaded.
    """
    if kind == "jpeg" and _jpeg_end(data) is None:
        raise NotAPicture(f"{where} is not complete (its end is missing): restore it or skip it")


def check_decoded(image: Image, data: bytes, kind: str, where: str) -> None:
    """Refuse what Pillow silently padded: PNGs with too few rows, JPEGs that end early but properly.

    Raises:
        NotAPicture: rows or blocks are missing.
    """
    # The cheap look first: what Pillow leaves out is black in a PNG and mid-grey in a JPEG.
    if kind == "png" and _ends_black(image, data) and not _png_is_whole(data):
        raise NotAPicture(f"{where} is not complete (rows are missing): restore it or skip it")
    if kind == "jpeg" and _ends_grey(image) and not _jpeg_is_whole(data):
        raise NotAPicture(f"{where} is not complete (its end is missing): restore it or skip it")


def _ends_black(image: Image, data: bytes) -> bool:
    """The last row holds only zeros, as unwritten ones do; interlaced rows come in another order."""
    interlaced = bool(data[28])
    return interlaced or not np.asarray(image.crop((0, image.height - 1, *image.size))).any()


def _ends_grey(image: Image) -> bool:
    """The last pixel is what libjpeg fills in, zero coefficients; true of about one whole picture in 10^5."""
    last = image.getpixel((image.width - 1, image.height - 1))
    return all(value in {127, 128} for value in (last if isinstance(last, tuple) else (last,)))


def _jpeg_is_whole(data: bytes) -> bool:
    """Put noise before the end mark: a whole picture does not need it, any other one takes it for blocks."""
    end = _jpeg_end(data) or len(data)
    return _eighth(data) == _eighth(data[:end] + _NOISE + data[end:])


def _eighth(data: bytes) -> bytes:
    """The pixels at an eighth of the size, the cheapest a JPEG can be decoded."""
    from PIL.JpegImagePlugin import JpegImageFile

    with JpegImageFile(BytesIO(data)) as image:
        image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
        return image.tobytes()


def _jpeg_end(data: bytes) -> int | None:
    """Where the first picture's end mark is; previews before it and other pictures after it do not count."""
    at, scanned = 0, False
    while found := _JPEG_MARKER.search(data, at):
        marker, at = data[found.start() + 1], found.end()
        if marker == _JPEG_END and scanned:
            return found.start()
        scanned = scanned or marker == _JPEG_START_OF_SCAN
        if marker not in _JPEG_BARE:
            at += int.from_bytes(data[at : at + 2], "big")
    return None


def webp_canvas(data: bytes) -> tuple[int, int]:
    """Width and height as the first chunk declares them (RFC 9649); (1, 1) where it declares none."""
    chunk, body = data[12:16], data[20:30]
    if len(body) < 10:
        return 1, 1
    if chunk == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if chunk == b"VP8 ":
        sides = int.from_bytes(body[6:8], "little"), int.from_bytes(body[8:10], "little")
        return sides[0] & 0x3FFF, sides[1] & 0x3FFF
    return 1, 1


def _png_is_whole(data: bytes) -> bool:
    """Inflate the rows once more, in bounded pieces, and count them: about 30 % of the decode itself."""
    needed = _png_bytes(data)
    inflate, counted = zlib.decompressobj(), 0
    for piece in _idat(data):
        waiting = piece
        while waiting and counted < needed:
            counted += len(inflate.decompress(waiting, 1 << 20))
            waiting = inflate.unconsumed_tail  # copied each time, hence the small pieces
        if counted >= needed:
            return True
    return counted + len(inflate.flush()) >= needed


def _png_bytes(data: bytes) -> int:
    width, height = int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    bits = data[24] * _CHANNELS.get(data[25], 1)
    passes = _ADAM7 if data[28] else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))  # a filter byte before each row
    return total


def _idat(data: bytes) -> Iterator[bytes]:
    """The first image's data, in pieces of 64 KB. An APNG's later frames are in fdAT and do not count."""
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            end = min(at + 8 + length, len(data))
            for piece in range(at + 8, end, 1 << 16):
                yield data[piece : min(piece + (1 << 16), end)]
        at += length + 12
