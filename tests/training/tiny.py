"""A training so small that a test can run all of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dinoscope.models.config import VitConfig
from dinoscope.pictures.limits import Limits
from dinoscope.training.gathering import gather
from dinoscope.training.items import Items
from dinoscope.training.recipe import Crops, Head, Optimiser, Recipe, Teacher

LIMITS = Limits(max_bytes=10**7, max_pixels=10**7, max_seconds=10)
TINY = Recipe(
    name="laptop",
    model=VitConfig(16, 2, 2, 8, position_grid=(2, 2)),
    steps=6,
    batch=4,
    crops=Crops(global_size=16, local_size=8, locals=2),
    head=Head(prototypes=32, hidden=24, bottleneck=8),
    teacher=Teacher(momentum=(0.9, 1.0), temperature=(0.04, 0.06), temperature_warmup=3),
    optimiser=Optimiser(rate=0.1, warmup=2, freeze_last=1),
    drop_path=0.2,
    precision="fp32",
)
EXACT = replace(TINY, drop_path=0.0)  # the same on any number of processes


def pictures(folder: Path, count: int = 12, side: int = 24) -> Path:
    """A folder of different pictures in two sub-folders."""
    rng = np.random.default_rng(1)
    for number in range(count):
        path = folder / ("even" if number % 2 == 0 else "odd") / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.clip(rng.normal(90 + 60 * (number % 2), 50, (side, side, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(path)
    return folder


def items_in(folder: Path, count: int = 12) -> Items:
    return gather([pictures(folder, count)], LIMITS)


def same(one: Any, other: Any, where: str = "") -> None:
    """Bit for bit: nested states of dicts, lists, tensors and numbers."""
    import torch

    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for number, (here, there) in enumerate(zip(one, other, strict=True)):
            same(here, there, f"{where}[{number}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    else:
        assert one == other, where
