"""OpenVINO on the CPU (extra ``openvino``): bf16 where the processor has it, almost for free."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Facet, FloatArray
from dinoscope.models.cores import physical_cores, usable_threads
from dinoscope.models.devices import gpu_of
from dinoscope.models.graph import GRAPH_VERSION, inner_names, portable_graph
from dinoscope.models.graph_cache import GraphKey, cached, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BATCH = 8  # pictures at once
COMPILED = 4  # sets of outputs kept ready; each holds the weights it needs
_HINTS = {"fp32": "f32", "bf16": "bf16"}


class OpenvinoNetwork:
    """A portable graph, compiled at first use for the outputs that are asked for together."""

    def __init__(self, graph: Path | bytes, precision: str, threads: int) -> None:
        import openvino

        self._core = openvino.Core()
        self._graph = graph if isinstance(graph, bytes) else str(graph)
        self._options = {"INFERENCE_PRECISION_HINT": _HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
        if threads:
            self._options["INFERENCE_NUM_THREADS"] = str(threads)
        self._compiling = threading.Lock()
        self._compiled = lru_cache(COMPILED)(self._compile)

    def full(self, inputs: Inputs) -> Outputs:
        """Descriptor, patches and attention."""
        return Outputs(*self._run(inputs, "cls", "patch_tokens", "attention"))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone: the last block runs for one token."""
        return self._run(inputs, "cls")[0]

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        """A facet of the patches in a layer, and the attention of CLS; later blocks do not run."""
        shown, attention = self._run(inputs, *inner_names(layer, facet))
        return shown, attention

    def _run(self, inputs: Inputs, *names: str) -> list[FloatArray]:
        with self._compiling:
            compiled = self._compiled(names)
        request = compiled.create_infer_request()  # one a call: requests are not shared between threads
        found = request.infer({"patches": inputs.patches, **inputs.places})
        return [np.array(found[index], np.float32) for index in range(len(names))]

    def _compile(self, names: tuple[str, ...]) -> Any:
        """0.6 s for ViT-S. What these outputs do not need is not compiled."""
        import openvino

        model = self._core.read_model(self._graph)
        short = openvino.Model([model.output(name).node for name in names], model.get_parameters())
        return self._core.compile_model(short, "CPU", self._options)


def open_backbone(request: Request) -> VitBackbone:
    """The model in OpenVINO.

    Raises:
        BadRequest: a GPU is asked for.
    """
    if gpu_of(request.device) is not None:
        raise BadRequest("the runtime openvino runs on processors: set device to cpu, or runtime to torch")
    key = GraphKey(request.identity.weights, "inside-portable", request.card.config, f"g{GRAPH_VERSION}")
    graph: Path | bytes
    if found := cached(request.graphs, key):
        graph, tables = found
    else:
        tensors = request.tensors()
        tables = Tables.of(tensors)
        built = portable_graph(request.card.config, tensors, inner=True)
        graph = keep(request.graphs, key, built, tables) or built
    threads = usable_threads(request.threads)
    network = OpenvinoNetwork(graph, request.identity.precision, threads)
    hands = threads or physical_cores()
    return VitBackbone(request.identity, request.card, tables, network, BATCH, hands=hands)
