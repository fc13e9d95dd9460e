"""What a model sees in a picture, as files and in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dinoscope.cli.output import escaped, out, say
from dinoscope.cli.writing import writing
from dinoscope.errors import BadRequest

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.text import Text

    from dinoscope.features import Bytes, Facet, Inside, Pixels
    from dinoscope.models.backbone import Backbone
    from dinoscope.operations.explaining import Look
    from dinoscope.operations.panels import Panel
    from dinoscope.operations.queries import PictureLike
    from dinoscope.settings import Settings


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be seen."""

    attention: bool
    mass: float | None
    pca: bool
    cut: bool
    points: tuple[tuple[float, float], ...]
    layer: int | None
    facet: Facet
    patches: int | None

    @classmethod
    def of(
        cls,
        attention: bool,
        mass: float | None,
        pca: bool,
        cut: bool,
        heat: Sequence[str],
        *,
        layer: int | None,
        facet: str,
        patches: int | None,
    ) -> Wanted:
        """Everything where nothing was chosen. Raises: BadRequest."""
        from dinoscope.features import FACETS

        known = {name: name for name in FACETS}
        if facet not in known:
            raise BadRequest(f"there is no facet {facet!r}: choose {', '.join(FACETS)}")
        points = tuple(point_of(text) for text in heat)
        everything = not (attention or pca or points)
        return cls(
            attention or everything, mass, pca or everything, cut, points, layer, known[facet], patches
        )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture, and what of it was asked for."""

    name: str
    pixels: Pixels
    inside: Inside
    panels: tuple[Panel, ...]
    look: Callable[[], Look]  # with its colours, which may have to be fitted

    @classmethod
    def of(
        cls, name: str, source: PictureLike, backbone: Backbone, settings: Settings, wanted: Wanted
    ) -> Seen:
        """Decode it and ask the model. Raises: Unreadable, NotAPicture, BadRequest."""
        from dinoscope.operations.explaining import Look, look_inside
        from dinoscope.operations.palettes import palette_for
        from dinoscope.operations.panels import attention_panels, colour_panel, likeness_panel
        from dinoscope.operations.queries import at_least, decoded
        from dinoscope.pictures.limits import Limits

        pixels, size = decoded(source, Limits.of(settings), at_least(backbone, wanted.patches))

        def inside_of(layer: int | None) -> Inside:
            return look_inside(
                backbone, pixels, size, layer=layer, facet=wanted.facet, patches=wanted.patches
            )

        def look() -> Look:
            palette = palette_for(backbone, inside.layer, wanted.facet, settings)
            return Look(inside, palette.paint(inside))

        inside, panels = inside_of(wanted.layer), []
        if wanted.pca:
            panels.append(colour_panel(look().colours, wanted.cut))
        panels += [likeness_panel(inside, point) for point in wanted.points]
        if wanted.attention:
            panels += attention_panels(inside_of(wanted.layer or backbone.layers).attention, wanted.mass)
        return cls(name, pixels, inside, tuple(panels), look)

    def facts(self) -> dict[str, Any]:
        """What was looked at, for JSON; the numbers themselves are for ``--out FILE.npz``."""
        grid = self.inside.grid
        return {
            "picture": self.name,
            "size": [grid.picture.width, grid.picture.height],
            "model": self.inside.model,
            "layer": self.inside.layer,
            "facet": self.inside.facet,
            "rows": grid.rows,
            "columns": grid.columns,
            "heads": len(self.inside.attention),
            "panels": [panel.caption for panel in self.panels],
        }


def point_of(text: str) -> tuple[float, float]:
    """Raises: BadRequest."""
    try:
        x, y = (float(number) for number in text.split(","))
    except ValueError:
        raise BadRequest(f"{text!r} is no place in a picture: give x,y in its pixels") from None
    return x, y


def write(to: Path, seen: Sequence[Seen]) -> None:
    """Raises: Unreadable, DiskFull when it cannot be written."""
    from dinoscope.operations.panels import drawn, npz, svg

    first = seen[0]
    with writing(to):
        if to.suffix.lower() == ".npz":
            to.write_bytes(npz(first.look()))
        elif to.suffix.lower() == ".svg":
            to.write_text(svg(first.pixels, first.panels, Path(first.name).name), encoding="utf-8")
        else:
            stacked([drawn(one.pixels, one.panels, Path(one.name).name) for one in seen]).save(to)


def stacked(sheets: Sequence[Image]) -> Image:
    """One above the other."""
    from PIL import Image

    from dinoscope.operations.panels import GROUND

    whole = Image.new(
        "RGB", (max(sheet.width for sheet in sheets), sum(sheet.height for sheet in sheets)), GROUND
    )
    top = 0
    for sheet in sheets:
        whole.paste(sheet, (0, top))
        top += sheet.height
    return whole


def show(seen: Seen) -> None:
    """The maps in the terminal, two patches a character; piped, only what they are of."""
    grid = seen.inside.grid
    say(
        f"[bold]{escaped(seen.name)}[/]  {grid.columns} x {grid.rows} patches, {seen.inside.facet} of layer "
        f"{seen.inside.layer}  [dim]{escaped(seen.inside.model)}[/]"
    )
    if out().is_terminal:
        for panel in seen.panels:
            out().print(blocks(panel.caption, panel.rgb))


def blocks(caption: str, rgb: Bytes) -> Text:
    """A map as half blocks, so that a patch is nearly square."""
    from rich.text import Text

    made = Text(f"{caption}\n")
    for top in range(0, len(rgb), 2):
        lower = rgb[min(top + 1, len(rgb) - 1)]
        for upper, below in zip(rgb[top].tolist(), lower.tolist(), strict=True):
            made.append("▀", style=f"rgb({','.join(map(str, upper))}) on rgb({','.join(map(str, below))})")
        made.append("\n")
    return made
