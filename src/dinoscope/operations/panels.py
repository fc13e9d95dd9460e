"""What a model sees, drawn over the picture: as pixels, as shapes (SVG), and as plain arrays (NPZ)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

import numpy as np

from dinoscope.features import Bytes, FloatArray, Inside, Pixels
from dinoscope.operations.colouring import Colours
from dinoscope.operations.explaining import Look, attended, likeness

if TYPE_CHECKING:
    from PIL.Image import Image

# black, violet, red, orange, pale yellow: brighter is more, also without colours
HEAT = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float32)
GROUND, INK = (22, 24, 28), (236, 238, 242)
LARGE, SMALL, FEW = 640, 320, 3  # longest side of a drawn picture, pixels: of up to FEW panels, and of more
CAPTION, GAP, COLUMNS = 26, 12, 4
NARROW = 220  # pixels that a caption needs
VEIL = 0.75  # how much of the picture a map covers
DARK = 0.85  # how much of it is covered where nothing is to be seen


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """A map to lie over a picture."""

    caption: str
    rgb: Bytes  # (rows, columns, 3)
    veil: FloatArray  # (rows, columns) how much it covers, in [0, 1]
    point: tuple[float, float] | None = None  # to be marked: (x, y) as shares of width and height


def attention_panels(attention: FloatArray, mass: float | None = None) -> list[Panel]:
    """The mean of all heads and each of them.

    Args:
        attention: (heads, rows, columns).
        mass: show the picture where so much of the attention is, and darkness elsewhere; None: heat maps.

    Raises:
        BadRequest: a mass not in (0, 1].
    """
    maps = np.concatenate([attention.mean(axis=0, keepdims=True), attention])
    names = ["attention, mean of the heads", *(f"head {number}" for number in range(1, len(maps)))]
    if mass is None:
        return [
            _heat_panel(name, each / max(float(each.max()), 1e-12))
            for name, each in zip(names, maps, strict=True)
        ]
    dark = np.zeros((*maps.shape[1:], 3), np.uint8)
    return [
        Panel(f"{name}: {mass:.0%}", dark, np.where(kept, 0, DARK).astype(np.float32))
        for name, kept in zip(names, attended(maps, mass), strict=True)
    ]


def colour_panel(colours: Colours, cut: bool = False) -> Panel:
    """The parts in their colours; ``cut`` leaves the background dark."""
    rgb, shown = colours.rgb, colours.foreground
    if cut:
        return Panel(
            "parts, foreground",
            np.asarray(rgb * shown[..., None], np.uint8),
            np.full(shown.shape, 0.9, np.float32),
        )
    return Panel("parts", rgb, np.full(shown.shape, 0.9, np.float32))


def likeness_panel(inside: Inside, point: tuple[float, float]) -> Panel:
    """How alike all patches are to the one under a point (x, y): from the least alike to the same.

    Raises:
        BadRequest: the point is not in the picture.
    """
    found, size = likeness(inside, point), inside.grid.picture
    low = float(found.min())
    panel = _heat_panel(f"like {point[0]:g},{point[1]:g}", (found - low) / max(1 - low, 1e-6))
    return Panel(panel.caption, panel.rgb, panel.veil, (point[0] / size.width, point[1] / size.height))


def share_panel(caption: str, shares: FloatArray) -> Panel:
    """(rows, columns) of what each patch has of a whole, the largest brightest."""
    return _heat_panel(caption, shares / max(float(shares.max()), 1e-12))


def heat(values: FloatArray) -> Bytes:
    """(rows, columns) in [0, 1] -> (rows, columns, 3): black for 0, pale yellow for 1."""
    places = np.clip(values, 0, 1) * (len(HEAT) - 1)
    lower = np.minimum(places.astype(np.int64), len(HEAT) - 2)
    part = (places - lower)[..., None]
    return np.asarray(np.rint(HEAT[lower] * (1 - part) + HEAT[lower + 1] * part), np.uint8)


def _heat_panel(caption: str, values: FloatArray) -> Panel:
    return Panel(caption, heat(values), np.full(values.shape, VEIL, np.float32))


def drawn(pixels: Pixels, panels: Sequence[Panel], caption: str = "") -> Image:
    """The picture and then the panels over it, in rows of at most four."""
    from PIL import Image, ImageDraw, ImageFont

    picture = _scaled(pixels, len(panels))
    cells = [(caption, picture), *((panel.caption, _covered(picture, panel)) for panel in panels)]
    columns = min(COLUMNS, len(cells))
    wide, high = max(picture.width, NARROW) + GAP, picture.height + CAPTION + GAP
    sheet = Image.new("RGB", (columns * wide + GAP, -(-len(cells) // columns) * high + GAP), GROUND)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, (text, cell) in enumerate(cells):
        left, top = GAP + number % columns * wide, GAP + number // columns * high
        sheet.paste(cell, (left, top))
        pen.text((left + 1, top + cell.height + 5), text, fill=INK, font=font)
    return sheet


def _scaled(pixels: Pixels, panels: int) -> Image:
    from PIL import Image

    picture = Image.fromarray(pixels)
    side = LARGE if panels <= FEW else SMALL
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _covered(picture: Image, panel: Panel) -> Image:
    from PIL import Image, ImageDraw

    over = Image.fromarray(panel.rgb).resize(picture.size, Image.Resampling.BICUBIC)
    veil = Image.fromarray(np.asarray(np.rint(panel.veil * 255), np.uint8))
    made = Image.composite(over, picture, veil.resize(picture.size, Image.Resampling.BICUBIC))
    if panel.point is not None:
        x, y = panel.point[0] * picture.width, panel.point[1] * picture.height
        for width, colour in ((5, (0, 0, 0)), (2, (255, 255, 255))):
            ImageDraw.Draw(made).ellipse((x - 8, y - 8, x + 8, y + 8), outline=colour, width=width)
    return made


def svg(pixels: Pixels, panels: Sequence[Panel], caption: str = "") -> str:
    """As ``drawn``, each patch a square with a colour of its own, so that a figure can be edited."""
    picture = _scaled(pixels, len(panels))
    stored = BytesIO()
    picture.save(stored, "JPEG", quality=90)
    data = b64encode(stored.getvalue()).decode()
    wide, high = max(picture.width, NARROW) + GAP, picture.height + CAPTION + GAP
    columns = min(COLUMNS, 1 + len(panels))
    width, height = columns * wide + GAP, -(-(1 + len(panels)) // columns) * high + GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" '
        f'font-size="14"><defs><image id="p" width="{picture.width}" height="{picture.height}" '
        f'href="data:image/jpeg;base64,{data}"/></defs><rect width="100%" height="100%" fill="rgb{GROUND}"/>'
    ]
    for number, panel in enumerate([None, *panels]):
        left, top = GAP + number % columns * wide, GAP + number // columns * high
        text = caption if panel is None else panel.caption
        parts.append(f'<g transform="translate({left} {top})"><use href="#p"/>')
        parts += [] if panel is None else _shapes(panel, picture.width, picture.height)
        parts.append(f'<text y="{picture.height + 18}" fill="rgb{INK}">{escape(text)}</text></g>')
    return "\n".join([*parts, "</svg>\n"])


def _shapes(panel: Panel, width: int, height: int) -> list[str]:
    rows, columns = panel.veil.shape
    wide, high = width / columns, height / rows
    found = ['<g shape-rendering="crispEdges">']
    for row in range(rows):
        for column in range(columns):
            red, green, blue = panel.rgb[row, column].tolist()
            found.append(
                f'<rect x="{column * wide:.2f}" y="{row * high:.2f}" width="{wide:.2f}" height="{high:.2f}" '
                f'fill="#{red:02x}{green:02x}{blue:02x}" fill-opacity="{panel.veil[row, column]:.2f}"/>'
            )
    found.append("</g>")
    if panel.point is not None:
        x, y = panel.point[0] * width, panel.point[1] * height
        found.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" stroke="white" stroke-width="2"/>')
    return found


def npz(look: Look) -> bytes:
    """Everything as arrays, for numpy: vectors, attention, colours, foreground, and what they are of."""
    inside, size = look.inside, look.grid.picture
    stored = BytesIO()
    np.savez_compressed(
        stored,
        vectors=inside.vectors,
        attention=inside.attention,
        colours=look.colours.rgb,
        foreground=look.colours.foreground,
        picture=np.array([size.width, size.height]),
        layer=np.array(inside.layer),
        facet=np.array(inside.facet),
        model=np.array(inside.model),
    )
    return stored.getvalue()
