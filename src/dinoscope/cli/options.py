"""Options several commands share, and how they become Settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dinoscope.settings import Settings, load_settings

LibraryOption = Annotated[
    Path | None, typer.Option("--library", "-l", metavar="DIR", help="The library's own folder.")
]
ModelOption = Annotated[
    str | None, typer.Option("--model", "-m", help="A model's name (dinoscope models list) or weights file.")
]
PrecisionOption = Annotated[str | None, typer.Option(help="auto, fp32, bf16 or int8.")]
RuntimeOption = Annotated[str | None, typer.Option(help="onnx, openvino or torch.")]
ThreadsOption = Annotated[int | None, typer.Option(min=0, help="Threads of the encoder; 0 takes every core.")]
FacesOption = Annotated[
    str | None, typer.Option(help="Human faces: block, blur, drop-patches or allow (docs/faces.md).")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Never fetch anything from the network.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on stdout.")]
RayOption = Annotated[
    bool, typer.Option("--ray", help="Through Ray, with a library in shards (docs/ray.md).")
]
AddressOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT", help="Head of the Ray cluster; left out: RAY_ADDRESS, or one is started."
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", "-w", metavar="FILTER", help='E.g. "taken>=2021 and kind=jpeg"; repeatable.'),
]


def settings_of(offline: bool = False, **flags: object) -> Settings:
    """The settings with the flags that were given.

    Raises:
        BadRequest: a file, variable or flag that makes no sense.
    """
    return load_settings().with_overrides(offline=True if offline else None, **flags)
