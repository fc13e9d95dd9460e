"""Every runtime, in every precision, keeps the Backbone's contract and agrees with the judge."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import FACETS, FloatArray, Pixels
from dinoscope.geometry import PatchGrid
from dinoscope.models.backbone import Backbone
from dinoscope.models.config import VitConfig
from dinoscope.models.request import Request
from dinoscope.models.runtimes import RUNTIMES

MARKS = {"openvino": pytest.mark.extra, "torch": pytest.mark.torch}
TOLERANCE = {"fp32": 2e-5, "bf16": 0.02, "int8": 0.02}  # 1 - cosine; tiny random networks are the worst case
SHAPES = [(40, 30), (64, 64), (31, 90), (8, 200), (1, 1), (40, 30)]

Judged = tuple[PatchGrid, FloatArray, FloatArray, FloatArray]
Opened = tuple[Backbone, VitConfig, str]


def every_way() -> Iterator[object]:
    """(runtime, precision), those skipped whose package is missing."""
    for name, runtime in RUNTIMES.items():
        missing = pytest.mark.skipif(not runtime.installed, reason=f"{runtime.needs} is not installed")
        marks = [missing, MARKS[name]] if name in MARKS else [missing]
        for precision in runtime.precisions:
            yield pytest.param((name, precision), marks=marks, id=f"{name}-{precision}")


@pytest.fixture(params=every_way())
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """(runtime, precision)"""
    name, precision = request.param
    return name, precision


@pytest.fixture
def opened(way: tuple[str, str], asking: Callable[..., Request], config: VitConfig) -> Opened:
    name, precision = way
    return RUNTIMES[name].open(asking(config, precision)), config, precision


def test_descriptors_patches_and_attention_agree_with_the_judge(
    opened: Opened,
    judge: Callable[..., Judged],
    tensors_of: Callable[[VitConfig], dict[str, FloatArray]],
    picture: Callable[..., Pixels],
) -> None:
    backbone, config, precision = opened
    tensors = tensors_of(config)
    pictures = [picture(*shape, seed=seed) for seed, shape in enumerate(SHAPES)]
    for features, pixels in zip(backbone.encode(pictures), pictures, strict=True):
        grid, cls, patches, attention = judge(config, tensors, pixels)
        assert features.grid == grid
        assert 1 - features.descriptor @ (cls / np.linalg.norm(cls)) < TOLERANCE[precision]
        wanted = patches / np.linalg.norm(patches, axis=1, keepdims=True)
        found = features.patches.reshape(len(wanted), -1)
        assert (1 - (found * wanted).sum(1)).max() < 2 * TOLERANCE[precision]
        gap = np.abs(features.attention.reshape(attention.shape) - attention).max()
        assert gap < (1e-5 if precision == "fp32" else 0.05)


def test_vectors_are_unit_float32_and_describe_gives_those_of_encode(
    opened: Opened, picture: Callable[..., Pixels]
) -> None:
    backbone, config, precision = opened
    pictures = [picture(*shape, seed=seed) for seed, shape in enumerate(SHAPES)]
    vectors, features = backbone.describe(pictures), backbone.encode(pictures)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(pictures), backbone.dimension)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    close = 2e-6 if precision != "bf16" else 0.02
    np.testing.assert_allclose(vectors, [each.descriptor for each in features], atol=close)
    for each in features:
        assert each.model == backbone.identity.key
        assert each.patches.shape == (each.grid.rows, each.grid.columns, config.dimension)
        np.testing.assert_allclose(np.linalg.norm(each.patches, axis=-1), 1, atol=1e-5)
        assert each.attention.shape == (config.heads, each.grid.rows, each.grid.columns)
        assert each.attention.min() >= 0
        assert each.attention.sum(axis=(1, 2)).max() <= 1 + 1e-2


def test_a_picture_s_vector_does_not_depend_on_its_neighbours(
    opened: Opened, picture: Callable[..., Pixels]
) -> None:
    backbone, _, precision = opened
    # ten of one shape are two batches; one has far larger contrasts than the others
    pictures = [picture(48, 32, seed=seed) // (1 if seed == 3 else 6) for seed in range(10)]
    together = backbone.describe(pictures)
    alone = np.concatenate([backbone.describe([each]) for each in pictures])
    np.testing.assert_allclose(together, alone, atol=2e-6 if precision != "bf16" else 0.02)


def test_several_threads_get_what_one_gets(opened: Opened, picture: Callable[..., Pixels]) -> None:
    backbone, _, _ = opened
    pictures = [picture(20 + 8 * seed, 40, seed=seed) for seed in range(6)]
    wanted = backbone.describe(pictures)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: backbone.describe(pictures), range(8)))
    for answer in answers:
        np.testing.assert_allclose(answer, wanted, atol=1e-5)


def test_no_pictures_give_no_vectors(opened: Opened) -> None:
    backbone, _, _ = opened
    assert backbone.encode([]) == []
    assert backbone.describe([]).shape == (0, backbone.dimension)


@pytest.mark.parametrize("budget", [24, 60])
def test_every_layer_and_facet_is_the_judge_s(
    opened: Opened,
    budget: int,
    judge_inside: Callable[..., tuple[PatchGrid, FloatArray, FloatArray]],
    tensors_of: Callable[[VitConfig], dict[str, FloatArray]],
    picture: Callable[..., Pixels],
) -> None:
    backbone, config, precision = opened
    tensors, pixels = tensors_of(config), picture(40, 70)
    assert backbone.layers == config.blocks
    for layer in range(1, config.blocks + 1):
        for facet in FACETS:
            inside = backbone.inside(pixels, layer, facet, budget)
            grid, wanted, attention = judge_inside(
                config, tensors, pixels, layer=layer, facet=facet, budget=budget
            )
            assert (inside.grid, inside.layer, inside.facet) == (grid, layer, facet)
            wanted = wanted / np.linalg.norm(wanted, axis=1, keepdims=True)
            found = inside.vectors.reshape(wanted.shape)
            assert (1 - (found * wanted).sum(1)).max() < 2 * TOLERANCE[precision]
            gap = np.abs(inside.attention.reshape(attention.shape) - attention).max()
            assert gap < (1e-5 if precision == "fp32" else 0.05)


def test_the_last_layer_s_tokens_are_what_encode_gives(
    opened: Opened, picture: Callable[..., Pixels]
) -> None:
    backbone, _, precision = opened
    pixels = picture(90, 31)
    for budget in (None, 50):
        inside, (features,) = backbone.inside(pixels, budget=budget), backbone.encode([pixels], budget)
        assert (inside.model, inside.grid) == (features.model, features.grid)
        close = 1e-5 if precision != "bf16" else 0.02
        np.testing.assert_allclose(inside.vectors, features.patches, atol=close)
        np.testing.assert_allclose(inside.attention, features.attention, atol=close)


def test_more_patches_are_another_identity(opened: Opened, picture: Callable[..., Pixels]) -> None:
    backbone, _, _ = opened
    pictures = [picture(64, 48, seed=seed) for seed in range(3)]
    own, finer = backbone.encode(pictures), backbone.encode(pictures, budget=96)
    assert [each.model for each in finer] == [backbone.identity.key.replace("fit24-", "fit96-")] * 3
    assert all(each.grid.rows * each.grid.columns > 80 for each in finer)
    assert finer[0].grid.picture == own[0].grid.picture
    same = backbone.encode(pictures, budget=backbone.identity.budget)
    assert [each.model for each in same] == [backbone.identity.key] * 3
    np.testing.assert_allclose([one.patches for one in same], [one.patches for one in own], atol=1e-6)


@pytest.mark.parametrize("budget", [0, -3, 5000])
def test_a_budget_or_layer_out_of_range_is_told(
    opened: Opened, budget: int, picture: Callable[..., Pixels]
) -> None:
    backbone, config, _ = opened
    with pytest.raises(BadRequest, match="choose 1 to 4096"):
        backbone.encode([picture(30, 30)], budget=budget)
    with pytest.raises(BadRequest, match=f"no layer {budget}: choose 1 to {config.blocks}"):
        backbone.inside(picture(30, 30), layer=budget)
