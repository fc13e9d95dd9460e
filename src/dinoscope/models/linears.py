"""The matrix products of a block, in fp32 and in int8, as nodes of an ONNX graph."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dinoscope.features import FloatArray
from dinoscope.models.config import Tensors, VitConfig, dense
from dinoscope.models.graph_writer import FUSED, UINT8, GraphWriter
from dinoscope.models.quantise import LIMIT, int8_matrix

ALL_ROWS = slice(None)
GELU_FLOOR = 0.17  # GELU is never below -0.16997


class VitGraph(GraphWriter):
    """A graph, and the model it is written of."""

    def __init__(self, config: VitConfig, tensors: Tensors) -> None:
        super().__init__()
        self.config = config
        self.tensors = tensors


# (graph, tokens, matrix such as "blocks.3.fc1", which of its rows) -> the product
Linear = Callable[[VitGraph, str, str, slice], str]


def float_linear(graph: VitGraph, tokens: str, name: str, rows: slice) -> str:
    """tokens @ W.T + b in fp32."""
    gain, label = _gain(graph, name)[rows], _label(name, rows)
    matrix = dense(graph.tensors, f"{name}.weight")[rows] * gain[:, None]
    product = graph.op("MatMul", tokens, graph.constant(f"{label}.weight", matrix.T))
    return graph.op("Add", product, graph.constant(f"{label}.bias", _bias(graph, name)[rows]))


def int8_linear(graph: VitGraph, tokens: str, name: str, rows: slice) -> str:
    """The same with int8 weights and uint8 tokens, each token with a step of its own.

    So a result depends on no other picture. ONNX Runtime's DynamicQuantizeLinear takes one step for a
    whole batch: 13 % faster, but a picture's vector would change with its neighbours, and one token with
    large values (DINOv2 has some) would coarsen all others.
    """
    gain, label = _gain(graph, name)[rows], _label(name, rows)
    matrix = int8_matrix(graph.tensors, f"{name}.weight")
    values, scales = matrix.values[rows], matrix.scales[rows] * gain
    bias = _bias(graph, name)[rows]
    if name.endswith("fc2") and not graph.config.swiglu:
        quantised, step, zero = _from_floor(graph, tokens, GELU_FLOOR)
        bias = bias - np.float32(GELU_FLOOR) * (values.sum(axis=1, dtype=np.float32) * scales)
    else:
        quantised, step, zero = _around_zero(graph, tokens)
    product = graph.op(
        "MatMulIntegerToFloat",
        quantised,
        graph.constant(f"{label}.weight", values.T),
        graph.constant("one", np.float32(1)),
        graph.constant(f"{label}.scale", scales),
        graph.constant(f"zero.{zero}", np.uint8(zero)),
        graph.constant("zero.weights", np.int8(0)),
        domain=FUSED,
    )
    scaled = graph.op("Mul", product, step)
    return graph.op("Add", scaled, graph.constant(f"{label}.bias", bias))


def _around_zero(graph: GraphWriter, tokens: str) -> tuple[str, str, int]:
    """uint8 tokens = 128 + token / step. Unsigned, for CPUs multiply unsigned by signed bytes fastest."""
    largest = graph.op("ReduceMax", graph.op("Abs", tokens), graph.integers(-1), keepdims=1)
    step = graph.op("Mul", largest, graph.constant("1/127", np.float32(1 / LIMIT)))
    step = graph.op("Max", step, graph.constant("tiny", np.float32(1e-30)))
    return _stepped(graph, tokens, step, 128), step, 128


def _from_floor(graph: GraphWriter, tokens: str, floor: float) -> tuple[str, str, int]:
    """uint8 tokens = (token + floor) / step, for tokens never below -floor: twice as fine as around zero.

    The product is then too large by floor * the sum of each row of W, which the bias takes off.
    """
    lifted = graph.op("Add", tokens, graph.constant("floor", np.float32(floor)))
    largest = graph.op("ReduceMax", lifted, graph.integers(-1), keepdims=1)
    step = graph.op("Mul", largest, graph.constant("1/255", np.float32(1 / 255)))
    return _stepped(graph, lifted, step, 0), step, 0


def _stepped(graph: GraphWriter, tokens: str, step: str, zero: int) -> str:
    inverse = graph.op("Reciprocal", step)
    middle = graph.constant(f"middle.{zero}", np.float32(zero + 0.5))  # the cast cuts off: + 0.5 rounds
    return graph.op("Cast", graph.op("Add", graph.op("Mul", tokens, inverse), middle), to=UINT8)


def _gain(graph: VitGraph, name: str) -> FloatArray:
    """(rows,) what the matrix's outputs are multiplied by: LayerScale, or 1/sqrt(d) for the queries."""
    config, (block, kind) = graph.config, name.rsplit(".", 1)
    if kind == "qkv":
        gain = np.ones(3 * config.dimension, np.float32)
        gain[: config.dimension] = config.head_dimension**-0.5
        return gain
    scale = {"proj": "scale1", "fc2": "scale2"}.get(kind)
    if scale and config.layer_scale:
        return dense(graph.tensors, f"{block}.{scale}")
    return np.ones(graph.tensors[f"{name}.weight"].shape[0], np.float32)


def _bias(graph: VitGraph, name: str) -> FloatArray:
    return np.asarray(dense(graph.tensors, f"{name}.bias") * _gain(graph, name), np.float32)


def _label(name: str, rows: slice) -> str:
    return name if rows == ALL_ROWS else f"{name}[{rows.start}:{rows.stop}]"
