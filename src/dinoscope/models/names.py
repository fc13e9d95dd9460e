"""From the names of every official checkpoint to the canonical ones of models.config, strictly.

Read are the layouts of facebookresearch/dino, dinov2 (with register tokens and block chunks) and dinov3,
those of transformers' ViT, Dinov2, Dinov2WithRegisters and DINOv3ViT (before and after the renaming of
their attention in 5.23), and our own. Nothing is guessed: a tensor that is missing, left over or
of another shape is WeightsRefused, for a model with random parts gives plausible wrong answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import WeightsRefused
from dinoscope.models.config import QUANTISABLE, Shape, Tensors, VitConfig

Array = NDArray[Any]

_WRAPPERS = re.compile(
    r"^(?:module\.|backbone\.|model\.|_orig_mod\.|vit\.|dinov2\.|dinov2_with_registers\.|dinov3_vit\.)+"
)
_BLOCK = re.compile(r"^(?:encoder\.)?(?:blocks|layers?)\.(?:\d+\.)?(?P<block>\d+)\.(?P<rest>[a-z].*)$")
_UNUSED = re.compile(
    r"""^(?:embeddings\.)?mask_token$          # for masked training
    |^(?:dino_|ibot_)?head\.|^last_layer\.     # projection heads of training
    |^classifier\.|^pooler\.                   # what transformers puts on top
    |^local_cls_norm\.                         # DINOv3, training only
    |^rope_embed(?:dings)?\.                   # the rotary periods, which follow from rope_theta
    """,
    re.VERBOSE,
)
_OUTSIDE: Final = {
    "cls_token": "cls",
    "embeddings.cls_token": "cls",
    "pos_embed": "positions",
    "embeddings.position_embeddings": "positions",
    "register_tokens": "registers",
    "storage_tokens": "registers",
    "embeddings.register_tokens": "registers",
    **{
        f"{before}.{part}": f"patch.{part}"
        for before in (
            "patch_embed.proj",
            "embeddings.patch_embeddings.projection",
            "embeddings.patch_embeddings",
        )
        for part in ("weight", "bias")
    },
    **{f"layernorm.{part}": f"norm.{part}" for part in ("weight", "bias")},
}
_PARTS: Final = ("q", "k", "v")  # the order inside qkv
_INSIDE: Final = {  # module inside a block -> canonical
    **dict.fromkeys(("norm1", "layernorm_before"), "norm1"),
    **dict.fromkeys(("norm2", "layernorm_after"), "norm2"),
    **dict.fromkeys(("qkv", "attn.qkv"), "qkv"),
    **{
        module: part
        for part, word in zip(_PARTS, ("query", "key", "value"), strict=True)
        for module in (f"attention.attention.{word}", f"attention.{part}_proj")
    },
    **dict.fromkeys(("proj", "attn.proj", "attention.output.dense", "attention.o_proj"), "proj"),
    **dict.fromkeys(("fc1", "mlp.fc1", "intermediate.dense", "mlp.up_proj", "mlp.w2"), "fc1"),
    **dict.fromkeys(("fc2", "mlp.fc2", "output.dense", "mlp.down_proj", "mlp.w3"), "fc2"),
    **dict.fromkeys(("gate", "mlp.gate_proj", "mlp.w1"), "gate"),
}
_SCALES: Final = {
    **dict.fromkeys(("ls1.gamma", "layer_scale1.lambda1", "scale1"), "scale1"),
    **dict.fromkeys(("ls2.gamma", "layer_scale2.lambda1", "scale2"), "scale2"),
}
_CANONICAL = re.compile(r"(patch|norm)\.(weight|bias)|cls|positions|registers|descriptor\.(mean|projection)")
_BIAS_MASK = "attn.qkv.bias_mask"  # DINOv3: zero where a bias is not to be used, the keys'


def canonical(tensors: Mapping[str, Array], config: VitConfig) -> Tensors:
    """The model's tensors by canonical name: float32, or int8 with its scale as stored.

    Args:
        tensors: as ``read_tensors`` gives them, in any known layout.
        config: the shape the weights must have; blocks it has but does not run are dropped.

    Raises:
        WeightsRefused: a tensor is missing, unknown or of another shape; the sentence names it.
    """
    named = renamed(tensors)
    not_run = range(config.blocks, config.depth)
    have = {name: tensor for name, tensor in named.items() if _block_of(name) not in not_run}
    wanted = config.shapes() | _optional_shapes(have, config)
    _check_names(have, wanted, config)
    return {
        name: _checked(name, have[name], shape, int8=f"{name}.scale" in wanted)
        for name, shape in wanted.items()
    }


def renamed(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """Canonical names, shapes not checked yet; queries, keys and values joined; parts of training dropped.

    Raises:
        WeightsRefused: a name of no known layout, or two tensors of the same meaning.
    """
    found: dict[str, Array] = {}
    for name, tensor in tensors.items():
        stripped = _WRAPPERS.sub("", name)
        if _UNUSED.match(stripped) or stripped.endswith(_BIAS_MASK):
            continue
        target = _target(stripped)
        if target is None:
            raise WeightsRefused(
                f"the weights hold {name!r}, which no DINO or DINOv2 or DINOv3 has: use a checkpoint of these"
            )
        if target in found:
            raise WeightsRefused(
                f"the weights hold {target!r} twice, also as {name!r}: use a plain checkpoint"
            )
        found[target] = tensor
    _flatten_tokens(found)
    _join_attention(found)
    if any(name.endswith(_BIAS_MASK) for name in tensors):
        _silence_keys(found)
    return found


def _target(name: str) -> str | None:
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    match = _BLOCK.match(name)
    if match is None:
        return name if _CANONICAL.fullmatch(name) else None
    block, rest = f"blocks.{match['block']}", match["rest"]
    if rest in _SCALES:
        return f"{block}.{_SCALES[rest]}"
    module, _, part = rest.removesuffix(".scale").rpartition(".")
    if module not in _INSIDE or part not in ("weight", "bias"):
        return None
    return f"{block}.{_INSIDE[module]}.{part}" + (".scale" if rest.endswith(".scale") else "")


def _flatten_tokens(found: dict[str, Array]) -> None:
    """(1, 1, D) -> (D,), (1, n, D) -> (n, D)."""
    for name in ("cls", "registers", "positions"):
        if name in found and found[name].ndim == 3 and found[name].shape[0] == 1:
            found[name] = found[name][0]
    if "cls" in found and found["cls"].ndim == 2 and found["cls"].shape[0] == 1:
        found["cls"] = found["cls"][0]


def _join_attention(found: dict[str, Array]) -> None:
    """Queries, keys and values, kept apart by transformers, into one qkv."""
    for query in [name for name in found if name.endswith(".q.weight")]:
        block = query.removesuffix(".q.weight")
        for kind in ("weight", "bias"):
            parts = [found.pop(f"{block}.{part}.{kind}", None) for part in _PARTS]
            if kind == "bias" and parts[1] is None and parts[0] is not None:
                parts[1] = np.zeros_like(parts[0])  # DINOv3's keys have none
            try:
                found[f"{block}.qkv.{kind}"] = np.concatenate([part for part in parts if part is not None])
            except ValueError:
                raise WeightsRefused(
                    f"the attention of {block} has parts that do not fit together: fetch the weights again"
                ) from None


def _silence_keys(found: dict[str, Array]) -> None:
    """DINOv3 stores a bias for the keys and multiplies it by zero."""
    for name in [name for name in found if name.endswith(".qkv.bias")]:
        third = len(found[name]) // 3
        found[name] = np.concatenate(
            [found[name][:third], np.zeros_like(found[name][:third]), found[name][2 * third :]]
        )


def _block_of(name: str) -> int:
    match = re.match(r"blocks\.(\d+)\.", name)
    return int(match[1]) if match else -1


def _optional_shapes(have: Mapping[str, Array], config: VitConfig) -> dict[str, Shape]:
    """Scales of int8 matrices, and the descriptor's tensors when either is there."""
    shapes: dict[str, Shape] = {
        f"{name}.scale": tensor.shape[:1]
        for name, tensor in have.items()
        if tensor.dtype == np.int8 and name.split(".")[-2] in QUANTISABLE
    }
    if any(name.startswith("descriptor.") for name in have):
        projection = have.get("descriptor.projection")
        rows = projection.shape[0] if projection is not None and projection.ndim == 2 else config.dimension
        shapes |= {"descriptor.mean": (config.dimension,), "descriptor.projection": (rows, config.dimension)}
    return shapes


def _check_names(have: Mapping[str, Array], wanted: Mapping[str, Shape], config: VitConfig) -> None:
    missing = [name for name in wanted if name not in have]
    left = [name for name in have if name not in wanted]
    what = f"a ViT of {config.blocks} blocks, dimension {config.dimension} and patches of {config.patch} px"
    if missing:
        raise WeightsRefused(
            f"the weights lack {_listed(missing)}, so they are not of {what}: choose the matching model"
        )
    if left:
        raise WeightsRefused(
            f"the weights also hold {_listed(left)}, so they are not of {what}: choose the matching model"
        )


def _listed(names: list[str]) -> str:
    return repr(names[0]) + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def _checked(name: str, tensor: Array, shape: Shape, *, int8: bool) -> Array:
    if tensor.shape != shape:
        raise WeightsRefused(
            f"tensor {name!r} has shape {tensor.shape} instead of {shape}: choose the matching model"
        )
    if int8 and tensor.dtype == np.int8:
        return tensor
    if tensor.dtype.kind != "f":
        raise WeightsRefused(
            f"tensor {name!r} holds {tensor.dtype} instead of real numbers: fetch the weights again"
        )
    numbers = np.ascontiguousarray(tensor, np.float32)
    if not np.isfinite(numbers).all():
        raise WeightsRefused(f"tensor {name!r} holds numbers that are not finite: fetch the weights again")
    return numbers
