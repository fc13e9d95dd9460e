"""A worker's side of going through a video: one frame worth keeping for each time it is asked."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

from dinoscope.errors import FaceRefused, NotAPicture
from dinoscope.features import Pixels
from dinoscope.geometry import Size
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.films import Film, FilmFacts, still_content
from dinoscope.pictures.frames import Header, bodies_of, header_of, header_of_film
from dinoscope.pictures.gate import admitted
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.moments import clock
from dinoscope.pictures.stills import Still, Stretch, stills
from dinoscope.pictures.thumbnails import thumbnail

PATIENCE = 1.0  # seconds after which it is told how far it is, though there was nothing to keep
MOST_SECONDS = 1e9
MISSING = 0.9  # share of its length up to which a video that ends is not complete


class Watching:
    """The video a worker goes through, if there is one."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._film: Film | None = None
        self._steps: Iterator[tuple[Any, ...]] = iter(())

    def answer(self, request: Header, body: bytes) -> tuple[Any, ...]:
        """The frame to send back: the beginning of the video that is named, or its next step.

        Raises: as ``Film`` does; FacesUnchecked.
        """
        if request["watch"] == "begin":
            self._begin(Path(os.fsdecode(body)), request)
        reply = next(self._steps, None)
        if reply is None:
            raise NotAPicture(f"{request['where']} has ended")
        return reply

    def _begin(self, path: Path, request: Header) -> None:
        if self._film is not None:
            self._film.close()
        self._film = Film(path, self._limits)
        self._steps = self._run(self._film, request)

    def _run(self, film: Film, request: Header) -> Iterator[tuple[Any, ...]]:
        facts, hidden, last = film.facts(), 0, 0.0
        steady, holds = 0.0, False  # up to when it shows what the last frame told does, and is that so still?
        yield ({"step": "begin"} | header_of_film(facts),)
        started = monotonic()
        stretch = Stretch(request["every"], request["first"], min(request["last"], MOST_SECONDS))
        for look in stills(film, stretch):
            last = max(last, look.second)
            if look.still is not None:
                try:
                    reply = _reply(film, facts, look.still, request, self._limits)
                except FaceRefused:
                    hidden, holds = hidden + 1, False
                else:
                    reply[0]["steady"] = steady
                    yield reply
                    steady, holds, started = look.second, True, monotonic()
            elif holds := holds and look.same:
                steady = look.second
            if monotonic() - started > PATIENCE:
                yield ({"step": "passed", "second": look.second, "steady": steady},)
                started = monotonic()
        note = None
        if last < MISSING * min(facts.seconds, stretch.last) - 1:
            note = (
                f"{request['where']} ends at {clock(last)} of {clock(facts.seconds)}, it is not complete: "
                "what there is was kept"
            )
        elif film.damaged:
            note = f"{request['where']} is damaged in places: what could be decoded was kept"
        yield ({"step": "end", "second": last, "steady": steady, "hidden": hidden, "note": note},)


def _reply(film: Film, facts: FilmFacts, still: Still, request: Header, limits: Limits) -> tuple[Any, ...]:
    """A frame as the gate lets it in. Raises: FaceRefused, FacesUnchecked."""
    pixels = film.upright(still.frame)
    size = Size(pixels.shape[1], pixels.shape[0])
    raw = Decoded(reduced(pixels, request["at_least"]), size, "video", Metadata())
    where = f"{request['where']} at {clock(still.second)}"
    decoded = admitted(raw, limits.faces, "stranger", where)
    small = thumbnail(decoded.seen, request["thumbnail"]) if request["thumbnail"] else b""
    header = {
        "step": "still",
        "second": round(still.second, 3),
        "content": still_content(facts.content, still.second),
        "bytes": facts.bytes,
        "modified_ns": facts.modified_ns,
    }
    return header | header_of(decoded), *bodies_of(decoded), small


def reduced(pixels: Pixels, at_least: int | None) -> Pixels:
    """Averaged over whole blocks while the shorter side stays that long, as pictures are."""
    import numpy as np
    from PIL import Image

    factor = min(pixels.shape[:2]) // at_least if at_least else 1
    return pixels if factor < 2 else np.asarray(Image.fromarray(pixels).reduce(factor))
