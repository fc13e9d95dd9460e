"""A match, drawn: the two pictures side by side and what belongs together in them."""

from __future__ import annotations

from colorsys import hls_to_rgb
from math import atan2, hypot, log, pi
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dinoscope.cli.writing import writing
from dinoscope.errors import BadRequest, Unreadable
from dinoscope.operations.matching import CLEAR

if TYPE_CHECKING:
    from PIL.Image import Image

    from dinoscope.features import FloatArray, Pixels
    from dinoscope.operations.matching import Matches, Point
    from dinoscope.operations.transferring import Transfer

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp"}
SIDE = 900  # longest side of a drawn picture, pixels
GAP, MARGIN, CAPTION = 24, 20, 30
FINE = 2  # drawn so many times larger and shrunk, so that lines are smooth
GROUND, INK, FAINT = (22, 24, 28), (236, 238, 242), (150, 156, 166)
SMALLEST, NARROW = 240, 420  # a picture's longest side, and the sheet's width, at least, pixels
DIM = 0.82  # how bright the pictures are under the lines
DARK, EDGE = 0.3, (255, 190, 70)  # what is no part of the part, and the line around it
VEIL = 0.72  # how much of a dense colour covers the picture where the match is sure
UNSURE = 0.25  # confidence from which a place has a colour
LOST = "the part is not to be found in the other picture"


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
    with writing(path):
        image.save(path, quality=92)


def drawn(
    matches: Matches,
    here: Pixels,
    there: Pixels,
    names: tuple[str, str],
    *,
    dense: bool = False,
    part: tuple[FloatArray, Transfer] | None = None,
) -> Image:
    """The pair with its links, or with every patch in the colour of its counterpart, or with a part in both.

    Args:
        here, there: the pictures' pixels, at any scale.
        names: written below them.
        part: how much of each patch of ``here`` is marked, (rows, columns) in [0, 1], and where that lies.
    """
    first, second = _fitted(here, there)
    way = matches.orientation.sentence if matches.links else None  # of nothing it would say nothing
    said = [way, matches.note, matches.geometry and matches.geometry.sentence]
    if part is not None:
        first, second = _lit(first, part[0]), _lit(second, part[1].heat if part[1].found else None)
        said.insert(0, None if part[1].found else LOST)
    elif dense:
        first, second = _coloured(matches, first, second)
    else:
        first, second = (image.point(lambda value: round(value * DIM)) for image in (first, second))
    sheet, places = _side_by_side(first, second, names, [sentence for sentence in said if sentence])
    return sheet if dense or part else _linked(sheet, matches, places)


def colour_at(point: Point, width: float, height: float) -> tuple[int, int, int]:
    """A place's colour: its direction from the middle is the hue, so neighbours are alike."""
    x, y = 2 * point[0] / width - 1, 2 * point[1] / height - 1
    far = min(1.0, hypot(x, y))
    red, green, blue = hls_to_rgb((atan2(y, x) / (2 * pi)) % 1, 0.72 - 0.17 * far, 0.55 + 0.4 * far)
    return round(red * 255), round(green * 255), round(blue * 255)


def _fitted(here: Pixels, there: Pixels) -> tuple[Image, Image]:
    """Of one height where they will stand side by side, of one width where one above the other.

    Where one would get too small to be seen by that, each is as large as may be.
    """
    from PIL import Image

    sizes = [(pixels.shape[1], pixels.shape[0]) for pixels in (here, there)]
    shared = 0 if _upright(*sizes) else 1
    # the lesser of the shared sides that fills SIDE in either picture
    side = min(SIDE * size[shared] / max(size) for size in sizes)
    scales = [side / size[shared] for size in sizes]
    if min(scale * max(size) for scale, size in zip(scales, sizes, strict=True)) < SMALLEST:
        scales = [SIDE / max(size) for size in sizes]
    found = []
    for pixels, (width, height), scale in zip((here, there), sizes, scales, strict=True):
        size = max(8, round(width * scale)), max(8, round(height * scale))
        found.append(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))
    return found[0], found[1]


def _upright(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """One above the other? Where that comes nearer to a screen's shape. Sizes are (width, height)."""
    shapes = first[0] / first[1], second[0] / second[1]
    beside, stacked = sum(shapes), 1 / sum(1 / shape for shape in shapes)
    return abs(log(stacked / 1.5)) < abs(log(beside / 1.5))


def _side_by_side(
    first: Image, second: Image, names: tuple[str, str], said: list[str]
) -> tuple[Image, tuple[tuple[int, int, int, int], ...]]:
    """The sheet, and where each picture lies on it: left, top, width, height."""
    from PIL import Image, ImageDraw, ImageFont

    if _upright(first.size, second.size):
        width = max(first.width, second.width)
        left, right = (width - first.width) // 2, (width - second.width) // 2
        corners = (left, 0), (right, first.height + CAPTION + GAP // 2)
        height = first.height + second.height + CAPTION + GAP // 2
    else:
        width, height = first.width + GAP + second.width, max(first.height, second.height)
        corners = (0, (height - first.height) // 2), (first.width + GAP, (height - second.height) // 2)
    foot = CAPTION + CAPTION * len(said)
    sheet = Image.new("RGB", (max(width, NARROW) + 2 * MARGIN, height + foot + 2 * MARGIN), GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(16)
    inset = (sheet.width - width) // 2
    places = []
    for image, corner, name in zip((first, second), corners, names, strict=True):
        place = inset + corner[0], MARGIN + corner[1]
        sheet.paste(image, place)
        draw.text((place[0], place[1] + image.height + 6), _short(name, image.width, font), INK, font)
        places.append((*place, image.width, image.height))
    for line, sentence in enumerate(said):
        top = height + MARGIN + CAPTION * (line + 1) + 6
        draw.text((inset, top), _short(_capital(sentence), sheet.width - inset, font), FAINT, font)
    return sheet, tuple(places)


def _short(text: str, width: int, font: Any) -> str:
    """As much of it as the width has room for, without what cannot be printed."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text)
    if font.getlength(plain) <= width:
        return plain
    while plain and font.getlength(plain + "…") > width:
        plain = plain[:-1]
    return plain + "…"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _lit(image: Image, shares: FloatArray | None) -> Image:
    """The picture in the light where a part is, its edge drawn, and in the dark elsewhere."""
    from PIL import Image, ImageFilter

    dark = image.convert("L").convert("RGB").point(lambda value: round(value * DARK))
    if shares is None:
        return dark
    levels = Image.fromarray(np.asarray(np.clip(shares, 0, 1) * 255, np.uint8))
    soft = levels.resize(image.size, Image.Resampling.BICUBIC)
    inside = soft.point(lambda value: 255 if value >= 128 else 0).filter(ImageFilter.GaussianBlur(2))
    inside = inside.point(lambda value: max(0, min(255, (value - 96) * 4)))  # a smooth, but sharp edge
    edge = inside.filter(ImageFilter.MaxFilter(7))
    outlined = Image.composite(Image.new("RGB", image.size, EDGE), dark, edge)
    return Image.composite(image, outlined, inside)


def _linked(sheet: Image, matches: Matches, places: tuple[tuple[int, int, int, int], ...]) -> Image:
    """A curve for each link, the best on top, coloured by where it starts among all of them."""
    from PIL import Image, ImageDraw

    if not matches.links:
        return sheet

    large = sheet.width * FINE, sheet.height * FINE
    veil = Image.new("RGBA", large, (0, 0, 0, 0))
    draw = ImageDraw.Draw(veil)
    starts = np.asarray([link.here for link in matches.links])
    corner, extent = starts.min(axis=0), np.maximum(np.ptp(starts, axis=0), 1)
    for link in reversed(matches.links):
        x, y = link.here - corner
        colour = colour_at((float(x), float(y)), *map(float, extent))
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
        _veiled(first, matches, np.asarray(own, np.float32), _sure(matches)),
        _veiled(second, matches, back.places, _sure(back)),
    )


def _sure(matches: Matches) -> FloatArray:
    """(rows, columns) of ``here``, in [0, 1]: how much a patch's colour says. Ground fits ground anywhere."""
    sure = np.clip((matches.confidence - UNSURE) / (0.6 - UNSURE), 0, 1)
    return np.asarray(sure * np.clip(matches.standing[0] / CLEAR, 0, 1) ** 2, np.float32)


def _veiled(image: Image, matches: Matches, places: FloatArray, shown: FloatArray) -> Image:
    from PIL import Image

    size = matches.here.picture
    colours = [colour_at((float(x), float(y)), size.width, size.height) for x, y in places.reshape(-1, 2)]
    veil = Image.fromarray(np.asarray(colours, np.uint8).reshape(*places.shape[:2], 3))
    cover = Image.fromarray(np.asarray(shown * VEIL * 255, np.uint8))
    grey = image.convert("L").convert("RGB").point(lambda value: round(value * DIM))
    smooth = Image.Resampling.BICUBIC
    return Image.composite(veil.resize(image.size, smooth), grey, cover.resize(image.size, smooth))
