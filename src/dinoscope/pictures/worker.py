"""The other end of DecodeWorkers: one process that decodes what it is sent until its input ends."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from dinoscope.errors import DinoscopeError, FacesUnchecked
from dinoscope.geometry import Size
from dinoscope.pictures import faces
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.frames import Bodies, Header, bits_of, bodies_of, header_of, receive, send
from dinoscope.pictures.gate import Trust
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.masks import fitted, mask_of
from dinoscope.pictures.reading import content_hash, read_file
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.pictures.watching import Watching
from dinoscope.sample import PICTURES

BASE_MEMORY = 2**30  # bytes of address space for Python, numpy and Pillow's libraries
DETECTOR_MEMORY = 2**29  # more for ONNX Runtime, where pictures are checked for faces
IDLE_MEMORY = 96 * 2**20  # bytes from which on a process is asked whether it needs them
MEMORY_PER_PIXEL = 12  # RGBA, its RGB copy and a conversion between them, with room
GRACE = 2.0  # seconds beyond the limit; the parent ends us first, this is for when it is gone


def main() -> None:
    """Serve requests from stdin until it ends, as it does when the parent dies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    try:
        _serve(sys.stdin.buffer, private_stdout())
    except (EOFError, BrokenPipeError):
        os._exit(0)  # the parent is gone; nothing to flush to


def private_stdout() -> BinaryIO:
    """Nothing a C library prints may come between frames."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return out


def _serve(requests: BinaryIO, out: BinaryIO) -> None:
    limits = Limits(**receive(requests, 0)[0]["limits"])
    _warm_up(limits)
    confine(limits)
    send(out, {"ready": True})
    watching = Watching(limits)
    while True:
        request, bodies = receive(requests, limits.max_bytes + 2**16)
        alarm(limits.max_seconds + GRACE)
        reply = _answer(request, bodies, limits, watching)
        alarm(0)  # a parent that was suspended may take its time to read
        send(out, *reply)
        del request, bodies, reply
        give_back()


def _warm_up(limits: Limits) -> None:
    """Import what most pictures need, so that the first one does not pay for it from its time."""
    small = thumbnail(np.zeros((8, 8, 3), np.uint8), 8)
    decode(small, limits, where="the first picture", trust="own")
    if limits.faces != "allow":
        with suppress(FacesUnchecked):  # told of each picture
            faces.ready()


def confine(limits: Limits) -> None:
    """Memory and files by the kernel; time by an alarm whose default action ends the process."""
    if sys.platform != "win32":
        import resource

        memory = BASE_MEMORY + MEMORY_PER_PIXEL * limits.max_pixels
        memory += 0 if limits.faces == "allow" else DETECTOR_MEMORY
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or memory < hard:
            resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # whoever took it over writes no file


def give_back(most: int = IDLE_MEMORY) -> None:
    """Free blocks to the system, where they are many: glibc kept a gigabyte after 256 megapixels."""
    with suppress(OSError, AttributeError):  # no /proc, another C library
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        if pages * os.sysconf("SC_PAGE_SIZE") > most:
            ctypes.CDLL(None).malloc_trim(0)


def alarm(seconds: float) -> None:
    """End this process in that many seconds of real time; 0 calls it off."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _answer(request: Header, bodies: Bodies, limits: Limits, watching: Watching) -> tuple[Any, ...]:
    """The frame to send back: a header and bodies."""
    try:
        if "watch" in request:
            return watching.answer(request, bytes(bodies[0]))
        if "mask" in request:
            return _mask(request, bytes(bodies[0]), limits)
        return _decoded(request, bytes(bodies[0]), limits)
    except DinoscopeError as error:
        return ({"error": type(error).__name__, "sentence": str(error)},)
    except MemoryError:
        sentence = f"{request['where']} needs more memory than a decode may take: make it smaller"
        return ({"error": "PictureTooLarge", "sentence": sentence},)


def _mask(request: Header, body: bytes, limits: Limits) -> tuple[Any, ...]:
    return {}, bits_of(fitted(mask_of(body, limits, request["where"]), Size(*request["mask"])))


def _decoded(request: Header, body: bytes, limits: Limits) -> tuple[Any, ...]:
    header: Header = {"modified_ns": request.get("modified_ns")}
    trust: Trust = request["trust"]
    if request["read"]:
        path = Path(os.fsdecode(body))
        file = read_file(path, limits)
        body, header["modified_ns"], header["content"] = file.data, file.modified_ns, file.content
        if path.resolve().is_relative_to(PICTURES):
            trust = "own"  # the sample was looked at when it was chosen: its statues are statues
    header = {"content": content_hash(body)} | header | {"bytes": len(body)}
    if trust == "stranger" and header["content"] == request["known"]:
        trust = "known"
    decoded = decode(body, limits, where=request["where"], at_least=request["at_least"], trust=trust)
    small = thumbnail(decoded.seen, request["thumbnail"]) if request["thumbnail"] else b""
    return header | header_of(decoded), *bodies_of(decoded), small


if __name__ == "__main__":
    main()
