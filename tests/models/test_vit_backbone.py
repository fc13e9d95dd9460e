"""What VitBackbone makes of a network's numbers, with a network that shows what it was given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from dinoscope.features import Facet, FloatArray, Pixels
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.config import VitConfig
from dinoscope.models.preprocess import Preprocess
from dinoscope.models.vit_backbone import Inputs, Outputs, Tables, VitBackbone

CONFIG = VitConfig(4, 1, 1, 8, position_grid=(2, 3))
CARD = ModelCard("seen", "Seen", "DINO", "none", Source(LOCAL, ""), CONFIG, 0, Preprocess(budget=24))
IDENTITY = ModelIdentity("seen", "0" * 16, CARD.preprocess.name, "fp32")


@dataclass
class Mirror:
    """cls is the mean colour of the picture and 1; a patch token is the patch's mean colour and 1."""

    seen: list[Inputs] = field(default_factory=list)

    def full(self, inputs: Inputs) -> Outputs:
        self.seen.append(inputs)
        colours = inputs.patches.reshape(*inputs.patches.shape[:2], 3, -1).mean(-1)
        tokens = np.concatenate([colours, np.ones_like(colours[..., :1])], axis=-1)
        return Outputs(tokens.mean(1), tokens, tokens[:, None, :, 0])

    def cls(self, inputs: Inputs) -> FloatArray:
        return self.full(inputs).cls

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        outputs = self.full(inputs)
        return outputs.patch_tokens, outputs.attention


def backbone(network: Mirror, tables: Tables | None = None, batch: int = 3) -> VitBackbone:
    positions = np.arange(28, dtype=np.float32).reshape(7, 4)
    return VitBackbone(IDENTITY, CARD, tables or Tables(positions, None, None), network, batch)


def red_at_the_bottom_left(width: int, height: int) -> Pixels:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[height // 2 :, : width // 2, 0] = 255
    return pixels


def test_the_grid_lies_the_right_way_round() -> None:
    (features,) = backbone(Mirror()).encode([red_at_the_bottom_left(96, 64)])
    assert (features.grid.rows, features.grid.columns) == (4, 6)
    assert features.patches.shape == (4, 6, 4)
    red = features.attention[0] > 0
    assert red[2:, :3].all()
    assert red.sum() == 2 * 3


def test_order_is_kept_and_shapes_are_never_mixed(picture: Callable[..., Pixels]) -> None:
    shapes = [(64, 64), (96, 64), (64, 64), (64, 96), (96, 64), (64, 64), (64, 64)]
    pictures = [picture(*shape, seed=seed) for seed, shape in enumerate(shapes)]
    network = Mirror()
    many = backbone(network).describe(pictures)
    assert all(
        len(each.patches) <= 3 and each.grid[0] * each.grid[1] == each.patches.shape[1]
        for each in network.seen
    )
    assert len(network.seen) == 4  # 3 + 1 squares, 2 wide, 1 tall
    alone = [backbone(Mirror()).describe([each])[0] for each in pictures]
    np.testing.assert_allclose(many, alone, atol=1e-6)


def test_positions_come_with_the_grid_and_are_computed_once_a_shape(picture: Callable[..., Pixels]) -> None:
    network = Mirror()
    eye = backbone(network)
    eye.describe([picture(96, 64)])
    eye.describe([picture(96, 64, seed=1)])
    first, second = (each.places["positions"] for each in network.seen)
    assert first.shape == (24, 4)
    assert first is second


def test_a_projection_makes_the_descriptor_of_the_centred_cls(picture: Callable[..., Pixels]) -> None:
    mean = np.array([0.1, -0.2, 0.3, 1.0], np.float32)
    projection = np.array([[1, 0, 0, 5], [0, 2, -1, 0]], np.float32)
    network = Mirror()
    eye = backbone(network, Tables(np.zeros((7, 4), np.float32), mean, projection))
    pixels = picture(64, 64)
    vector = eye.describe([pixels])[0]
    wanted = projection @ (network.full(network.seen[0]).cls[0] - mean)
    assert eye.dimension == 2
    np.testing.assert_allclose(vector, wanted / np.linalg.norm(wanted), atol=1e-5)
    np.testing.assert_allclose(eye.encode([pixels])[0].descriptor, vector, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2)])
def test_the_thinnest_pictures_have_features(shape: tuple[int, int]) -> None:
    (features,) = backbone(Mirror()).encode([np.full((*shape, 3), 7, np.uint8)])
    assert np.isfinite(features.descriptor).all()
    assert (features.grid.picture.height, features.grid.picture.width) == shape


def test_twice_the_patches_are_half_the_pictures_at_once(picture: Callable[..., Pixels]) -> None:
    network = Mirror()
    backbone(network, batch=4).encode([picture(64, 64, seed=seed) for seed in range(4)], budget=48)
    assert [len(inputs.patches) for inputs in network.seen] == [2, 2]
    assert all(inputs.patches.shape[1] > 24 for inputs in network.seen)


def test_many_hands_prepare_what_one_does(picture: Callable[..., Pixels]) -> None:
    pictures = [picture(64 + 32 * (seed % 2), 64, seed=seed) for seed in range(9)]
    positions = np.arange(28, dtype=np.float32).reshape(7, 4)
    tables = Tables(positions, None, None)
    many = VitBackbone(IDENTITY, CARD, tables, Mirror(), 2, hands=3).encode(pictures)
    for found, wanted in zip(many, backbone(Mirror(), batch=2).encode(pictures), strict=True):
        assert (found.patches == wanted.patches).all()
        assert found.grid == wanted.grid
