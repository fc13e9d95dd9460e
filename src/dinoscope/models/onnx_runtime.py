"""ONNX Runtime on the CPU: the light install's only runtime, in fp32 or int8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dinoscope.features import Facet, FloatArray
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.cores import physical_cores, usable_threads
from dinoscope.models.graph import GRAPH_VERSION, float_graph, inner_names, int8_graph
from dinoscope.models.graph_cache import GraphKey, cached, forget, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BUILDS: dict[str, Callable[[VitConfig, Tensors, bool], bytes]] = {"fp32": float_graph, "int8": int8_graph}
PIECE = 2  # pictures a thread runs at once: int8 takes 51, 51, 52, 55 ms a picture by 1, 2, 4, 8 of them
PIECES = 2  # of a batch for each thread, so that one which is held up does not hold up all


class OnnxNetwork:
    """A graph of ``models.graph`` in ONNX Runtime sessions, which are safe to run from several threads.

    One or a few pictures are run by all threads together, soonest done. Of many, each thread runs its own:
    no thread then waits for another after each of 250 operations, which ONNX Runtime does spinning, and on
    a machine with anything else to do (our decoders, say) for twice the time. The numbers are the same.
    """

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
        self._graph = graph
        self._session = _opened(graph, threads)
        self.threads = threads or physical_cores()
        self._inner = inner
        self._opening = Lock()

    @property
    def batch(self) -> int:
        """Pictures at once that keep all threads busy."""
        return PIECE if self.threads == 1 else PIECE * PIECES * self.threads

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
        count = len(inputs.patches)
        if self.threads == 1 or count < self.threads or (own := self._own_session()) is None:
            return _outputs(self._session, inputs, names)
        size = min(PIECE, -(-count // self.threads))
        pieces = [inputs.patches[start : start + size] for start in range(0, count, size)]
        found = self._pool.map(lambda piece: _outputs(own, replace(inputs, patches=piece), names), pieces)
        return [np.concatenate(parts) for parts in zip(*found, strict=True)]

    def _own_session(self) -> Any:
        """Of one thread, for each thread to run pieces of its own; None where there cannot be one."""
        with self._opening:
            return self._single

    @cached_property
    def _single(self) -> Any:
        try:
            return _opened(self._graph, 1)
        except Exception:  # noqa: BLE001  the cached graph was deleted meanwhile: the session we have is good
            return None

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self.threads, thread_name_prefix="dinoscope-encode")


def open_backbone(request: Request) -> VitBackbone:
    """The model in ONNX Runtime, from its cached graph where there is one."""
    network, tables = _network(request)
    return VitBackbone(request.identity, request.card, tables, network, network.batch, hands=network.threads)


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


def _opened(graph: Path | bytes, threads: int) -> Any:
    """A session; raises whatever ONNX Runtime does."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors: warnings are of no use to a user
    source = graph if isinstance(graph, bytes) else str(graph)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def _outputs(session: Any, inputs: Inputs, names: Sequence[str]) -> list[FloatArray]:
    found = session.run(list(names), {"patches": inputs.patches, **inputs.places})
    return [np.asarray(output, np.float32) for output in found]
