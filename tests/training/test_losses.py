"""The loss, its gradient and its centre are the reference's; Sinkhorn-Knopp is what it is defined to be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import stored, tensor  # noqa: E402

from dinoscope.training.losses import Centre, dino_loss, entropy, sinkhorn  # noqa: E402
from dinoscope.training.schedules import linear_then_flat  # noqa: E402

VIEWS, BATCH, K = 6, 5, 256
STEPS_WITH_GRADIENTS = (0, 4)
TEMPERATURES = linear_then_flat((0.04, 0.07), 10, 3)


@pytest.mark.parametrize(("kind", "tolerance"), [("f32", 1e-5), ("f64", 1e-12)])
def test_six_steps_are_the_reference_s(kind: str, tolerance: float) -> None:
    type_ = {"f32": torch.float32, "f64": torch.float64}[kind]
    centre, there = Centre(K).to(type_), stored()
    for step in range(6):
        scores = tensor(f"loss.student.{step}", VIEWS * BATCH, K).to(type_).requires_grad_()
        taught = tensor(f"loss.teacher.{step}", 2 * BATCH, K, mean=0.3).to(type_)
        targets = centre.targets(taught, TEMPERATURES[step]).unflatten(0, (2, BATCH))
        loss = dino_loss(scores.unflatten(0, (VIEWS, BATCH)), targets)
        loss.backward()
        centre.move()
        np.testing.assert_allclose(
            loss.detach(), there[f"loss/{kind}/value/{step}"], rtol=tolerance, atol=tolerance
        )
        np.testing.assert_allclose(
            centre.value[None], there[f"loss/{kind}/center/{step}"], rtol=tolerance, atol=tolerance
        )
        if step in STEPS_WITH_GRADIENTS:
            wanted = there[f"loss/{kind}/grad_student/{step}"]
            largest = np.abs(wanted).max()
            np.testing.assert_allclose(
                scores.grad / largest, wanted / largest, rtol=tolerance, atol=tolerance
            )


def plain_loss(scores: np.ndarray, targets: np.ndarray, temperature: float) -> float:
    """The double loop of the paper."""
    shares = np.exp(scores / temperature)
    logs = np.log(shares / shares.sum(-1, keepdims=True))
    terms = [
        -(target * own).sum(-1).mean()
        for t, target in enumerate(targets)
        for s, own in enumerate(logs)
        if s != t
    ]
    return float(np.mean(terms))


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 5), st.integers(1, 4), st.integers(2, 9), st.integers(0, 99))
def test_a_view_is_never_compared_with_itself(views: int, batch: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores, targets = rng.standard_normal((views, batch, k)), rng.dirichlet(np.ones(k), (2, batch))
    loss = dino_loss(torch.from_numpy(scores), torch.from_numpy(targets), 0.2)
    assert float(loss) == pytest.approx(plain_loss(scores, targets, 0.2), rel=1e-9)


def test_the_loss_under_autocast_is_the_loss() -> None:
    scores, taught = torch.randn(4, 8, 32), torch.randn(2, 8, 32)
    with torch.autocast("cpu", torch.bfloat16):
        inside = dino_loss(scores, sinkhorn(taught.flatten(0, 1), 0.05).view(2, 8, 32))
    outside = dino_loss(scores, sinkhorn(taught.flatten(0, 1), 0.05).view(2, 8, 32))
    assert inside.dtype == torch.float32
    torch.testing.assert_close(inside, outside)


def test_windows_of_a_batch_see_one_centre_and_move_it_once() -> None:
    whole, parts = Centre(K).double(), Centre(K).double()
    for _ in range(3):
        scores = torch.randn(12, K, dtype=torch.float64) + 1
        targets = whole.targets(scores, 0.04)
        windows = torch.cat([parts.targets(window, 0.04) for window in scores.split([3, 3, 6])])
        torch.testing.assert_close(targets, windows, rtol=1e-9, atol=0)
        whole.move()
        parts.move()
        torch.testing.assert_close(parts.value, whole.value, rtol=1e-14, atol=1e-14)


def test_a_batch_that_is_given_up_leaves_no_trace() -> None:
    centre = Centre(4)
    centre.targets(torch.full((3, 4), torch.nan), 0.04)
    centre.forget()
    centre.move()
    assert torch.equal(centre.value, torch.zeros(4))


def test_the_centre_is_saved_and_what_it_has_seen_of_a_batch_is_not() -> None:
    assert list(Centre(4).state_dict()) == ["value"]


def test_entropy_goes_from_nothing_to_ln_k() -> None:
    assert float(entropy(torch.eye(5))) == 0.0
    assert float(entropy(torch.full((3, 5), 0.2))) == pytest.approx(np.log(5))


def plain_sinkhorn(scores: np.ndarray, temperature: float, rounds: int) -> np.ndarray:
    """As SwAV and DINOv2 write it, in double precision."""
    q = np.exp(scores / temperature).T
    q /= q.sum()
    for _ in range(rounds):
        q /= q.sum(1, keepdims=True) * len(q)
        q /= q.sum(0, keepdims=True) * q.shape[1]
    return np.asarray((q * q.shape[1]).T)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(2, 9), st.sampled_from([0.04, 0.1, 1.0]), st.integers(0, 99))
def test_sinkhorn_is_its_definition(samples: int, k: int, temperature: float, seed: int) -> None:
    scores = np.random.default_rng(seed).uniform(-1, 1, (samples, k))
    for rounds in (1, 3):
        found = sinkhorn(torch.from_numpy(scores), temperature, rounds)
        np.testing.assert_allclose(found, plain_sinkhorn(scores, temperature, rounds), rtol=1e-9, atol=1e-12)


def test_sinkhorn_uses_every_prototype_and_survives_any_score() -> None:
    favoured = torch.randn(64, 8) * 0.1 + torch.arange(8)  # softmax would give all to the last one
    shares = sinkhorn(favoured, 0.05, rounds=50).sum(0) / 64
    np.testing.assert_allclose(shares, 1 / 8, atol=1e-3)
    far = sinkhorn(torch.tensor([[1e4, -1e4], [-1e4, 1e4], [-1e4, -1e4]]), 0.02)
    assert torch.isfinite(far).all()
    np.testing.assert_allclose(far.sum(1), 1, rtol=1e-5)


def test_sinkhorn_of_nothing_is_nothing() -> None:
    assert sinkhorn(torch.zeros(0, 4), 0.04).shape == (0, 4)


TWO_PROCESSES = """
import sys, torch
from torch import distributed
from dinoscope.training.losses import Centre, sinkhorn

rank, meeting = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=2)
scores = torch.randn(10, 7, generator=torch.Generator().manual_seed(0)).double()
mine = scores[:4] if rank == 0 else scores[4:]
centre = Centre(7).double()
centre.targets(mine, 0.04)
centre.move()
torch.save((sinkhorn(mine, 0.04), centre.value), f"{meeting}.{rank}")
distributed.destroy_process_group()
"""


def test_two_processes_agree_on_the_whole_batch(tmp_path: Path) -> None:
    """Also when one has fewer samples than the other."""
    meeting = str(tmp_path / "meeting")
    started = [subprocess.Popen([sys.executable, "-c", TWO_PROCESSES, str(rank), meeting]) for rank in (0, 1)]
    assert [each.wait(timeout=60) for each in started] == [0, 0]
    found = [torch.load(f"{meeting}.{rank}", weights_only=True) for rank in (0, 1)]
    scores = torch.randn(10, 7, generator=torch.Generator().manual_seed(0)).double()
    centre = Centre(7).double()
    centre.targets(scores, 0.04)
    centre.move()
    torch.testing.assert_close(torch.cat([targets for targets, _ in found]), sinkhorn(scores, 0.04))
    for _, value in found:
        torch.testing.assert_close(value, centre.value)
