"""What facebookresearch/dino gave, and the weights and inputs it was given: all a function of their names."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.models.names import renamed

FOLDER = Path(__file__).parent / "reference"
TIGHT = 1e-9  # for what both compute in double precision, in another order


@cache
def stored(file: str = "dino.npz") -> dict[str, NDArray[Any]]:
    """Every array, by its key."""
    with np.load(FOLDER / file) as arrays:
        return {key: arrays[key] for key in arrays.files}


@cache
def told() -> dict[str, Any]:
    """Names, groups, settings."""
    return dict(json.loads(str(stored()["meta_json"])))


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


def tensor(name: str, *shape: int, std: float = 1.0, mean: float = 0.0) -> Any:
    """``drawn``, in torch."""
    return tensor_of(drawn(name, shape, std, mean))


def our_name(theirs: str) -> str:
    """``backbone.blocks.0.attn.qkv.weight`` -> ``backbone.blocks.0.qkv.weight``, and so on."""
    from dinoscope.training.heads import head_tensors

    part, _, within = theirs.partition(".")
    names = renamed({within: np.zeros(1)}) if part == "backbone" else head_tensors({theirs: np.zeros(1)})
    (name,) = names
    return f"{part}.{name}"


def fill(module: Any, tag: str, theirs: Iterable[str], *, learned_lengths: bool = False) -> None:
    """Give a network, or its backbone or head alone, the reference's weights of that tag.

    Args:
        module: to be filled, of either precision.
        tag: that keys the numbers.
        theirs: names, as of a whole network.
        learned_lengths: of the prototypes; else they are 1.
    """
    state = module.state_dict()
    left = set(state)
    for name in theirs:
        alone = our_name(name) not in state
        ours, key = (text.partition(".")[2] if alone else text for text in (our_name(name), name))
        weight = _weight(tag + key, tuple(state[ours].shape), learned_lengths)
        state[ours].copy_(tensor_of(weight))
        left.remove(ours)
    assert all("running_" in name or "num_batches" in name for name in left), left


def tensor_of(array: FloatArray) -> Any:
    """The same numbers in torch."""
    import torch

    return torch.from_numpy(array)


def _weight(name: str, shape: tuple[int, ...], learned_lengths: bool) -> FloatArray:
    if name.endswith("weight_g"):
        return drawn(name, shape, 0.1, 1.0) if learned_lengths else np.ones(shape, np.float32)
    if name.endswith(("cls_token", "pos_embed")):
        return drawn(name, shape, 0.2)
    if name.endswith(".weight") and len(shape) == 1:
        return drawn(name, shape, 0.1, 1.0)
    return drawn(name, shape, 0.05)
