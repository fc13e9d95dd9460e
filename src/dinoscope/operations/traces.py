"""Prove that a picture left nothing behind: look for its bytes, its names and what a model sees of it.

Every regular file below the places is searched byte by byte for stretches that no other picture has: of
the file itself, of its thumbnail, of its descriptor and region tokens as they would be stored. Rows that
were removed and not yet compacted are found as well, since their bytes are still there.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from dinoscope.library.library import Library
from dinoscope.library.vectors import halves
from dinoscope.models.backbone import Backbone
from dinoscope.operations.bases import basis_for
from dinoscope.operations.indexing import THUMBNAIL
from dinoscope.operations.pooling import pool
from dinoscope.operations.queries import at_least
from dinoscope.operations.searching import search
from dinoscope.pictures.decoding import Decoded, decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash
from dinoscope.pictures.thumbnails import thumbnail
from dinoscope.settings import Settings

STRETCH = 48  # bytes that have to be equal
_FLAT = 12  # different values a stretch must have, at least: many pictures share a plain sky
_ALIKE = 0.999  # cosine similarity from which a stored descriptor is that of the picture


@dataclass(frozen=True, slots=True)
class Trace:
    """Something of a picture that was found."""

    where: Path
    what: str  # "its bytes", "its thumbnail", …


def places_of(library: Library, settings: Settings) -> tuple[Path, ...]:
    """Where a picture could leave traces: the library, the cache, and temporary files such as ours."""
    temporary = Path(tempfile.gettempdir())
    ours = [
        path for start in ("dinoscope*", f"{tempfile.gettempprefix()}*") for path in temporary.glob(start)
    ]
    return tuple(dict.fromkeys((library.folder, settings.cache, *sorted(ours))))


def traces_of(
    data: bytes,
    library: Library,
    backbone: Backbone,
    settings: Settings,
    *,
    places: Sequence[Path],
    where: str,
) -> Iterator[Trace]:
    """What of a picture is left in some folders, and in the library's vectors.

    Args:
        data: the picture's file, which itself is not told of when it lies in one of the folders.
        places: files, and folders that are searched with all that is in them.
        where: names the picture in sentences.

    Raises:
        NotAPicture, PictureTooLarge, MissingExtra: it cannot be decoded.
    """
    limits = replace(Limits.of(settings), faces="allow")  # to be compared with, and not kept
    decoded = decode(data, limits, where=where, at_least=at_least(backbone))
    needles = dict(_needles(data, decoded, library, backbone, settings))
    for place in places:
        for path in _files(place):
            yield from _found(path, data, needles)
    yield from _near(decoded, library, backbone)


def _needles(
    data: bytes, decoded: Decoded, library: Library, backbone: Backbone, settings: Settings
) -> Iterator[tuple[str, list[bytes]]]:
    """What to look for -> stretches of bytes, any of which gives it away."""
    features = backbone.encode([decoded.pixels])[0]
    yield "its bytes", _stretches(data)
    yield "its content's name", [content_hash(data).encode()]
    yield "its thumbnail", _stretches(thumbnail(decoded.pixels, THUMBNAIL))
    described = backbone.describe([decoded.pixels])
    yield "its descriptor", _stretches(halves(described, described.shape[1]).tobytes())
    tokens = pool(basis_for(library, backbone, settings).reduced(features.patches), features.attention)
    yield "its region tokens", _stretches(tokens.vectors[: tokens.count].tobytes())


def _stretches(data: bytes) -> list[bytes]:
    """Up to eight that are not plain, spread over the data."""
    spread = [data[at : at + STRETCH] for at in range(0, len(data), max(STRETCH, len(data) // 24))]
    telling = [one for one in spread if len(one) == STRETCH and len(set(one)) >= _FLAT]
    return telling[:: max(1, len(telling) // 8)][:8]


def _files(place: Path) -> Iterator[Path]:
    """Regular files at or below; links are not followed, and what may not be looked into is passed over."""
    named = [place] if place.is_file() else []
    below = (Path(folder, name) for folder, _, names in os.walk(place) for name in names)
    for path in chain(named, below):
        if path.is_file() and not path.is_symlink():
            yield path


def _found(path: Path, data: bytes, needles: dict[str, list[bytes]]) -> Iterator[Trace]:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if len(content) == len(data) and content[:] == data:
                yield Trace(path, "the picture itself")
                return
            for what, stretches in needles.items():
                if any(content.find(one) >= 0 for one in stretches):
                    yield Trace(path, what)
    except (OSError, ValueError):  # empty, gone meanwhile, or another user's
        return


def _near(decoded: Decoded, library: Library, backbone: Backbone) -> Iterator[Trace]:
    """Pictures of the library that the model cannot tell from it."""
    if backbone.identity.key not in library.models():
        return
    (vector,) = backbone.describe([decoded.pixels])
    for hit in search(library, backbone, like=[vector], k=3).hits:
        if hit.score >= _ALIKE:
            yield Trace(hit.picture.path, f"a picture the model cannot tell from it ({hit.score:.4f})")
