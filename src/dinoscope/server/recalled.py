"""A backbone with a memory: who moves a slider, or judges a hit, has the same places looked at again."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels
from dinoscope.models.backbone import Backbone, ModelIdentity
from dinoscope.server.recent import Recent


class Recalled:
    """A Backbone that does not encode again what it encoded lately: the same pixels into as many patches.

    To know a window of 512 x 512 pixels again takes a millisecond, to encode it a tenth of a second.
    """

    def __init__(self, backbone: Backbone, kept: Recent[bytes, Features]) -> None:
        """``kept`` is shared by all requests."""
        self._backbone = backbone
        self._kept = kept

    @property
    def identity(self) -> ModelIdentity:
        return self._backbone.identity

    @property
    def dimension(self) -> int:
        return self._backbone.dimension

    @property
    def layers(self) -> int:
        return self._backbone.layers

    @property
    def batch(self) -> int:
        return self._backbone.batch

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        """As ``Backbone.encode``."""
        names = [_name(pixels, budget) for pixels in pictures]
        known = {name: self._kept.get(name) for name in names}
        new = {
            name: pixels for name, pixels in zip(names, pictures, strict=True) if known[name] is None
        }  # each once
        made = dict(zip(new, self._backbone.encode(list(new.values()), budget), strict=True)) if new else {}
        for name, features in made.items():
            self._kept.keep(name, features)
        return [known[name] or made[name] for name in names]

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        return self._backbone.describe(pictures)

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        return self._backbone.inside(picture, layer, facet, budget)


def _name(pixels: Pixels, budget: int | None) -> bytes:
    """What tells pixels and the number of patches from all others."""
    shape = f"{pixels.shape[0]},{pixels.shape[1]},{budget}:".encode()
    return blake2b(shape + pixels.tobytes(), digest_size=16).digest()
