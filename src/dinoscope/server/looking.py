"""Looking inside a picture that a request names: decode it, ask the model, remember."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import Annotated

import numpy as np
from fastapi import Query
from PIL import Image

from dinoscope.errors import BadRequest, Unreadable
from dinoscope.features import Facet, Inside, Pixels
from dinoscope.geometry import Size
from dinoscope.operations.explaining import look_inside
from dinoscope.operations.pairing import layer_of
from dinoscope.operations.queries import at_least
from dinoscope.server.parts import Parts, in_thread
from dinoscope.server.resources.search import NAME
from dinoscope.server.wire import shown

Name = Annotated[str, Query(max_length=64, description="a picture's id, or the name an upload got")]


@dataclass(frozen=True, slots=True)
class Named:
    """A picture of the library or an upload."""

    key: str  # what it is known by: its content, or the upload's name
    size: Size  # of the original
    webp: bytes | None  # of an upload
    id: int | None  # of the library


async def inside_of(
    here: Parts, named: Named, layer: int | None = None, facet: Facet = "tokens", patches: int | None = None
) -> tuple[Inside, float]:
    """What the model holds of a picture, its grid on the original, and the seconds that took; 0: it was kept.

    Raises:
        BadRequest: no such layer or number of patches.
        Unreadable: the file is not there any more as it was indexed.
    """
    backbone = here.session.backbone
    budget = patches or backbone.identity.budget
    key = (named.key, layer or layer_of(backbone), facet, budget)
    kept = here.insights.get(key)
    if kept is not None:
        return kept, 0.0
    pixels = await pixels_of(here, named, at_least(backbone, patches))

    def look() -> tuple[Inside, float]:
        started = perf_counter()
        kept = here.insights.get(key)  # made while this one waited
        inside = kept or look_inside(backbone, pixels, named.size, layer=layer, facet=facet, patches=patches)
        here.insights.keep(key, inside)
        return inside, perf_counter() - started

    return await in_thread(look, here.encoding)


async def named(here: Parts, name: str) -> Named:
    """What a request calls "12" or "q_…".

    Raises:
        BadRequest: it is no name.
        NoSuchPicture: there is none of that name.
    """
    if not NAME.fullmatch(name):
        raise BadRequest(f"{shown(name)!r} names no picture: use an id, or the name an upload got")
    if name[0] == "q":
        upload = here.uploads.get(name)
        return Named(name, upload.size, upload.webp, None)
    picture = await in_thread(lambda: here.session.library.picture(int(name)), here.searching)
    return Named(picture.content, picture.size, None, picture.id)


async def pixels_of(here: Parts, named: Named, side: int) -> Pixels:
    """Decoded, the shorter side at least ``side``, or as much as there is, and not much more.

    Raises:
        Unreadable: the file is not there any more as it was indexed.
    """

    def decoded() -> Pixels:
        if named.webp is not None:
            sent = here.workers.decode(named.webp, where="the picture you sent", at_least=side, trust="own")
            return reduced(sent.pixels, side)
        assert named.id is not None
        picture = here.session.library.picture(named.id)
        pixels = here.reread(picture, side)
        if pixels is None:
            raise Unreadable(f"{picture.path} is not there any more as it was: index its folder again")
        return reduced(pixels, side)

    return await in_thread(decoded, here.decoding)


def reduced(pixels: Pixels, side: int) -> Pixels:
    """Averaged over whole-number blocks while the shorter side keeps ``side`` pixels.

    Decoders reduce most pictures themselves, but none with a palette: one of 256 megapixels would take
    0.8 GB wherever it is kept, and as much again mirrored.
    """
    factor = min(pixels.shape[:2]) // side
    return pixels if factor < 2 else np.asarray(Image.fromarray(pixels).reduce(factor))
