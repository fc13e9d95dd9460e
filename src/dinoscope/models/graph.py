"""A vision transformer as an ONNX graph, written node by node from canonical tensors, without torch.

Inputs, all float32:
    ``patches``: (batch, N, 3 * patch * patch) from ``preprocess.prepared``
    ``positions``: (N, D) from ``positions.stretched``, or, with rotary positions,
    ``cosines`` and ``sines``: (prefix + N, head dimension) from ``positions.rotary``
Outputs:
    ``cls``: (batch, D) the CLS token after the final norm
    ``patch_tokens``: (batch, N, D) the patch tokens after the final norm
    ``attention``: (batch, heads, N) what CLS gives to each patch in the last block

In the last block the CLS token and the patches go separate ways, so that a runtime asked for ``cls``
alone skips four fifths of that block (7 % of ViT-S). Scales of LayerScale and of the attention are
multiplied into the weights: no operation is spent on them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.models.config import Tensors, VitConfig, dense
from dinoscope.models.quantise import LIMIT, int8_matrix

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

GRAPH_VERSION = 1  # raise it when the same weights would give another graph: cached ones are then remade
_OPSET, _IR = 20, 10

Linear = Callable[["_Graph", str, str, "slice | None"], str]
Attend = Callable[["_Graph", str, str, str], str]


def float_graph(config: VitConfig, tensors: Tensors) -> bytes:
    """fp32 for ONNX Runtime, with its fused attention."""
    return _vit(config, tensors, _float_linear, _fused_attention)


def portable_graph(config: VitConfig, tensors: Tensors) -> bytes:
    """fp32 in standard operators only, for any other runtime."""
    return _vit(config, tensors, _float_linear, _plain_attention)


def int8_graph(config: VitConfig, tensors: Tensors) -> bytes:
    """Block matrices in int8 for ONNX Runtime; patch embedding, norms and attention stay fp32."""
    return _vit(config, tensors, _int8_linear, _fused_attention)


def _vit(config: VitConfig, tensors: Tensors, linear: Linear, attend: Attend) -> bytes:
    graph = _Graph(config, tensors)
    tokens = _embedding(graph)
    for block in range(config.blocks - 1):
        tokens = _block(graph, f"blocks.{block}", tokens, linear, attend)
    _last_block(graph, f"blocks.{config.blocks - 1}", tokens, linear)
    return graph.serialised()


def _embedding(graph: _Graph) -> str:
    config, tensors = graph.config, graph.tensors
    kernel = dense(tensors, "patch.weight").reshape(config.dimension, -1)
    patches = graph.op("MatMul", "patches", graph.constant("patch.weight", kernel.T))
    patches = graph.op("Add", patches, graph.constant("patch.bias", dense(tensors, "patch.bias")))
    first = dense(tensors, "cls")[None]
    if not config.rope:
        patches = graph.op("Add", patches, "positions")
        first = first + dense(tensors, "positions")[:1]
    prefix = np.concatenate([first, dense(tensors, "registers")]) if config.registers else first
    batch = graph.op("Shape", "patches", start=0, end=1)
    shape = graph.op("Concat", batch, graph.integers(*prefix.shape), axis=0)
    return graph.op(
        "Concat", graph.op("Expand", graph.constant("prefix", prefix[None]), shape), patches, axis=1
    )


def _block(graph: _Graph, block: str, tokens: str, linear: Linear, attend: Attend) -> str:
    normed = _norm(graph, tokens, f"{block}.norm1")
    queries, keys, values = graph.split(linear(graph, normed, f"{block}.qkv", None), 3)
    attended = attend(graph, _turned(graph, queries), _turned(graph, keys), values)
    return _rest_of_block(graph, block, tokens, attended, linear)


def _rest_of_block(graph: _Graph, block: str, tokens: str, attended: str, linear: Linear) -> str:
    tokens = graph.op("Add", tokens, linear(graph, attended, f"{block}.proj", None))
    normed = _norm(graph, tokens, f"{block}.norm2")
    if graph.config.swiglu:
        gate = linear(graph, normed, f"{block}.gate", None)
        gate = graph.op("Mul", gate, graph.op("Sigmoid", gate))
        hidden = graph.op("Mul", gate, linear(graph, normed, f"{block}.fc1", None))
    else:
        hidden = graph.op("Gelu", linear(graph, normed, f"{block}.fc1", None))
    return graph.op("Add", tokens, linear(graph, hidden, f"{block}.fc2", None))


def _last_block(graph: _Graph, block: str, tokens: str, linear: Linear) -> None:
    config = graph.config
    normed = _norm(graph, tokens, f"{block}.norm1")
    keys, values = graph.split(
        linear(graph, normed, f"{block}.qkv", slice(config.dimension, 3 * config.dimension)), 2
    )
    keys = _heads(graph, _turned(graph, keys), (0, 2, 3, 1))
    values = _heads(graph, values, (0, 2, 1, 3))
    for start, stop in ((0, 1), (config.prefix, 2**31)):
        here = graph.part(normed, start, stop)
        queries = linear(graph, here, f"{block}.qkv", slice(0, config.dimension))
        queries = _heads(graph, _turned(graph, queries, (start, stop)), (0, 2, 1, 3))
        weights = graph.op("Softmax", graph.op("MatMul", queries, keys), axis=-1)
        attended = _merged(graph, graph.op("MatMul", weights, values))
        out = _rest_of_block(graph, block, graph.part(tokens, start, stop), attended, linear)
        out = _norm(graph, out, "norm")
        if start == 0:
            graph.output("cls", graph.op("Squeeze", out, graph.integers(1)))
            to_patches = graph.part(weights, config.prefix, 2**31, axis=3)
            graph.output("attention", graph.op("Squeeze", to_patches, graph.integers(2)))
        else:
            graph.output("patch_tokens", out)


def _norm(graph: _Graph, tokens: str, name: str) -> str:
    weight = graph.constant(f"{name}.weight", dense(graph.tensors, f"{name}.weight"))
    bias = graph.constant(f"{name}.bias", dense(graph.tensors, f"{name}.bias"))
    return graph.op("LayerNormalization", tokens, weight, bias, epsilon=graph.config.norm_eps)


def _turned(graph: _Graph, tokens: str, part: tuple[int, int] | None = None) -> str:
    """Rotary positions on queries or keys (batch, tokens, D) of all tokens or those in ``part``."""
    config = graph.config
    if not config.rope:
        return tokens
    table = {name: name if part is None else graph.part(name, *part, axis=0) for name in ("cosines", "sines")}
    cosines, sines = (graph.op("Unsqueeze", table[name], graph.integers(1)) for name in ("cosines", "sines"))
    heads = graph.op("Reshape", tokens, graph.integers(0, 0, config.heads, config.head_dimension))
    left, right = graph.split(heads, 2)
    swapped = graph.op("Concat", right, left, axis=-1)
    turned = graph.op("Add", graph.op("Mul", heads, cosines), graph.op("Mul", swapped, sines))
    return graph.op("Reshape", turned, graph.integers(0, 0, config.dimension))


def _heads(graph: _Graph, tokens: str, order: tuple[int, ...]) -> str:
    """(batch, tokens, D) -> (batch, tokens, heads, head dimension) transposed to ``order``."""
    config = graph.config
    split = graph.op("Reshape", tokens, graph.integers(0, 0, config.heads, config.head_dimension))
    return graph.op("Transpose", split, perm=list(order))


def _merged(graph: _Graph, heads: str) -> str:
    """(batch, heads, tokens, head dimension) -> (batch, tokens, D)."""
    joined = graph.op("Transpose", heads, perm=[0, 2, 1, 3])
    return graph.op("Reshape", joined, graph.integers(0, 0, graph.config.dimension))


def _plain_attention(graph: _Graph, queries: str, keys: str, values: str) -> str:
    scores = graph.op("MatMul", _heads(graph, queries, (0, 2, 1, 3)), _heads(graph, keys, (0, 2, 3, 1)))
    weights = graph.op("Softmax", scores, axis=-1)
    return _merged(graph, graph.op("MatMul", weights, _heads(graph, values, (0, 2, 1, 3))))


def _fused_attention(graph: _Graph, queries: str, keys: str, values: str) -> str:
    """ONNX Runtime's own operator: 5-15 % of ViT-S faster than the plain one, on one core."""
    return graph.op(
        "MultiHeadAttention", queries, keys, values, domain=_FUSED, num_heads=graph.config.heads, scale=1.0
    )


_FUSED = "com.microsoft"


def _float_linear(graph: _Graph, tokens: str, name: str, rows: slice | None) -> str:
    rows = rows or slice(None)
    gain = _gain(graph, name)[rows]
    label = _label(name, rows)
    weight = dense(graph.tensors, f"{name}.weight")[rows] * gain[:, None]
    product = graph.op("MatMul", tokens, graph.constant(f"{label}.weight", weight.T))
    return graph.op("Add", product, graph.constant(f"{label}.bias", _bias(graph, name, rows, gain)))


def _int8_linear(graph: _Graph, tokens: str, name: str, rows: slice | None) -> str:
    """Each token is scaled by its own largest magnitude, so a result depends on no other picture.

    ONNX Runtime's DynamicQuantizeLinear takes one scale for a whole batch: 10 % faster, but a picture's
    vector would then change with its neighbours in the batch, and a token with large values (DINOv2 has
    some) would coarsen all others.
    """
    rows = rows or slice(None)
    gain = _gain(graph, name)[rows]
    label = _label(name, rows)
    matrix = int8_matrix(graph.tensors, f"{name}.weight")
    largest = graph.op("ReduceMax", graph.op("Abs", tokens), graph.integers(-1), keepdims=1)
    largest = graph.op("Max", largest, graph.constant("tiny", np.float32(1e-30)))
    steps = graph.op("Div", graph.constant("limit", np.float32(LIMIT)), largest)
    # uint8 around 128 because the CPU's dot products take unsigned times signed; + 0.5 rounds
    shifted = graph.op("Add", graph.op("Mul", tokens, steps), graph.constant("middle", np.float32(128.5)))
    product = graph.op(
        "MatMulInteger",
        graph.op("Cast", shifted, to=_UINT8),
        graph.constant(f"{label}.weight", matrix.values[rows].T),
        graph.constant("zero.tokens", np.uint8(128)),
        graph.constant("zero.weights", np.int8(0)),
    )
    scales = graph.constant(f"{label}.scale", matrix.scales[rows] * gain / np.float32(LIMIT))
    scaled = graph.op("Mul", graph.op("Mul", graph.op("Cast", product, to=_FLOAT), largest), scales)
    return graph.op("Add", scaled, graph.constant(f"{label}.bias", _bias(graph, name, rows, gain)))


_FLOAT, _UINT8 = 1, 2  # onnx.TensorProto's numbers


def _gain(graph: _Graph, name: str) -> FloatArray:
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


def _bias(graph: _Graph, name: str, rows: slice, gain: FloatArray) -> FloatArray:
    return np.asarray(dense(graph.tensors, f"{name}.bias")[rows] * gain, np.float32)


def _label(name: str, rows: slice) -> str:
    return name if rows == slice(None) else f"{name}[{rows.start}:{rows.stop}]"


class _Graph:
    """Nodes and constants as they are written; values are handled by their names."""

    def __init__(self, config: VitConfig, tensors: Tensors) -> None:
        self.config = config
        self.tensors = tensors
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._outputs: list[str] = []

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output and return the output's name."""
        return self._append(kind, inputs, 1, domain, attributes)[0]

    def split(self, value: str, parts: int) -> list[str]:
        """Equal parts along the last axis."""
        return self._append("Split", (value,), parts, "", {"axis": -1, "num_outputs": parts})

    def part(self, value: str, start: int, stop: int, axis: int = 1) -> str:
        return self.op("Slice", value, self.integers(start), self.integers(stop), self.integers(axis))

    def constant(self, name: str, value: NDArray[Any] | np.generic) -> str:
        """The name of a constant, stored once however often it is asked for."""
        from onnx import numpy_helper

        if name not in self._constants:
            self._constants[name] = numpy_helper.from_array(
                np.ascontiguousarray(value).reshape(value.shape), name
            )
        return name

    def integers(self, *values: int) -> str:
        return self.constant(f"int64{values}", np.asarray(values, np.int64))

    def output(self, name: str, value: str) -> None:
        self._nodes.append(_node("Identity", [value], [name], "", {}))
        self._outputs.append(name)

    def _append(
        self, kind: str, inputs: tuple[str, ...], outputs: int, domain: str, attributes: dict[str, Any]
    ) -> list[str]:
        names = [f"{kind}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(_node(kind, list(inputs), names, domain, attributes))
        return names

    def serialised(self) -> bytes:
        from onnx import helper

        config = self.config
        inputs = {"patches": ["batch", "patches", 3 * config.patch**2]}
        if config.rope:
            inputs |= {name: ["tokens", config.head_dimension] for name in ("cosines", "sines")}
        else:
            inputs["positions"] = ["patches", config.dimension]
        shapes = {
            "cls": ["batch", config.dimension],
            "patch_tokens": ["batch", "patches", config.dimension],
            "attention": ["batch", config.heads, "patches"],
        }
        graph = helper.make_graph(
            self._nodes,
            "vit",
            [helper.make_tensor_value_info(name, _FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, _FLOAT, shapes[name]) for name in self._outputs],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_FUSED, 1)]
        if not any(node.domain == _FUSED for node in self._nodes):
            del opsets[1]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="dinoscope")
        return bytes(model.SerializeToString())


def _node(
    kind: str, inputs: list[str], outputs: list[str], domain: str, attributes: dict[str, Any]
) -> NodeProto:
    from onnx import helper

    return helper.make_node(kind, inputs, outputs, domain=domain, **attributes)
