"""TensorBoard event files beside the journal, where TensorBoard is installed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.features import Pixels
from dinoscope.training.journal import Measure


class Board:
    """Writes ``events.out.tfevents.*`` into a folder; does nothing without TensorBoard."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:  # the journal is always there
            self._writer: Any = None
        else:
            self._writer = SummaryWriter(str(folder))

    def add(self, measure: Measure) -> None:
        """The row's numbers as scalars."""
        if self._writer is None:
            return
        for each in fields(measure):
            value = getattr(measure, each.name)
            if isinstance(value, (int, float)) and each.name != "step":
                self._writer.add_scalar(each.name, value, measure.step)
        for name, value in measure.probe.items():
            self._writer.add_scalar(f"probe/{name}", value, measure.step)
        if measure.alarm:
            self._writer.add_text("alarm", measure.alarm, measure.step)

    def add_picture(self, name: str, pixels: Pixels, step: int) -> None:
        """(rows, columns, 3) uint8."""
        if self._writer is not None:
            self._writer.add_image(name, np.ascontiguousarray(pixels), step, dataformats="HWC")

    def close(self) -> None:
        """Everything reaches the disk."""
        if self._writer is not None:
            self._writer.close()
