"""What is no picture, or not only one, or not a whole one."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
from tests.hostile.pieces import PNG, Hostile, at
from tests.hostile.whole import whole_pictures

FOREIGN: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\xff",
    "zeros": bytes(100_000),
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    "svg with a prologue": b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg>&a;</svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "laughs": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>',
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99999 99999\n(r) file\n",
    "pdf": b"%PDF-1.7\n1 0 obj\n<</Length 99999999>>\nstream\n",
    "zip": b"PK\3\4" + bytes(200),
    "gzip": b"\x1f\x8b\x08" + bytes(200),
    "program": b"\x7fELF\2\1\1" + bytes(200),
    "shell": b"#!/bin/sh\necho hello\n",
    "pickle": b"\x80\4\x95\x10\0\0\0\0\0\0\0\x8c\2os\x94\x8c\6system\x94\x93\x94.",
    "ico": b"\0\0\1\0\xff\xff" + b"\0" * 400,
    "cursor": b"\0\0\2\0\1\0" + b"\0" * 400,
    "icns": b"icns\xff\xff\xff\xff" + b"ic10\0\0\0\x08" * 50,
    "ppm": b"P6 99999 99999 255\n" + bytes(100),
    "pbm of text": b"P1 1000000 1000000\n" + b"0 " * 500,
    "psd": b"8BPS\0\1" + bytes(6) + b"\0\3" + struct.pack(">II", 300_000, 300_000) + bytes(40),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100),
    "codestream": b"\xff\x4f\xff\x51" + b"\xff" * 60,
    "jpeg xl": b"\xff\x0a" + b"\xff" * 60,
    "qoi": b"qoif" + struct.pack(">II", 2**31, 2**31) + bytes(20),
    "dds": b"DDS |\0\0\0" + b"\xff" * 200,
    "fits": b"SIMPLE  =                    T".ljust(2880),
    "tga": bytes(2) + b"\2" + bytes(9) + b"\xff\xff\xff\xff\x18\0",
    "wmf": b"\xd7\xcd\xc6\x9a" + bytes(60),
    "fli": bytes(4) + b"\x11\xaf" + bytes(200),
    "mp4": b"\0\0\0\x18ftypisom" + bytes(200),
    "riff of sound": b"RIFF\xff\xff\xff\xffWAVEfmt " + bytes(40),
    "bom": b"\xef\xbb\xbf" + b"GIF89a" + bytes(40),
    "utf-16": "GIF89a <script>".encode("utf-16"),
}  # fmt: skip


def foreign() -> Iterator[Hostile]:
    yield Hostile("ftyp of nothing", b"\0\0\0\0ftypavif" + bytes(20))
    for name, data in FOREIGN.items():
        yield Hostile(f"foreign {name}", data)
    magics = [PNG, b"\xff\xd8\xff\xe0", b"GIF89a", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"]
    magics += [
        b"RIFF\xff\xff\xff\xffWEBP",
        b"\0\0\0\x1cftypavif",
        b"\0\0\0\x1cftypheic",
        b"\0\0\0\x1cftypmif1avif",
    ]
    magics += [b"BM" + bytes(12) + at(40)]
    rng = np.random.default_rng(3)
    tails = [bytes(5000), b"\xff" * 5000, rng.bytes(5000), FOREIGN["svg"], FOREIGN["html"], PNG * 20, b""]
    for magic in magics:
        for number, tail in enumerate(tails):
            yield Hostile(f"only the mark {magic!r} {number}", magic + tail)
    seeds = list(whole_pictures().items())
    for (name, first), (other, second) in zip(seeds, seeds[1:] + seeds[:1], strict=True):
        yield Hostile(f"{name} goes on as {other}", first[:16] + second[16:])
        yield Hostile(f"{name} after {other}", second + first)


def cut() -> Iterator[Hostile]:
    """Every kind, cut at many places."""
    for name, data in whole_pictures().items():
        for step in range(24):
            yield Hostile(f"{name} cut {step}", data[: len(data) * step // 24])
