"""OpenVINO on the CPU (extra ``openvino``): bf16 where the processor has it, almost for free."""

from __future__ import annotations

import threading
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.features import FloatArray
from dinoscope.models.graph import GRAPH_VERSION, portable_graph
from dinoscope.models.graph_cache import GraphKey, cached, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BATCH = 8  # pictures at once
_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenvinoNetwork:
    """A portable graph, compiled at first use: once for all outputs, once for the descriptor alone."""

    def __init__(self, graph: Path | bytes, precision: str, threads: int) -> None:
        import openvino

        self._core = openvino.Core()
        self._graph = graph
        self._options = {"INFERENCE_PRECISION_HINT": _HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            self._options["INFERENCE_NUM_THREADS"] = str(threads)
        self._compiling = threading.Lock()

    def full(self, inputs: Inputs) -> Outputs:
        """Descriptor, patches and attention."""
        with self._compiling:
            compiled = self._full
        named = [compiled.output(name) for name in ("cls", "patch_tokens", "attention")]
        return Outputs(*_infer(compiled, inputs, named))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone: the last block runs for one token."""
        with self._compiling:
            compiled = self._cls
        return _infer(compiled, inputs, [compiled.output(0)])[0]

    @cached_property
    def _full(self) -> Any:
        return self._core.compile_model(self._model(), "CPU", self._options)

    @cached_property
    def _cls(self) -> Any:
        import openvino

        model = self._model()
        short = openvino.Model([model.output("cls").node], model.get_parameters())
        return self._core.compile_model(short, "CPU", self._options)

    def _model(self) -> Any:
        if isinstance(self._graph, bytes):
            return self._core.read_model(self._graph)
        return self._core.read_model(str(self._graph))


def _infer(compiled: Any, inputs: Inputs, outputs: list[Any]) -> list[FloatArray]:
    request = compiled.create_infer_request()  # one a call: requests are not shared between threads
    found = request.infer({"patches": inputs.patches, **inputs.places})
    return [np.array(found[output], np.float32) for output in outputs]


def open_backbone(request: Request) -> VitBackbone:
    """The model in OpenVINO."""
    from dinoscope.models.onnx_runtime import usable_threads

    key = GraphKey(request.identity.weights, "portable", request.card.config, f"g{GRAPH_VERSION}")
    graph: Path | bytes
    if found := cached(request.graphs, key):
        graph, tables = found
    else:
        tensors = request.tensors()
        tables = Tables.of(tensors)
        built = portable_graph(request.card.config, tensors)
        graph = keep(request.graphs, key, built, tables) or built
    network = OpenvinoNetwork(graph, request.identity.precision, usable_threads(request.threads))
    return VitBackbone(request.identity, request.card, tables, network, BATCH)
