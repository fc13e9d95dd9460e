"""ONNX Runtime on the CPU: the light install's only runtime, in fp32 or int8."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dinoscope.features import Facet, FloatArray
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.graph import GRAPH_VERSION, float_graph, inner_names, int8_graph
from dinoscope.models.graph_cache import GraphKey, cached, forget, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BUILDS: dict[str, Callable[[VitConfig, Tensors, bool], bytes]] = {"fp32": float_graph, "int8": int8_graph}
BATCH = 4  # pictures at once: int8 takes 54, 58, 62 ms a picture by 1, 4, 8 on one core; threads want some


class OnnxNetwork:
    """A graph of ``models.graph`` in an ONNX Runtime session, which is safe to run from several threads."""

    def __init__(
        self, graph: Path | bytes, threads: int, inner: Callable[[], OnnxNetwork] | None = None
    ) -> None:
        """Open the graph.

        Args:
            threads: 0 leaves the number to ONNX Runtime, one for each physical core.
            inner: opens the graph with the inner outputs, when somebody looks inside; None: it is this one.

        Raises:
            Exception: whatever ONNX Runtime raises for a graph it cannot read.
        """
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors: warnings are of no use to a user
        source = graph if isinstance(graph, bytes) else str(graph)
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._inner = inner
        self._opening = Lock()

    def full(self, inputs: Inputs) -> Outputs:
        """Descriptor, patches and attention."""
        return Outputs(*self._run(inputs, "cls", "patch_tokens", "attention"))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone, at the price of all: the whole graph runs whatever is fetched."""
        return self._run(inputs, "cls")[0]

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        """A facet of the patches in a layer, and the attention of CLS; later blocks run, too."""
        with self._opening:
            network = self._opened_inside
        shown, attention = network._run(inputs, *inner_names(layer, facet))
        return shown, attention

    @cached_property
    def _opened_inside(self) -> OnnxNetwork:
        return self if self._inner is None else self._inner()

    def _run(self, inputs: Inputs, *names: str) -> list[FloatArray]:
        outputs = self._session.run(list(names), _feed(inputs))
        return [np.asarray(output, np.float32) for output in outputs]


def open_backbone(request: Request) -> VitBackbone:
    """The model in ONNX Runtime, from its cached graph where there is one."""
    network, tables = _network(request)
    return VitBackbone(request.identity, request.card, tables, network, BATCH)


def _network(request: Request, inner: bool = False) -> tuple[OnnxNetwork, Tables]:
    import onnxruntime as ort

    precision, config = request.identity.precision, request.card.config
    kind = f"inside-{precision}" if inner else precision
    key = GraphKey(request.identity.weights, kind, config, f"g{GRAPH_VERSION}-ort{ort.__version__}")

    def opened(graph: Path | bytes) -> OnnxNetwork:
        later = None if inner else lambda: _network(request, inner=True)[0]
        return OnnxNetwork(graph, usable_threads(request.threads), later)

    if found := cached(request.graphs, key):
        try:
            return opened(found[0]), found[1]
        except Exception:  # noqa: BLE001  a damaged graph: ONNX Runtime's errors have no common base
            forget(request.graphs, key)
    tensors = request.tensors()
    tables = Tables.of(tensors)
    graph = BUILDS[precision](config, tensors, inner)
    del tensors
    return opened(keep(request.graphs, key, graph, tables) or graph), tables


def _feed(inputs: Inputs) -> dict[str, Any]:
    return {"patches": inputs.patches, **inputs.places}


def usable_threads(wanted: int) -> int:
    """``wanted``, or for 0 the cores this process may use where they are fewer than the machine's, else 0."""
    if wanted or not hasattr(os, "sched_getaffinity"):
        return wanted
    allowed = len(os.sched_getaffinity(0))
    return allowed if allowed < (os.cpu_count() or 1) else 0
