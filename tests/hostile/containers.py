"""Hostile JPEG, TIFF, AVIF and HEIC files."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import Image
from tests.hostile.pieces import MIB, Hostile, at, exifs, ifd, profiles, zeros
from tests.hostile.whole import jpeg, noise, saved, seed, srgb


def segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def jpegs(side: int) -> Iterator[Hostile]:
    whole = jpeg()
    size = whole.index(b"\xff\xc0") + 5
    for height, width in ((65_500, 65_500), (65_535, 65_535), (side, side), (0, 32), (32, 0), (65_500, 1)):
        lying = whole[:size] + struct.pack(">HH", height, width) + whole[size + 4 :]
        yield Hostile(f"jpeg says {width} x {height}", lying)
    yield Hostile("jpeg scan upon scan", many_scans(side, 300))
    yield Hostile("jpeg 5,000 scans", many_scans(max(16, side // 8), 5000))
    yield Hostile("jpeg 20,000 comments", whole[:2] + segment(0xFE, b"x" * 10) * 20_000 + whole[2:])
    yield Hostile("jpeg of restarts", whole[:-2] + b"\xff\xd0" * 200_000 + whole[-2:])
    yield Hostile("jpeg of fill bytes", whole[:2] + b"\xff" * 400_000 + whole[2:])
    yield Hostile("jpeg in jpeg in jpeg", whole[:2] + segment(0xE1, whole[:60_000]) * 5 + whole[2:])
    yield Hostile("jpeg arithmetic", whole.replace(b"\xff\xc0", b"\xff\xc9", 1))
    yield Hostile("jpeg lossless", whole.replace(b"\xff\xc0", b"\xff\xc3", 1))
    yield Hostile("jpeg no end", whole[:-2])
    yield Hostile("jpeg with a page after it", whole + b"<script>alert(1)</script>")
    yield Hostile("jpeg with a zip after it", whole + b"PK\5\6" + bytes(18))
    mpf = b"MPF\0" + b"II*\0" + at(8) + ifd((0xB001, 4, 1, at(2**31)), (0xB002, 7, 2**31, at(8)), after=8)
    yield Hostile("jpeg of endless pictures", whole[:2] + segment(0xE2, mpf) + whole[2:])
    for name, exif in exifs():
        yield Hostile(f"jpeg {name}", whole[:2] + segment(0xE1, (b"Exif\0\0" + exif)[:65_000]) + whole[2:])
    for name, profile in profiles():
        yield Hostile(f"jpeg {name}", jpeg(icc_profile=profile))
    yield Hostile("jpeg grey with an rgb profile", jpeg(noise().convert("L"), icc_profile=srgb()))
    yield Hostile("jpeg cmyk with an rgb profile", jpeg(noise().convert("CMYK"), icc_profile=srgb()))
    icc = segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(60_000))
    yield Hostile("jpeg 255 parts of a profile", whole[:2] + icc * 255 + whole[2:])


def many_scans(side: int, scans: int) -> bytes:
    """A progressive JPEG whose every scan goes over all its blocks: hundreds of bytes, minutes of work."""
    whole = jpeg(Image.new("L", (16, 16)), progressive=True)
    start = whole.index(b"\xff\xc2") + 5
    whole = whole[:start] + struct.pack(">HH", side, side) + whole[start + 4 :]
    first = whole.index(b"\xff\xda")
    refine = b"\xff\xda\0\x08\1\1\0\0\0\0"  # the first scan of the only component: DC, no refinement
    return whole[:first] + (refine + b"\0" * 8) * scans + b"\xff\xd9"


# --- TIFF


def tiff(*entries: tuple[int, int, int, bytes], after: int = 0, rest: bytes = b"") -> bytes:
    return b"II*\0" + at(8) + ifd(*entries, after=after) + rest


def plain(
    width: int, height: int, compression: int = 1, bits: int = 8, *, offset: int = 8, count: int = 64
) -> list[tuple[int, int, int, bytes]]:
    return [
        (256, 4, 1, at(width)),
        (257, 4, 1, at(height)),
        (258, 3, 1, at(bits)),
        (259, 3, 1, at(compression)),
        (262, 3, 1, at(1)),
        (273, 4, 1, at(offset)),
        (277, 3, 1, at(1)),
        (278, 4, 1, at(height)),
        (279, 4, 1, at(count)),
    ]


def tiffs(side: int) -> Iterator[Hostile]:
    for width, height in ((100_000, 100_000), (2**32 - 1, 2**32 - 1), (2**31, 1), (0, 0), (side, side)):
        for compression in (1, 2, 3, 4, 5, 6, 7, 8, 32773, 32946, 34676, 50000, 50001):
            data = tiff(*plain(width, height, compression), rest=bytes(64))
            yield Hostile(f"tiff {width} x {height} as {compression}", data)
    packed = zeros(side * side)
    yield Hostile("tiff bomb", tiff(*plain(side, side, 8, offset=122, count=len(packed)), rest=packed))
    bomb = zeros(64 * MIB)
    yield Hostile("tiff more data than rows", tiff(*plain(20, 20, 8, offset=122, count=len(bomb)), rest=bomb))
    for bits in (0, 1, 3, 12, 16, 31, 32, 64, 65535):
        yield Hostile(f"tiff of {bits} bits", tiff(*plain(20, 20, 1, bits), rest=bytes(4000)))
    yield Hostile("tiff in a circle", tiff(*plain(20, 20), after=8, rest=bytes(400)))
    chain = b"".join(ifd(*plain(1, 1), after=8 + 114 * (n + 1)) for n in range(20_000))
    yield Hostile("tiff 20,000 pages", b"II*\0" + at(8) + chain)
    yield Hostile("tiff below itself", tiff(*plain(20, 20), (330, 4, 1, at(8)), (34665, 4, 1, at(8))))
    for tag in (256, 258, 273, 279, 270, 320, 34675, 700, 33723):
        for kind in (1, 2, 3, 4, 5, 12, 13, 16, 99):
            entries = [*plain(20, 20), (tag, kind, 2**32 - 1, at(8))]
            yield Hostile(f"tiff tag {tag} of type {kind}", tiff(*entries, rest=bytes(400)))
    strips = tiff(*plain(20, 20)[:5], (273, 4, 10**6, at(200)), (278, 4, 1, at(1)), (279, 4, 10**6, at(200)))
    yield Hostile("tiff a million strips", strips + bytes(4 * 10**6 + 400))
    tiles = [
        *plain(side, side),
        (322, 4, 1, at(16)),
        (323, 4, 1, at(16)),
        (324, 4, 9, at(8)),
        (325, 4, 9, at(8)),
    ]
    yield Hostile("tiff tiny tiles", tiff(*tiles, rest=bytes(400)))
    tiles[-4:-2] = [(322, 4, 1, at(2**31)), (323, 4, 1, at(2**31))]
    yield Hostile("tiff a giant tile", tiff(*tiles, rest=bytes(400)))
    yield Hostile("tiff big, no directory", b"II+\0\x08\0\0\0" + b"\xff" * 8)
    yield Hostile("tiff 65,535 entries", b"II*\0" + at(8) + b"\xff\xff" + bytes(12) * 65_535)


# --- AVIF and HEIC


def boxed(side: int) -> Iterator[Hostile]:
    for kind in ("AVIF", "HEIF"):
        whole = seed(kind)
        if whole is None:
            continue
        sizes = [n for n in range(len(whole)) if whole.startswith(b"ispe", n)]
        for width, height in ((2**31, 2**31), (100_000, 100_000), (side, side), (65_536, 1), (0, 0)):
            lying = bytearray(whole)
            for place in sizes:
                lying[place + 8 : place + 16] = struct.pack(">II", width, height)
            yield Hostile(f"{kind} says {width} x {height}", bytes(lying))
        for box in (b"meta", b"iloc", b"iinf", b"iprp", b"ipco", b"mdat", b"ftyp", b"iref", b"pitm"):
            place = whole.find(box)
            for length in (0, 1, 7, 2**31, 2**32 - 1):
                if place >= 4:
                    lying = bytearray(whole)
                    lying[place - 4 : place] = struct.pack(">I", length)
                    yield Hostile(f"{kind} {box.decode()} of {length} bytes", bytes(lying))
        yield Hostile(f"{kind} 50,000 free boxes", whole[:32] + b"\0\0\0\x08free" * 50_000 + whole[32:])
        deep = b"".join(struct.pack(">I", 8 * (4000 - n)) + b"moov" for n in range(4000))
        yield Hostile(f"{kind} 4,000 deep", whole[: int.from_bytes(whole[:4], "big")] + deep)
    flat = Image.new("RGB", (min(side, 8000),) * 2)
    if seed("AVIF") is not None:
        yield Hostile("AVIF bomb", saved(flat, "AVIF", speed=10, quality=10))
