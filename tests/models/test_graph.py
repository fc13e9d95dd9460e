"""The graph for other programs: nothing but pictures goes in, and the judge's numbers come out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import PatchGrid
from dinoscope.models.config import VitConfig
from dinoscope.models.graph import whole_graph
from dinoscope.models.preprocess import IMAGENET_MEAN, IMAGENET_STD

Judged = tuple[PatchGrid, FloatArray, FloatArray, FloatArray]


@pytest.mark.parametrize("size", [(40, 32), (32, 40), (32, 32)], ids=str)
def test_the_whole_graph_sees_what_the_judge_sees(
    size: tuple[int, int],
    config: VitConfig,
    judge: Callable[..., Judged],
    tensors_of: Callable[[VitConfig], dict[str, NDArray[Any]]],
    picture: Callable[..., Pixels],
) -> None:
    tensors, pixels = tensors_of(config), picture(*size)
    grid, cls, patches, attention = judge(config, tensors, pixels)
    assert (grid.columns * config.patch, grid.rows * config.patch) == size, "so that nothing is resized"
    normed = (pixels / 255 - np.array(IMAGENET_MEAN)) / np.array(IMAGENET_STD)
    batch = np.stack([normed.transpose(2, 0, 1)] * 2).astype(np.float32)
    session = onnxruntime.InferenceSession(whole_graph(config, tensors, (grid.rows, grid.columns)))
    assert [each.name for each in session.get_inputs()] == ["pictures"]
    found = session.run(["cls", "patch_tokens", "attention"], {"pictures": batch})
    for mine, judged in zip(found, (cls, patches, attention), strict=True):
        np.testing.assert_allclose(mine, np.stack([judged] * 2), atol=2e-4 * np.abs(judged).max())
