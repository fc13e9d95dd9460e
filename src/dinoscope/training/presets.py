"""Recipes for a machine and an amount of data, every number of which can be overridden.

What small data wants follows the published practice: fewer prototypes (1,024 up to 20,000 pictures, the
paper's 65,536 from a million), a sharper teacher, which is what keeps a small run from drifting to uniform
targets (Caron in facebookresearch/dino issue 43), and a teacher whose memory 1 / (1 - momentum) is a small
share of the run, or it never leaves its random start.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from dinoscope.errors import BadRequest
from dinoscope.models.config import VitConfig
from dinoscope.training.overrides import from_json, overridden, to_json
from dinoscope.training.recipe import Crops, Extras, Head, Optimiser, Recipe, Span, Teacher

__all__ = ["PRESETS", "Amount", "from_json", "recipe_for", "to_json"]

_PROTOTYPES = ((20_000, 1024), (50_000, 2048), (100_000, 4096), (300_000, 16384), (1_000_000, 32768))
_MEMORY = 0.03  # of the run: how many steps the teacher remembers


@dataclass(frozen=True, slots=True)
class Amount:
    """What a preset is scaled by. None takes the preset's own number."""

    pictures: int
    steps: int | None = None
    batch: int | None = None
    patch: int | None = None  # pixels
    model: VitConfig | None = None  # of the starting weights

    def batch_of(self, wanted: int) -> int:
        """Pictures a step: what was asked for, else what the preset wants and the data has."""
        return self.batch or max(2, min(wanted, self.pictures - self.pictures % 2))

    def steps_of(self, batch: int, epochs: int, least: int, most: int) -> int:
        """What was asked for, else so many times through the data within bounds."""
        return self.steps or min(max(math.ceil(epochs * self.pictures / batch), least), most)

    def patch_of(self, wanted: int) -> int:
        """Pixels: the starting weights', else what was asked for, else the preset's."""
        return self.model.patch if self.model else self.patch or wanted

    @property
    def prototypes(self) -> int:
        return next((count for most, count in _PROTOTYPES if self.pictures <= most), 65536)


def recipe_for(
    preset: str,
    pictures: int,
    steps: int | None = None,
    overrides: Mapping[str, str] | None = None,
    model: VitConfig | None = None,
) -> Recipe:
    """The preset for so many pictures, then the overrides.

    Args:
        steps: optimiser steps; None takes the preset's length for so many pictures.
        overrides: dotted fields, as ``training.overrides.overridden`` reads them. Steps, batch and patch
            among them are known before the rest is scaled.
        model: the shape of the weights to continue from; None: the preset's own.

    Raises:
        BadRequest: no such preset or field, or a value that makes no sense.
    """
    factory = _preset(preset)
    overrides = dict(overrides or {})
    if steps is not None:
        overrides.setdefault("steps", str(steps))
    amount = Amount(
        max(1, pictures),
        _given(overrides, "steps"),
        _given(overrides, "batch"),
        _given(overrides, "model.patch"),
        model,
    )
    return overridden(factory(amount), overrides)


def start_of(preset: str, overrides: Mapping[str, str]) -> str:
    """The weights such a recipe begins with, "" for none: to look up their shape for ``recipe_for``.

    Raises:
        BadRequest: no such preset.
    """
    return overrides.get("start", _preset(preset)(Amount(pictures=2)).start)


def _preset(name: str) -> Callable[[Amount], Recipe]:
    if name not in PRESETS:
        near = difflib.get_close_matches(name, PRESETS, 1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(PRESETS)}"
        raise BadRequest(f"there is no preset {name!r}: {hint}")
    return PRESETS[name]


def _laptop(amount: Amount) -> Recipe:
    """Two cores and an hour, whatever the data: a small network on small views, 60 pictures a second.

    Measured on a Zen 4 core with AVX512_BF16: 30 pictures a second, of which colours take 2 %, reading 3 %.

    Targets are balanced (Sinkhorn-Knopp) and descriptors kept apart (KoLeo) as in DINOv2: with the paper's
    centring ten thousand pictures drift to uniform targets within 120 steps.
    """
    batch = amount.batch_of(64)
    steps = amount.steps or 3000
    patch = amount.patch_of(8)
    size = _multiple(64, patch)
    return Recipe(
        name="laptop",
        model=amount.model or _fresh(192, 6, 3, patch, size),
        steps=steps,
        batch=batch,
        # At this size a full blur leaves nothing to see, and a twentieth of the picture is a few pixels.
        crops=Crops(
            global_size=size,
            local_size=_multiple(32, patch),
            local_scale=(0.1, 0.4),
            locals=4,
            blur_chances=(0.5, 0.1, 0.2),
        ),
        head=Head(prototypes=amount.prototypes, hidden=1024, bottleneck=256),
        teacher=replace(_teacher(amount.pictures, steps), centring="sinkhorn"),
        optimiser=_optimiser(2e-3, amount.pictures, steps, batch),
        extras=Extras(koleo_weight=0.1),
        drop_path=0.0,
    )


def _small(amount: Amount) -> Recipe:
    """One GPU, or a night: ViT-S/16 on views of 128 pixels."""
    batch = amount.batch_of(128)
    steps = amount.steps_of(batch, epochs=100, least=5000, most=30_000)
    patch = amount.patch_of(16)
    size = _multiple(128, patch)
    return Recipe(
        name="small",
        model=amount.model or _fresh(384, 12, 6, patch, size),
        steps=steps,
        batch=batch,
        crops=Crops(global_size=size, local_size=_multiple(64, patch), locals=6, local_scale=(0.08, 0.4)),
        head=Head(prototypes=amount.prototypes),
        teacher=_teacher(amount.pictures, steps),
        optimiser=_optimiser(1e-3, amount.pictures, steps, batch),
    )


def _vit_s16(amount: Amount) -> Recipe:
    """The paper's ViT-S/16 of 100 epochs; at ImageNet's size this is it number by number."""
    batch = amount.batch_of(512)
    steps = amount.steps_of(batch, epochs=100, least=20_000, most=10**9)
    patch = amount.patch_of(16)
    size = _multiple(224, patch)
    return Recipe(
        name="vit-s16",
        model=amount.model or _fresh(384, 12, 6, patch, size),
        steps=steps,
        batch=batch,
        crops=Crops(global_size=size, local_size=_multiple(96, patch)),
        head=Head(prototypes=amount.prototypes),
        teacher=_teacher(amount.pictures, steps),
        optimiser=_optimiser(5e-4, amount.pictures, steps, batch),
    )


def _continue(amount: Amount) -> Recipe:
    """From weights that see well already: slow, the first blocks slowest, and held near where they began."""
    batch = amount.batch_of(64)
    steps = amount.steps_of(batch, epochs=10, least=1000, most=10_000)
    model = amount.model or _fresh(384, 12, 6, amount.patch or 14, 224)
    return Recipe(
        name="continue",
        model=model,
        steps=steps,
        batch=batch,
        crops=Crops(
            global_size=_multiple(112, model.patch),
            local_size=_multiple(56, model.patch),
            local_scale=(0.1, 0.4),
            locals=4,
            blur_chances=(0.5, 0.1, 0.2),
        ),
        head=Head(prototypes=amount.prototypes),
        teacher=Teacher(momentum=(0.999, 1.0), temperature=(0.02, 0.04), temperature_warmup=steps // 3),
        optimiser=Optimiser(
            rate=4e-4,
            warmup=steps // 10,
            weight_decay=(0.04, 0.04),
            freeze_last=steps // 20,
            layer_decay=0.9,
            patch_rate=0.2,
        ),
        extras=Extras(keep_weight=1.0),
        drop_path=0.0,
        start="starter",
    )


PRESETS: dict[str, Callable[[Amount], Recipe]] = {
    "laptop": _laptop,
    "small": _small,
    "vit-s16": _vit_s16,
    "continue": _continue,
}


def _fresh(dimension: int, depth: int, heads: int, patch: int, size: int) -> VitConfig:
    return VitConfig(dimension, depth, heads, patch, position_grid=(size // patch, size // patch))


def _multiple(size: int, patch: int) -> int:
    """The size as the nearest multiple of the patch, at least one patch."""
    return max(1, round(size / patch)) * patch


def _teacher(pictures: int, steps: int) -> Teacher:
    """Between 20,000 and 1.28 million pictures the paper's temperature is approached on a log scale."""
    share = min(max(math.log(pictures / 20_000) / math.log(1_281_167 / 20_000), 0.0), 1.0)
    temperature: Span = (round(0.02 + 0.02 * share, 4), round(0.03 + 0.01 * share, 4))
    momentum = min(max(1 - 1 / (_MEMORY * steps), 0.9), 0.996)
    return Teacher(
        momentum=(round(momentum, 5), 1.0),
        temperature=temperature,
        temperature_warmup=0 if temperature[0] == temperature[1] else math.ceil(0.3 * steps),
    )


def _optimiser(rate: float, pictures: int, steps: int, batch: int) -> Optimiser:
    """The paper warms up for 10 epochs of 100 and freezes for one; an epoch of little data is a few steps."""
    epoch = math.ceil(pictures / batch)
    warmup = min(max(10 * epoch, steps // 20), math.ceil(steps / 10))
    return Optimiser(rate=rate, warmup=warmup, freeze_last=min(max(epoch, 50), steps // 20))


def _given(overrides: Mapping[str, str], key: str) -> int | None:
    """A whole number among the overrides; one that is none is refused afterwards, by ``overridden``."""
    text = overrides.get(key, "").strip()
    return int(text) if text.isdecimal() and int(text) > 0 else None
