"""Sightings of a thing as one picture: each with its box, and what is not the thing darker."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.cli.writing import writing

if TYPE_CHECKING:
    from PIL.Image import Image

    from dinoscope.cli.whereabouts import Seen
    from dinoscope.features import Pixels
    from dinoscope.operations.session import Session
    from dinoscope.operations.whereabouts import Sighting

SIDE, GAP, CAPTION, COLUMNS = 320, 12, 22, 4
GROUND, INK, FRAME = (22, 24, 28), (236, 238, 242), (255, 196, 0)
DIM = 0.4  # how dark it is beside the thing


def draw(session: Session, found: Sequence[Seen], to: Path) -> None:
    """Raises: Unreadable, DiskFull: it cannot be written."""
    from PIL import Image

    cells = [
        _cell(drawn(session.objects.pixels(one.like), one.sighting), number, one.path)
        for number, one in enumerate(found, 1)
    ]
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    step = SIDE + GAP, SIDE + CAPTION + GAP
    sheet = Image.new("RGB", (columns * step[0] + GAP, rows * step[1] + GAP), GROUND)
    for place, cell in enumerate(cells):
        sheet.paste(cell, (GAP + place % columns * step[0], GAP + place // columns * step[1]))
    with writing(to):
        sheet.save(to)


def drawn(pixels: Pixels, one: Sighting) -> Image:
    """The picture within SIDE pixels, dark but for the thing, and a frame around it."""
    from PIL import Image, ImageDraw

    image = Image.fromarray(pixels)
    image.thumbnail((SIDE, SIDE))
    inside = (
        Image.fromarray(one.mask_in_picture().pixels).convert("L").resize(image.size, Image.Resampling.BOX)
    )
    light = DIM + (1 - DIM) * np.asarray(inside, np.float32)[..., None] / 255
    image = Image.fromarray(np.asarray(np.asarray(image, np.float32) * light, np.uint8))
    across, down = image.width / one.picture.width, image.height / one.picture.height
    edges = (one.box.left * across, one.box.top * down, one.box.right * across - 1, one.box.bottom * down - 1)
    left, top = edges[:2]
    ImageDraw.Draw(image).rectangle(
        (left, top, max(edges[2], left + 2), max(edges[3], top + 2)), outline=FRAME, width=2
    )
    return image


def _cell(image: Image, number: int, name: str) -> Image:
    from PIL import Image, ImageDraw, ImageFont

    cell = Image.new("RGB", (SIDE, SIDE + CAPTION), GROUND)
    cell.paste(image, ((SIDE - image.width) // 2, SIDE - image.height))
    shown = "".join(character if character.isprintable() else "?" for character in Path(name).name)[:40]
    ImageDraw.Draw(cell).text((2, SIDE + 4), f"{number}   {shown}", INK, ImageFont.load_default(13))
    return cell
