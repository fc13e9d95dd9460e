"""A step is the same step however it is cut up, and nothing moves when its loss is no number."""

from __future__ import annotations

import copy
import math
import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import EXACT, LIMITS, TINY, items_in, same  # noqa: E402

from dinoscope.errors import BadRequest  # noqa: E402
from dinoscope.training import distributed  # noqa: E402
from dinoscope.training.distributed import Place  # noqa: E402
from dinoscope.training.items import Items  # noqa: E402
from dinoscope.training.loader import Batch, Loader  # noqa: E402
from dinoscope.training.recipe import Extras, Recipe  # noqa: E402
from dinoscope.training.step import Outcome, Stepper, compile_blocks, has_bf16  # noqa: E402

ALONE = Place(0, 1, torch.device("cpu"))
ALL_LOSSES = Extras(patch_weight=0.5, keep_weight=0.0)


@pytest.fixture
def items(tmp_path: Path) -> Items:
    return items_in(tmp_path / "pictures")


def batches(items: Items, recipe: Recipe) -> list[Batch]:
    with Loader(items, recipe, LIMITS) as loader:
        return list(loader.batches())


def trained(items: Items, recipe: Recipe, steps: int = 3) -> tuple[Stepper, list[Outcome]]:
    stepper = Stepper(recipe, ALONE)
    return stepper, [stepper.step(batch) for batch in batches(items, recipe)[:steps]]


def state_of(stepper: Stepper) -> dict[str, Any]:
    return copy.deepcopy(stepper.state_dict())


def test_windows_change_nothing_that_comes_out(items: Items) -> None:
    """Gradient, centre and teacher move once per batch (lightly-train issue 968)."""
    whole, told = trained(items, EXACT)
    cut, told_cut = trained(items, replace(EXACT, accumulate=2))
    for name, tensor in whole.pair.state_dict().items():
        torch.testing.assert_close(cut.pair.state_dict()[name], tensor, atol=1e-5, rtol=1e-4, msg=name)
    assert [each.loss for each in told_cut] == pytest.approx([each.loss for each in told], rel=1e-5)
    assert [each.gradient for each in told_cut] == pytest.approx([each.gradient for each in told], rel=1e-4)
    assert float(whole.pair.centre.value.abs().max()) > 0


def test_a_step_moves_student_teacher_and_centre_and_the_teacher_is_between(items: Items) -> None:
    stepper = Stepper(TINY, ALONE)
    for batch in batches(items, TINY)[:2]:  # the rate is 0 at the first step of the warm-up
        before = state_of(stepper)["pair"]
        outcome = stepper.step(batch)
    after = stepper.pair.state_dict()
    name = "backbone.blocks.0.qkv.weight"
    mixed = torch.lerp(before[f"teacher.{name}"], after[f"student.{name}"], 1 - outcome.knobs.momentum)
    assert not torch.equal(before[f"student.{name}"], after[f"student.{name}"])
    torch.testing.assert_close(after[f"teacher.{name}"], mixed)
    assert 0 < outcome.entropy < 1
    assert outcome.loss == pytest.approx(outcome.dino)
    assert outcome.patch is None


def test_the_prototypes_rest_while_they_are_frozen(items: Items) -> None:
    recipe = replace(TINY, optimiser=replace(TINY.optimiser, freeze_last=2, warmup=0))
    stepper, every = Stepper(recipe, ALONE), batches(items, recipe)
    name = "student.head.prototypes.direction"
    before = state_of(stepper)["pair"][name]
    for batch in every[:2]:
        stepper.step(batch)
    assert torch.equal(stepper.pair.state_dict()[name], before)
    stepper.step(every[2])
    assert not torch.equal(stepper.pair.state_dict()[name], before)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_nothing_moves_when_the_loss_is_no_number(items: Items, accumulate: int) -> None:
    recipe = replace(EXACT, accumulate=accumulate, optimiser=replace(EXACT.optimiser, warmup=0))
    stepper, every = Stepper(recipe, ALONE), batches(items, recipe)
    stepper.step(every[0])
    before = state_of(stepper)
    with torch.no_grad():
        stepper.pair.student.head.mlp[0].bias[0] = math.nan
    broken = stepper.step(every[1])
    assert not broken.done
    assert math.isnan(broken.loss)
    with torch.no_grad():
        stepper.pair.student.head.mlp[0].bias[0] = before["pair"]["student.head.mlp.0.bias"][0]
    same(stepper.state_dict()["pair"], before["pair"])
    same(stepper.state_dict()["optimiser"]["state"], before["optimiser"]["state"])
    assert stepper.step(every[1]).done  # and the skipped batch left nothing behind in the centre
    other = Stepper(recipe, ALONE)
    other.load_state_dict(before)
    other.step(every[1])
    same(stepper.state_dict()["pair"], other.state_dict()["pair"])


def test_a_step_depends_on_its_number_and_not_on_what_was_drawn_before(items: Items) -> None:
    one, other = Stepper(TINY, ALONE), Stepper(TINY, ALONE)
    for batch in batches(items, TINY)[:3]:
        one.step(batch)
        torch.rand(5)
        other.step(batch)
    same(one.state_dict(), other.state_dict())


@pytest.mark.parametrize("windows", [1, 2])
def test_two_processes_learn_what_one_does(items: Items, tmp_path: Path, windows: int) -> None:
    recipe = replace(EXACT, extras=ALL_LOSSES, batch=8, accumulate=windows)
    alone, told = trained(items, recipe)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(__file__).with_name("two_processes.py")
    children = [
        subprocess.Popen(
            [
                sys.executable,
                str(script),
                str(tmp_path / "pictures"),
                str(tmp_path / f"{rank}.pt"),
                str(windows),
            ],
            env={
                **os.environ,
                "RANK": str(rank),
                "LOCAL_RANK": str(rank),
                "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1",
                "MASTER_PORT": str(port),
                "OMP_NUM_THREADS": "1",
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
        )
        for rank in range(2)
    ]
    assert [child.wait(timeout=100) for child in children] == [0, 0]
    ranks = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    same(ranks[0], ranks[1])
    for name, tensor in alone.pair.state_dict().items():
        # What is added to all keys changes no attention: its gradient is rounding, which AdamW makes large.
        tolerance = 2e-3 if name.endswith("qkv.bias") else 1e-5
        torch.testing.assert_close(ranks[0]["pair"][name], tensor, atol=tolerance, rtol=1e-4, msg=name)
    assert ranks[0]["loss"] == pytest.approx([each.loss for each in told], rel=1e-5)
    assert ranks[0]["gradient"] == pytest.approx([each.gradient for each in told], rel=1e-4)


# torch hides this warning of its own tracing, unless warnings are errors
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
def test_compiled_blocks_do_the_same_and_keep_their_names(items: Items) -> None:
    plain, told = trained(items, EXACT)
    stepper = Stepper(EXACT, ALONE)
    compile_blocks(stepper.pair, ALONE.device, backend="eager")  # traced as on a GPU, then run as it is
    again = [stepper.step(batch) for batch in batches(items, EXACT)[:3]]
    assert [each.loss for each in again] == pytest.approx([each.loss for each in told], rel=1e-5)
    assert stepper.state_dict()["pair"].keys() == plain.state_dict()["pair"].keys()
    with pytest.raises(BadRequest, match="leave --compile out"):
        Stepper(EXACT, ALONE, compiled=True)


def test_alone_the_sums_are_the_values() -> None:
    values = torch.arange(3.0)
    assert distributed.summed(values) is values
    assert (distributed.rank(), distributed.world()) == (0, 1)
    assert distributed.agreed("mine", ALONE) == "mine"
    with distributed.joined("cpu") as place:
        assert (place.rank, place.world, place.device.type, place.leads) == (0, 1, "cpu", True)


@pytest.mark.parametrize("name", ["gpu", "meta", "cuda:77"])
def test_a_device_that_is_not_there_is_refused(name: str) -> None:
    if name.startswith("cuda") and torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(BadRequest, match="cpu"):
        distributed.device_of(name)


def test_bf16_is_taken_when_asked_for_and_never_with_fp32() -> None:
    cpu = torch.device("cpu")
    assert has_bf16("bf16", cpu)
    assert not has_bf16("fp32", cpu)


def test_in_bf16_a_step_agrees_roughly(items: Items) -> None:
    _, single = trained(items, EXACT, steps=1)
    _, half = trained(items, replace(EXACT, precision="bf16"), steps=1)
    assert half[0].loss == pytest.approx(single[0].loss, rel=0.05)
    assert half[0].loss != single[0].loss
