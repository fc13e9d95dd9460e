"""What a search for a part has found, drawn: every hit with its places, for who has no page before them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.cli.writing import writing
from dinoscope.errors import BadRequest, Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image

    from dinoscope.features import Bytes, Pixels
    from dinoscope.geometry import Box, Size
    from dinoscope.operations.region_answers import RegionHit
    from dinoscope.operations.selection import Selection

    Load = Callable[[RegionHit, int], "Pixels | None"]  # a hit's pixels, at least so many a side

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}  # of a sheet; anything else is a folder
CELL = (300, 225)  # pixels of one picture on the sheet
CAPTION, GAP, COLUMNS = 24, 12, 4
LARGE, SMALL = 1280, 320  # longest side of a picture in a folder, pixels: at most, and at least
GROUND, INK, FAINT = (22, 24, 28), (236, 238, 242), (150, 156, 166)
WANTED, UNWANTED, ERASED, OTHER = (255, 196, 0), (235, 70, 70), (150, 156, 168), (255, 255, 255)
DIM = 0.55  # how dark a patch is drawn that is not alike at all


def check_place(path: Path) -> None:
    """Before anything is searched: can it be written there?

    Raises:
        Unreadable: there is no folder to write into.
        BadRequest: a folder is meant and a file is there, or the other way round.
    """
    if not path.absolute().parent.is_dir():
        raise Unreadable(f"{path.parent} is no folder to write {path.name} into: choose another place")
    if is_sheet(path) and path.is_dir():
        raise BadRequest(
            f"{path} is a folder: name the picture to write, or a folder without .png in its name"
        )
    if not is_sheet(path) and path.exists() and not path.is_dir():
        raise BadRequest(f"{path} is a file, no folder: end it in .png to write one picture of all hits")


def is_sheet(path: Path) -> bool:
    """One picture of all hits, rather than a folder with one of each?"""
    return path.suffix.lower() in SUFFIXES


def write(
    path: Path,
    query: Pixels,
    size: Size,
    selection: Selection,
    *,
    hits: Sequence[RegionHit],
    load: Load,
) -> int:
    """Draw the query with what is marked on it and then the hits; the number of files written.

    Args:
        query: its pixels, at any scale; ``size`` is that of the original.
        load: gives a hit's pixels, None when they are gone.

    Raises:
        Unreadable, DiskFull: it cannot be written.
    """
    with writing(path):
        if is_sheet(path):
            cells = [_cell(marked(query, size, selection, CELL), "searched for", "")]
            for rank, hit in enumerate(hits, 1):
                found = drawn(load(hit, CELL[1]), hit, CELL)
                cells.append(_cell(found, f"{rank}   {hit.score:.3f}", hit.picture.path.name))
            _together(cells).save(path)
            return 1
        path.mkdir(exist_ok=True)
        marked(query, size, selection, _large(size)).save(path / "00-query.jpg", quality=90)
        for rank, hit in enumerate(hits, 1):
            name = f"{rank:02}-{hit.picture.path.stem[:80]}.jpg"
            drawn(load(hit, LARGE // 2), hit, _large(hit.picture.size)).save(path / name, quality=90)
        return 1 + len(hits)


def drawn(pixels: Pixels | None, hit: RegionHit, room: tuple[int, int]) -> Image:
    """A hit within ``room`` pixels, what is not alike darker, and a frame around each place."""
    image = _within(pixels, hit.picture.size, room)
    image = _lit(image, hit.heat)
    for rank, place in reversed(list(enumerate(hit.places))):
        _frame(image, place.box, hit.picture.size, WANTED if rank == 0 else OTHER, 3 if rank == 0 else 2)
    return image


def marked(pixels: Pixels, size: Size, selection: Selection, room: tuple[int, int]) -> Image:
    """The picture with the outlines of what is selected; points are dots, unwanted ones red."""
    from PIL import Image, ImageDraw

    image = _within(pixels, size, room)
    across, down = image.width / size.width, image.height / size.height
    for mask in selection.masks:
        shape = Image.fromarray(mask.pixels).convert("L").resize(image.size)
        veil = Image.new("RGB", image.size, WANTED)
        image.paste(veil, mask=shape.point(lambda value: value * 2 // 5))
    for box in selection.boxes:
        _frame(image, box, size, WANTED, 3)
    draw = ImageDraw.Draw(image)
    outlined = [(selection.polygons, WANTED), (selection.not_polygons, UNWANTED), (selection.erased, ERASED)]
    for polygons, colour in outlined:
        for polygon in polygons:
            corners = [(x * across, y * down) for x, y in polygon]
            draw.line([*corners, *corners[:2]], fill=colour, width=3, joint="curve")
    for points, colour in ((selection.points, WANTED), (selection.not_points, UNWANTED)):
        for x, y in points:
            draw.circle((x * across, y * down), 6, fill=colour, outline=(0, 0, 0), width=2)
    return image


def _large(size: Size) -> tuple[int, int]:
    """Room for a picture of its own: its size within bounds, for frames hide what is in a tiny one."""
    side = min(max(size.width, size.height, SMALL), LARGE)
    return side, side


def _within(pixels: Pixels | None, size: Size, room: tuple[int, int]) -> Image:
    """The picture in ``room``; a grey field of its shape when its file and thumbnail are gone."""
    from PIL import Image

    scale = min(room[0] / size.width, room[1] / size.height)
    fit = max(1, round(size.width * scale)), max(1, round(size.height * scale))
    if pixels is None:
        return Image.new("RGB", fit, (70, 72, 78))
    return Image.fromarray(pixels).resize(fit, Image.Resampling.BICUBIC, reducing_gap=2.0)


def _lit(image: Image, heat: Bytes) -> Image:
    from PIL import Image

    soft = Image.fromarray(heat).resize(image.size, Image.Resampling.BICUBIC)
    light = DIM + (1 - DIM) * np.asarray(soft, np.float32)[..., None] / 255
    return Image.fromarray(np.asarray(np.asarray(image, np.float32) * light, np.uint8))


def _frame(image: Image, box: Box, size: Size, colour: tuple[int, int, int], width: int) -> None:
    """A frame around a box in original pixels, with a dark line outside so that it shows on any ground."""
    from PIL import ImageDraw

    across, down = image.width / size.width, image.height / size.height
    left = min(max(0, round(box.left * across)), max(0, image.width - 4))
    top = min(max(0, round(box.top * down)), max(0, image.height - 4))
    right = max(left, min(image.width - 1, max(left + 3, round(box.right * across) - 1)))
    bottom = max(top, min(image.height - 1, max(top + 3, round(box.bottom * down) - 1)))
    draw = ImageDraw.Draw(image)
    draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), outline=(0, 0, 0), width=1)
    draw.rectangle((left, top, right, bottom), outline=colour, width=width)


def _cell(image: Image, number: str, name: str) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    cell = Image.new("RGB", (CELL[0], image.height + CAPTION), GROUND)
    cell.paste(image, ((CELL[0] - image.width) // 2, 0))
    draw, font = ImageDraw.Draw(cell), ImageFont.load_default(13)
    below = image.height + 5
    draw.text((2, below), number, INK, font)
    start = 12 + draw.textlength(number, font)
    draw.text((start, below), _shortened(name, CELL[0] - start, draw.textlength, font), FAINT, font)
    return cell


def _shortened(name: str, room: float, length: Callable[..., float], font: object) -> str:
    name = "".join(character if character.isprintable() else "?" for character in name)
    if length(name, font) <= room:
        return name
    while name and length(f"{name}...", font) > room:
        name = name[:-1]
    return f"{name}..."


def _together(cells: Sequence[Image]) -> Image:
    """Rows as high as the highest picture in each; captions of a row stand side by side."""
    from PIL import Image

    columns = min(COLUMNS, len(cells))
    rows = [cells[start : start + columns] for start in range(0, len(cells), columns)]
    highest = [max(cell.height for cell in row) for row in rows]
    wide = CELL[0] + GAP
    sheet = Image.new("RGB", (columns * wide + GAP, sum(highest) + GAP * (len(rows) + 1)), GROUND)
    bottom = 0
    for row, high in zip(rows, highest, strict=True):
        bottom += GAP + high
        for column, cell in enumerate(row):
            sheet.paste(cell, (GAP + column * wide, bottom - cell.height))
    return sheet
