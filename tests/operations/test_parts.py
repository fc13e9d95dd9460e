"""The pipeline's parts by themselves: roots, the walk ahead, batches, the memory of the look-ahead."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from dinoscope.errors import NotAPicture, Unreadable
from dinoscope.geometry import Size
from dinoscope.operations.ahead import ReadAhead, Ready
from dinoscope.operations.batching import Batches, shape_of
from dinoscope.operations.scouting import Found, PathSet, RootWalked, Scout, roots_of
from dinoscope.pictures.decoding import Decoded
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.workers import Loaded


def test_roots_are_absolute_unique_and_not_nested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "c").mkdir()
    (tmp_path / "link").symlink_to("a")
    monkeypatch.chdir(tmp_path)
    assert roots_of(["a", "a/b", "./a", "link", "c"]) == (tmp_path / "a", tmp_path / "c")


def test_a_broken_root_is_refused(tmp_path: Path) -> None:
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    with pytest.raises(Unreadable, match="circle cannot be read"):
        roots_of([circle])
    with pytest.raises(Unreadable, match="neither a folder nor a file"):
        roots_of(["/dev/null"])


def test_the_walk_runs_ahead_and_stamps_files(tmp_path: Path) -> None:
    (tmp_path / "one.jpg").write_bytes(b"12345")
    with Scout([tmp_path]) as scout:
        sightings = []
        while not scout.exhausted:
            sighting = scout.take(0.1)
            if sighting:
                sightings.append(sighting)
    assert [type(sighting) for sighting in sightings] == [Found, RootWalked]
    assert isinstance(sightings[0], Found)
    assert sightings[0].bytes == 5
    assert sightings[1] == RootWalked(tmp_path, 1)


def test_leaving_early_ends_a_walk_that_waits_for_room(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}").touch()
    with Scout([tmp_path], ahead=2) as scout:
        assert scout.take(1.0) is not None
    assert not scout.walking


def test_a_fault_of_the_walk_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Path) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("dinoscope.operations.scouting.walk", broken)
    with Scout([tmp_path]) as scout, pytest.raises(RuntimeError, match="a bug"):
        scout.take(1.0)


def test_the_set_of_paths_knows_members_only(tmp_path: Path) -> None:
    paths = PathSet()
    paths.add(tmp_path / "a")
    assert tmp_path / "a" in paths
    assert tmp_path / "b" not in paths
    assert len(paths) == 1
    with pytest.raises(TypeError):
        iter(paths)


def by_parity(number: int) -> tuple[int, int]:
    return number % 2, 0


def test_a_batch_is_due_when_its_bucket_is_full() -> None:
    batches: Batches[int] = Batches(3, 100, by_parity)
    for number in (1, 2, 3, 4):
        batches.add(number)
    assert batches.full() == []
    batches.add(5)
    assert batches.full() == [1, 3, 5]
    assert batches.any() == [2, 4]
    assert (batches.any(), len(batches)) == ([], 0)


def test_a_rare_shape_does_not_starve() -> None:
    batches: Batches[int] = Batches(8, 20, by_parity)
    batches.add(1)
    for waited in range(1, 21):
        batches.add(2 * waited)
        while batch := batches.full():
            if 1 in batch:
                return
    pytest.fail("the lone picture had to wait for more than twenty others")


def test_pictures_of_nearly_one_aspect_share_a_shape() -> None:
    assert shape_of(Size(4000, 3000)) == shape_of(Size(1024, 768)) == shape_of(Size(640, 480))
    assert shape_of(Size(3000, 4000)) != shape_of(Size(4000, 3000))


class Shelf:
    """A stand-in for DecodeWorkers: pictures of 1000 bytes, files called bad refused, bug a bug."""

    def read(self, path: Path, *, at_least: int | None, thumbnail: int | None) -> Loaded:
        if path.name == "bad":
            raise NotAPicture("bad is not a picture: skip it")
        if path.name == "bug":
            raise ZeroDivisionError
        pixels = np.zeros((10, 100, 1), np.uint8)
        return Loaded("00", None, Decoded(pixels, Size(100, 10), "png", Metadata()), 0, 1)


def asked(name: str) -> Found:
    return Found(Path("/pictures") / name, Path("/pictures"), 1, 1)


def test_reading_ahead_stays_within_its_memory() -> None:
    with ReadAhead(Shelf(), 2, at_least=None, thumbnail=None, depth=10, memory=3000) as ahead:
        for number in range(10):
            ahead.ask(asked(str(number)))
        assert not ahead.has_room
        held: list[Ready] = []
        while (ready := ahead.take(0.3)) is not None:
            assert isinstance(ready, Ready)
            held.append(ready)
        assert len(held) == 3  # the others wait
        for ready in held:
            ahead.release(ready)
        assert ahead.take(1.0) is not None


def test_one_picture_larger_than_all_memory_still_comes() -> None:
    with ReadAhead(Shelf(), 1, at_least=None, thumbnail=None, memory=10) as ahead:
        ahead.ask(asked("large"))
        assert isinstance(ahead.take(2.0), Ready)


def test_leaving_does_not_wait_for_memory() -> None:
    def leave() -> None:
        with ReadAhead(Shelf(), 2, at_least=None, thumbnail=None, memory=10) as ahead:
            for number in range(8):
                ahead.ask(asked(str(number)))
            time.sleep(0.05)

    thread = Thread(target=leave, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_refusals_come_as_values_and_bugs_as_errors() -> None:
    with ReadAhead(Shelf(), 1, at_least=None, thumbnail=None) as ahead:
        ahead.ask(asked("bad"))
        refusal = ahead.take(2.0)
        assert isinstance(refusal, Refusal)
        assert "not a picture" in refusal.sentence
        ahead.ask(asked("bug"))
        with pytest.raises(ZeroDivisionError):
            ahead.take(2.0)
        assert len(ahead) == 0
