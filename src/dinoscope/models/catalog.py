"""The model cards. Data only: to add a checkpoint, add a card.

A checksum is written here only where somebody computed it from the file itself. Where it is None, the
first fetch notes it in the cache and later fetches must agree (see models.weights).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dinoscope.models.card import PACKAGE, ModelCard, Source
from dinoscope.models.config import VitConfig

_APACHE: Final = "Apache-2.0"
_DINOV3: Final = "DINOv3 License (Meta), to be accepted on the hub"

_SMALL: Final = VitConfig(dimension=384, depth=12, heads=6, patch=16)
_BASE: Final = replace(_SMALL, dimension=768, heads=12)
_LARGE: Final = replace(_SMALL, dimension=1024, heads=16, depth=24)


def _dino(name: str, size: str, config: VitConfig, megabytes: float) -> ModelCard:
    side = 224 // config.patch
    return ModelCard(
        name=f"dino-{name}",
        title=f"DINO {size}/{config.patch}",
        family="DINO",
        licence=_APACHE,
        source=Source(f"facebook/dino-{name}", "pytorch_model.bin"),
        config=replace(config, position_grid=(side, side)),
        bytes=round(megabytes * 1e6),
        notes="Caron et al. 2021, https://arxiv.org/abs/2104.14294; trained on ImageNet-1k without labels.",
    )


def _dinov2(name: str, size: str, repository: str, config: VitConfig, megabytes: float) -> ModelCard:
    with_registers = " with registers" if config.registers else ""
    return ModelCard(
        name=f"dinov2-{name}",
        title=f"DINOv2 {size}/14{with_registers}",
        family="DINOv2",
        licence=_APACHE,
        source=Source(f"facebook/{repository}", "model.safetensors"),
        config=replace(config, patch=14, position_grid=(37, 37), layer_scale=True),
        bytes=round(megabytes * 1e6),
        notes="Oquab et al. 2023, https://arxiv.org/abs/2304.07193; distilled from ViT-g, LVD-142M."
        + (" Registers: Darcet et al. 2023, https://arxiv.org/abs/2309.16588." if with_registers else ""),
    )


def _with_registers(config: VitConfig) -> VitConfig:
    return replace(config, registers=4, positions="antialias")


def _dinov3(name: str, size: str, config: VitConfig, megabytes: float) -> ModelCard:
    return ModelCard(
        name=f"dinov3-{name}",
        title=f"DINOv3 {size}/16",
        family="DINOv3",
        licence=_DINOV3,
        source=Source(f"facebook/dinov3-{name}-pretrain-lvd1689m", "model.safetensors"),
        config=replace(config, positions="rope", registers=4, layer_scale=True, norm_eps=1e-5),
        bytes=round(megabytes * 1e6),
        gated=True,
        notes="Siméoni et al. 2025, https://arxiv.org/abs/2508.10104; distilled from ViT-7B, LVD-1689M.",
    )


STARTER: Final = ModelCard(
    name="starter",
    title="Starter (DINOv2 ViT-S/14, 11 of 12 blocks)",
    family="Dinoscope",
    licence="Apache-2.0 and MIT, see models/starter/NOTICE",
    source=Source(PACKAGE, "starter/weights.safetensors"),
    config=replace(
        _SMALL, patch=14, positions="plain", position_grid=(37, 37), layer_scale=True, use_blocks=11
    ),
    bytes=21_465_816,
    sha256="7dea9b659040e34b376e75501c3dfa087571b70aa8e258e90c8a53aab7c9d667",
    notes="Works without a network. A DINOv2 once fine-tuned for saliency, which cost it much of its skill, "
    "and healed since as far as could be: see models/starter/CARD.md, and take dinov2-vits14 where you can.",
)

_CARDS: Final = (
    STARTER,
    _dinov2("vits14", "ViT-S", "dinov2-small", _SMALL, 88.3),
    _dinov2("vitb14", "ViT-B", "dinov2-base", _BASE, 346.3),
    _dinov2("vitl14", "ViT-L", "dinov2-large", _LARGE, 1217.5),
    _dinov2("vits14-reg", "ViT-S", "dinov2-with-registers-small", _with_registers(_SMALL), 88.3),
    _dinov2("vitb14-reg", "ViT-B", "dinov2-with-registers-base", _with_registers(_BASE), 346.4),
    _dinov2("vitl14-reg", "ViT-L", "dinov2-with-registers-large", _with_registers(_LARGE), 1217.5),
    _dino("vits16", "ViT-S", _SMALL, 86.7),
    _dino("vits8", "ViT-S", replace(_SMALL, patch=8), 86.8),
    _dino("vitb16", "ViT-B", _BASE, 343.2),
    _dino("vitb8", "ViT-B", replace(_BASE, patch=8), 343.2),
    _dinov3("vits16", "ViT-S", _SMALL, 86.4),
    _dinov3("vits16plus", "ViT-S+", replace(_SMALL, swiglu=True), 114.8),
    _dinov3("vitb16", "ViT-B", _BASE, 342.7),
)

CARDS: Final[dict[str, ModelCard]] = {card.name: card for card in _CARDS}
