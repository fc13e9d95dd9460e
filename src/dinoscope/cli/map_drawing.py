"""A library's map as a picture: thumbnails where there is room, dots elsewhere."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.features import FloatArray
from dinoscope.geometry import Bools
from dinoscope.operations.panels import GROUND, INK

if TYPE_CHECKING:
    from PIL.Image import Image

    from dinoscope.library.library import Library
    from dinoscope.library.records import Picture
    from dinoscope.operations.mapping import LibraryMap
    from dinoscope.pictures.limits import Limits

CELLS = 40  # thumbnails along the longer side, at most
GAP = 2  # pixels between two that are neighbours


def drawn(library: Library, found: LibraryMap, side: int, limits: Limits) -> Image:
    """The map, its longer side ``side`` pixels; one picture a square of a grid, the others as dots below."""
    from PIL import Image, ImageDraw

    cells = max(8, min(CELLS, round(1.6 * len(found) ** 0.5)))
    each = side // cells
    low, high = found.places.min(axis=0), found.places.max(axis=0)
    scale = (side - each) / max(float((high - low).max()), 1e-6)
    places = (found.places - low) * scale + each / 2  # (n, 2) pixels
    width, height = (int(value) for value in np.ceil((high - low) * scale) + each)
    sheet = Image.new("RGB", (width, height), GROUND)
    pen = ImageDraw.Draw(sheet)
    for x, y in places.tolist():
        pen.ellipse((x - 1.5, y - 1.5, x + 1.5, y + 1.5), fill=INK)
    chosen = np.flatnonzero(one_a_cell(places / each))
    pictures = {one.id: one for one in library.pictures(found.pictures[chosen].tolist())}
    for index in chosen.tolist():
        picture = pictures.get(int(found.pictures[index]))
        small = None if picture is None else _thumbnail(library, picture, each - GAP, limits)
        if small is not None:
            left, top = (int(cell) * each for cell in places[index] / each)
            sheet.paste(small, (left + (each - small.width) // 2, top + (each - small.height) // 2))
    return sheet


def one_a_cell(places: FloatArray) -> Bools:
    """(n,) of each unit square the picture that is nearest to its middle.

    Args:
        places: (n, 2) at least 0.
    """
    at = places.astype(np.int64)
    cell = at[:, 0] + (int(at[:, 0].max()) + 1) * at[:, 1]
    order = np.lexsort((np.linalg.norm(places - at - 0.5, axis=1), cell))
    kept = np.zeros(len(places), np.bool_)
    kept[order[np.concatenate([[True], np.diff(cell[order]) != 0])]] = True
    return kept


def _thumbnail(library: Library, picture: Picture, side: int, limits: Limits) -> Image | None:
    """From what is kept, else from the file; None when neither can be read."""
    from PIL import Image

    from dinoscope.errors import DinoscopeError
    from dinoscope.operations.queries import pixels_of

    stored = library.thumbnail(picture.content)
    if stored is not None:
        with Image.open(BytesIO(stored)) as opened:
            image = opened.convert("RGB")
    else:
        try:
            image = Image.fromarray(pixels_of(picture.path, limits))
        except DinoscopeError:
            return None
    image.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return image
