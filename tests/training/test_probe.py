"""What the probe says of descriptors whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import LIMITS, TINY, items_in, pictures  # noqa: E402

from dinoscope.errors import BadRequest, Unreadable  # noqa: E402
from dinoscope.models.vit import Vit  # noqa: E402
from dinoscope.training import eyes, probe  # noqa: E402
from dinoscope.training.items import Item  # noqa: E402
from dinoscope.training.probe import consistency, make_probe, rank_me, read_labelled, spread  # noqa: E402

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("rank", [1, 3, 10])
def test_the_rank_of_equal_axes_is_their_number(rank: int) -> None:
    axes = np.linalg.qr(RNG.normal(size=(40, rank)))[0] @ np.linalg.qr(RNG.normal(size=(16, rank)))[0].T
    assert rank_me(axes.astype(np.float32)) == pytest.approx(rank, rel=0.01)


def test_spread_is_one_in_all_directions_and_zero_in_one() -> None:
    assert spread(RNG.normal(size=(4000, 16)).astype(np.float32)) == pytest.approx(1, abs=0.02)
    assert spread(np.tile(RNG.normal(size=16), (50, 1)).astype(np.float32)) == pytest.approx(0, abs=1e-6)


def test_consistency_is_the_share_that_finds_itself() -> None:
    rows = RNG.normal(size=(30, 16)).astype(np.float32)
    assert consistency(rows, rows * 7) == 1
    swapped = rows.copy()
    swapped[[0, 1, 2]] = rows[[1, 2, 0]]
    assert consistency(rows, swapped) == pytest.approx(0.9)


def a_network() -> Vit:
    vit = Vit(TINY.model)
    vit.initialise(torch.Generator().manual_seed(0))
    return vit


def test_measuring_leaves_network_and_dice_as_they_were(tmp_path: Path) -> None:
    vit = a_network().train()
    made = make_probe(items_in(tmp_path / "p"), 16, LIMITS, pictures(tmp_path / "labelled", 30))
    before, dice = {name: each.clone() for name, each in vit.state_dict().items()}, torch.get_rng_state()
    first, again = made.measure(vit), made.measure(vit)
    assert first == again
    assert first.keys() == {"consistency", "rank", "std", "knn"}
    assert torch.equal(torch.get_rng_state(), dice)
    assert all(torch.equal(before[name], each) for name, each in vit.state_dict().items())
    assert vit.training
    assert not any(each.grad is not None for each in vit.parameters())
    assert made.measure(vit, half=True)["rank"] == pytest.approx(first["rank"], rel=0.2)


def test_raw_pixels_tell_dark_from_bright(tmp_path: Path) -> None:
    made = make_probe(items_in(tmp_path / "p"), 16, LIMITS, pictures(tmp_path / "labelled", 60))
    assert made.baseline()["pixels"] > 0.9
    assert make_probe(items_in(tmp_path / "q"), 16, LIMITS).baseline() == {}


def test_labels_are_the_folders_and_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "labelled", 30)
    (folder / "even" / "000.png").write_bytes(b"nothing")
    (folder / "stray.png").write_bytes((folder / "odd" / "001.png").read_bytes())
    found = read_labelled(folder, 16, LIMITS)
    assert len(found.pictures) == len(found.labels) == 29
    assert found.classes == 2
    assert sorted(np.bincount(found.labels)) == [14, 15]
    assert found.known == 19


@pytest.mark.parametrize("count", [0, 1, 8])
def test_a_folder_without_classes_is_refused(tmp_path: Path, count: int) -> None:
    folder = tmp_path / "few"
    folder.mkdir()
    with pytest.raises(BadRequest, match="a sub-folder per class"):
        read_labelled(pictures(folder, count), 16, LIMITS)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is no folder"):
        make_probe(items_in(tmp_path / "p"), 16, LIMITS, tmp_path / "nowhere")


def test_the_middle_of_a_picture_keeps_its_shape(tmp_path: Path) -> None:
    from PIL import Image

    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    Image.fromarray(wide).save(tmp_path / "wide.png")
    seen = eyes.middle(Item(tmp_path / "wide.png"), 24, LIMITS)
    assert seen is not None
    assert seen.shape == (24, 24, 3)
    assert seen[:, 2:-2].min() >= 190
    assert eyes.middle(Item(tmp_path / "nowhere.png"), 24, LIMITS) is None


def test_the_pictures_looked_at_are_the_same_ones_every_time_and_spread(tmp_path: Path) -> None:
    items = items_in(tmp_path / "p")
    names = [item.path.name for item in eyes.chosen(items, 4)]
    assert names == [item.path.name for item in eyes.chosen(items, 4)]
    assert len(set(names)) == len(items)
    assert names[0] == items[0].path.name
    assert names[3] == items[len(items) - 1].path.name


def test_a_probe_of_pictures_nobody_can_read_is_empty(tmp_path: Path) -> None:
    items = items_in(tmp_path / "p")
    for path in (tmp_path / "p").rglob("*.png"):
        path.write_bytes(b"")
    assert probe.make_probe(items, 16, LIMITS).measure(a_network()) == {}
