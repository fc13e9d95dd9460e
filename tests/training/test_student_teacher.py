"""Whole steps of training are the reference's; and what must hold whatever the reference does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import TIGHT, fill, our_name, stored, tensor, told  # noqa: E402

from dinoscope.models.config import VitConfig  # noqa: E402
from dinoscope.training import optimising  # noqa: E402
from dinoscope.training.recipe import Crops, Extras, Head, Optimiser, Recipe, Teacher  # noqa: E402
from dinoscope.training.schedules import Knobs, cosine, linear_then_flat  # noqa: E402
from dinoscope.training.student_teacher import StudentTeacher  # noqa: E402

STEPS, EPOCH = 12, 3
CROPS = (32, 32, 16, 16, 16)
SMALL = Recipe(
    name="reference",
    model=VitConfig(48, 3, 3, 8, "offset", (4, 4)),
    steps=STEPS,
    batch=4,
    crops=Crops(global_size=32, local_size=16, locals=3),
    head=Head(prototypes=64, hidden=96, bottleneck=32),
    teacher=Teacher(momentum=(0.9, 1.0), temperature=(0.04, 0.07), temperature_warmup=2 * EPOCH),
    optimiser=Optimiser(clip=0.3, freeze_last=EPOCH),
    drop_path=0.0,
)
EVERYTHING = Extras(patch_weight=0.5, untied_heads=True, koleo_weight=0.1, keep_weight=2.0)
KNOBS = Knobs(rate=0.01, weight_decay=0.1, momentum=0.9, temperature=0.05)
NAMES = told()["train/norm_last=1/summary_keys"]


def knobs_of_the_reference() -> Iterator[Knobs]:
    """Its rate is given directly, its temperature moves by epoch."""
    rate = cosine((0.002, 1e-5), STEPS, warmup=EPOCH)
    decay, momentum = cosine((0.04, 0.4), STEPS), cosine((0.9, 1.0), STEPS)
    temperature = linear_then_flat((0.04, 0.07), STEPS // EPOCH, 2).repeat(EPOCH)
    for step in range(STEPS):
        yield Knobs(rate[step], decay[step], momentum[step], temperature[step])


def crops_of_the_reference(step: int) -> list[Any]:
    return [tensor(f"tr.x.{step}.{at}", 4, 3, side, side).double() for at, side in enumerate(CROPS)]


def reference_norms(frozen: bool) -> dict[str, float]:
    """Of every gradient at the first step, in the reference's order of parameters."""
    there = [name for name in told()["multicrop_state_keys"] if name in NAMES]
    learn = [our_name(name) for name in there if not (frozen and name.endswith("weight_g"))]
    return dict(zip(learn, stored()[f"train/norm_last={int(frozen)}/norms_step0"], strict=True))


def summary(network: Any) -> np.ndarray:
    """(tensors, 4): sum, sum of squares, first, last."""
    tensors = [network.state_dict()[our_name(name)].flatten() for name in NAMES]
    return np.array([[x.sum(), x.square().sum(), x[0], x[-1]] for x in tensors])


def check(pair: StudentTeacher, of_step: dict[str, Any], step: int) -> bool:
    """Weights and centre after a step, where they are stored."""
    if f"center/{step}" not in of_step:
        return False
    pairs = [
        (pair.centre.value[None], of_step[f"center/{step}"]),
        (summary(pair.student), of_step[f"student_summary/{step}"]),
        (summary(pair.teacher), of_step[f"teacher_summary/{step}"]),
    ]
    for found, wanted in pairs:
        np.testing.assert_allclose(found, wanted, rtol=TIGHT, atol=TIGHT)
    return True


def follow(pair: StudentTeacher, optimiser: Any, knobs: Knobs, frozen: bool = False) -> None:
    """From the gradient to the end of the step."""
    optimising.set_knobs(optimiser, knobs)
    optimising.clip(pair.student, pair.recipe.optimiser.clip, pair.recipe.optimiser.clip_by)
    if frozen:
        optimising.freeze_prototypes(pair.student)
    optimiser.step()
    optimiser.zero_grad()
    pair.move_centre()
    pair.update_teacher(knobs.momentum)


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("frozen", [True, False])
def test_twelve_steps_are_the_reference_s(frozen: bool, packed: bool) -> None:
    prefix = f"train/norm_last={int(frozen)}/"
    wanted = {key.removeprefix(prefix): value for key, value in stored().items() if key.startswith(prefix)}
    pair = StudentTeacher(replace(SMALL, head=replace(SMALL.head, frozen_norm=frozen))).double()
    pair.student.packed = packed
    for network in (pair.student, pair.teacher):
        fill(network, "tr.", NAMES, learned_lengths=not frozen)
    optimiser, checked = optimising.adamw(pair.student, pair.recipe), 0
    for step, knobs in enumerate(knobs_of_the_reference()):
        losses = pair.forward_loss(crops_of_the_reference(step), temperature=knobs.temperature)
        np.testing.assert_allclose(losses.dino, wanted["loss"][step], rtol=TIGHT)
        losses.total.backward()
        if step == 0:
            norms = {name: float(norm) for name, norm in optimising.gradient_norms(pair.student).items()}
            assert norms == pytest.approx(reference_norms(frozen), rel=TIGHT)
        follow(pair, optimiser, knobs, frozen=step < pair.recipe.optimiser.freeze_last)
        checked += check(pair, wanted, step)
    assert checked == 5


def views(batch: int = 4) -> list[Any]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(batch, 3, side, side, generator=generator).double() for side in CROPS]


def moved(pair: StudentTeacher, by: float = 0.05) -> StudentTeacher:
    """The student somewhere else than the teacher."""
    generator = torch.Generator().manual_seed(1)
    for parameter in pair.student.parameters():
        if parameter.requires_grad:
            parameter.data += by * torch.randn(parameter.shape, generator=generator)
    return pair


@pytest.mark.parametrize("windows", [2, 4])
def test_a_batch_in_windows_is_the_batch(windows: int) -> None:
    """In losses, weights, centres and teacher. (KoLeo and Sinkhorn-Knopp can only look at a window.)"""
    recipe = replace(SMALL, extras=replace(EVERYTHING, koleo_weight=0.0))
    states, losses = [], []
    for cut in (1, windows):
        pair = moved(StudentTeacher(recipe)).double()
        optimiser = optimising.adamw(pair.student, recipe)
        for step in range(2):
            total = torch.zeros((), dtype=torch.float64)
            for window in range(cut):
                size = 4 // cut
                part = [view[window * size :][:size] for view in views()]
                loss = pair.forward_loss(part, temperature=0.05, step=step, first=window * size).total / cut
                loss.backward()
                total = total + loss.detach()
            losses.append(total)
            follow(pair, optimiser, KNOBS)
        states.append(pair.state_dict())
    torch.testing.assert_close(losses[2:], losses[:2], rtol=TIGHT, atol=0)
    torch.testing.assert_close(states[1], states[0], rtol=1e-7, atol=1e-7)


def test_the_total_is_the_weighted_sum_of_what_the_recipe_asks_for() -> None:
    pair = moved(StudentTeacher(replace(SMALL, extras=EVERYTHING))).double()
    losses = pair.forward_loss(views(), temperature=0.05)
    assert losses.patch is not None
    assert losses.koleo is not None
    assert losses.keep is not None
    total = losses.dino + 0.5 * losses.patch + 0.1 * losses.koleo + 2.0 * losses.keep
    torch.testing.assert_close(losses.total.detach(), total)
    torch.testing.assert_close(losses.kl, losses.dino - losses.teacher_entropy)
    assert losses.kl > 0
    assert 0 < losses.teacher_entropy < np.log(64)
    plain = StudentTeacher(SMALL).double().forward_loss(views(), temperature=0.05)
    assert (plain.patch, plain.koleo, plain.keep) == (None, None, None)
    assert torch.equal(plain.total, plain.dino)


def test_every_parameter_that_learns_has_a_gradient_whatever_is_hidden() -> None:
    for share in (0.0, 1.0):
        pair = moved(StudentTeacher(replace(SMALL, extras=replace(EVERYTHING, mask_share=share)))).double()
        pair.forward_loss(views(), temperature=0.05).total.backward()
        learn = {name for name, each in pair.student.named_parameters() if each.requires_grad}
        assert optimising.gradient_norms(pair.student).keys() == learn


def test_the_teacher_learns_only_by_following() -> None:
    pair = moved(StudentTeacher(SMALL)).double()
    before = {name: value.clone() for name, value in pair.teacher.state_dict().items()}
    pair.forward_loss(views(), temperature=0.05).total.backward()
    assert all(each.grad is None and not each.requires_grad for each in pair.teacher.parameters())
    assert all(torch.equal(value, before[name]) for name, value in pair.teacher.state_dict().items())
    pair.update_teacher(0.75)
    for name, value in pair.teacher.named_parameters():
        student = pair.student.state_dict()[name]
        assert value.data_ptr() != student.data_ptr()
        torch.testing.assert_close(value, 0.75 * before[name] + 0.25 * student)


def test_a_skipped_batch_leaves_the_centre_alone() -> None:
    pair = StudentTeacher(replace(SMALL, extras=EVERYTHING)).double()
    pair.forward_loss(views(), temperature=0.05)
    pair.forget_batch()
    pair.move_centre()
    assert not pair.centre.value.any()
    pair.forward_loss(views(), temperature=0.05)
    pair.move_centre()
    assert pair.centre.value.any()
    assert pair.patch_centre is not None
    assert pair.patch_centre.value.any()


def test_only_the_student_drops_paths() -> None:
    pair = StudentTeacher(replace(SMALL, drop_path=0.5))
    assert [block.drop_path for block in pair.student.backbone.blocks] == [0.0, 0.25, 0.5]
    assert not any(block.drop_path for block in pair.teacher.backbone.blocks)
    pair.train()
    assert pair.student.training
    assert not pair.teacher.training


def test_a_continued_training_starts_at_the_given_weights_and_is_held_near_them() -> None:
    start = {
        name: np.random.default_rng(0).normal(0, 0.2, shape).astype(np.float32)
        for name, shape in SMALL.model.shapes().items()
    }
    recipe = replace(SMALL, extras=Extras(keep_weight=100.0))
    pair = StudentTeacher(recipe, start=start)
    assert pair.anchor is not None
    for backbone in (pair.student.backbone, pair.teacher.backbone, pair.anchor):
        for name, value in backbone.state_dict().items():
            np.testing.assert_array_equal(value, start[name])
    small = [view.float() for view in views()]
    at_start = pair.forward_loss(small, temperature=0.05).keep
    assert at_start is not None
    assert float(at_start) == pytest.approx(0.0, abs=1e-6)
    optimiser = torch.optim.AdamW(moved(pair).student.parameters(), lr=0.005)
    kept = []
    for _ in range(5):
        losses = pair.forward_loss(small, temperature=0.05)
        optimiser.zero_grad()
        losses.total.backward()
        optimiser.step()
        assert losses.keep is not None
        kept.append(float(losses.keep))
    assert not any(each.requires_grad for each in pair.anchor.parameters())
    assert kept[0] > 0.01
    assert kept[-1] < 0.8 * kept[0]
    np.testing.assert_array_equal(pair.anchor.state_dict()["norm.weight"], start["norm.weight"])


def test_the_state_is_all_there_is() -> None:
    """Another pair, of other new weights, goes on as the first would have."""
    recipe = replace(SMALL, extras=EVERYTHING)
    first, second = moved(StudentTeacher(recipe)).double(), StudentTeacher(recipe).double()
    first.forward_loss(views(), temperature=0.05)
    first.move_centre()
    second.load_state_dict(first.state_dict())
    ours, theirs = (pair.forward_loss(views(), temperature=0.05, step=9) for pair in (first, second))
    assert torch.equal(ours.total, theirs.total)


def test_new_weights_follow_the_seed() -> None:
    same, other = StudentTeacher(SMALL, seed=5), StudentTeacher(SMALL, seed=6)
    assert torch.equal(StudentTeacher(SMALL, seed=5).student.backbone.cls, same.student.backbone.cls)
    assert not torch.equal(other.student.backbone.cls, same.student.backbone.cls)


def test_half_precision_stays_near() -> None:
    pair = moved(StudentTeacher(replace(SMALL, extras=EVERYTHING)))
    small = [view.float() for view in views()]
    exact = pair.forward_loss(small, temperature=0.05)
    with torch.autocast("cpu", torch.bfloat16):
        rough = pair.forward_loss(small, temperature=0.05)
    assert rough.total.dtype == torch.float32
    assert float(rough.dino) == pytest.approx(float(exact.dino), rel=0.03)
    rough.total.backward()
    assert torch.isfinite(optimising.clip(pair.student, 0.0))
