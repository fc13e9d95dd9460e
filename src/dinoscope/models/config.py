"""The shape of a vision transformer, and the one set of tensor names every runtime reads.

Canonical tensors, float32 unless said otherwise (D dimension, F ``config.hidden``, p patch, R registers):

====================================  =====================  ==============================================
name                                  shape                  there when
====================================  =====================  ==============================================
``patch.weight``, ``patch.bias``      (D, 3, p, p), (D,)     always; channels are R, G, B
``cls``                               (D,)                   always
``registers``                         (R, D)                 registers > 0
``positions``                         (1 + rows*columns, D)  positions != "rope"; row 0 is the CLS token's
``blocks.{i}.norm1.weight``/``bias``  (D,)                   always, 0 <= i < blocks
``blocks.{i}.qkv.weight``/``bias``    (3D, D), (3D,)         always: queries, keys, values, heads in order;
                                                             a bias the model lacks is zero (DINOv3's keys)
``blocks.{i}.proj.weight``/``bias``   (D, D), (D,)           always
``blocks.{i}.scale1``, ``scale2``     (D,)                   layer_scale
``blocks.{i}.norm2.weight``/``bias``  (D,)                   always
``blocks.{i}.gate.weight``/``bias``   (F, D), (F,)           swiglu: the branch that goes through SiLU
``blocks.{i}.fc1.weight``/``bias``    (F, D), (F,)           always; with swiglu the linear branch ("up")
``blocks.{i}.fc2.weight``/``bias``    (D, F), (D,)           always
``norm.weight``/``bias``              (D,)                   always, applied after the last block run
``descriptor.mean``                   (D,)                   optional, together with the projection
``descriptor.projection``             (E, D)                 optional: unit(projection @ (cls - mean))
====================================  =====================  ==============================================

Any of the matrices ``qkv``, ``proj``, ``gate``, ``fc1``, ``fc2`` may be int8 instead. Then
``{name}.weight.scale`` of shape (rows,), float32, sits beside it and W = int8 * scale[:, None].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

PositionRule = Literal["offset", "plain", "antialias", "rope"]
Tensors = Mapping[str, NDArray[Any]]
Shape = tuple[int, ...]

QUANTISABLE = ("qkv", "proj", "gate", "fc1", "fc2")  # matrices of a block that may be stored as int8


@dataclass(frozen=True, slots=True)
class VitConfig:
    """A DINO, DINOv2 or DINOv3 vision transformer: pre-norm blocks over CLS, registers and patches."""

    dimension: int  # D, a multiple of heads
    depth: int  # blocks in the checkpoint
    heads: int
    patch: int  # side of a patch, pixels
    positions: PositionRule = "offset"  # how positions are stretched to a grid, see models.positions
    position_grid: tuple[int, int] = (0, 0)  # (rows, columns) the positions were trained at; unused by rope
    registers: int = 0
    layer_scale: bool = False
    swiglu: bool = False
    mlp_ratio: float = 4.0  # hidden / dimension
    norm_eps: float = 1e-6  # DINOv3: 1e-5
    rope_theta: float = 100.0  # base of the rotary periods, used by "rope" only
    use_blocks: int = 0  # how many blocks to run before the final norm; 0 runs them all

    @property
    def hidden(self) -> int:
        """Width of the feed-forward layer."""
        return round(self.dimension * self.mlp_ratio)

    @property
    def head_dimension(self) -> int:
        return self.dimension // self.heads

    @property
    def blocks(self) -> int:
        """How many blocks are run, hence how many ``blocks.{i}`` a file must hold."""
        return self.use_blocks or self.depth

    @property
    def prefix(self) -> int:
        """Tokens before the patches: CLS and the registers."""
        return 1 + self.registers

    @property
    def rope(self) -> bool:
        return self.positions == "rope"

    def shapes(self) -> dict[str, Shape]:
        """Name -> shape of every canonical tensor this model needs, in order; the optional ones left out."""
        d, rows_columns = self.dimension, self.position_grid[0] * self.position_grid[1]
        shapes: dict[str, Shape] = {
            "patch.weight": (d, 3, self.patch, self.patch),
            "patch.bias": (d,),
            "cls": (d,),
        }
        if self.registers:
            shapes["registers"] = (self.registers, d)
        if not self.rope:
            shapes["positions"] = (1 + rows_columns, d)
        for block in range(self.blocks):
            shapes |= {f"blocks.{block}.{name}": shape for name, shape in self._block_shapes().items()}
        return shapes | {"norm.weight": (d,), "norm.bias": (d,)}

    def _block_shapes(self) -> dict[str, Shape]:
        d, f = self.dimension, self.hidden
        shapes: dict[str, Shape] = {"norm1.weight": (d,), "norm1.bias": (d,)}
        shapes |= {"qkv.weight": (3 * d, d), "qkv.bias": (3 * d,), "proj.weight": (d, d), "proj.bias": (d,)}
        shapes |= {"norm2.weight": (d,), "norm2.bias": (d,)}
        if self.swiglu:
            shapes |= {"gate.weight": (f, d), "gate.bias": (f,)}
        shapes |= {"fc1.weight": (f, d), "fc1.bias": (f,), "fc2.weight": (d, f), "fc2.bias": (d,)}
        return shapes | ({"scale1": (d,), "scale2": (d,)} if self.layer_scale else {})


def config_of(values: Mapping[str, Any]) -> VitConfig:
    """The configuration that ``dataclasses.asdict`` made these values of, through JSON or not.

    Raises:
        ValueError, TypeError, KeyError: other keys, or values that make no sense.
    """
    if values.keys() != {field.name for field in fields(VitConfig)}:
        raise ValueError("other keys")
    if values["positions"] not in get_args(PositionRule):
        raise ValueError("no rule for positions")
    rows, columns = values["position_grid"]
    return VitConfig(**{**values, "position_grid": (rows, columns)})


def dense(tensors: Tensors, name: str) -> NDArray[np.float32]:
    """The tensor as float32, an int8 matrix multiplied out by its scales."""
    tensor = tensors[name]
    if tensor.dtype == np.int8:
        return np.asarray(tensor * tensors[f"{name}.scale"][:, None], np.float32)
    return np.asarray(tensor, np.float32)
