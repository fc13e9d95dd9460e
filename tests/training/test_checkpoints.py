"""Checkpoints are whole or not there, and never belong to something else."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

from tests.training.tiny import TINY, same  # noqa: E402

from dinoscope.errors import BadRequest, DiskFull  # noqa: E402
from dinoscope.training import checkpoints  # noqa: E402
from dinoscope.training.runs import Run  # noqa: E402

STATE: dict[str, Any] = {
    "pair": {"a": torch.arange(4.0)},
    "seconds": 2.5,
    "groups": [{"lr": 0.1, "on": True}],
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "mine")


def test_what_was_saved_comes_back(run: Run) -> None:
    assert checkpoints.latest(run, TINY, "data") is None
    checkpoints.save(run, 3, TINY, "data", STATE)
    state = checkpoints.latest(run, TINY, "data")
    assert state is not None
    assert state["step"] == 3
    same({key: state[key] for key in STATE}, STATE)


def test_the_last_three_are_kept_by_number_not_by_name(run: Run) -> None:
    for step in (8, 9, 10, 11):
        checkpoints.save(run, step, TINY, "data", STATE)
    assert checkpoints.steps_of(run) == [11, 10, 9]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["10.pt", "11.pt", "9.pt"]


def test_a_damaged_one_falls_back_to_the_one_before(run: Run) -> None:
    checkpoints.save(run, 3, TINY, "data", STATE)
    whole = checkpoints.save(run, 4, TINY, "data", STATE).read_bytes()
    for wrong in (b"", whole[: len(whole) // 2], b"not a checkpoint", whole[:-30] + bytes(30)):
        (run.checkpoints / "4.pt").write_bytes(wrong)
        state = checkpoints.latest(run, TINY, "data")
        assert state is not None
        assert state["step"] == 3


def test_when_all_are_damaged_it_says_so_rather_than_begin_anew(run: Run) -> None:
    checkpoints.save(run, 3, TINY, "data", STATE).write_bytes(b"x")
    with pytest.raises(BadRequest, match=r"no checkpoint of 'mine' can be read \(3\.pt\)"):
        checkpoints.latest(run, TINY, "data")


def test_a_file_that_would_run_code_is_not_loaded(run: Run, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    run.checkpoints.mkdir(parents=True)
    torch.save({"format": 1, "step": 3, "trap": Trap()}, run.checkpoints / "3.pt")
    with pytest.raises(BadRequest):
        checkpoints.latest(run, TINY, "data")
    assert not (tmp_path / "sprung").exists()


def test_another_recipe_is_refused_with_the_field(run: Run) -> None:
    checkpoints.save(run, 3, TINY, "data", STATE)
    other = replace(TINY, teacher=replace(TINY.teacher, centre_momentum=0.5))
    with pytest.raises(
        BadRequest, match=r"another recipe \(teacher\.centre_momentum is 0\.5 in one and 0\.9"
    ):
        checkpoints.latest(run, other, "data")


def test_other_pictures_are_refused(run: Run) -> None:
    checkpoints.save(run, 3, TINY, "data", STATE)
    with pytest.raises(BadRequest, match="other pictures"):
        checkpoints.latest(run, TINY, "others")


def no_room(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def writer_fails(*_: object) -> None:
    raise RuntimeError("[enforce fail at inline_container.cc:603] . unexpected pos 64 vs 0")


@pytest.mark.parametrize(
    ("name", "failure"), [("torch.save", no_room), ("torch.save", writer_fails), ("os.fsync", no_room)]
)
def test_a_full_disk_leaves_the_one_before_and_a_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, failure: Any
) -> None:
    checkpoints.save(run, 3, TINY, "data", STATE)
    with monkeypatch.context() as broken:
        broken.setattr(name, failure)
        with pytest.raises(DiskFull, match=r"step 3 is kept: make room, then .* --resume mine"):
            checkpoints.save(run, 4, TINY, "data", STATE)
    assert [path.name for path in run.checkpoints.iterdir()] == ["3.pt"]
    state = checkpoints.latest(run, TINY, "data")
    assert state is not None
    assert state["step"] == 3
