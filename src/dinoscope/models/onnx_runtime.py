"""ONNX Runtime, the light install's only runtime: fp32, int8 on the CPU; its CUDA build: fp32 on a GPU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Facet, FloatArray
from dinoscope.models.config import Tensors, VitConfig
from dinoscope.models.cores import physical_cores, usable_threads
from dinoscope.models.devices import AUTO, gpu_of, no_gpu
from dinoscope.models.graph import GRAPH_VERSION, float_graph, inner_names, int8_graph
from dinoscope.models.graph_cache import GraphKey, cached, forget, keep
from dinoscope.models.request import Request
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

BUILDS: dict[str, Callable[[VitConfig, Tensors, bool], bytes]] = {"fp32": float_graph, "int8": int8_graph}
PIECE = 2  # pictures a thread runs at once: int8 takes 51, 51, 52, 55 ms a picture by 1, 2, 4, 8 of them
BATCH_GPU = 64  # pictures at once
CUDA = "CUDAExecutionProvider"
PIECES = 2  # of a batch for each thread, so that one which is held up does not hold up all


class OnnxNetwork:
    """A graph of ``models.graph`` in ONNX Runtime sessions, which are safe to run from several threads.

    One or a few pictures are run by all threads together, soonest done. Of many, each thread runs its own:
    no thread then waits for another after each of 250 operations, which ONNX Runtime does spinning, and on
    a machine with anything else to do (our decoders, say) for twice the time. The numbers are the same.
    A GPU runs a whole batch.
    """

    def __init__(
        self,
        graph: Path | bytes,
        threads: int,
        inner: Callable[[], OnnxNetwork] | None = None,
        gpu: int | None = None,
    ) -> None:
        """Open the graph.

        Args:
            threads: 0 leaves the number to ONNX Runtime, one for each physical core.
            inner: opens the graph with the inner outputs, when somebody looks inside; None: it is this one.
            gpu: its number; where there is none, the CPU is taken, and ``on_gpu`` says so.

        Raises:
            Exception: whatever ONNX Runtime raises for a graph it cannot read.
        """
        self._graph = graph
        self._session = _opened(graph, threads, gpu)
        self.on_gpu = CUDA in self._session.get_providers()
        self.threads = threads or physical_cores()
        self._inner = inner
        self._opening = Lock()

    @property
    def batch(self) -> int:
        """Pictures at once that keep all threads busy, or the GPU."""
        if self.on_gpu:
            return BATCH_GPU
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
        together = self.on_gpu or self.threads == 1 or count < self.threads
        if together or (own := self._own_session()) is None:
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
    """The model in ONNX Runtime, from its cached graph where there is one.

    Raises:
        BadRequest: a GPU is asked for that is not here, or int8 on one.
    """
    network, tables = _network(request)
    if gpu_of(request.device) is not None and not network.on_gpu:
        raise no_gpu("ONNX Runtime", "see to its driver, CUDA and cuDNN")
    return VitBackbone(request.identity, request.card, tables, network, network.batch, hands=network.threads)


def gpu_for(request: Request) -> int | None:
    """The GPU to try; None: the CPU.

    Raises:
        BadRequest: a GPU is asked for, and this ONNX Runtime or precision cannot use any.
    """
    import onnxruntime as ort

    built, fit = CUDA in ort.get_available_providers(), request.identity.precision == "fp32"
    wanted = gpu_of(request.device)
    if wanted is not None and not fit:
        raise BadRequest("int8 is for processors: set precision to fp32, or device to cpu")
    if wanted is not None and not built:
        raise no_gpu("ONNX Runtime", "pip install onnxruntime-gpu in place of onnxruntime")
    return 0 if request.device == AUTO and built and fit else wanted


def _network(request: Request, inner: bool = False) -> tuple[OnnxNetwork, Tables]:
    import onnxruntime as ort

    gpu = gpu_for(request)
    precision, config = request.identity.precision, request.card.config
    kind = f"inside-{precision}" if inner else precision
    key = GraphKey(request.identity.weights, kind, config, f"g{GRAPH_VERSION}-ort{ort.__version__}")

    def opened(graph: Path | bytes) -> OnnxNetwork:
        later = None if inner else lambda: _network(request, inner=True)[0]
        return OnnxNetwork(graph, usable_threads(request.threads), later, gpu)

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


def _opened(graph: Path | bytes, threads: int, gpu: int | None = None) -> Any:
    """A session; raises whatever ONNX Runtime does."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors: warnings are of no use to a user
    source = graph if isinstance(graph, bytes) else str(graph)
    providers: list[Any] = ["CPUExecutionProvider"]
    if gpu is not None:
        providers.insert(0, (CUDA, {"device_id": gpu, "use_tf32": 0}))  # fp32 is to be fp32
    return ort.InferenceSession(source, options, providers=providers)


def _outputs(session: Any, inputs: Inputs, names: Sequence[str]) -> list[FloatArray]:
    found = session.run(list(names), {"patches": inputs.patches, **inputs.places})
    return [np.asarray(output, np.float32) for output in found]
