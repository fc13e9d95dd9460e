"""What hostile files are put together from: chunks that lie, deflated zeros, EXIF in circles, junk."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from tests.hostile.whole import srgb

PNG = b"\x89PNG\r\n\x1a\n"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Hostile:
    """A file, and what is wrong with it."""

    name: str
    data: bytes


def chunk(kind: bytes, body: bytes, length: int | None = None) -> bytes:
    """A PNG chunk; ``length`` may lie."""
    size = len(body) if length is None else length
    return struct.pack(">I", size) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, *chunks: bytes, interlaced: int = 0) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return PNG + chunk(b"IHDR", head) + b"".join(chunks) + chunk(b"IEND", b"")


@cache
def zeros(count: int) -> bytes:
    """So many zero bytes, deflated a thousandfold."""
    squeeze = zlib.compressobj(9)
    block = bytes(MIB)
    parts = [squeeze.compress(block[: min(MIB, count - at)]) for at in range(0, count, MIB)]
    return b"".join([*parts, squeeze.flush()])


def rows(width: int, height: int, bits: int) -> bytes:
    """The IDAT of a black picture."""
    return chunk(b"IDAT", zeros(height * (1 + -(-width * bits // 8))))


def ifd(*entries: tuple[int, int, int, bytes], after: int = 0, endian: str = "<") -> bytes:
    """A TIFF directory: (tag, type, count, four bytes of value or offset) each."""
    body = b"".join(
        struct.pack(f"{endian}HHI", tag, kind, count) + value[:4].ljust(4, b"\0")
        for tag, kind, count, value in entries
    )
    return struct.pack(f"{endian}H", len(entries)) + body + struct.pack(f"{endian}I", after)


def at(offset: int) -> bytes:
    return struct.pack("<I", offset)


def exifs() -> Iterator[tuple[str, bytes]]:
    """EXIF blocks (from their TIFF header) that go in circles, lie, or are nonsense."""
    head = b"II*\0" + at(8)
    yield "exif of zeros", bytes(64)
    yield "exif in a circle", head + ifd((0x8769, 4, 1, at(8)), (0x8825, 4, 1, at(8)), after=8)
    yield "exif beyond the end", head + ifd((0x8769, 4, 1, at(2**31)), (0x010F, 2, 2**31, at(8)))
    yield "exif huge count", head + ifd((0x010F, 2, 2**32 - 1, at(8)), (0x0132, 2, 2**32 - 1, at(9)))
    yield "exif orientation 2**32", head + ifd((0x0112, 4, 1, b"\xff" * 4))
    yield (
        "exif zero denominators",
        head + ifd((0x8825, 4, 1, at(26))) + ifd((2, 5, 3, at(8)), (4, 5, 3, at(8))),
    )
    yield "exif 5,000 entries", head + ifd(*((0x9000, 2, 4, b"abcd"),) * 5000)
    chain = b"".join(ifd((0x8769, 4, 1, at(8 + 18 * (n + 1))), after=8 + 18 * (n + 1)) for n in range(3000))
    yield "exif 3,000 deep", head + chain


def profiles() -> Iterator[tuple[str, bytes]]:
    whole = srgb()
    rng = np.random.default_rng(2)
    yield "icc of zeros", bytes(200)
    yield "icc cut off", whole[:200]
    yield "icc says 4 GB", b"\xff" * 4 + whole[4:]
    yield "icc of tags without number", whole[:128] + b"\xff" * 4 + whole[132:]
    for at_ in range(12):
        junk = bytearray(whole)
        for place in rng.integers(128, len(junk), 30):
            junk[place] = rng.integers(0, 256)
        yield f"icc junk {at_}", bytes(junk)
