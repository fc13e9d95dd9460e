"""Folders that make one library, and what is said when they do not."""

from __future__ import annotations

import json
from collections import Counter
from hashlib import blake2b
from pathlib import Path

import pytest

from dinoscope.cluster.manifest import OWN, Manifest, claimed, demand_shard, shard_folder
from dinoscope.cluster.numbering import by_shard, inner, outer, shard_of
from dinoscope.errors import BadRequest, LibraryDamaged, LibraryReadOnly, NoLibrary
from dinoscope.library.connection import SHARDED as FILE
from dinoscope.library.library import Library

KEY = "planted@0123/fit256-bicubic/fp32"


def make(root: Path, shards: int | None = 3, model: str = KEY) -> Manifest:
    return claimed(root, shards=shards, model=model, name="planted", dimension=16)


def test_it_is_read_as_it_was_made_and_made_once(tmp_path: Path) -> None:
    made = make(tmp_path / "library")
    assert Manifest.read(tmp_path / "library") == made
    assert make(tmp_path / "library", None) == made
    assert [demand_shard(tmp_path / "library", made, number).name for number in range(3)] == [
        "shard-0000",
        "shard-0001",
        "shard-0002",
    ]


def test_shards_are_taken_as_they_are(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(BadRequest, match="has 3 shards, not 8"):
        make(tmp_path, 8)
    with pytest.raises(BadRequest, match="1 to 4096"):
        make(tmp_path / "other", 0)


def test_a_wrong_model_is_told_which_is_right(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(BadRequest, match="choose --model planted, or another --library"):
        make(tmp_path, None, "another@4567/fit256-bicubic/fp32")


def test_a_library_of_one_machine_is_left_alone(tmp_path: Path) -> None:
    Library.open(tmp_path, write=True).close()
    with pytest.raises(NoLibrary, match="without --ray"):
        make(tmp_path)
    with pytest.raises(NoLibrary, match="needs no --ray"):
        Manifest.read(tmp_path)
    assert not (tmp_path / FILE).exists()


@pytest.mark.parametrize("write", [False, True])
def test_one_machine_does_not_take_a_library_in_shards_for_its_own(tmp_path: Path, write: bool) -> None:
    make(tmp_path)
    with pytest.raises(LibraryReadOnly, match="index --ray"):
        Library.open(tmp_path, write=write)


def test_no_library_is_told_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NoLibrary, match="dinoscope index --ray"):
        Manifest.read(tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(NoLibrary, match="is a file"):
        make(tmp_path / "file")


@pytest.mark.parametrize("name", [FILE, f"shard-0001/{OWN}"])
def test_another_version_is_told(tmp_path: Path, name: str) -> None:
    made = make(tmp_path)
    values = json.loads((tmp_path / name).read_text())
    (tmp_path / name).write_text(json.dumps(values | {"version": 2}))
    with pytest.raises(LibraryDamaged, match=r"another version of Dinoscope \(format 2"):
        demand_shard(tmp_path, Manifest.read(tmp_path), 1)
    assert made.shards == 3


def test_a_shard_of_another_library_or_place_is_told(tmp_path: Path) -> None:
    here, there = make(tmp_path / "here"), make(tmp_path / "there")
    stranger = shard_folder(tmp_path / "there", 1)
    mine = shard_folder(tmp_path / "here", 1)
    mine.rename(tmp_path / "mine")
    with pytest.raises(LibraryDamaged, match="shard-0001 is missing"):
        Manifest.read(tmp_path / "here")
    stranger.rename(mine)
    with pytest.raises(LibraryDamaged, match=f"of the library {there.id}"):
        demand_shard(tmp_path / "here", here, 1)
    shard_folder(tmp_path / "here", 2).rename(tmp_path / "second")
    shard_folder(tmp_path / "here", 0).rename(shard_folder(tmp_path / "here", 2))
    with pytest.raises(LibraryDamaged, match="is shard 0 of"):
        demand_shard(tmp_path / "here", here, 2)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 1}', '{"version": 1, "shards": "x"}'])
def test_a_damaged_manifest_is_told(tmp_path: Path, text: str) -> None:
    make(tmp_path)
    (tmp_path / FILE).write_text(text)
    with pytest.raises(LibraryDamaged):
        Manifest.read(tmp_path)


@pytest.mark.parametrize(("name", "value"), [("shards", 3.5), ("shards", True), ("model", 5), ("id", "")])
def test_a_manifest_with_a_wrong_value_is_told(tmp_path: Path, name: str, value: object) -> None:
    make(tmp_path)
    values = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(values | {name: value}))
    with pytest.raises(LibraryDamaged, match="does not say what its shards are"):
        Manifest.read(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(LibraryReadOnly, match="check its permissions"):
        make(tmp_path / "library")


def test_pictures_spread_evenly_and_always_to_the_same_shard() -> None:
    contents = [blake2b(str(number).encode(), digest_size=20).hexdigest() for number in range(8000)]
    counts = Counter(shard_of(one, 8) for one in contents)
    assert set(counts) == set(range(8))
    assert min(counts.values()) > 880  # 1000 each, 31 of deviation
    asked = by_shard([*contents[:10], contents[0], ""], 8)
    assert sorted(one for part in asked.values() for one in part) == sorted(contents[:10])
    # written down: a library of today must be found by any later version
    assert [shard_of(f"{number:040x}", 7) for number in (0, 2**96, 5 * 2**96)] == [0, 1, 5]


def test_numbers_lead_back() -> None:
    assert inner(outer(2**40, 4095)) == (2**40, 4095)
    assert outer(1, 0) > 0
