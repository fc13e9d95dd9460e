"""A match, drawn: the two pictures side by side and what belongs together in them."""

from __future__ import annotations

from colorsys import hls_to_rgb
from math import atan2, hypot, log, pi
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dinoscope.errors import BadRequest, DiskFull, Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image

    from dinoscope.features import FloatArray, Pixels
    from dinoscope.operations.matching import Matches, Point

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
SIDE = 900  # longest side of a drawn picture, pixels
GAP, MARGIN, CAPTION = 24, 20, 30
FINE = 2  # drawn so many times larger and shrunk, so that lines are smooth
GROUND, INK, FAINT = (22, 24, 28), (236, 238, 242), (150, 156, 166)
DIM = 0.82  # how bright the pictures are under the lines
VEIL = 0.62  # how much of a dense colour covers the picture where the match is sure


def check_place(path: Path) -> None:
    """Before anything is matched: can it be written there?

    Raises:
        Unreadable: there is no such folder.
        BadRequest: it is a folder, or no kind of picture that can be written.
    """
    if not path.absolute().parent.is_dir():
        raise Unreadable(f"{path.parent} is no folder to write {path.name} into: choose another place")
    if path.is_dir() or path.suffix.lower() not in SUFFIXES:
        raise BadRequest(f"{path} is no name of a picture: end it in .png, .jpg or .webp")


def write(path: Path, image: Image) -> None:
    """Raises: Unreadable, DiskFull when it cannot be written."""
    try:
        image.save(path, quality=92)
    except OSError as error:
        if error.errno == 28:
            raise DiskFull(f"the disk is full at {path}: make room, or choose another place") from None
        raise Unreadable(f"{path} cannot be written ({error.strerror}): choose another place") from None


def drawn(matches: Matches, here: Pixels, there: Pixels, names: tuple[str, str], *, dense: bool) -> Image:
    """The pair with its links, or with every patch in the colour of its counterpart.

    Args:
        here, there: the pictures' pixels, at any scale.
        names: written below them.
    """
    first, second = _fitted(here, there)
    if dense:
        first, second = _coloured(matches, first, second)
    else:
        first, second = (image.point(lambda value: round(value * DIM)) for image in (first, second))
    sheet, places = _side_by_side(first, second, names, matches.orientation.sentence)
    return sheet if dense else _linked(sheet, matches, places)


def colour_at(point: Point, width: float, height: float) -> tuple[int, int, int]:
    """A place's colour: its direction from the middle is the hue, so neighbours are alike."""
    x, y = 2 * point[0] / width - 1, 2 * point[1] / height - 1
    far = min(1.0, hypot(x, y))
    red, green, blue = hls_to_rgb((atan2(y, x) / (2 * pi)) % 1, 0.72 - 0.17 * far, 0.55 + 0.4 * far)
    return round(red * 255), round(green * 255), round(blue * 255)


def _fitted(here: Pixels, there: Pixels) -> tuple[Image, Image]:
    """Both at one height when side by side, none longer than SIDE, and a line is still to be seen."""
    from PIL import Image

    found = []
    for pixels in (here, there):
        scale = SIDE / max(pixels.shape[:2])
        size = max(8, round(pixels.shape[1] * scale)), max(8, round(pixels.shape[0] * scale))
        found.append(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
    return found[0], found[1]


def _upright(first: Image, second: Image) -> bool:
    """One above the other? Where that comes nearer to a screen's shape."""
    beside = (first.width + second.width) / max(first.height, second.height)
    stacked = max(first.width, second.width) / (first.height + second.height)
    return abs(log(stacked / 1.5)) < abs(log(beside / 1.5))


def _side_by_side(
    first: Image, second: Image, names: tuple[str, str], sentence: str
) -> tuple[Image, tuple[tuple[int, int, int, int], ...]]:
    """The sheet, and where each picture lies on it: left, top, width, height."""
    from PIL import Image, ImageDraw, ImageFont

    if _upright(first, second):
        width = max(first.width, second.width)
        left, right = (width - first.width) // 2, (width - second.width) // 2
        corners = (left, 0), (right, first.height + CAPTION + GAP // 2)
        height = first.height + second.height + CAPTION + GAP // 2
    else:
        width, height = first.width + GAP + second.width, max(first.height, second.height)
        corners = (0, height - first.height), (first.width + GAP, height - second.height)
    sheet = Image.new("RGB", (width + 2 * MARGIN, height + 2 * CAPTION + 2 * MARGIN), GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    places = []
    for image, corner, name in zip((first, second), corners, names, strict=True):
        place = MARGIN + corner[0], MARGIN + corner[1]
        sheet.paste(image, place)
        shown = "".join(letter if letter.isprintable() else "?" for letter in name)[: image.width // 9]
        draw.text((place[0], place[1] + image.height + 6), shown, INK, font)
        places.append((*place, image.width, image.height))
    draw.text((MARGIN, sheet.height - CAPTION - 2), sentence, FAINT, font)
    return sheet, tuple(places)


def _linked(sheet: Image, matches: Matches, places: tuple[tuple[int, int, int, int], ...]) -> Image:
    """A curve for each link, the surest on top, each with its place's colour."""
    from PIL import Image, ImageDraw

    large = sheet.width * FINE, sheet.height * FINE
    veil = Image.new("RGBA", large, (0, 0, 0, 0))
    draw = ImageDraw.Draw(veil)
    size = matches.here.picture
    for link in reversed(matches.links):
        colour = colour_at(link.here, size.width, size.height)
        start = _on_sheet(link.here, matches.here.picture.width, matches.here.picture.height, places[0])
        end = _on_sheet(link.there, matches.there.picture.width, matches.there.picture.height, places[1])
        line, opaque = _curve(start, end), round(90 + 165 * link.confidence)
        draw.line(line, fill=(0, 0, 0, opaque // 2), width=5 * FINE, joint="curve")
        draw.line(line, fill=(*colour, opaque), width=2 * FINE, joint="curve")
        for place in (start, end):
            radius = (4 + 3 * link.confidence) * FINE
            draw.circle(place, radius + FINE, fill=(10, 12, 14, 255))
            draw.circle(place, radius, fill=(*colour, 255))
    veil = veil.resize(sheet.size, Image.Resampling.BOX)
    return Image.alpha_composite(sheet.convert("RGBA"), veil).convert("RGB")


def _on_sheet(point: Point, width: int, height: int, place: tuple[int, int, int, int]) -> tuple[float, float]:
    """Original pixels -> pixels of the enlarged sheet."""
    left, top, wide, high = place
    return (left + point[0] * wide / width) * FINE, (top + point[1] * high / height) * FINE


def _curve(start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
    """A line that leaves and arrives along its longer direction, so that many can be told apart."""
    along = np.linspace(0, 1, 40)[:, None]
    first, last = np.asarray(start), np.asarray(end)
    pull = (
        (last - first) * (0.4, 0.0)
        if abs(last - first)[0] > abs(last - first)[1]
        else (last - first) * (0, 0.4)
    )
    points = (
        (1 - along) ** 3 * first
        + 3 * (1 - along) ** 2 * along * (first + pull)
        + 3 * (1 - along) * along**2 * (last - pull)
        + along**3 * last
    )
    return [(float(x), float(y)) for x, y in points]


def _coloured(matches: Matches, first: Image, second: Image) -> tuple[Image, Image]:
    """Every patch of the first in the colour of its place, of the second in that of where it comes from."""
    here, back = matches.here, matches.turned
    y, x = np.mgrid[: here.rows, : here.columns] + 0.5
    own = np.stack([x * here.picture.width / here.columns, y * here.picture.height / here.rows], axis=-1)
    return (
        _veiled(first, matches, np.asarray(own, np.float32), matches.confidence),
        _veiled(second, matches, back.places, back.confidence),
    )


def _veiled(image: Image, matches: Matches, places: FloatArray, confidence: FloatArray) -> Image:
    from PIL import Image

    size = matches.here.picture
    colours = [colour_at((float(x), float(y)), size.width, size.height) for x, y in places.reshape(-1, 2)]
    veil = Image.fromarray(np.asarray(colours, np.uint8).reshape(*places.shape[:2], 3))
    sure = Image.fromarray(np.asarray(np.clip(confidence, 0, 1) * VEIL * 255, np.uint8))
    grey = image.convert("L").convert("RGB")
    smooth = Image.Resampling.BICUBIC
    return Image.composite(veil.resize(image.size, smooth), grey, sure.resize(image.size, smooth))
