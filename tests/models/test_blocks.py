"""Blocks drop whole pictures' updates while training only, and attend the same by either way."""

from __future__ import annotations

import pytest

from dinoscope.models.config import VitConfig

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from dinoscope.models.blocks import Block, Layout, attention  # noqa: E402

CONFIG = VitConfig(16, 2, 2, 8, "offset", (4, 4))
PICTURES = Layout(((300, 4), (200, 2)), (None, None))


def drawn_block(drop_path: float) -> Block:
    torch.manual_seed(0)
    block = Block(CONFIG, drop_path)
    for parameter in block.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return block


def test_rows_are_split_and_joined_by_size() -> None:
    rows = torch.randn(1600, 16)
    large, small = PICTURES.split(rows)
    assert (large.shape, small.shape) == ((300, 4, 16), (200, 2, 16))
    assert torch.equal(PICTURES.joined([large, small]), rows)


def test_a_dropped_update_is_dropped_for_the_whole_picture_and_made_up_for_by_the_others() -> None:
    torch.manual_seed(0)
    survivors = PICTURES.survivors(0.25, torch.zeros(1))
    assert sorted(survivors.unique().tolist()) == pytest.approx([0, 1 / 0.75])
    for part in PICTURES.split(survivors):
        assert (part == part[:, :1]).all()
    assert float(survivors.mean()) == pytest.approx(1.0, abs=0.06)


def test_paths_are_dropped_while_training_only() -> None:
    block, rows = drawn_block(0.5), torch.randn(1600, 16)
    whole = drawn_block(0.0)(rows, PICTURES)
    assert torch.equal(block.eval()(rows, PICTURES), whole)
    trained = block.train()(rows, PICTURES)
    untouched = sum(
        int((part == old).all(2).all(1).sum())
        for part, old in zip(PICTURES.split(trained), PICTURES.split(rows), strict=True)
    )
    assert 80 < untouched < 170  # of 500 a quarter: both updates dropped, each drawn for itself


@pytest.mark.parametrize("grad", [True, False])
def test_half_precision_attends_as_single_does(grad: bool) -> None:
    torch.manual_seed(0)
    exact = [torch.randn(2, 3, 17, 8, requires_grad=True) for _ in range(3)]
    rough = [each.detach().bfloat16().requires_grad_() for each in exact]
    wanted = attention(*exact)
    with torch.set_grad_enabled(grad):
        found = attention(*rough)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), wanted, rtol=0, atol=0.03)
    if grad:
        wanted.sin().sum().backward()
        found.float().sin().sum().backward()
        for mine, judge in zip(rough, exact, strict=True):
            assert (
                float(torch.cosine_similarity(mine.grad.float().flatten(), judge.grad.flatten(), dim=0))
                > 0.999
            )
