"""Colours change as torchvision and Pillow change them, as often as asked, and alike on all ranks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import stored  # noqa: E402
from tests.training.picture_sources import recipe_of  # noqa: E402

from dinoscope.training import colours  # noqa: E402
from dinoscope.training.loader import Batch  # noqa: E402
from dinoscope.training.recipe import Crops  # noqa: E402

ALONE = {"brightness": 0, "contrast": 1, "saturation": 2, "hue": 3}
VIEWS = stored("views.npz")


def picture() -> Any:
    return colours.unit(torch.from_numpy(VIEWS["img"])[None])


def bytes_of(views: Any) -> NDArray[np.float64]:
    """(height, width, 3) in [0, 255], not rounded"""
    return np.asarray(views[0].permute(1, 2, 0).double() * 255)


@pytest.mark.parametrize(
    "key", sorted(key for key in VIEWS if key.split("/")[0] in ALONE and "hue" not in key)
)
def test_each_jitter_is_torchvisions(key: str) -> None:
    name, factor = key.split("/")
    factors = torch.tensor([[1.0, 1.0, 1.0, 0.0]])
    factors[0, ALONE[name]] = float(factor)
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        ours = bytes_of(colours.jittered(picture(), torch.tensor([order]), factors))
        assert np.abs(ours[::3, ::3] - VIEWS[key]).max() < 1.5


@pytest.mark.parametrize("key", sorted(key for key in VIEWS if key.startswith("hue")))
def test_hue_turns_as_far_and_in_the_same_direction_as_pillows(key: str) -> None:
    steps = int(float(key.split("/")[1]) * 255)  # Pillow turns by whole steps
    off = np.abs(bytes_of(colours.hue_turned(picture(), torch.tensor([steps / 255])))[::3, ::3] - VIEWS[key])
    assert off.mean() < 1
    assert off.max() < 12
    back = np.abs(
        bytes_of(colours.hue_turned(picture(), torch.tensor([-steps / 255])))[::3, ::3] - VIEWS[key]
    )
    assert back.mean() > 3  # the judge can tell the direction


def test_a_whole_turn_of_hue_is_none_and_grey_has_no_hue() -> None:
    whole = colours.hue_turned(picture(), torch.tensor([1.0]))
    assert torch.allclose(whole, picture(), atol=1e-5)
    grey = colours.grey_of(picture()).expand(-1, 3, -1, -1)
    assert torch.equal(colours.hue_turned(grey, torch.tensor([0.3])), grey)


def test_grey_solarise_and_normalisation_are_the_references() -> None:
    assert np.abs(bytes_of(colours.grey_of(picture()))[::3, ::3, 0] - VIEWS["grayscale3"]).max() <= 0.51
    ours = bytes_of(colours.solarised(picture()))[::4, ::4]
    assert np.abs(ours - VIEWS["solarize"]).max() < 1e-3
    assert np.abs(colours.normalised(picture())[0, :, ::7, ::7].numpy() - VIEWS["normalized"]).max() < 1e-6


@pytest.mark.parametrize("radius", [0.1, 0.5, 1.0, 2.0])
def test_blur_is_pillows_edges_included(radius: float) -> None:
    ours = bytes_of(colours.blurred(picture(), torch.tensor([radius])))
    assert np.abs(ours[:64:2, :64:2] - VIEWS[f"blur_r{radius}"]).max() < 3
    assert np.abs(ours[-20:, -20:] - VIEWS[f"blur_r{radius}/end"]).max() < 3


def test_blur_spares_the_views_it_was_not_meant_for() -> None:
    both = picture().repeat(2, 1, 1, 1)
    ours = colours.blurred(both, torch.tensor([0.0, 1.5]))
    assert torch.equal(ours[0], both[0])
    assert not torch.allclose(ours[1], both[1], atol=0.01)


def test_every_change_happens_as_often_as_asked() -> None:
    recipe, everyone = recipe_of(batch=4000, crops=Crops(locals=2)), np.arange(4000)
    first, second, local = (colours.draw(recipe, 0, view, everyone) for view in range(3))
    for draws, blur in ((first, 1.0), (second, 0.1), (local, 0.5)):
        assert (draws.blur > 0).float().mean().item() == pytest.approx(blur, abs=0.03)
        assert draws.grey.float().mean().item() == pytest.approx(0.2, abs=0.03)
        changed = (draws.factors != torch.tensor([1.0, 1.0, 1.0, 0.0])).any(1)
        assert changed.float().mean().item() == pytest.approx(0.8, abs=0.03)
    assert second.solarise.float().mean().item() == pytest.approx(0.2, abs=0.03)
    assert not first.solarise.any()
    assert not local.solarise.any()


def test_factors_spread_evenly_as_far_as_asked_and_orders_are_all_used() -> None:
    recipe = recipe_of(batch=4000, crops=Crops(jitter=(0.4, 0.1), jitter_chance=1.0))
    draws = colours.draw(recipe, 1, 0, np.arange(4000))
    low, middle, high = np.quantile(draws.factors.numpy(), [0.01, 0.5, 0.99], axis=0)
    assert middle == pytest.approx([1, 1, 1, 0], abs=0.02)
    assert high - middle == pytest.approx([0.4, 0.4, 0.2, 0.1], rel=0.08)
    assert middle - low == pytest.approx([0.4, 0.4, 0.2, 0.1], rel=0.08)
    assert len({tuple(order) for order in draws.order.tolist()}) == 24


def batch_of(positions: NDArray[np.int64], step: int = 0) -> Batch:
    views = [
        np.random.default_rng(size).integers(0, 256, (6, size, size, 3), np.uint8)
        for size in (32, 32, 16, 16)
    ]
    return Batch(step, [view[positions] for view in views], positions, positions)


def test_ranks_together_see_what_one_alone_would() -> None:
    recipe = recipe_of()
    alone = colours.coloured(batch_of(np.arange(6)), recipe)
    halves = [colours.coloured(batch_of(part), recipe) for part in (np.arange(3), np.arange(3, 6))]
    for view, (left, right) in zip(alone, zip(*halves, strict=True), strict=True):
        assert torch.allclose(view, torch.cat([left, right]), atol=1e-6)
    assert [tuple(view.shape) for view in alone] == [(6, 3, 32, 32)] * 2 + [(6, 3, 16, 16)] * 2


def test_a_batch_is_the_same_in_one_piece_and_in_many(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = recipe_of()
    whole = colours.coloured(batch_of(np.arange(6)), recipe)
    monkeypatch.setattr(colours, "_NEAR", 1)
    for view, other in zip(whole, colours.coloured(batch_of(np.arange(6)), recipe), strict=True):
        assert torch.allclose(view, other, atol=1e-6)


def test_other_steps_and_seeds_have_other_colours() -> None:
    recipe, batch = recipe_of(), batch_of(np.arange(6))
    here = colours.coloured(batch, recipe)[0]
    assert torch.equal(here, colours.coloured(batch, recipe)[0])
    assert not torch.allclose(here, colours.coloured(replace(batch, step=1), recipe)[0])
    assert not torch.allclose(here, colours.coloured(batch, replace(recipe, seed=8))[0])


def test_no_colour_leaves_the_range_and_nothing_is_asked_means_nothing_changes() -> None:
    crops = Crops(
        32, local_size=16, locals=2, jitter_chance=0, grey_chance=0, blur_chances=(0, 0, 0), solarise_chance=0
    )
    batch = batch_of(np.arange(6))
    calm = colours.coloured(batch, recipe_of(crops=crops))
    for view, pixels in zip(calm, batch.views, strict=True):
        assert torch.allclose(view, colours.normalised(colours.unit(torch.from_numpy(pixels))), atol=1e-5)
    wild = Crops(32, jitter=(0.9, 0.5), jitter_chance=1)
    draws = colours.draw(recipe_of(crops=wild), 0, 1, np.arange(6))
    changed = colours.changed(colours.unit(torch.from_numpy(batch.views[1])), draws)
    assert 0 <= changed.min() <= changed.max() <= 1 + 1e-6


def test_colours_stay_exact_under_autocast() -> None:
    batch, recipe = batch_of(np.arange(6)), recipe_of()
    with torch.autocast("cpu", torch.bfloat16):
        cast = colours.coloured(batch, recipe)
    for view, other in zip(colours.coloured(batch, recipe), cast, strict=True):
        assert other.dtype == torch.float32
        assert torch.equal(view, other)
