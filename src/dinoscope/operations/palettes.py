"""The palette of a model's layer: fitted on the sample's pictures, so colours are the same on any machine.

A picture is painted alone, or with a thousand others, today or in a year, and a head has one colour.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import fields
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from dinoscope.features import Facet
from dinoscope.models.backbone import Backbone
from dinoscope.operations.colouring import Palette, fit_palette
from dinoscope.operations.queries import pixels_of
from dinoscope.pictures.limits import Limits
from dinoscope.sample import samples
from dinoscope.settings import Settings

PICTURES = 64  # of the sample, spread over what it shows: 4-8 s of encoding, once a layer and facet
VERSION = 1  # one more whenever fit_palette gives something else: what is cached is fitted again


def palette_for(backbone: Backbone, layer: int, facet: Facet, settings: Settings) -> Palette:
    """From the cache, else fitted, which takes some seconds, and kept there where it can be written."""
    what = f"{backbone.identity.key} {layer} {facet}"
    file = settings.cache / "palettes" / f"{hashlib.sha256(what.encode()).hexdigest()[:16]}-{VERSION}.npz"
    palette = _read(file)
    if palette is None:
        every, limits = samples(), Limits.of(settings)
        chosen = (every[index * len(every) // PICTURES].path for index in range(PICTURES))
        palette = fit_palette([backbone.inside(pixels_of(path, limits), layer, facet) for path in chosen])
        _keep(file, palette)
    return palette


def _read(file: Path) -> Palette | None:
    """None where there is none, or none that can be read."""
    try:
        with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as kept:  # it closes no spoilt file
            return Palette(**{field.name: kept[field.name] for field in fields(Palette)})
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None


def _keep(file: Path, palette: Palette) -> None:
    unfinished = file.with_name(f"{file.stem}.{os.getpid()}.part")
    with suppress(OSError):  # a cache: fitted again next time
        file.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as stream:
            np.savez(stream, **{field.name: getattr(palette, field.name) for field in fields(Palette)})
        unfinished.replace(file)
