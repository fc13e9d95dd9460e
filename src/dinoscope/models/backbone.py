"""SEAM 1: a backbone turns pictures into Features and knows nothing of libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dinoscope.features import Features, FloatArray, Pixels


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

    def encode(self, pictures: Sequence[Pixels]) -> list[Features]:
        """Pictures of any sizes, in order; batched by shape inside."""
        ...

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        """(n, D) unit global descriptors only, without the cost of unpacking patches."""
        ...
