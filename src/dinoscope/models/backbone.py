"""SEAM 1: a backbone turns pictures into Features and knows nothing of libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dinoscope.errors import BadRequest
from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels

MOST_PATCHES = 4096  # of a picture: attention then takes 0.4 GB in ViT-S


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """What makes two vectors comparable. Anything that changes the numbers is part of it."""

    name: str  # ModelCard name, e.g. "dinov2-vits14"
    weights: str  # first 16 hex digits of the weights' SHA-256
    preprocessing: str  # e.g. "fit256-bicubic": whole picture, aspect kept, at most 256 patches
    precision: str  # "fp32", "bf16" or "int8"

    @property
    def key(self) -> str:
        """One line that names the identity in stores and permalinks."""
        return f"{self.name}@{self.weights}/{self.preprocessing}/{self.precision}"

    def at(self, budget: int | None) -> ModelIdentity:
        """The identity of vectors of pictures cut into at most ``budget`` patches; None: its own.

        Raises:
            BadRequest: a budget out of range.
        """
        if budget is None or budget == self.budget:
            return self
        if not 1 <= budget <= MOST_PATCHES:
            raise BadRequest(f"a picture cannot be cut into {budget} patches: choose 1 to {MOST_PATCHES}")
        _, resized = self.preprocessing.split("-", 1)
        return replace(self, preprocessing=f"fit{budget}-{resized}")

    @property
    def budget(self) -> int:
        """Most patches a picture is cut into, as ``preprocessing`` says."""
        return int(self.preprocessing.split("-")[0].removeprefix("fit"))


class Backbone(Protocol):
    """A loaded model. Safe to call from several threads."""

    @property
    def identity(self) -> ModelIdentity: ...

    @property
    def dimension(self) -> int:
        """D, the length of a global descriptor."""
        ...

    @property
    def layers(self) -> int:
        """Transformer blocks a picture runs through, numbered from 1."""
        ...

    @property
    def batch(self) -> int:
        """Pictures to give it at once where there are many: fewer keep it less than busy."""
        ...

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        """Pictures of any sizes, in order; batched by shape inside.

        Args:
            budget: most patches a picture is cut into, 1 to MOST_PATCHES; None: the identity's own. With
                another one ``Features.model`` is another identity: such vectors are no library's.

        Raises:
            BadRequest: a budget out of range.
        """
        ...

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        """(n, D) unit global descriptors only, without the cost of unpacking patches."""
        ...

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """What the patches are in the midst of the model.

        Args:
            layer: 1 to ``layers``; None: the last.
            facet: ``tokens`` as the layer leaves them, the last layer's with the final norm as ``encode``
                has them (that norm is made for them, and spoils those before); or the ``keys``,
                ``queries`` or ``values`` of all its heads, without rotary positions.
            budget: as in ``encode``.

        Raises:
            BadRequest: a layer or budget out of range.
        """
        ...
