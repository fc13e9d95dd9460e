"""Tiny models with random weights, and a judge: the same transformer in plain float64 numpy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import erf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dinoscope.features import Pixels
from dinoscope.geometry import PatchGrid
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.positions import rotary, stretched
from dinoscope.models.preprocess import Preprocess, prepared
from dinoscope.models.request import Request

DINO = VitConfig(dimension=32, depth=2, heads=2, patch=8, position_grid=(4, 4))
DINOV2 = replace(DINO, positions="plain", layer_scale=True)
REGISTERS = replace(DINO, positions="antialias", registers=4, layer_scale=True)
DINOV3 = VitConfig(32, 2, 2, 8, "rope", registers=4, layer_scale=True, norm_eps=1e-5)
CONFIGS = {
    "dino": DINO,
    "dinov2": DINOV2,
    "dinov2-reg": REGISTERS,
    "dinov3": DINOV3,
    "dinov3-swiglu": replace(DINOV3, swiglu=True),
    "stops-early": replace(DINOV2, depth=3, use_blocks=2),
}

Judge = Callable[[VitConfig, Tensors, Pixels], tuple[PatchGrid, NDArray[Any], NDArray[Any], NDArray[Any]]]


@pytest.fixture(scope="session", params=CONFIGS)
def config(request: pytest.FixtureRequest) -> VitConfig:
    """One after the other, every family of models in miniature."""
    return CONFIGS[request.param]


def random_tensors(config: VitConfig, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Canonical tensors that make every part of the network matter."""
    rng = np.random.default_rng(seed)

    def drawn(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        spread = 0.5 if name in ("cls", "positions", "registers") or "scale" in name else 0.2
        return (centre + spread * rng.standard_normal(shape)).astype(np.float32)

    return {name: drawn(name, shape) for name, shape in config.shapes().items()}


@pytest.fixture(scope="session")
def tensors_of() -> Callable[[VitConfig], dict[str, NDArray[Any]]]:
    """Random weights for a config, the same ones each time."""
    return random_tensors


def drawn_picture(width: int, height: int, seed: int = 0) -> Pixels:
    """Soft random blobs: no symmetry, so a mirrored or turned grid is noticed."""
    from PIL import Image

    noise = np.random.default_rng(seed).integers(0, 256, (5, 4, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC))


@pytest.fixture(scope="session")
def picture() -> Callable[..., Pixels]:
    """``picture(width, height, seed=0)``."""
    return drawn_picture


@pytest.fixture
def asking(tmp_path: Path) -> Callable[..., Request]:
    """``asking(config, precision, tensors=…)``: a request for a tiny model."""

    def make(config: VitConfig, precision: str, tensors: Tensors | None = None) -> Request:
        card = ModelCard(
            "tiny", "Tiny", "DINO", "none", Source(LOCAL, "nowhere"), config, 0, Preprocess(budget=24)
        )
        identity = ModelIdentity("tiny", "0" * 16, card.preprocess.name, precision)
        found = random_tensors(config) if tensors is None else tensors
        return Request(card, identity, lambda: found, tmp_path / "graphs", threads=1)

    return make


@pytest.fixture(scope="session")
def judge_inside() -> Callable[..., tuple[PatchGrid, NDArray[Any], NDArray[Any]]]:
    """Grid, a facet of the patches (N, D) and attention (heads, N) of a layer, in float64."""

    def shown(
        config: VitConfig, tensors: Tensors, pixels: Pixels, *, layer: int, facet: str, budget: int
    ) -> tuple[PatchGrid, NDArray[Any], NDArray[Any]]:
        grid, tokens, others, attention = judged_inside(config, tensors, pixels, layer, budget)
        return grid, {"tokens": tokens[config.prefix :], **others}[facet], attention

    return shown


@pytest.fixture(scope="session")
def judge() -> Judge:
    """Grid, cls (D,), patch tokens (N, D) and attention (heads, N) of a picture, in float64."""
    return judged


def judged(
    config: VitConfig, tensors: Tensors, pixels: Pixels
) -> tuple[PatchGrid, NDArray[Any], NDArray[Any], NDArray[Any]]:
    grid, tokens, _, attention = judged_inside(config, tensors, pixels, config.blocks, 24)
    return grid, tokens[0], tokens[config.prefix :], attention


def judged_inside(
    config: VitConfig, tensors: Tensors, pixels: Pixels, layer: int, budget: int
) -> tuple[PatchGrid, NDArray[Any], dict[str, NDArray[Any]], NDArray[Any]]:
    """Grid, tokens (prefix + N, D), queries, keys and values (N, D), attention (heads, N) of a layer."""
    grid, patches = prepared(pixels, Preprocess(budget=budget), config.patch)
    shape = grid.rows, grid.columns
    t = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}
    x = patches @ t["patch.weight"].reshape(config.dimension, -1).T + t["patch.bias"]
    prefix = t["cls"][None]
    if not config.rope:
        places = stretched(tensors["positions"], config.position_grid, shape, config.positions)
        prefix, x = prefix + t["positions"][:1], x + places
    x = np.concatenate([prefix, t["registers"], x] if config.registers else [prefix, x])
    for block in range(layer):
        part = {name.split(".", 2)[2]: w for name, w in t.items() if name.startswith(f"blocks.{block}.")}
        x, facets, attention = _judged_block(config, part, x, shape)
    if layer == config.blocks:
        x = _normed(x, t["norm.weight"], t["norm.bias"], config.norm_eps)
    of_patches = {name: facet[config.prefix :] for name, facet in facets.items()}
    return grid, x, of_patches, attention[:, 0, config.prefix :]


def _judged_block(
    config: VitConfig, t: Tensors, x: NDArray[Any], shape: tuple[int, int]
) -> tuple[NDArray[Any], dict[str, NDArray[Any]], NDArray[Any]]:
    y = _normed(x, t["norm1.weight"], t["norm1.bias"], config.norm_eps) @ t["qkv.weight"].T + t["qkv.bias"]
    facets = dict(zip(("queries", "keys", "values"), np.split(y, 3, axis=1), strict=True))
    q, k, v = y.reshape(len(x), 3, config.heads, -1).transpose(1, 2, 0, 3)
    if config.rope:
        cosines, sines = rotary(shape, config.prefix, config.head_dimension, config.rope_theta)
        half = config.head_dimension // 2
        q, k = (z * cosines + np.roll(z, half, axis=-1) * sines for z in (q, k))
    scores = np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(config.head_dimension))
    attention = scores / scores.sum(-1, keepdims=True)
    out = (attention @ v).transpose(1, 0, 2).reshape(len(x), -1) @ t["proj.weight"].T + t["proj.bias"]
    x = x + out * t.get("scale1", 1.0)
    y = _normed(x, t["norm2.weight"], t["norm2.bias"], config.norm_eps)
    up = y @ t["fc1.weight"].T + t["fc1.bias"]
    if config.swiglu:
        gate = y @ t["gate.weight"].T + t["gate.bias"]
        hidden = gate / (1 + np.exp(-gate)) * up
    else:
        hidden = up * 0.5 * (1 + np.vectorize(erf)(up / np.sqrt(2)))
    return x + (hidden @ t["fc2.weight"].T + t["fc2.bias"]) * t.get("scale2", 1.0), facets, attention


def _normed(x: NDArray[Any], weight: NDArray[Any], bias: NDArray[Any], eps: float) -> NDArray[Any]:
    centred = x - x.mean(-1, keepdims=True)
    return np.asarray(centred / np.sqrt(x.var(-1, keepdims=True) + eps) * weight + bias)
