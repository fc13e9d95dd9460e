"""``dinoscope look``: what the model sees in a picture, drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dinoscope.cli.look_drawing import Seen, Wanted, show, write
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
from dinoscope.cli.output import escaped, note, out, print_json
from dinoscope.cli.sources import source_of
from dinoscope.errors import BadRequest, Unreadable

SUFFIXES = (".png", ".svg", ".npz")

AttentionOption = Annotated[
    bool, typer.Option("--attention", help="Where it looks: all heads together, and each.")
]
MassOption = Annotated[
    float | None, typer.Option(help="With --attention: show where so much of it is, say 0.6.")
]
PcaOption = Annotated[
    bool, typer.Option("--pca", help="Its parts in colours that are the same in every picture.")
]
CutOption = Annotated[bool, typer.Option("--cut", help="With --pca: leave the background dark.")]
HeatOption = Annotated[
    list[str] | None,
    typer.Option(metavar="X,Y", help="What is like the place at X,Y, in pixels; repeatable."),
]
LayerOption = Annotated[
    int | None, typer.Option(help="From 1; else the last but one, for --attention the last.")
]
FacetOption = Annotated[str, typer.Option(help="values, keys, queries or tokens of the layer.")]
PatchesOption = Annotated[
    int | None, typer.Option(help="Most patches: 1024 is finer; else as many as the index has.")
]
ToOption = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write a .png, .svg or .npz (all numbers).")
]


def look(
    pictures: Annotated[
        list[str],
        typer.Argument(metavar="PICTURE...", help="Files, - for stdin, or id:12 for one of the library."),
    ],
    *,
    attention: AttentionOption = False,
    mass: MassOption = None,
    pca: PcaOption = False,
    cut: CutOption = False,
    heat: HeatOption = None,
    layer: LayerOption = None,
    facet: FacetOption = "values",
    patches: PatchesOption = None,
    to: ToOption = None,
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
    sources = [source_of(one, settings) for one in pictures]
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
    if to is None and not out().is_terminal:
        note("The maps are shown in a terminal only: [bold]--out[/] FILE.png, .svg or .npz writes them.")
    return None


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
