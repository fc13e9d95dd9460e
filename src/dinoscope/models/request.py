"""What a runtime is asked to open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import ModelCard
from dinoscope.models.config import Tensors
from dinoscope.models.devices import AUTO


@dataclass(frozen=True, slots=True)
class Request:
    """A model to open; its weights are read only when ``tensors`` is called."""

    card: ModelCard
    identity: ModelIdentity  # its precision is resolved, never "auto"
    tensors: Callable[[], Tensors]  # reads the canonical tensors, 0.1-2 s
    graphs: Path  # folder of built graphs
    threads: int = 0  # 0: all cores
    device: str = AUTO  # as devices.checked_device has it
