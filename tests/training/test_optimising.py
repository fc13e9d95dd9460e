"""Groups, rates, clipping and freezing are the reference's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import our_name, stored, tensor, tensor_of, told  # noqa: E402

from dinoscope.models.config import VitConfig  # noqa: E402
from dinoscope.training import optimising  # noqa: E402
from dinoscope.training.networks import Network  # noqa: E402
from dinoscope.training.recipe import Extras, Head, Optimiser, Recipe  # noqa: E402
from dinoscope.training.schedules import Knobs  # noqa: E402

VITT8 = Recipe("reference", VitConfig(192, 12, 3, 8, "offset", (28, 28)), 1, 3, head=Head(prototypes=512))
TINY = Recipe("tiny", VitConfig(24, 3, 2, 4, "offset", (4, 4)), 1, 2, head=Head(16, 12, 8))


@pytest.mark.parametrize("frozen", [True, False])
def test_what_decays_is_the_reference_s(frozen: bool) -> None:
    student = Network(replace(VITT8, head=Head(prototypes=512, frozen_norm=frozen)), masks=True)
    groups = told()[f"param_groups_norm_last={int(frozen)}"]
    found = optimising.paces(student, VITT8)
    assert {name for name, pace in found.items() if pace.decayed} == {
        our_name(each) for each in groups["regularized"]
    }
    assert {name for name, pace in found.items() if not pace.decayed} == {
        our_name(each) for each in groups["not_regularized"]
    }
    left = {name for name, _ in student.named_parameters()} - found.keys()
    assert left == {our_name(each) for each in groups["frozen"]}


def test_a_plain_recipe_makes_two_groups_that_hold_every_parameter_once() -> None:
    student = Network(TINY)
    optimiser = optimising.adamw(student, TINY)
    assert {group["decayed"] for group in optimiser.param_groups} == {True, False}
    assert len(optimiser.param_groups) == 2
    held = [id(each) for group in optimiser.param_groups for each in group["params"]]
    assert sorted(held) == sorted(id(each) for each in student.parameters() if each.requires_grad)


def test_rates_fall_towards_the_picture() -> None:
    recipe = replace(
        TINY, optimiser=Optimiser(layer_decay=0.5, patch_rate=0.2), extras=Extras(patch_weight=1)
    )
    pace = optimising.paces(Network(recipe, masks=True), recipe)
    scales = {name: each.scale for name, each in pace.items()}
    assert scales["head.mlp.0.weight"] == scales["backbone.norm.bias"] == 1.0
    assert [scales[f"backbone.blocks.{block}.qkv.weight"] for block in (2, 1, 0)] == [0.5, 0.25, 0.125]
    assert scales["backbone.cls"] == scales["backbone.positions"] == scales["mask_token"] == 0.0625
    assert scales["backbone.patch.weight"] == pytest.approx(0.0625 * 0.2)
    assert pace["mask_token"].decayed


def test_knobs_reach_the_groups() -> None:
    recipe = replace(TINY, optimiser=Optimiser(layer_decay=0.5))
    optimiser = optimising.adamw(Network(recipe), recipe)
    optimising.set_knobs(optimiser, Knobs(rate=0.1, weight_decay=0.3, momentum=0, temperature=0))
    for group in optimiser.param_groups:
        assert group["lr"] == pytest.approx(0.1 * group["scale"])
        assert group["weight_decay"] == (0.3 if group["decayed"] else 0.0)
    assert len({group["scale"] for group in optimiser.param_groups}) == 5


def judged() -> Any:
    """The module whose gradients the reference clipped."""
    module = torch.nn.Module()
    module.a, module.last_layer = torch.nn.Linear(4, 4), torch.nn.Linear(4, 8)
    for name, parameter in module.named_parameters():
        parameter.grad = tensor(f"clip.{name}", *parameter.shape, std=4.0)
    return module


def test_clipping_by_parameter_is_the_reference_s() -> None:
    module = judged()
    norms = optimising.gradient_norms(module)
    whole = optimising.clip(module, 3.0)
    np.testing.assert_allclose(list(norms.values()), stored()["clip/norms"], rtol=1e-6)
    assert float(whole) == pytest.approx(np.linalg.norm(stored()["clip/norms"]), rel=1e-6)
    for name, parameter in module.named_parameters():
        torch.testing.assert_close(
            parameter.grad, tensor_of(stored()[f"clip/grad/{name}"]), rtol=1e-6, atol=1e-7
        )


@pytest.mark.parametrize("limit", [3.0, 1e6])
def test_clipping_by_module_and_by_all_are_torch_s(limit: float) -> None:
    for by in ("module", "all"):
        ours, judge = judged(), judged()
        optimising.clip(ours, limit, by)
        for part in (judge.a, judge.last_layer) if by == "module" else (judge,):
            torch.nn.utils.clip_grad_norm_(part.parameters(), limit)
        for mine, theirs in zip(ours.parameters(), judge.parameters(), strict=True):
            torch.testing.assert_close(mine.grad, theirs.grad)


def test_no_limit_clips_nothing_and_a_bad_gradient_is_seen() -> None:
    module = judged()
    optimising.clip(module, 0.0)
    assert torch.equal(module.a.weight.grad, judged().a.weight.grad)
    module.a.weight.grad[0, 0] = torch.nan
    assert not torch.isfinite(optimising.clip(module, 3.0))


def test_frozen_prototypes_do_not_move_and_all_else_does() -> None:
    recipe = replace(
        TINY, head=replace(TINY.head, frozen_norm=False), extras=Extras(patch_weight=1, untied_heads=True)
    )
    student = Network(recipe, masks=True)
    student.initialise(torch.Generator().manual_seed(0))
    before = {name: value.clone() for name, value in student.state_dict().items()}
    optimiser = optimising.adamw(student, recipe)
    for parameter in student.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimising.freeze_prototypes(student)
    optimising.set_knobs(optimiser, Knobs(rate=0.1, weight_decay=0.4, momentum=0, temperature=0))
    optimiser.step()
    still = {name for name, value in student.state_dict().items() if torch.equal(value, before[name])}
    assert still == {
        f"{head}.prototypes.{part}" for head in ("head", "patch_head") for part in ("direction", "length")
    }
