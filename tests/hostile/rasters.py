"""Hostile PNG, GIF, BMP and WebP files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image
from tests.hostile.pieces import MIB, Hostile, at, chunk, exifs, png, profiles, rows, zeros
from tests.hostile.whole import noise, saved


def pngs(side: int) -> Iterator[Hostile]:
    palette = chunk(b"PLTE", bytes(range(9)))
    for name, depth, colour, bits in (
        ("1 bit", 1, 0, 1),
        ("palette", 8, 3, 8),
        ("grey", 8, 0, 8),
        ("grey 16", 16, 0, 16),
        ("rgb", 8, 2, 24),
        ("rgba", 8, 6, 32),
        ("rgba 16", 16, 6, 64),
        ("grey and alpha 16", 16, 4, 32),
    ):
        extra = [palette] if colour == 3 else []
        idat = rows(side, side, bits)
        yield Hostile(f"png bomb {name}", png(side, side, depth, colour, *extra, idat))
        yield Hostile(
            f"png bomb {name} interlaced", png(side, side, depth, colour, *extra, idat, interlaced=1)
        )
        transparent = chunk(b"tRNS", bytes(6 if colour == 2 else 2))
        if colour in {0, 2, 3}:
            yield Hostile(f"png bomb {name} clear", png(side, side, depth, colour, *extra, transparent, idat))
    for width, height in ((side * 10, side * 10), (2**31 - 1, 2**31 - 1), (2**32 - 1, 1), (0, 5), (5, 0)):
        yield Hostile(f"png {width} x {height}", png(width, height, 8, 2, rows(10, 10, 24)))
    yield Hostile("png very wide", png(65_500, max(1, side * side // 65_500), 8, 2, rows(65_500, 2, 24)))
    bomb = zeros(64 * MIB)
    small = rows(20, 20, 24)
    for kind, head in ((b"zTXt", b"Comment\0\0"), (b"iTXt", b"Comment\0\1\0\0\0"), (b"iCCP", b"icc\0\0")):
        yield Hostile(f"png {kind.decode()} bomb", png(20, 20, 8, 2, chunk(kind, head + bomb), small))
    yield Hostile("png more data than rows", png(20, 20, 8, 2, chunk(b"IDAT", bomb)))
    yield Hostile("png 100,000 chunks", png(20, 20, 8, 2, chunk(b"tEXt", b"a\0b") * 100_000, small))
    yield Hostile("png 100,000 empty parts", png(20, 20, 8, 2, chunk(b"IDAT", b"") * 100_000, small))
    yield Hostile("png 2,000 headers", png(20, 20, 8, 2, chunk(b"IHDR", bytes(13)) * 2000, small))
    yield Hostile("png lying length", png(20, 20, 8, 2, chunk(b"tEXt", b"a\0b", 2**31), small))
    yield Hostile("png no data", png(20, 20, 8, 2))
    yield Hostile("png no palette", png(20, 20, 8, 3, rows(20, 20, 8)))
    yield Hostile("png wrong depth", png(20, 20, 3, 7, small))
    part = zlib.compress(np.random.default_rng(1).bytes(20 * (1 + 500 * 3)))
    yield Hostile("png 20 of 500 rows", png(500, 500, 8, 2, chunk(b"IDAT", part)))
    frames = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    control = b"".join(
        chunk(b"fcTL", struct.pack(">IIIIIHHBB", at, 20, 20, 0, 0, 1, 1, 0, 0)) for at in range(5000)
    )
    yield Hostile("png endless frames", png(20, 20, 8, 2, frames, control, small))
    for name, exif in exifs():
        yield Hostile(f"png {name}", png(20, 20, 8, 2, chunk(b"eXIf", exif), small))


# --- GIF


def gif(width: int, height: int, *blocks: bytes) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x80\0\0" + bytes(6) + b"".join(blocks) + b";"


def gif_frame(width: int, height: int, data: bytes) -> bytes:
    parts = [data[n : n + 255] for n in range(0, len(data), 255)]
    packed = b"".join(bytes((len(part),)) + part for part in parts)
    return b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\0\x08" + packed + b"\0"


def gifs(side: int) -> Iterator[Hostile]:
    whole = saved(Image.new("P", (20, 20)), "GIF")
    for width, height in ((65_535, 65_535), (min(65_535, side), min(65_535, side)), (0, 0), (1, 65_535)):
        yield Hostile(f"gif {width} x {height}", gif(width, height, gif_frame(10, 10, b"\0\1" * 9)))
        yield Hostile(f"gif frame {width} x {height}", gif(10, 10, gif_frame(width, height, b"\0\1" * 9)))
    black = Image.new("P", (side, side))
    yield Hostile("gif bomb", saved(black, "GIF"))
    yield Hostile("gif endless frames", whole[:-1] + gif_frame(10, 10, b"\0\1" * 9) * 20_000 + b";")
    yield Hostile("gif endless comment", gif(10, 10, b"!\xfe" + (b"\xff" + bytes(255)) * 20_000 + b"\0"))
    yield Hostile("gif 100,000 extensions", gif(10, 10, b"!\xf9\4\0\0\0\0\0" * 100_000, whole[13:-1]))
    yield Hostile("gif of clear codes", gif(500, 500, gif_frame(500, 500, b"\0\1" * 500_000)))
    yield Hostile("gif and script", b"GIF89a/*" + whole[8:] + b"*/=1;alert(1)")
    yield Hostile("gif no frame", gif(10, 10))


# --- BMP


def bitmaps(side: int) -> Iterator[Hostile]:
    for width, height in ((2**31 - 1, 2**31 - 1), (side, side), (side, -side), (-5, 5), (0, 0), (65_500, 1)):
        for bits, compression in ((24, 0), (32, 3), (8, 1), (4, 2), (1, 0), (16, 0), (99, 0), (0, 4)):
            head = struct.pack("<IiiHHIIIIII", 40, width, height, 1, bits, compression, 0, 0, 0, 0, 0)
            yield Hostile(
                f"bmp {width} x {height} {bits} {compression}",
                b"BM" + at(2000) + bytes(4) + at(54 + 1024) + head + bytes(1024) + b"\xff\1" * 400,
            )
    colours = struct.pack("<IiiHHIIIIII", 40, 20, 20, 1, 8, 0, 0, 0, 0, 2**32 - 1, 0)
    yield Hostile("bmp of 4 billion colours", b"BM" + at(2000) + bytes(4) + at(54) + colours + bytes(900))
    for length in (12, 16, 52, 56, 64, 108, 124):
        yield Hostile(f"bmp header of {length}", b"BM" + bytes(12) + at(length) + b"\x10\0" * 300)


# --- WebP


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + at(len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + at(len(body) + 4) + b"WEBP" + body


def _extended(width: int, height: int, flags: int = 0) -> tuple[bytes, bytes]:
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"VP8X", bytes((flags, 0, 0, 0)) + sides


def webps(side: int) -> Iterator[Hostile]:
    lossy, lossless = saved(noise(), "WEBP"), saved(noise(), "WEBP", lossless=True)
    picture = (b"VP8 ", lossy[20:])
    for width, height in ((16_777_216, 16_777_216), (16_777_216, 1), (side, side), (16_383, 16_383)):
        yield Hostile(
            f"webp canvas {width} x {height}", riff(_extended(width, height), (b"VP8 ", lossy[20:]))
        )
        yield Hostile(
            f"webp moving {width} x {height}", riff(_extended(width, height, 2), (b"ANIM", bytes(6)))
        )
    head = (1 << 28) - 1
    yield Hostile("webp lossless 16384 x 16384", riff((b"VP8L", b"\x2f" + at(head) + lossless[25:])))
    yield Hostile("webp 16383 x 16383", riff((b"VP8 ", lossy[20:26] + b"\xff\x3f\xff\x3f" + lossy[30:])))
    frame = bytes(6) + (31).to_bytes(3, "little") + (23).to_bytes(3, "little") + bytes(4) + lossy[12:]
    yield Hostile(
        "webp endless frames", riff(_extended(32, 24, 2), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * 3000)
    )
    far = b"\xff" * 6 + frame[6:]
    yield Hostile("webp frame outside", riff(_extended(32, 24, 2), (b"ANIM", bytes(6)), (b"ANMF", far)))
    yield Hostile(
        "webp 100,000 chunks", riff(_extended(32, 24), *[(b"JUNK", b"")] * 100_000, (b"VP8 ", lossy[20:]))
    )
    flat = Image.new("RGB", (min(side, 16_383),) * 2)
    yield Hostile("webp bomb", saved(flat, "WEBP", lossless=True))
    for name, exif in exifs():
        yield Hostile(f"webp {name}", riff(_extended(32, 24, 8), picture, (b"EXIF", exif)))
    for name, profile in profiles():
        yield Hostile(f"webp {name}", riff(_extended(32, 24, 32), (b"ICCP", profile), picture))
