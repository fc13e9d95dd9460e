"""A vision transformer as an ONNX graph, written node by node from canonical tensors, without torch.

Inputs, all float32:
    ``patches``: (batch, N, 3 * patch * patch) from ``preprocess.prepared``
    ``positions``: (N, D) from ``positions.stretched``, or, with rotary positions,
    ``cosines`` and ``sines``: (prefix + N, head dimension) from ``positions.rotary``
Outputs:
    ``cls``: (batch, D) the CLS token after the final norm
    ``patch_tokens``: (batch, N, D) the patch tokens after the final norm
    ``attention``: (batch, heads, N) what CLS gives to each patch in the last block
and, of a graph made with ``inner``, of every block i (``inner_names``):
    ``tokens.{i}``: (batch, N, D) the patch tokens as it leaves them; the last block's after the final norm
    ``queries.{i}``, ``keys.{i}``, ``values.{i}``: (batch, N, D) of the patches in it, before rotary positions
    ``attention.{i}``: (batch, heads, N) what CLS gives to each patch in it

In the last block the CLS token and the patches go separate ways, so that a runtime asked for ``cls``
alone skips four fifths of that block (7 % of ViT-S). Scales of LayerScale and of the attention are
multiplied into the weights: no operation is spent on them. ONNX Runtime always runs the whole graph, and the
inner outputs cost it 4 %, so they are in graphs of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from dinoscope.features import FACETS, Facet
from dinoscope.models.config import Tensors, VitConfig, dense
from dinoscope.models.graph_writer import FUSED, Dimensions
from dinoscope.models.linears import ALL_ROWS, Linear, VitGraph, float_linear, int8_linear
from dinoscope.models.positions import rotary, stretched

GRAPH_VERSION = 2  # raise it when the same weights would give another graph: cached ones are then remade

END = 2**31  # of a slice

# (graph, queries, keys, values) -> what was attended to; all (batch, tokens, D)
Attend = Callable[[VitGraph, str, str, str], str]


def float_graph(config: VitConfig, tensors: Tensors, inner: bool = False) -> bytes:
    """fp32 for ONNX Runtime, with its fused attention."""
    return _vit(config, tensors, float_linear, _fused_attention, inner)


def portable_graph(config: VitConfig, tensors: Tensors, inner: bool = False) -> bytes:
    """fp32 in standard operators only, for any other runtime."""
    return _vit(config, tensors, float_linear, _plain_attention, inner)


def int8_graph(config: VitConfig, tensors: Tensors, inner: bool = False) -> bytes:
    """Block matrices in int8 for ONNX Runtime; patch embedding, norms and attention stay fp32."""
    return _vit(config, tensors, int8_linear, _fused_attention, inner)


def whole_graph(config: VitConfig, tensors: Tensors, grid: tuple[int, int]) -> bytes:
    """fp32 in standard operators for one size of picture, so that another program needs nothing of ours.

    Its only input is ``pictures``: (batch, 3, rows * patch, columns * patch), float32, already normalised;
    its outputs are those above, N being rows * columns of ``grid``.
    """
    graph, (rows, columns), side = VitGraph(config, tensors), grid, config.patch
    tiles = graph.op("Reshape", "pictures", graph.integers(0, 3, rows, side, columns, side))
    tiles = graph.op("Transpose", tiles, perm=[0, 2, 4, 1, 3, 5])
    graph.output("patches", graph.op("Reshape", tiles, graph.integers(0, rows * columns, 3 * side * side)))
    if config.rope:
        tables = rotary(grid, config.prefix, config.head_dimension, config.rope_theta)
        for name, table in zip(("cosines", "sines"), tables, strict=True):
            graph.constant(name, table)
    else:
        learned = dense(tensors, "positions")
        graph.constant("positions", stretched(learned, config.position_grid, grid, config.positions))
    _network(graph, float_linear, _plain_attention)
    inputs = {"pictures": ("batch", 3, rows * side, columns * side)}
    return graph.serialised(inputs, _outputs(config, rows * columns))


def inner_names(layer: int, facet: Facet) -> tuple[str, str]:
    """The outputs that show a facet of the patches, and the attention of CLS, in a layer; 1 is the first."""
    return f"{facet}.{layer - 1}", f"attention.{layer - 1}"


def _vit(config: VitConfig, tensors: Tensors, linear: Linear, attend: Attend, inner: bool) -> bytes:
    graph = VitGraph(config, tensors)
    _network(graph, linear, attend)
    places = {"positions": ("patches", config.dimension)}
    if config.rope:
        places = dict.fromkeys(("cosines", "sines"), ("tokens", config.head_dimension))
    inputs = {"patches": ("batch", "patches", 3 * config.patch**2), **places}
    outputs = _outputs(config, "patches")
    return graph.serialised(inputs, outputs | (_inner_outputs(config, outputs) if inner else {}))


def _network(graph: VitGraph, linear: Linear, attend: Attend) -> None:
    tokens = _embedding(graph)
    for block in range(graph.config.blocks - 1):
        tokens = _block(graph, block, tokens, linear, attend)
    _last_block(graph, graph.config.blocks - 1, tokens, linear)


def _outputs(config: VitConfig, patches: str | int) -> dict[str, Sequence[str | int]]:
    return {
        "cls": ("batch", config.dimension),
        "attention": ("batch", config.heads, patches),
        "patch_tokens": ("batch", patches, config.dimension),
    }


def _inner_outputs(config: VitConfig, outputs: Dimensions) -> dict[str, Sequence[str | int]]:
    found: dict[str, Sequence[str | int]] = {}
    for layer in range(1, config.blocks + 1):
        for facet in FACETS:
            shown, attention = inner_names(layer, facet)
            found |= {shown: outputs["patch_tokens"], attention: outputs["attention"]}
    return found


def _embedding(graph: VitGraph) -> str:
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
    first_tokens = graph.op("Expand", graph.constant("prefix", prefix[None]), shape)
    return graph.op("Concat", first_tokens, patches, axis=1)


def _block(graph: VitGraph, number: int, tokens: str, linear: Linear, attend: Attend) -> str:
    block, prefix = f"blocks.{number}", graph.config.prefix
    normed = _norm(graph, tokens, f"{block}.norm1")
    queries, keys, values = graph.split(linear(graph, normed, f"{block}.qkv", ALL_ROWS), 3)
    turned = _turned(graph, queries), _turned(graph, keys)
    tokens = _rest_of_block(graph, block, tokens, attend(graph, *turned, values), linear)
    shown = {"queries": queries, "keys": keys, "values": values, "tokens": tokens}
    for facet, value in shown.items():
        graph.output(f"{facet}.{number}", graph.part(value, prefix, END))
    cls = _heads(graph, graph.part(turned[0], 0, 1), (0, 2, 1, 3))
    weights = _weights(graph, cls, _heads(graph, turned[1], (0, 2, 3, 1)))
    graph.output(f"attention.{number}", _on_patches(graph, weights))
    return tokens


def _rest_of_block(graph: VitGraph, block: str, tokens: str, attended: str, linear: Linear) -> str:
    tokens = graph.op("Add", tokens, linear(graph, attended, f"{block}.proj", ALL_ROWS))
    normed = _norm(graph, tokens, f"{block}.norm2")
    if graph.config.swiglu:
        gate = linear(graph, normed, f"{block}.gate", ALL_ROWS)
        gate = graph.op("Mul", gate, graph.op("Sigmoid", gate))
        hidden = graph.op("Mul", gate, linear(graph, normed, f"{block}.fc1", ALL_ROWS))
    else:
        hidden = graph.op("Gelu", linear(graph, normed, f"{block}.fc1", ALL_ROWS))
    return graph.op("Add", tokens, linear(graph, hidden, f"{block}.fc2", ALL_ROWS))


def _last_block(graph: VitGraph, number: int, tokens: str, linear: Linear) -> None:
    config, block = graph.config, f"blocks.{number}"
    normed = _norm(graph, tokens, f"{block}.norm1")
    keys, values = graph.split(
        linear(graph, normed, f"{block}.qkv", slice(config.dimension, 3 * config.dimension)), 2
    )
    for facet, value in {"keys": keys, "values": values}.items():
        graph.output(f"{facet}.{number}", graph.part(value, config.prefix, END))
    keys = _heads(graph, _turned(graph, keys), (0, 2, 3, 1))
    values = _heads(graph, values, (0, 2, 1, 3))
    for start, stop in ((0, 1), (config.prefix, END)):
        here = graph.part(normed, start, stop)
        queries = linear(graph, here, f"{block}.qkv", slice(0, config.dimension))
        turned = _heads(graph, _turned(graph, queries, (start, stop)), (0, 2, 1, 3))
        weights = _weights(graph, turned, keys)
        attended = _merged(graph, graph.op("MatMul", weights, values))
        out = _rest_of_block(graph, block, graph.part(tokens, start, stop), attended, linear)
        out = _norm(graph, out, "norm")
        if start == 0:
            graph.output("cls", graph.op("Squeeze", out, graph.integers(1)))
            to_patches = _on_patches(graph, weights)
            graph.output("attention", to_patches)
            graph.output(f"attention.{number}", to_patches)
        else:
            graph.output("patch_tokens", out)
            graph.output(f"tokens.{number}", out)
            graph.output(f"queries.{number}", queries)


def _norm(graph: VitGraph, tokens: str, name: str) -> str:
    weight = graph.constant(f"{name}.weight", dense(graph.tensors, f"{name}.weight"))
    bias = graph.constant(f"{name}.bias", dense(graph.tensors, f"{name}.bias"))
    return graph.op("LayerNormalization", tokens, weight, bias, epsilon=graph.config.norm_eps)


def _turned(graph: VitGraph, tokens: str, part: tuple[int, int] | None = None) -> str:
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


def _heads(graph: VitGraph, tokens: str, order: tuple[int, ...]) -> str:
    """(batch, tokens, D) -> (batch, tokens, heads, head dimension) transposed to ``order``."""
    config = graph.config
    split = graph.op("Reshape", tokens, graph.integers(0, 0, config.heads, config.head_dimension))
    return graph.op("Transpose", split, perm=list(order))


def _merged(graph: VitGraph, heads: str) -> str:
    """(batch, heads, tokens, head dimension) -> (batch, tokens, D)."""
    joined = graph.op("Transpose", heads, perm=[0, 2, 1, 3])
    return graph.op("Reshape", joined, graph.integers(0, 0, graph.config.dimension))


def _weights(graph: VitGraph, queries: str, keys: str) -> str:
    """(batch, heads, tokens, head dimension) and (batch, heads, head dimension, tokens) -> attention."""
    return graph.op("Softmax", graph.op("MatMul", queries, keys), axis=-1)


def _on_patches(graph: VitGraph, weights: str) -> str:
    """(batch, heads, 1, tokens) of CLS -> (batch, heads, N)."""
    to_patches = graph.part(weights, graph.config.prefix, END, axis=3)
    return graph.op("Squeeze", to_patches, graph.integers(2))


def _plain_attention(graph: VitGraph, queries: str, keys: str, values: str) -> str:
    weights = _weights(graph, _heads(graph, queries, (0, 2, 1, 3)), _heads(graph, keys, (0, 2, 3, 1)))
    return _merged(graph, graph.op("MatMul", weights, _heads(graph, values, (0, 2, 1, 3))))


def _fused_attention(graph: VitGraph, queries: str, keys: str, values: str) -> str:
    """ONNX Runtime's own operator: 5-15 % of ViT-S faster than the plain one, on one core."""
    return graph.op(
        "MultiHeadAttention", queries, keys, values, domain=FUSED, num_heads=graph.config.heads, scale=1.0
    )
