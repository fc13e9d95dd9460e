"""Pictures per second of the encoder, by runtime and precision, beside plain ways to run the same network.

    python benchmarks/encode.py [--threads N] [--rounds N] [--batch N] [--cpu]

Promise: embedding runs at the machine's own speed. Compared on a DINOv2 ViT-S/14 of 12 blocks with random
weights (speed does not depend on them) at 224 x 224 pixels. Dinoscope's rows include preprocessing; the
peers' rows are the bare forward pass. GFLOP/s counts a whole forward pass for every row, although
``describe`` skips most of the last block in torch and OpenVINO. "of fp32" is against the best fp32 matrix
product of 2048 x 2048 that ONNX Runtime reaches here in the same run, so int8 and bf16 may exceed 1. "of the
limit" is against the time that the row's own arithmetic would take at the machine's peak for it, measured
likewise (uint8 by int8 in ONNX Runtime, bf16 in torch): an int8 network's block matrices are int8, the rest
of it fp32. Peers that are not installed are left out: torch, transformers and openvino come with
``pip install 'dinoscope[torch,openvino]' transformers``.
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
from dinoscope.models.graph_writer import FLOAT, UINT8, GraphWriter
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
        products = {"fp32": sgemm(arguments.threads), "int8": igemm(arguments.threads)}
        if find_spec("torch"):
            products["bf16"] = bgemm()
        fastest = dict.fromkeys(products, float("inf"))
        for _ in range(arguments.rounds):
            for kind, product in products.items():
                fastest[kind] = min(fastest[kind], seconds(product, clock))
            for name, way in ways.items():
                best[name] = min(best[name], seconds(way, clock))
    peaks = {kind: 2 * SIDE_OF_PRODUCT**3 / value / 1e9 for kind, value in fastest.items()}
    report({name: arguments.batch / value for name, value in best.items()}, peaks, arguments)


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
        for precision in ("fp32", "bf16"):
            name = f"transformers Dinov2Model {precision}"
            ways[name] = transformers_way(pictures, threads, precision)
    tensors = random_tensors()
    patches = np.stack([prepared(each, CARD.preprocess, CONFIG.patch)[1] for each in pictures])
    places = {"positions": stretched(tensors["positions"], CONFIG.position_grid, GRID, "plain")}
    network = OnnxNetwork(portable_graph(CONFIG, tensors), threads)
    ways["onnxruntime, plain graph"] = lambda: network.full(Inputs(GRID, patches, places))
    return ways


def transformers_way(pictures: NDArray[np.uint8], threads: int, precision: str) -> Way:
    import torch
    import transformers

    torch.set_num_threads(threads)
    config = transformers.Dinov2Config(hidden_size=384, num_attention_heads=6, patch_size=14, image_size=518)
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    model: Any = transformers.Dinov2Model(config).eval().to(kind)
    pixels = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float32) / 255).to(kind)

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
    return product_way(graph, threads, size, ort.SessionOptions())


def igemm(threads: int, size: int = SIDE_OF_PRODUCT) -> Way:
    """The same of uint8 by int8, which takes 3 % of its time to make the one input uint8."""
    import onnxruntime as ort

    graph = GraphWriter()
    given = graph.op("Cast", "a", to=UINT8)
    product = graph.op("MatMulInteger", given, graph.constant("b", np.ones((size, size), np.int8)))
    graph.output("c", graph.op("Cast", graph.part(product, 0, 1, axis=0), to=FLOAT))
    return product_way(graph, threads, size, ort.SessionOptions())


def product_way(graph: GraphWriter, threads: int, size: int, options: Any) -> Way:
    import onnxruntime as ort

    options.intra_op_num_threads = threads
    model = graph.serialised({"a": (size, size)}, {"c": ("rows", size)})
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return partial(session.run, None, {"a": np.ones((size, size), np.float32)})


def bgemm(size: int = SIDE_OF_PRODUCT) -> Way:
    """The same of bf16, in torch."""
    import torch

    a = torch.ones(size, size, dtype=torch.bfloat16)
    return partial(torch.mm, a, a)


def flop() -> float:
    """Of one picture's forward pass, a multiplication and an addition counting two."""
    return matrices() + others()


def matrices() -> float:
    """Of that, the products with the blocks' matrices."""
    tokens, d = 1 + GRID[0] * GRID[1], CONFIG.dimension
    return CONFIG.blocks * 2 * tokens * (4 * d * d + 2 * d * CONFIG.hidden)


def others() -> float:
    """And the rest: attention, and the patches' embedding."""
    tokens, d = 1 + GRID[0] * GRID[1], CONFIG.dimension
    return CONFIG.blocks * 4 * tokens * tokens * d + 2 * (tokens - 1) * 3 * CONFIG.patch**2 * d


def limit(name: str, peaks: dict[str, float]) -> float:
    """Pictures a second at the peak of the arithmetic that a way uses; nan where it was not measured."""
    if name.endswith("int8"):
        return 1e9 / (matrices() / peaks["int8"] + others() / peaks["fp32"])
    return 1e9 * peaks.get("bf16" if name.endswith("bf16") else "fp32", float("nan")) / flop()


def report(rates: dict[str, float], peaks: dict[str, float], arguments: argparse.Namespace) -> None:
    """One table, with ratios to the first peer."""
    reference = next(iter(rates))
    date = datetime.datetime.now().date()
    clock = "CPU" if arguments.cpu else "wall"
    print(f"{processor()}, {arguments.threads} threads, {clock} time, batch {arguments.batch}, {date}")
    best = ", ".join(f"{peak:.0f} in {kind}" for kind, peak in peaks.items())
    print(f"best matrix products, GFLOP/s: {best}; {flop() / 1e9:.2f} GFLOP a picture\n")
    print("| way | pictures/s | ms a picture | GFLOP/s | of fp32 | of the limit | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name, rate in rates.items():
        speed = rate * flop() / 1e9
        ratio = rate / rates[reference]
        cells = f"{speed:.0f} | {speed / peaks['fp32']:.2f} | {rate / limit(name, peaks):.2f} | {ratio:.2f}"
        print(f"| {name} | {rate:.1f} | {1e3 / rate:.1f} | {cells} |")
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
