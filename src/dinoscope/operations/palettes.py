"""The palette of a model's layer: fitted on the sample's pictures, so colours are the same on any machine.

A picture is painted alone, or with a thousand others, today or in a year, and a head has one colour.
"""

from __future__ import annotations

from dinoscope.features import Facet
from dinoscope.models.backbone import Backbone
from dinoscope.operations.colouring import Palette, fit_palette
from dinoscope.operations.keepsakes import once, sampled
from dinoscope.operations.queries import pixels_of
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

PICTURES = 64  # of the sample, spread over what it shows: 4-8 s of encoding, once a layer and facet
VERSION = 1  # one more whenever fit_palette gives something else: what is cached is fitted again


def palette_for(backbone: Backbone, layer: int, facet: Facet, settings: Settings) -> Palette:
    """From the cache, else fitted, which takes some seconds, and kept there where it can be written."""

    def fit() -> Palette:
        limits = Limits.of(settings)
        pictures = (pixels_of(path, limits, "own") for path in sampled(PICTURES))
        return fit_palette([backbone.inside(picture, layer, facet) for picture in pictures])

    key = f"{backbone.identity.key} {layer} {facet}"
    return once(settings, "palettes", key, Palette, fit=fit, version=VERSION)
