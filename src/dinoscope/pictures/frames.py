"""What DecodeWorkers and their processes say to each other, over pipes and without pickle.

A frame is four bytes of length, that many of JSON, then the byte strings the JSON announces. A hostile
picture may have taken a worker over, so its end of the pipe is believed no more than a file is.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from datetime import datetime
from math import prod
from typing import Any, BinaryIO

import numpy as np

from dinoscope.features import Bytes
from dinoscope.geometry import Box, Mask, Size
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.metadata import Metadata

_HEADER = 2**20  # bytes of JSON, far more than any path or sentence needs

Header = dict[str, Any]
Bodies = list[bytearray]


def send(stream: BinaryIO, header: Header, *bodies: bytes | memoryview) -> None:
    """Write one frame; ``bodies`` follow in order."""
    text = json.dumps(header | {"bodies": [len(body) for body in bodies]}).encode()
    stream.write(struct.pack("<I", len(text)) + text)
    for body in bodies:
        stream.write(body)
    stream.flush()


def receive(stream: BinaryIO, most: int) -> tuple[Header, Bodies]:
    """Read one frame of at most ``most`` bytes of bodies.

    Raises:
        EOFError: the other end is gone.
        ValueError: what came is no frame, or too large.
    """
    header, lengths = _receive_header(stream)
    if sum(lengths) > most:
        raise ValueError(f"a frame of {sum(lengths)} bytes")
    return header, [_exactly(stream, each) for each in lengths]


def receive_into(stream: BinaryIO, bodies: Sequence[memoryview]) -> Header:
    """Read one frame whose bodies go where they belong, without a copy in between.

    Raises:
        EOFError: the other end is gone; some bodies may have been written to.
        ValueError: what came is no frame, or its bodies have other lengths.
    """
    header, lengths = _receive_header(stream)
    if lengths != [len(body) for body in bodies]:
        raise ValueError(f"a frame of {lengths} bytes")
    for body in bodies:
        _fill(stream, body)
    return header


def _receive_header(stream: BinaryIO) -> tuple[Header, list[int]]:
    (length,) = struct.unpack("<I", _exactly(stream, 4))
    if length > _HEADER:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(_exactly(stream, length))
    lengths = header.get("bodies") if isinstance(header, dict) else None
    if not isinstance(lengths, list) or not all(isinstance(each, int) and each >= 0 for each in lengths):
        raise ValueError("a header without lengths")
    return header, lengths


def header_of(decoded: Decoded) -> Header:
    """All of a picture but its ``bodies_of`` and what people see of it, for the frame that carries them."""
    facts = decoded.metadata
    return {
        "shape": decoded.pixels.shape,
        "size": [decoded.size.width, decoded.size.height],
        "kind": decoded.kind,
        "faces": [[box.left, box.top, box.right, box.bottom] for box in decoded.faces],
        "metadata": {
            "taken_at": facts.taken_at.isoformat() if facts.taken_at else None,
            "camera": facts.camera,
            "lens": facts.lens,
            "latitude": facts.latitude,
            "longitude": facts.longitude,
        },
    }


def bodies_of(decoded: Decoded) -> tuple[memoryview, memoryview]:
    """Its pixels, and how opaque they are: nothing, where all are."""
    there = np.zeros(0, np.uint8) if decoded.opacity is None else decoded.opacity
    return _bytes_of(decoded.pixels), _bytes_of(there)


def decoded_of(header: Header, pixels: bytearray, opacity: bytearray) -> Decoded:
    """The picture a reply describes; its pixels lie in ``pixels``, not in a copy.

    Raises:
        KeyError, TypeError, ValueError: the reply describes none.
    """
    facts = dict(header["metadata"])
    taken = facts.pop("taken_at")
    height, width, channels = header["shape"]
    if channels != 3 or prod(header["shape"]) != len(pixels) or len(opacity) not in {0, height * width}:
        raise ValueError("pixels of another shape")
    return Decoded(
        pixels=np.frombuffer(pixels, np.uint8).reshape(height, width, 3),
        size=Size(*header["size"]),
        kind=header["kind"],
        metadata=Metadata(taken_at=datetime.fromisoformat(taken) if taken else None, **facts),
        opacity=np.frombuffer(opacity, np.uint8).reshape(height, width) if opacity else None,
        faces=tuple(Box(*map(float, edges)) for edges in header["faces"]),
    )


def header_of_film(facts: FilmFacts) -> Header:
    """What a video says of itself."""
    return {
        "content": facts.content,
        "bytes": facts.bytes,
        "modified_ns": facts.modified_ns,
        "size": [facts.size.width, facts.size.height],
        "seconds": facts.seconds,
        "started_at": facts.started_at.isoformat(),
        "clock": facts.clock,
    }


def facts_of(header: Header) -> FilmFacts:
    """The inverse. Raises: KeyError, TypeError, ValueError: the reply describes none."""
    if header["clock"] not in {"container", "file"} or not float(header["seconds"]) >= 0:
        raise ValueError("no facts of a video")
    return FilmFacts(
        content=str(header["content"]),
        bytes=int(header["bytes"]),
        modified_ns=int(header["modified_ns"]),
        size=Size(*header["size"]),
        seconds=float(header["seconds"]),
        started_at=datetime.fromisoformat(header["started_at"]),
        clock=header["clock"],
    )


def bits_of(mask: Mask) -> bytes:
    """Eight pixels a byte, row after row without a gap."""
    return np.packbits(mask.pixels).tobytes()


def mask_of_bits(bits: bytearray, picture: Size) -> Mask:
    """The inverse, for a picture of that size. Raises: ValueError when there are more or fewer."""
    count = picture.width * picture.height
    if len(bits) != -(-count // 8):
        raise ValueError("a mask of another size")
    pixels = np.unpackbits(np.frombuffer(bits, np.uint8), count=count)
    return Mask(pixels.reshape(picture.height, picture.width).astype(np.bool_))


def _bytes_of(array: Bytes) -> memoryview:
    return np.ascontiguousarray(array).data.cast("B") if array.size else memoryview(b"")


def _exactly(stream: BinaryIO, length: int) -> bytearray:
    data = bytearray(length)
    _fill(stream, data)
    return data


def _fill(stream: BinaryIO, data: bytearray | memoryview) -> None:
    if stream.readinto(data) < len(data):  # type: ignore[attr-defined]  # buffered: short only at the end
        raise EOFError
