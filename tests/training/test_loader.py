"""The batches of a step are the same however they are made, and no picture or process can spoil them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.training.picture_sources import LIMITS, folder_of, jpeg, recipe_of, tar_of, video_of

from dinoscope.errors import BadRequest, Unreadable
from dinoscope.training import view_workers
from dinoscope.training.gathering import gather
from dinoscope.training.items import Items
from dinoscope.training.loader import Batch, Loader, default_workers
from dinoscope.training.recipe import Crops
from dinoscope.training.sampling import batch_indices

psutil = pytest.importorskip("psutil")
RECIPE = recipe_of()


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Items:
    place = tmp_path_factory.mktemp("pictures")
    tar = tar_of(place / "b.tar", {f"{n}.jpg": jpeg(n, 50 + n, 40) for n in range(10, 20)})
    return gather([folder_of(place / "a", 10), tar], LIMITS)


@pytest.fixture(scope="module")
def alone(items: Items) -> list[Batch]:
    with Loader(items, RECIPE, LIMITS) as loader:
        return list(loader.batches())


def assert_same(batches: list[Batch], others: list[Batch]) -> None:
    assert [batch.step for batch in batches] == [batch.step for batch in others]
    for batch, other in zip(batches, others, strict=True):
        assert np.array_equal(batch.indices, other.indices)
        assert np.array_equal(batch.positions, other.positions)
        assert all(np.array_equal(*pair) for pair in zip(batch.views, other.views, strict=True))


def test_batches_hold_the_views_of_the_pictures_they_name(items: Items, alone: list[Batch]) -> None:
    assert len(alone) == RECIPE.steps
    for batch in alone:
        assert [view.shape for view in batch.views] == [(6, size, size, 3) for size in (32, 32, 16, 16)]
        assert all(view.dtype == np.uint8 for view in batch.views)
        assert np.array_equal(batch.indices, batch_indices(7, batch.step, 6, len(items)))
    assert len({view.tobytes() for batch in alone for view in batch.views}) == 20


@pytest.mark.parametrize("workers", [1, 2])
def test_views_do_not_depend_on_the_number_of_workers(items: Items, alone: list[Batch], workers: int) -> None:
    with Loader(items, RECIPE, LIMITS, workers=workers) as loader:
        assert_same(list(loader.batches()), alone)
        assert loader.waited > 0


@pytest.mark.parametrize("workers", [0, 2])
def test_keeping_decoded_pictures_changes_nothing_but_the_time(
    items: Items, alone: list[Batch], workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "decoded-0").write_bytes(b"\1" * 300_000)  # of a run that was killed
    with Loader(items, RECIPE, LIMITS, workers=workers, keep=tmp_path) as loader:
        assert_same(list(loader.batches()), alone)
        if not workers:  # all have been decoded: their files are not needed any more
            monkeypatch.setattr(type(items[0]), "read", None)
        assert_same(list(loader.batches()), alone)
    assert not list(tmp_path.iterdir())


def test_a_resumed_run_sees_what_it_would_have_seen(items: Items, alone: list[Batch]) -> None:
    with Loader(items, RECIPE, LIMITS) as loader:
        assert_same(list(loader.batches(3)), alone[3:])
        assert_same(list(loader.batches(1, 2)), alone[1:2])


def test_ranks_share_a_batch(items: Items, alone: list[Batch]) -> None:
    shares = []
    for rank in range(3):
        with Loader(items, RECIPE, LIMITS, rank=rank, world=3) as loader:
            shares.append(next(loader.batches(2)))
    for number, view in enumerate(alone[2].views):
        assert np.array_equal(np.concatenate([share.views[number] for share in shares]), view)
    assert np.concatenate([share.positions for share in shares]).tolist() == list(range(6))


def test_a_batch_that_cannot_be_shared_is_refused(items: Items) -> None:
    with pytest.raises(BadRequest, match=r"a batch of 6 cannot be shared by 4 processes .*a multiple of 4"):
        Loader(items, RECIPE, LIMITS, world=4)
    with pytest.raises(BadRequest, match="2 windows each: ask for a multiple of 4"):
        Loader(items, replace(RECIPE, accumulate=2), LIMITS, world=2)


def test_another_seed_sees_other_views(items: Items, alone: list[Batch]) -> None:
    with Loader(items, replace(RECIPE, seed=8), LIMITS) as loader:
        assert not np.array_equal(next(loader.batches()).views[0], alone[0].views[0])


def test_the_last_steps_are_larger(items: Items) -> None:
    recipe = replace(RECIPE, finish_steps=1, finish_scale=2.0)
    with Loader(items, recipe, LIMITS, workers=1) as loader:
        sides = [batch.views[0].shape[1] for batch in loader.batches()]
    assert sides == [32, 32, 32, 32, 64]


@pytest.fixture
def partly_broken(tmp_path: Path) -> Items:
    members = {f"{n}.jpg": jpeg(n)[: -300 if n % 3 == 0 else None] for n in range(12)}
    return gather([tar_of(tmp_path / "a.tar", members)], LIMITS)


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_pictures_are_replaced_named_and_counted(partly_broken: Items, workers: int) -> None:
    with Loader(partly_broken, RECIPE, LIMITS) as loader:
        want = list(loader.batches())
    with Loader(partly_broken, RECIPE, LIMITS, workers=workers) as loader:
        batches = list(loader.batches())
        assert_same(batches, want)
        assert loader.skipped == {0, 3, 6, 9}
        assert set(loader.refusals) == loader.skipped
        assert "3.jpg is not complete" in loader.refusals[3].sentence
    for batch in batches:
        assert not set(batch.indices.tolist()) & {0, 3, 6, 9}
        assert all(view.reshape(6, -1).any(1).all() for view in batch.views)


def test_when_nothing_can_be_read_there_is_one_sentence(tmp_path: Path) -> None:
    items = gather([tar_of(tmp_path / "a.tar", {f"{n}.jpg": jpeg(n)[:-300] for n in range(6)})], LIMITS)
    with (
        Loader(items, RECIPE, LIMITS, workers=1) as loader,
        pytest.raises(BadRequest, match="20 pictures in a row cannot be read"),
    ):
        next(loader.batches())


def test_temporal_pairs_come_from_two_frames_of_one_shot(tmp_path: Path) -> None:
    pytest.importorskip("av")
    video_of(tmp_path / "v.mp4", [(255, 0, 0), (0, 0, 80)])
    items = gather([tmp_path / "v.mp4"], LIMITS, tmp_path)
    recipe = replace(RECIPE, positives="temporal", crops=replace(RECIPE.crops, global_scale=(0.9, 1.0)))
    with Loader(items, recipe, LIMITS) as loader, Loader(items, recipe, LIMITS, workers=1) as other:
        batches = list(loader.batches())
        assert_same(list(other.batches()), batches)
    for batch in batches:
        first, second = (np.median(view, axis=(1, 2)) for view in batch.views[:2])  # the shot's colour
        assert np.abs(first - second).max() < 20
        assert np.ptp(first, axis=0).max() > 100  # both shots are there


def processes() -> list[Any]:
    return [
        process
        for process in psutil.Process().children()
        if any("view_worker" in part for part in process.cmdline())
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="no signals")
def test_a_killed_process_is_replaced_and_its_work_done_again(items: Items) -> None:
    recipe = replace(RECIPE, steps=12)
    with Loader(items, recipe, LIMITS) as loader:
        want = list(loader.batches())
    with Loader(items, recipe, LIMITS, workers=2) as loader:
        batches = []
        for batch in loader.batches():
            batches.append(batch)
            if batch.step in {2, 6}:
                for process in processes():
                    os.kill(process.pid, signal.SIGKILL)
        assert_same(batches, want)
    assert not processes()


def test_processes_that_cannot_live_end_the_training_in_a_sentence(
    items: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view_workers, "_LIVES", 3)
    with (
        Loader(items, RECIPE, replace(LIMITS, max_seconds="never"), workers=2) as loader,  # type: ignore[arg-type]
        pytest.raises(Unreadable, match=r"processes that read the pictures have died, .* fewer --workers"),
    ):
        next(loader.batches())


def test_closing_in_the_middle_ends_the_processes_at_once(items: Items) -> None:
    recipe = replace(RECIPE, steps=1000, crops=Crops(global_size=96, local_size=32))
    loader = Loader(items, recipe, LIMITS, workers=2)
    batches: Iterator[Batch] = islice(loader.batches(), 2)
    list(batches)
    began = time.monotonic()
    loader.close()
    assert time.monotonic() - began < 5
    assert not processes()


def test_workers_need_no_torch(items: Items) -> None:
    with Loader(items, RECIPE, LIMITS, workers=1) as loader:
        next(loader.batches())
        (process,) = processes()
        if sys.platform == "linux":
            assert not [entry.path for entry in process.memory_maps() if "libtorch" in entry.path]


def test_a_gpu_gets_more_processes_than_a_processor() -> None:
    assert default_workers(cuda=False) == 1
    assert 1 <= default_workers(cuda=True) <= (os.cpu_count() or 1)
    assert default_workers(cuda=True, ranks=1000) == 1
