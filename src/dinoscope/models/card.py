"""What is known of a model before its weights are opened."""

from __future__ import annotations

from dataclasses import dataclass, field

from dinoscope.models.config import VitConfig
from dinoscope.models.preprocess import Preprocess

PACKAGE = "package"  # the file ships inside Dinoscope
LOCAL = "local"  # the file is a path of the user


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights live: a hub repository (or PACKAGE, or LOCAL) and a file in it."""

    repository: str
    file: str


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything about a model but its numbers. Adding a checkpoint is adding one of these."""

    name: str  # e.g. "dinov2-vits14"
    title: str  # for people, e.g. "DINOv2 ViT-S/14"
    family: str  # "DINO", "DINOv2", "DINOv3" or "Dinoscope"
    licence: str  # of the weights
    source: Source
    config: VitConfig
    bytes: int  # size of the weights file, exact where known, else about
    preprocess: Preprocess = field(default_factory=Preprocess)
    sha256: str | None = None  # of the file; None: noted at the first fetch and required from then on
    gated: bool = False  # the hub wants a licence accepted and a login
    precision: str = "fp32"  # what settings.precision "auto" means: the best by measurement
    notes: str = ""

    @property
    def dimension(self) -> int:
        """D of the model's tokens."""
        return self.config.dimension
