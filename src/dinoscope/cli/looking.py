"""``dinoscope look``: what the model sees in a picture, drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dinoscope.cli.options import (
    JsonOption,
    LibraryOption,
    ModelOption,
    OfflineOption,
    PrecisionOption,
    RuntimeOption,
    ThreadsOption,
    settings_of,
)
from dinoscope.cli.output import escaped, note, out, print_json, say
from dinoscope.errors import BadRequest, DiskFull, Unreadable

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.text import Text

    from dinoscope.features import Bytes, Facet, Inside, Pixels
    from dinoscope.models.backbone import Backbone
    from dinoscope.operations.explaining import Look
    from dinoscope.operations.panels import Panel
    from dinoscope.operations.queries import PictureLike
    from dinoscope.settings import Settings

SUFFIXES = (".png", ".svg", ".npz")


def look(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE...", help="Files, - for stdin, or id:12 for one of the library."),
    ],
    *,
    attention: Annotated[
        bool, typer.Option("--attention", help="Where it looks: all heads together, and each.")
    ] = False,
    mass: Annotated[
        float | None, typer.Option(help="With --attention: show where so much of it is, say 0.6.")
    ] = None,
    pca: Annotated[
        bool, typer.Option("--pca", help="Its parts in colours that are the same in every picture.")
    ] = False,
    cut: Annotated[bool, typer.Option("--cut", help="With --pca: leave the background dark.")] = False,
    heat: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="What is like the place at X,Y, in pixels; repeatable."),
    ] = None,
    layer: Annotated[
        int | None, typer.Option(help="From 1; else the last but one, for --attention the last.")
    ] = None,
    facet: Annotated[str, typer.Option(help="values, keys, queries or tokens of the layer.")] = "values",
    patches: Annotated[
        int | None, typer.Option(help="Most patches: 1024 is finer; else as many as the index has.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write a .png, .svg or .npz (all numbers).")
    ] = None,
    library: LibraryOption = None,
    model: ModelOption = None,
    precision: PrecisionOption = None,
    runtime: RuntimeOption = None,
    threads: ThreadsOption = None,
    offline: OfflineOption = False,
    json: JsonOption = False,
) -> None:
    """Look inside the model: where it looks in a picture, what its parts are to it, what is like what.

    dinoscope look cat.jpg --pca --attention --out cat.png
    """
    from dinoscope.models.loading import load_backbone

    wanted = Wanted.of(attention, mass, pca, cut, heat or (), layer=layer, facet=facet, patches=patches)
    check_place(to, len(pictures))
    settings = settings_of(
        offline, library=library, model=model, precision=precision, runtime=runtime, threads=threads
    )
    sources = [_source(one, settings) for one in pictures]
    backbone = load_backbone(settings)
    seen = [
        Seen.of(name, source, backbone, settings, wanted)
        for name, source in zip(pictures, sources, strict=True)
    ]
    if to is not None:
        write(to, seen)
        note(f"Drawn: {escaped(to)}")
    if json:
        return print_json([one.facts() for one in seen])
    for one in seen:
        show(one)
    return None


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


def check_place(to: Path | None, pictures: int) -> None:
    """Before anything is looked at: can it be written there? Raises: BadRequest, Unreadable."""
    if to is None:
        return
    if to.suffix.lower() not in SUFFIXES or to.is_dir():
        raise BadRequest(f"{to} is no name of a file to draw: end it in {', '.join(SUFFIXES)}")
    if pictures > 1 and to.suffix.lower() != ".png":
        raise BadRequest(f"{to} takes one picture at a time: write a .png, or call once for each")
    if not to.absolute().parent.is_dir():
        raise Unreadable(f"{to.parent} is no folder to write {to.name} into: choose another place")


def write(to: Path, seen: Sequence[Seen]) -> None:
    """Raises: Unreadable, DiskFull when it cannot be written."""
    from dinoscope.operations.panels import drawn, npz, svg

    first = seen[0]
    try:
        if to.suffix.lower() == ".npz":
            to.write_bytes(npz(first.look()))
        elif to.suffix.lower() == ".svg":
            to.write_text(svg(first.pixels, first.panels, Path(first.name).name), encoding="utf-8")
        else:
            stacked([drawn(one.pixels, one.panels, Path(one.name).name) for one in seen]).save(to)
    except OSError as error:
        if error.errno == ENOSPC:
            raise DiskFull(f"the disk is full at {to}: make room, or choose another place") from None
        raise Unreadable(f"{to} cannot be written ({error.strerror}): choose another place") from None


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


def _source(text: str, settings: Settings) -> PictureLike:
    """A path, bytes of stdin, or the path of a picture of the library."""
    from dinoscope.cli.searching import named
    from dinoscope.library.library import Library

    like = named(text)
    if not isinstance(like, int):
        return like
    with Library.open(settings.library) as library:
        return library.picture(like).path
