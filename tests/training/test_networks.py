"""Many views in one forward are the reference's, packed or size by size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.dino_reference import fill, stored, tensor, tensor_of, told  # noqa: E402

from dinoscope.models.config import VitConfig  # noqa: E402
from dinoscope.training.networks import Network  # noqa: E402
from dinoscope.training.recipe import Extras, Head, Recipe  # noqa: E402

VITT8 = Recipe("reference", VitConfig(192, 12, 3, 8, "offset", (28, 28)), 1, 3, head=Head(prototypes=512))
TINY = Recipe("tiny", VitConfig(24, 2, 2, 4, "offset", (4, 4)), 1, 2, head=Head(16, 12, 8))
KEEPING = replace(TINY, extras=Extras(keep_weight=1.0))
PATCHES = replace(TINY, extras=Extras(patch_weight=1.0, untied_heads=True))


def drawn_network(recipe: Recipe, *, masks: bool = False) -> Network:
    network = Network(recipe, masks=masks)
    network.initialise(torch.Generator().manual_seed(0))
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1))
    network.eval()
    return network


def views(*sides: int, batch: int = 2) -> list[Any]:
    torch.manual_seed(0)
    return [torch.randn(batch, 3, side, side) for side in sides]


@pytest.mark.parametrize("packed", [False, True])
def test_multi_crop_is_the_reference_s(packed: bool) -> None:
    network = Network(VITT8)
    network.packed = packed
    fill(network, "mc.", told()["multicrop_state_keys"])
    crops = [tensor(f"mc.x.{i}", 3, 3, side, side) for i, side in enumerate((96, 96, 48, 48, 48, 48))]
    with torch.no_grad():
        student, teacher = network(crops), network(crops[:2])
    for seen, name in ((student, "student"), (teacher, "teacher")):
        wanted = tensor_of(stored()[f"multicrop/{name}_out"])
        torch.testing.assert_close(seen.scores.flatten(0, 1), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "recipe", [TINY, KEEPING, replace(KEEPING, model=replace(TINY.model, positions="rope", registers=2))]
)
def test_packed_is_size_by_size_also_in_the_gradient(recipe: Recipe) -> None:
    network = drawn_network(recipe).double()
    crops = [view.double() for view in views(16, 16, 8, 8, 12)]
    found = []
    for network.packed in (False, True):
        seen = network(crops)
        network.zero_grad()
        patches = seen.scores[:0] if seen.patches is None else seen.patches
        (seen.scores.square().sum() + patches.sin().sum()).backward()
        found.append(
            [
                seen.scores,
                seen.cls,
                patches,
                *(each.grad for each in network.parameters() if each.requires_grad),
            ]
        )
    for apart, together in zip(*found, strict=True):
        torch.testing.assert_close(together, apart, rtol=1e-9, atol=1e-11)


def test_a_view_is_seen_alone() -> None:
    network = drawn_network(KEEPING)
    crops = views(16, 16, 8)
    together = network(crops)
    for at, crop in enumerate(crops):
        torch.testing.assert_close(network([crop]).scores[0], together.scores[at])
    assert together.patches.shape == (2, 2, 16, 24)
    assert drawn_network(TINY)(crops).patches is None  # no loss looks at them


def test_the_student_sees_a_token_where_patches_are_hidden_and_the_teacher_sees_the_patches() -> None:
    student, teacher = drawn_network(PATCHES, masks=True), drawn_network(PATCHES)
    assert student.mask_token is not None
    student.mask_token.data.fill_(0.5)
    masked = torch.zeros(4, 16, dtype=torch.bool)
    masked[1, 3] = masked[2, 5] = masked[2, 6] = True
    crops = views(16, 16, 8)
    seen, plain = student(crops, masked), student(crops)
    changed = (seen.scores != plain.scores).any(-1)
    assert changed.tolist() == [[False, True], [True, False], [False, False]]
    assert seen.patch_scores.shape == (3, 16)
    pixels = crops[0][1, :, 0:4, 12:16]  # the hidden patch of the second picture's first view
    pixels += 1
    torch.testing.assert_close(student(crops, masked).scores, seen.scores)
    taught = teacher(crops[:2], masked)
    torch.testing.assert_close(taught.scores, teacher(crops[:2]).scores)


def test_local_views_as_large_as_global_ones_hide_nothing() -> None:
    student = drawn_network(PATCHES, masks=True)
    masked = torch.ones(4, 16, dtype=torch.bool)
    crops = views(16, 16, 16)
    seen = student(crops, masked)
    torch.testing.assert_close(seen.scores[2], student([crops[2]]).scores[0])
    assert seen.patch_scores.shape == (64, 16)


def test_hidden_patches_have_a_head_of_their_own_or_the_one_there_is() -> None:
    untied, tied = Network(PATCHES), Network(replace(PATCHES, extras=Extras(patch_weight=1.0)))
    assert untied.patch_head is not None
    assert tied.patch_head is None
    masked = torch.ones(2, 16, dtype=torch.bool)
    tied.initialise(torch.Generator().manual_seed(0))
    seen = tied(views(16), masked)
    torch.testing.assert_close(seen.patch_scores, tied.head(seen.patches.reshape(-1, 24)))


def test_a_recipe_without_patch_loss_has_nothing_for_it() -> None:
    assert Network(TINY, masks=True).mask_token is None
