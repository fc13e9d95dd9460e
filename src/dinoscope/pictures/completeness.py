"""Is the file whole? Some decoders fill what is missing with grey and say nothing."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from dinoscope.errors import NotAPicture

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # PNG colour types (ISO/IEC 15948, table 11.1)
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def check_complete(data: bytes, kind: str, where: str) -> None:
    """Refuse what Pillow would silently pad.

    Raises:
        NotAPicture: a PNG whose rows are fewer than its header declares, or a JPEG without an end.
    """
    if kind == "png" and not _png_is_whole(data):
        raise NotAPicture(f"{where} is not complete (rows are missing): restore it or skip it")
    if kind == "jpeg" and b"\xff\xd9" not in data[-4096:] and data.rfind(b"\xff\xd9") < len(data) // 2:
        # Cameras append previews and maker data after the end mark, so it may lie well before the end.
        raise NotAPicture(f"{where} is not complete (its end is missing): restore it or skip it")


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
    """Inflate the rows once more, in bounded pieces, and count them: about 1 ms a megapixel."""
    needed = _png_bytes(data)
    inflate, counted = zlib.decompressobj(), 0
    for chunk in _idat(data):
        waiting = chunk
        while waiting and counted < needed:
            counted += len(inflate.decompress(waiting, 1 << 20))
            waiting = inflate.unconsumed_tail
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
    """The first image's data chunks; an APNG's later frames are in fdAT and do not count."""
    at = 8
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] == b"IDAT":
            yield data[at + 8 : at + 8 + length]
        at += length + 12
