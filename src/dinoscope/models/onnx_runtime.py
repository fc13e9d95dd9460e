"""ONNX Runtime on the CPU: the light install's only runtime, in fp32 or int8."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.features import FloatArray
from dinoscope.models.graph import GRAPH_VERSION, float_graph, int8_graph
from dinoscope.models.graph_cache import Build, GraphKey, cached, forget, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BUILDS: dict[str, Build] = {"fp32": float_graph, "int8": int8_graph}
BATCH = 4  # pictures at once: int8 takes 54, 58, 62 ms a picture by 1, 4, 8 on one core; threads want some


class OnnxNetwork:
    """A graph of ``models.graph`` in an ONNX Runtime session, which is safe to run from several threads."""

    def __init__(self, graph: Path | bytes, threads: int) -> None:
        """``threads``: 0 leaves the number to ONNX Runtime, one for each physical core.

        Raises:
            Exception: whatever ONNX Runtime raises for a graph it cannot read.
        """
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors: warnings are of no use to a user
        source = graph if isinstance(graph, bytes) else str(graph)
        self._session = ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._only_needed = ort.RunOptions()
        self._only_needed.only_execute_path_to_fetches = True

    def full(self, inputs: Inputs) -> Outputs:
        """Descriptor, patches and attention."""
        outputs = self._session.run(["cls", "patch_tokens", "attention"], _feed(inputs))
        return Outputs(*(np.asarray(output, np.float32) for output in outputs))

    def cls(self, inputs: Inputs) -> FloatArray:
        """The descriptor alone: the last block runs for one token."""
        output = self._session.run(["cls"], _feed(inputs), self._only_needed)[0]
        return np.asarray(output, np.float32)


def open_backbone(request: Request) -> VitBackbone:
    """The model in ONNX Runtime, from its cached graph where there is one."""
    network, tables = _network(request)
    return VitBackbone(request.identity, request.card, tables, network, BATCH)


def _network(request: Request) -> tuple[OnnxNetwork, Tables]:
    import onnxruntime as ort

    built_by = f"g{GRAPH_VERSION}-ort{ort.__version__}"
    key = GraphKey(request.identity.weights, request.identity.precision, request.card.config, built_by)
    threads = usable_threads(request.threads)
    found = cached(request.graphs, key)
    if found:
        try:
            return OnnxNetwork(found[0], threads), found[1]
        except Exception:  # noqa: BLE001  a damaged graph: ONNX Runtime's errors have no common base
            forget(request.graphs, key)
    tensors = request.tensors()
    tables = Tables.of(tensors)
    graph = BUILDS[request.identity.precision](request.card.config, tensors)
    del tensors
    return OnnxNetwork(keep(request.graphs, key, graph, tables) or graph, threads), tables


def _feed(inputs: Inputs) -> dict[str, Any]:
    return {"patches": inputs.patches, **inputs.places}


def usable_threads(wanted: int) -> int:
    """``wanted``, or for 0 the cores this process may use where they are fewer than the machine's, else 0."""
    if wanted or not hasattr(os, "sched_getaffinity"):
        return wanted
    allowed = len(os.sched_getaffinity(0))
    return allowed if allowed < (os.cpu_count() or 1) else 0
