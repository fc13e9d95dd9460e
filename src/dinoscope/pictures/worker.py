"""The other end of DecodeWorkers: one process that decodes what it is sent until its input ends.

Frames on stdin and stdout, no pickle in either direction, since a picture may have taken this
process over: four bytes of length, that many of JSON, then the byte strings the JSON announces.
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dinoscope import errors
from dinoscope.geometry import Size
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.reading import content_hash, read_file
from dinoscope.pictures.thumbnails import thumbnail

BASE_MEMORY = 2**30  # bytes of address space for Python, numpy and Pillow's libraries
MEMORY_PER_PIXEL = 12  # RGBA, its RGB copy and a conversion between them, with room


def send(stream: BinaryIO, header: dict[str, Any], *bodies: bytes | memoryview) -> None:
    """Write one frame; ``bodies`` follow in order."""
    text = json.dumps(header | {"bodies": [len(body) for body in bodies]}).encode()
    stream.write(struct.pack("<I", len(text)) + text)
    for body in bodies:
        stream.write(body)
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], list[bytes]]:
    """Read one frame.

    Raises:
        EOFError: the other end is gone.
    """
    header = json.loads(_exactly(stream, struct.unpack("<I", _exactly(stream, 4))[0]))
    return header, [_exactly(stream, length) for length in header["bodies"]]


def decoded_of(header: dict[str, Any], pixels: bytes) -> Decoded:
    """The picture a reply describes."""
    facts = header["metadata"]
    taken = facts.pop("taken_at")
    return Decoded(
        pixels=np.frombuffer(pixels, np.uint8).reshape(header["shape"]),
        size=Size(*header["size"]),
        kind=header["kind"],
        metadata=Metadata(taken_at=datetime.fromisoformat(taken) if taken else None, **facts),
    )


def _exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise EOFError
    return data


def _header_of(decoded: Decoded) -> dict[str, Any]:
    facts = decoded.metadata
    taken = facts.taken_at.isoformat() if facts.taken_at else None
    return {
        "shape": decoded.pixels.shape,
        "size": [decoded.size.width, decoded.size.height],
        "kind": decoded.kind,
        "metadata": {
            "taken_at": taken,
            "camera": facts.camera,
            "lens": facts.lens,
            "latitude": facts.latitude,
            "longitude": facts.longitude,
        },
    }


def _answer(request: dict[str, Any], bodies: list[bytes], limits: Limits, out: BinaryIO) -> None:
    where, at_least = request["where"], request["at_least"]
    header: dict[str, Any] = {}
    if request["read"]:
        path = Path(os.fsdecode(bodies[0]))
        file = read_file(path, limits)
        data = file.data
        header = {"content": content_hash(data), "bytes": len(data), "modified_ns": file.modified_ns}
    else:
        data = bodies[0]
    decoded = decode(data, limits, where=where, at_least=at_least)
    small = thumbnail(decoded.pixels, request["thumbnail"]) if request["thumbnail"] else b""
    send(out, header | _header_of(decoded), np.ascontiguousarray(decoded.pixels).data.cast("B"), small)


def _confine(limits: Limits) -> None:
    """Memory by the kernel; time by an alarm whose default action ends the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    if sys.platform != "win32":
        import resource

        memory = BASE_MEMORY + MEMORY_PER_PIXEL * limits.max_pixels
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _alarm(seconds: float) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _serve() -> None:
    # A private stdout: nothing a C library prints may come between frames.
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    limits = Limits(**receive(requests)[0]["limits"])
    _confine(limits)
    while True:
        request, bodies = receive(requests)
        _alarm(limits.max_seconds + 2.0)  # the parent ends us first; this is for when it is gone
        try:
            _answer(request, bodies, limits, out)
        except errors.DinoscopeError as error:
            send(out, {"error": type(error).__name__, "sentence": str(error)})
        except MemoryError:
            sentence = f"{request['where']} needs more memory than a decode may take: make it smaller"
            send(out, {"error": "PictureTooLarge", "sentence": sentence})
        _alarm(0)


if __name__ == "__main__":
    try:
        _serve()
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone; nothing to flush to
