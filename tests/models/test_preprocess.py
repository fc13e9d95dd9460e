"""Pictures become patches whole, in order and normalised."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dinoscope.models.preprocess import Preprocess, cut, prepared

PLAIN = Preprocess(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0), budget=24)


def test_patches_are_row_by_row_and_channels_first() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.float32).reshape(4, 6, 3)
    patches = cut(picture, 2)
    assert patches.shape == (6, 12)
    for row in range(2):
        for column in range(3):
            tile = picture[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            assert (patches[3 * row + column] == tile.transpose(2, 0, 1).ravel()).all()


def test_a_picture_of_the_right_size_is_not_resampled(rng: np.random.Generator) -> None:
    pixels = rng.integers(0, 256, (32, 48, 3)).astype(np.uint8)
    grid, patches = prepared(pixels, PLAIN, 8)
    assert (grid.rows, grid.columns) == (4, 6)
    np.testing.assert_allclose(patches, cut(np.asarray(pixels / 255, np.float32), 8), atol=1e-6)


def test_mean_and_std_are_taken_channel_by_channel() -> None:
    pixels = np.full((32, 48, 3), (51, 102, 204), np.uint8)
    _, patches = prepared(pixels, replace(PLAIN, mean=(0.1, 0.2, 0.3), std=(0.1, 0.2, 0.5)), 8)
    colours = patches.reshape(24, 3, 64)
    np.testing.assert_allclose(colours, np.broadcast_to([[[1.0], [1.0], [1.0]]], colours.shape), atol=1e-5)


def test_the_whole_picture_is_seen_not_a_crop() -> None:
    pixels = np.zeros((300, 1000, 3), np.uint8)
    pixels[:, :40] = pixels[:, -40:] = 255  # a bar at either end
    grid, patches = prepared(pixels, PLAIN, 8)
    columns = patches.reshape(grid.rows, grid.columns, -1).mean(axis=(0, 2))
    assert columns[0] > 0.2
    assert columns[-1] > 0.2
    assert abs(columns[1:-1]).max() < 0.1


@pytest.mark.parametrize("name", ["bicubic", "lanczos"])
def test_shrinking_filters_out_what_a_patch_cannot_show(name: str) -> None:
    chequers = (np.indices((640, 960)).sum(0) % 2 * 255).astype(np.uint8)
    _, patches = prepared(np.repeat(chequers[..., None], 3, 2), replace(PLAIN, filter=name), 8)
    np.testing.assert_allclose(patches, 0.5, atol=0.02)


def test_what_changes_the_vectors_changes_the_name() -> None:
    names = {Preprocess().name, Preprocess(budget=400).name, Preprocess(filter="lanczos").name}
    assert names == {"fit256-bicubic", "fit400-bicubic", "fit256-lanczos"}
