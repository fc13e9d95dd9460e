"""Maps that can be compared from one step to the next."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import LIMITS, TINY, items_in  # noqa: E402

from dinoscope.errors import DiskFull  # noqa: E402
from dinoscope.models.vit import Vit  # noqa: E402
from dinoscope.training.journal import Measure  # noqa: E402
from dinoscope.training.runs import Run  # noqa: E402
from dinoscope.training.snapshots import Snapshots, aligned, components, heat  # noqa: E402

RNG = np.random.default_rng(5)


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    rows = (RNG.normal(size=(200, 12)) * np.linspace(5, 0.1, 12)).astype(np.float32)
    left, sizes, _ = np.linalg.svd(rows - rows.mean(0), full_matrices=False)
    wanted = left[:, :3] * sizes[:3]
    np.testing.assert_allclose(np.abs(components(rows)), np.abs(wanted), rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(components(rows), components(rows.copy()))


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_swapped_and_turned_components_get_their_old_colours(order: tuple[int, ...]) -> None:
    before = RNG.normal(size=(300, 3)).astype(np.float32)
    signs = RNG.choice([-1, 1], 3)
    noise = RNG.normal(size=(300, 3)) * 0.2
    now = ((before + noise)[:, order] * signs).astype(np.float32)
    back = aligned(now, before)
    for axis in range(3):
        assert np.corrcoef(back[:, axis], before[:, axis])[0, 1] > 0.9


def test_heat_goes_from_dark_to_bright() -> None:
    shades = heat(np.linspace(0, 1, 50).reshape(1, 50).astype(np.float32)).astype(int).sum(2)[0]
    assert (np.diff(shades) >= 0).all()
    assert heat(np.ones((2, 2), np.float32)).shape == (2, 2, 3)


def test_files_are_pictures_of_one_size_and_the_state_is_kept(tmp_path: Path) -> None:
    run, vit = Run(tmp_path / "run"), Vit(TINY.model)
    vit.initialise(torch.Generator().manual_seed(0))
    made = Snapshots(run, items_in(tmp_path / "p"), TINY, LIMITS)
    first = made.write(vit, 0)
    again = Snapshots(run, items_in(tmp_path / "p"), TINY, LIMITS).write(vit, 7)  # resumed
    for (name, one), (_, two) in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two, name)
    names = {path.name for path in run.samples.glob("*.png")}
    assert {"0-picture.png", "0-0-pca.png", "7-7-attention.png"} <= names
    assert len(names) == 8 + 2 * 16
    for name in names:
        with Image.open(run.samples / name) as picture:
            assert picture.size == (made.side, made.side)
    run.update(state="running")
    assert len(run.info().samples) == 32


def test_no_room_is_a_sentence(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.samples.write_text("in the way")
    with pytest.raises(DiskFull, match="make room"):
        Snapshots(run, items_in(tmp_path / "p"), TINY, LIMITS).write(Vit(TINY.model), 0)


def test_event_files_are_what_tensorboard_reads(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    from dinoscope.training.boards import Board

    board = Board(tmp_path)
    for step in (1, 2):
        board.add(Measure(step, 1.0, loss=step / 2, probe={"knn": 0.25}, alarm="look out"))
    board.add_picture("0-pca", np.zeros((8, 8, 3), np.uint8), 2)
    board.close()
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(1, 0.5), (2, 1.0)]
    assert [event.value for event in events.Scalars("probe/knn")] == [0.25, 0.25]
    assert events.Tags()["images"] == ["0-pca"]


def test_without_tensorboard_nothing_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from dinoscope.training.boards import Board

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    board = Board(tmp_path)
    board.add(Measure(1, 1.0, loss=1.0))
    board.add_picture("x", np.zeros((2, 2, 3), np.uint8), 1)
    board.close()
    assert not list(tmp_path.iterdir())
