"""A stand-in for a model that sees parts of pictures, the same in every process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels, normalise
from dinoscope.geometry import Size, fit_grid
from dinoscope.models.backbone import ModelIdentity
from dinoscope.settings import Settings


class Hues:
    """For the Backbone seam: a patch is its colour in waves, different ones nearly at right angles."""

    identity = ModelIdentity("hues", "0" * 16, "fit256-bicubic", "fp32")
    dimension = 96
    batch = 8
    layers = 3

    def __init__(self, settings: Settings | None = None) -> None:
        rng = np.random.default_rng(0)
        self._waves = rng.normal(size=(3, 96)) * 4
        self._phases = rng.uniform(0, 2 * np.pi, 96)
        self.described = 0  # pictures

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        return np.stack([features.descriptor for features in self.encode(pictures)])

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        self.described += len(pictures)
        return [self._features(pixels, budget) for pixels in pictures]

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """The same in every layer and facet."""
        seen = self._features(picture, budget)
        return Inside(seen.model, layer or self.layers, facet, seen.grid, seen.patches, seen.attention)

    def _features(self, pixels: Pixels, budget: int | None) -> Features:
        identity = self.identity.at(budget)
        grid = fit_grid(Size(pixels.shape[1], pixels.shape[0]), 16, identity.budget)
        small = Image.fromarray(pixels).resize((grid.columns, grid.rows), Image.Resampling.BOX)
        waves = np.cos(np.asarray(small, np.float32) / 127 @ self._waves + self._phases)
        patches = normalise(waves.astype(np.float32))
        attention = np.full((1, grid.rows, grid.columns), 1 / grid.rows / grid.columns, np.float32)
        return Features(identity.key, grid, normalise(patches.mean(axis=(0, 1))), patches, attention)
