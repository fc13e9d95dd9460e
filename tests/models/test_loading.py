"""From a name or a file to a Backbone, and from a mistake to one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from dinoscope.errors import BadRequest, NoSuchModel, WeightsRefused
from dinoscope.features import FloatArray, Pixels
from dinoscope.models.config import VitConfig
from dinoscope.models.loading import load_backbone
from dinoscope.models.quantise import quantise
from dinoscope.sample import samples
from dinoscope.settings import Settings

CONFIG = VitConfig(32, 2, 2, 8, "plain", (4, 4), layer_scale=True)
TensorsOf = Callable[[VitConfig], dict[str, FloatArray]]


def stored(path: Path, tensors: dict[str, NDArray[Any]]) -> Path:
    """A weights file as the starter's is: canonical names, the config in its metadata."""
    save_file(tensors, path, metadata={"config": json.dumps(asdict(CONFIG))})
    return path


@pytest.fixture
def weights(tmp_path: Path, tensors_of: TensorsOf) -> Path:
    """A tiny model's file."""
    return stored(tmp_path / "tiny.safetensors", tensors_of(CONFIG))


def test_a_file_is_a_model_with_an_identity_of_its_own(
    settings: Settings, weights: Path, tensors_of: TensorsOf, picture: Callable[..., Pixels]
) -> None:
    first = load_backbone(settings, str(weights))
    assert first.identity.name == "tiny"
    assert first.identity.precision in ("fp32", "int8")
    other = stored(weights, tensors_of(CONFIG) | {"cls": np.ones(32, np.float32)})
    second = load_backbone(settings, str(other))
    assert second.identity.weights != first.identity.weights
    pixels = picture(64, 64)
    assert np.abs(first.describe([pixels]) - second.describe([pixels])).max() > 1e-3


def test_int8_files_give_in_fp32_what_they_multiply_out_to(
    settings: Settings, tmp_path: Path, tensors_of: TensorsOf, picture: Callable[..., Pixels]
) -> None:
    packed: dict[str, NDArray[Any]] = {}
    plain: dict[str, NDArray[Any]] = {}
    for name, tensor in tensors_of(CONFIG).items():
        packed[name] = plain[name] = tensor
        if name.startswith("blocks") and tensor.ndim == 2:
            matrix = quantise(tensor)
            packed |= {name: matrix.values, f"{name}.scale": matrix.scales}
            plain[name] = matrix.values * matrix.scales[:, None]
    fp32 = settings.with_overrides(precision="fp32")
    wanted = load_backbone(fp32, str(stored(tmp_path / "plain.safetensors", plain)))
    eight = stored(tmp_path / "eight.safetensors", packed)
    pixels = [picture(64, 64), picture(90, 40)]
    np.testing.assert_allclose(
        load_backbone(fp32, str(eight)).describe(pixels), wanted.describe(pixels), atol=1e-5
    )
    int8 = load_backbone(settings.with_overrides(precision="int8"), str(eight)).describe(pixels)
    assert ((int8 * wanted.describe(pixels)).sum(1) > 0.995).all()


def test_mistakes_are_answered_with_one_sentence(settings: Settings, weights: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSuchModel, match="starter"):
        load_backbone(settings, "startr")
    with pytest.raises(NoSuchModel, match=r"gone\.safetensors"):
        load_backbone(settings, str(tmp_path / "gone.safetensors"))
    with pytest.raises(BadRequest, match="runtime"):
        load_backbone(settings.with_overrides(runtime="abacus"), str(weights))
    with pytest.raises(BadRequest, match="precision"):
        load_backbone(settings.with_overrides(precision="int2"), str(weights))
    weights.write_bytes(weights.read_bytes()[:-200])
    with pytest.raises(WeightsRefused):
        load_backbone(settings, str(weights))


def test_the_starter_knows_a_copy_from_another_picture(settings: Settings) -> None:
    from PIL import Image

    originals, copies = [], []
    for sample in samples()[::53]:
        with Image.open(sample.path) as image:
            rgb = image.convert("RGB")
        originals.append(np.asarray(rgb))
        copies.append(np.asarray(rgb.resize((rgb.width // 2, rgb.height // 2))))
    starter = load_backbone(settings, "starter")
    vectors = starter.describe(originals + copies)
    likeness = vectors[: len(originals)] @ vectors[len(originals) :].T
    assert (likeness.argmax(axis=1) == np.arange(len(originals))).all()
    assert likeness.diagonal().min() > 0.9
    features = starter.encode(originals[:1])[0]
    np.testing.assert_allclose(features.descriptor, vectors[0], atol=1e-5)
    assert features.patches.shape[:2] == (features.grid.rows, features.grid.columns)
