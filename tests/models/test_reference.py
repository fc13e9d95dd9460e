"""Our graph gives what the reference DINO implementation gave, at its own and at other sizes.

``reference_dino.npz`` holds outputs of facebookresearch/dino at 7c446df (torch 2.13.0, CPU). Its weights
and pictures are not stored: each is a function of a name and a shape, ``drawn`` below.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest

from dinoscope.features import FloatArray
from dinoscope.models.config import VitConfig
from dinoscope.models.graph import float_graph
from dinoscope.models.onnx_runtime import OnnxNetwork
from dinoscope.models.positions import stretched
from dinoscope.models.preprocess import cut
from dinoscope.models.vit_backbone import Inputs

REFERENCE = Path(__file__).parent / "reference_dino.npz"
CONFIGS = {
    "vits16": VitConfig(384, 12, 6, 16, "offset", (14, 14)),
    "vitt8": VitConfig(192, 12, 3, 8, "offset", (28, 28)),
    "vitt4_32": VitConfig(192, 12, 3, 4, "offset", (8, 8)),
}
THEIR_NAMES = {
    "patch": "patch_embed.proj",
    "qkv": "attn.qkv",
    "proj": "attn.proj",
    "fc1": "mlp.fc1",
    "fc2": "mlp.fc2",
}


def drawn(name: str, shape: tuple[int, ...], std: float = 1.0, mean: float = 0.0) -> FloatArray:
    """Uniform numbers of that mean and standard deviation: splitmix64 keyed by the name's CRC-32."""
    count = int(np.prod(np.array(shape)))
    with np.errstate(over="ignore"):
        z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z += np.uint64(zlib.crc32(name.encode())) * np.uint64(0xD1342543DE82EF95)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    uniform = (z >> np.uint64(11)).astype(np.float64) / 2.0**53
    spread = (uniform * 2 - 1) * np.sqrt(3.0) * std + mean
    return np.asarray(spread.reshape(shape), np.float32)


def weight(tag: str, name: str, shape: tuple[int, ...]) -> FloatArray:
    """The reference model's tensor that we call ``name``."""
    if name in ("cls", "positions"):
        theirs = {"cls": "cls_token", "positions": "pos_embed"}[name]
        return drawn(f"{tag}.{theirs}", shape, 0.2)
    theirs = ".".join(THEIR_NAMES.get(part, part) for part in name.split("."))
    if len(shape) == 1 and name.endswith("weight"):
        return drawn(f"{tag}.{theirs}", shape, 0.1, 1.0)
    return drawn(f"{tag}.{theirs}", shape, 0.05)


@pytest.mark.parametrize("tag", CONFIGS)
def test_cls_and_attention_are_the_reference_s(tag: str) -> None:
    config = CONFIGS[tag]
    tensors = {name: weight(tag, name, shape) for name, shape in config.shapes().items()}
    network = OnnxNetwork(float_graph(config, tensors), threads=1)
    with np.load(REFERENCE) as stored:
        wanted = {key: stored[key] for key in stored.files if key.startswith(f"{tag}/")}
    sizes = [key.split("/")[2] for key in wanted if key.split("/")[1] == "cls"]
    assert len(sizes) >= 3
    for size in sizes:
        height, width = map(int, size.split("x"))
        pictures = drawn(f"{tag}.x.{size}", (2, 3, height, width)).transpose(0, 2, 3, 1)
        grid = height // config.patch, width // config.patch
        places = {"positions": stretched(tensors["positions"], config.position_grid, grid, "offset")}
        found = network.full(Inputs(grid, np.stack([cut(each, config.patch) for each in pictures]), places))
        np.testing.assert_allclose(found.cls, wanted[f"{tag}/cls/{size}"], atol=1e-5)
        attention = wanted.get(f"{tag}/attn_cls_row/{size}")
        if attention is not None:
            np.testing.assert_allclose(found.attention, attention[:, :, 1:], atol=1e-6)
