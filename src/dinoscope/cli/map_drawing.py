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

CELLS = 40  # thumbnails a side, at most
GAP = 2  # pixels between two that are neighbours


def drawn(library: Library, found: LibraryMap, side: int, limits: Limits) -> Image:
    """The map, ``side`` pixels a side; one picture a cell of a grid, the others as dots below them."""
    from PIL import Image, ImageDraw

    sheet = Image.new("RGB", (side, side), GROUND)
    pen = ImageDraw.Draw(sheet)
    for x, y in (found.places * side).tolist():
        pen.point((x, y), fill=INK)
    cells = max(8, min(CELLS, round(1.6 * len(found) ** 0.5)))
    each = side // cells
    chosen = np.flatnonzero(one_a_cell(found.places, cells))
    pictures = {one.id: one for one in library.pictures(found.pictures[chosen].tolist())}
    for index in chosen.tolist():
        picture = pictures.get(int(found.pictures[index]))
        small = None if picture is None else _thumbnail(library, picture, each - GAP, limits)
        if small is not None:
            column, row = np.minimum((found.places[index] * cells).astype(int), cells - 1)
            corner = column * each + (each - small.width) // 2, row * each + (each - small.height) // 2
            sheet.paste(small, (int(corner[0]), int(corner[1])))
    return sheet


def one_a_cell(places: FloatArray, cells: int) -> Bools:
    """(n,) of each cell of a grid the picture that is nearest to its middle."""
    at = np.minimum((places * cells).astype(np.int64), cells - 1)
    astray = np.linalg.norm(places * cells - at - 0.5, axis=1)
    order = np.lexsort((astray, at[:, 0] + cells * at[:, 1]))
    cell = (at[:, 0] + cells * at[:, 1])[order]
    kept = np.zeros(len(places), np.bool_)
    kept[order[np.concatenate([[True], cell[1:] != cell[:-1]])]] = True
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
