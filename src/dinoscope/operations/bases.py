"""The basis of a model's region tokens: fitted on the sample's pictures, the same for all libraries.

So a library of three pictures has as good a one as a large one, no picture waits until there are enough
to fit one, and tokens of two libraries can be compared. What it costs: docs/decisions/012-token-shelves.md.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from dinoscope.features import Basis, FloatArray
from dinoscope.library.library import Library
from dinoscope.models.backbone import Backbone
from dinoscope.operations.keepsakes import once, sampled
from dinoscope.operations.pooling import fit_basis
from dinoscope.operations.queries import pixels_of
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

PICTURES = 64  # of the sample, spread over what it shows: 4-8 s of encoding, once a model
VERSION = 3  # one more whenever fit_basis gives something else: what is cached is fitted again
_BATCH = 4  # pictures decoded and encoded at once


def basis_for(library: Library, backbone: Backbone, settings: Settings) -> Basis:
    """What the library's tokens were reduced with; where it has none, what the first are to be."""
    return library.region_basis(backbone.identity.key) or basis_of_model(backbone, settings)


def basis_of_model(backbone: Backbone, settings: Settings) -> Basis:
    """From the cache, else fitted, which takes some seconds, and kept there where it can be written."""

    def fit() -> Basis:
        return fit_basis(np.concatenate(list(_patches(backbone, Limits.of(settings)))))

    return once(settings, "bases", backbone.identity.key, Basis, fit=fit, version=VERSION)


def _patches(backbone: Backbone, limits: Limits) -> Iterator[FloatArray]:
    """(n, D) of a few pictures at a time."""
    chosen = list(sampled(PICTURES))
    for start in range(0, PICTURES, _BATCH):
        pictures = [pixels_of(path, limits, "own") for path in chosen[start : start + _BATCH]]
        for features in backbone.encode(pictures):
            yield features.patches.reshape(-1, features.patches.shape[-1])
