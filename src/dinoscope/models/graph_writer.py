"""An ONNX graph as it is written: nodes and constants, values handled by their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

FUSED = "com.microsoft"  # the domain of ONNX Runtime's own operators
FLOAT, UINT8 = 1, 2  # onnx.TensorProto's numbers
_OPSET, _IR = 20, 10

Dimensions = Mapping[str, Sequence[str | int]]


class GraphWriter:
    """Appends nodes; ``onnx`` is imported when the first one is written."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """Append a node with one output and return the output's name."""
        return self._append(kind, inputs, 1, domain, attributes)[0]

    def split(self, value: str, parts: int) -> list[str]:
        """Equal parts along the last axis."""
        return self._append("Split", (value,), parts, "", {"axis": -1, "num_outputs": parts})

    def part(self, value: str, start: int, stop: int, axis: int = 1) -> str:
        """value[start:stop] along an axis."""
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
        """A constant int64 vector."""
        return self.constant(f"int64{values}", np.asarray(values, np.int64))

    def output(self, name: str, value: str) -> None:
        """Call a value by the name it is asked for."""
        self._nodes.append(_node("Identity", [value], [name], "", {}))

    def _append(
        self, kind: str, inputs: tuple[str, ...], outputs: int, domain: str, attributes: dict[str, Any]
    ) -> list[str]:
        names = [f"{kind}_{len(self._nodes)}_{index}" for index in range(outputs)]
        self._nodes.append(_node(kind, list(inputs), names, domain, attributes))
        return names

    def serialised(self, inputs: Dimensions, outputs: Dimensions) -> bytes:
        """The model as a file's bytes, without what no output needs; inputs and outputs are float32."""
        from onnx import helper

        nodes, needed = self._needed(outputs)
        graph = helper.make_graph(
            nodes,
            "vit",
            [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
            [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in outputs.items()],
            [value for name, value in self._constants.items() if name in needed],
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        if any(node.domain == FUSED for node in nodes):
            opsets.append(helper.make_opsetid(FUSED, 1))
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="dinoscope")
        return bytes(model.SerializeToString())

    def _needed(self, outputs: Iterable[str]) -> tuple[list[NodeProto], set[str]]:
        """The nodes that these outputs need, in order, and the names of all values they read or make."""
        names, nodes = set(outputs), []
        for node in reversed(self._nodes):
            if not names.isdisjoint(node.output):
                names |= {*node.input, *node.output}
                nodes.append(node)
        return nodes[::-1], names


def _node(
    kind: str, inputs: list[str], outputs: list[str], domain: str, attributes: dict[str, Any]
) -> NodeProto:
    from onnx import helper

    return helper.make_node(kind, inputs, outputs, domain=domain, **attributes)
