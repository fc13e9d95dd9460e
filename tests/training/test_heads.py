"""Projection heads are the reference's, whichever weight norm a checkpoint was saved with."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import fill, stored, tensor, tensor_of  # noqa: E402

from dinoscope.training.heads import ProjectionHead, Prototypes, at_least_single, head_tensors  # noqa: E402
from dinoscope.training.recipe import Head  # noqa: E402

PLAIN = ["mlp.0", "mlp.2", "mlp.4"]
NORMED = ["mlp.0", "mlp.1", "mlp.3", "mlp.4", "mlp.6"]


def names(modules: list[str]) -> list[str]:
    """As of a whole network of the reference."""
    layers = [f"head.{module}.{part}" for module in modules for part in ("weight", "bias")]
    return [*layers, "head.last_layer.weight_g", "head.last_layer.weight_v"]


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("frozen", [False, True])
def test_scores_are_the_reference_s(frozen: bool, batch_norm: bool) -> None:
    head = ProjectionHead(192, Head(prototypes=512, frozen_norm=frozen), batch_norm)
    fill(head, "head.", names(NORMED if batch_norm else PLAIN), learned_lengths=not frozen)
    scores = head.eval()(tensor("head.x", 7, 192))
    wanted = stored()[f"head/norm_last={int(frozen)}_bn={int(batch_norm)}"]
    torch.testing.assert_close(scores, tensor_of(wanted), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize("prefix", ["", "head.", "module.head.", "dino_head."])
@pytest.mark.parametrize(
    "norm",
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")],
)
def test_a_checkpoint_s_names_become_ours(prefix: str, norm: tuple[str, str]) -> None:
    head = ProjectionHead(8, Head(prototypes=5, hidden=6, bottleneck=4))
    ours = head.state_dict()
    theirs = {
        prefix
        + name.replace("prototypes.length", f"last_layer.{norm[0]}").replace(
            "prototypes.direction", f"last_layer.{norm[1]}"
        ): value
        for name, value in ours.items()
    }
    found = head_tensors(theirs | {"backbone.norm.weight": torch.ones(8)})
    assert found.keys() == ours.keys()
    head.load_state_dict(found)


def test_one_layer_loads_too() -> None:
    head = ProjectionHead(8, Head(prototypes=5, bottleneck=4, layers=1))
    assert head_tensors({"head.mlp.weight": torch.ones(1)}).keys() <= head.state_dict().keys()
    assert head(torch.randn(3, 8)).shape == (3, 5)


def test_torch_s_own_weight_norm_agrees() -> None:
    judge = torch.nn.utils.parametrizations.weight_norm(torch.nn.Linear(6, 9, bias=False))
    ours = Prototypes(6, 9, frozen_norm=False)
    ours.load_state_dict(
        {
            name.removeprefix("prototypes."): value
            for name, value in head_tensors(
                {f"last_layer.{name}": value for name, value in judge.state_dict().items()}
            ).items()
        }
    )
    points = torch.randn(4, 6)
    torch.testing.assert_close(ours(points), judge(points))
    ours(points).square().sum().backward()
    judge(points).square().sum().backward()
    torch.testing.assert_close(ours.length.grad, judge.parametrizations.weight.original0.grad)
    torch.testing.assert_close(ours.direction.grad, judge.parametrizations.weight.original1.grad)


def test_frozen_prototypes_have_length_one_and_scores_are_cosines() -> None:
    head = ProjectionHead(8, Head(prototypes=50, hidden=16, bottleneck=4))
    head.initialise(torch.Generator().manual_seed(0))
    scores = head(torch.randn(30, 8) * 100)
    assert scores.abs().max() <= 1 + 1e-6
    assert not head.prototypes.length.requires_grad


def test_new_weights_follow_the_generator() -> None:
    heads = [ProjectionHead(8, Head(50, 16, 4)) for _ in range(3)]
    for head, seed in zip(heads, (1, 1, 2), strict=True):
        head.initialise(torch.Generator().manual_seed(seed))
    first, same, other = (head.prototypes.direction for head in heads)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("kind", "becomes"),
    [("bfloat16", "float32"), ("float16", "float32"), ("float32", "float32"), ("float64", "float64")],
)
def test_precision_is_raised_never_lowered(kind: str, becomes: str) -> None:
    assert at_least_single(torch.ones(1, dtype=getattr(torch, kind))).dtype == getattr(torch, becomes)
