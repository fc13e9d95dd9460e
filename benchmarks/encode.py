"""Pictures per second of the encoder, by runtime and precision, beside plain ways to run the same network.

    python benchmarks/encode.py [--threads N] [--rounds N] [--batch N] [--cpu]

Promise: embedding runs at the machine's own speed. Compared on a DINOv2 ViT-S/14 of 12 blocks with random
weights (speed does not depend on them) at 224 x 224 pixels. Dinoscope's rows include preprocessing; the
peers' rows are the bare forward pass. GFLOP/s counts a whole forward pass for every row, although
``describe`` skips most of the last block. "of peak" is against the best fp32 matrix product ONNX Runtime
reaches here in the same run, so int8 and bf16 may exceed 1. Peers that are not installed are left out: torch,
transformers and openvino come with ``pip install 'dinoscope[torch,openvino]' transformers``.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.config import VitConfig
from dinoscope.models.graph import portable_graph
from dinoscope.models.graph_writer import GraphWriter
from dinoscope.models.onnx_runtime import OnnxNetwork
from dinoscope.models.positions import stretched
from dinoscope.models.preprocess import prepared
from dinoscope.models.request import Request
from dinoscope.models.runtimes import RUNTIMES
from dinoscope.models.vit_backbone import Inputs

CONFIG = VitConfig(384, 12, 6, 14, "plain", (37, 37), layer_scale=True)
SIDE, GRID = 224, (16, 16)
SIDE_OF_PRODUCT = 2048
CARD = ModelCard("bench", "ViT-S/14", "DINOv2", "none", Source(LOCAL, ""), CONFIG, 0)

Way = Callable[[], object]  # encodes one batch


def main() -> None:
    """Measure all ways in turn, round after round, and keep each one's best: other load then hits all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--cpu", action="store_true", help="CPU seconds, for a busy machine")
    arguments = parser.parse_args()
    pictures = np.random.default_rng(0).integers(0, 256, (arguments.batch, SIDE, SIDE, 3)).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        ways = {**peers(pictures, arguments.threads), **ours(pictures, arguments.threads, Path(folder))}
        best = dict.fromkeys(ways, float("inf"))
        clock = process_time if arguments.cpu else perf_counter
        product, fastest = sgemm(arguments.threads), float("inf")
        for _ in range(arguments.rounds):
            fastest = min(fastest, seconds(product, clock))
            for name, way in ways.items():
                best[name] = min(best[name], seconds(way, clock))
    peak = 2 * SIDE_OF_PRODUCT**3 / fastest / 1e9
    report({name: arguments.batch / value for name, value in best.items()}, peak, arguments)


def random_tensors() -> dict[str, FloatArray]:
    rng = np.random.default_rng(0)
    shapes = CONFIG.shapes().items()
    return {name: (0.05 * rng.standard_normal(shape)).astype(np.float32) for name, shape in shapes}


def ours(pictures: NDArray[np.uint8], threads: int, folder: Path) -> dict[str, Way]:
    """Every runtime and precision that is installed, through the Backbone."""
    ways: dict[str, Way] = {}
    for name, runtime in RUNTIMES.items():
        for precision in runtime.precisions if runtime.installed else ():
            identity = ModelIdentity("bench", "0" * 16, CARD.preprocess.name, precision)
            backbone = runtime.open(Request(CARD, identity, random_tensors, folder, threads))
            ways[f"dinoscope {name} {precision}"] = partial(backbone.describe, list(pictures))
    return ways


def peers(pictures: NDArray[np.uint8], threads: int) -> dict[str, Way]:
    """The plain ways: transformers where it is installed, and an unfused graph in ONNX Runtime."""
    ways: dict[str, Way] = {}
    if find_spec("transformers") and find_spec("torch"):
        ways["transformers Dinov2Model"] = transformers_way(pictures, threads)
    tensors = random_tensors()
    patches = np.stack([prepared(each, CARD.preprocess, CONFIG.patch)[1] for each in pictures])
    places = {"positions": stretched(tensors["positions"], CONFIG.position_grid, GRID, "plain")}
    network = OnnxNetwork(portable_graph(CONFIG, tensors), threads)
    ways["onnxruntime, plain graph"] = lambda: network.full(Inputs(GRID, patches, places))
    return ways


def transformers_way(pictures: NDArray[np.uint8], threads: int) -> Way:
    import torch
    import transformers

    torch.set_num_threads(threads)
    config = transformers.Dinov2Config(hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518)
    model: Any = transformers.Dinov2Model(config).eval()
    pixels = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255)

    def way() -> object:
        with torch.inference_mode():
            return model(pixels)

    return way


def seconds(way: Way, clock: Callable[[], float]) -> float:
    started = clock()
    way()
    return clock() - started


def sgemm(threads: int, size: int = SIDE_OF_PRODUCT) -> Way:
    """A square float32 matrix product in ONNX Runtime, the fastest thing this machine does in fp32."""
    import onnxruntime as ort

    graph = GraphWriter()
    graph.output("c", graph.op("MatMul", "a", graph.constant("b", np.ones((size, size), np.float32))))
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    model = graph.serialised({"a": (size, size)}, {"c": (size, size)})
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {"a": np.ones((size, size), np.float32)})


def flop() -> float:
    """Of one picture's forward pass, a multiplication and an addition counting two."""
    tokens, d = 1 + GRID[0] * GRID[1], CONFIG.dimension
    block = 2 * tokens * (4 * d * d + 2 * d * CONFIG.hidden) + 4 * tokens * tokens * d
    return CONFIG.blocks * block + 2 * (tokens - 1) * 3 * CONFIG.patch**2 * d


def report(rates: dict[str, float], peak: float, arguments: argparse.Namespace) -> None:
    """One table, with ratios to the first peer."""
    reference = next(iter(rates))
    date = datetime.datetime.now().date()
    clock = "CPU" if arguments.cpu else "wall"
    print(f"{processor()}, {arguments.threads} threads, {clock} time, batch {arguments.batch}, {date}")
    print(f"best fp32 matrix product: {peak:.0f} GFLOP/s; {flop() / 1e9:.2f} GFLOP a picture\n")
    print("| way | pictures/s | ms a picture | GFLOP/s | of peak | ratio |")
    print("|---|---|---|---|---|---|")
    for name, rate in rates.items():
        speed = rate * flop() / 1e9
        ratio = rate / rates[reference]
        print(f"| {name} | {rate:.1f} | {1e3 / rate:.1f} | {speed:.0f} | {speed / peak:.2f} | {ratio:.2f} |")
    print(f"\nratio: to {reference}")


def processor() -> str:
    """The processor's name as the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
