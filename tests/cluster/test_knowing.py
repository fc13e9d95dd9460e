"""What is known of files without asking for each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from tests.hues import Hues

from dinoscope.cluster.knowing import Inventory, Knowledge, Met, among
from dinoscope.cluster.manifest import Manifest, shard_folder
from dinoscope.library.library import Library
from dinoscope.operations.scouting import Found, stamped

from .conftest import PICTURES, SHARDS

KEY = Hues.identity.key


def inventories(root: Path, *, fine: bool = False) -> list[Inventory]:
    found = []
    for number in range(Manifest.read(root).shards):
        with Library.open(shard_folder(root, number)) as shard:
            found.append(Inventory.of(shard, KEY, regions=True, fine=fine))
    return found


def files(painted: Path) -> list[Found]:
    found = [stamped(path, painted) for path in sorted(painted.rglob("*.png"))]
    return [one for one in found if isinstance(one, Found)]


def test_unchanged_files_are_known_and_others_are_not(shards_folder: Path, painted: Path) -> None:
    knowledge = Knowledge(inventories(shards_folder))
    every = files(painted)
    assert len(every) == PICTURES + PICTURES // 10
    assert {knowledge.meet(one) for one in every} == {Met(known=True, outdated=())}
    stranger = replace(every[0], path=painted / "a/another.png")
    assert knowledge.meet(stranger) == Met(known=False, outdated=())
    for change in ({"bytes": 1}, {"modified_ns": 1}):
        changed = knowledge.meet(replace(every[0], **change))  # type: ignore[arg-type]
        assert not changed.known
        assert len(changed.outdated) == 1


def test_what_was_not_met_has_vanished_each_from_its_own_shard(shards_folder: Path, painted: Path) -> None:
    knowledge = Knowledge(inventories(shards_folder))
    every = files(painted)
    for one in every[5:]:
        knowledge.meet(one)
    knowledge.keep(every[4].path)  # it could not be read this time
    lost = {
        path
        for number in range(SHARDS)
        for path in gone(shard_folder(shards_folder, number), knowledge.vanished(number))
    }
    assert lost == {one.path for one in every[:4]}


def gone(folder: Path, hashes: np.ndarray) -> list[Path]:
    with Library.open(folder) as shard:
        paths = [path for _, path in shard.under(Path("/"))]
    return [path for path, lost in zip(paths, among(map(str, paths), hashes), strict=True) if lost]


def test_pictures_without_what_is_wanted_now_are_done_again_and_not_taken_for_changed(
    shards_folder: Path, painted: Path
) -> None:
    knowledge = Knowledge(inventories(shards_folder, fine=True))  # nothing was made of tiles
    assert {knowledge.meet(one) for one in files(painted)} == {Met(known=False, outdated=())}


def test_a_row_left_behind_by_a_killed_run_is_outdated_beside_the_good_one(
    shards_folder: Path, painted: Path
) -> None:
    parts = inventories(shards_folder)
    one = files(painted)[0]
    home = next(at for at, part in enumerate(parts) if has(part, one))
    old = Inventory(
        parts[home].paths[rows_of(parts[home], one)], np.array([1], np.uint64), np.array([True], np.bool_)
    )
    elsewhere = (home + 1) % SHARDS
    both = parts[elsewhere]
    parts[elsewhere] = Inventory(
        np.concatenate([both.paths, old.paths]),
        np.concatenate([both.stamps, old.stamps]),
        np.concatenate([both.complete, old.complete]),
    )
    assert Knowledge(parts).meet(one) == Met(known=True, outdated=(elsewhere,))


def rows_of(part: Inventory, one: Found) -> np.ndarray:
    from dinoscope.cluster.knowing import path_hash

    return np.asarray(part.paths == np.uint64(path_hash(str(one.path))))


def has(part: Inventory, one: Found) -> bool:
    return bool(rows_of(part, one).any())


def test_an_empty_library_knows_nothing(painted: Path) -> None:
    nothing = Inventory(np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.bool_))
    knowledge = Knowledge([nothing, nothing])
    assert knowledge.meet(files(painted)[0]) == Met(known=False, outdated=())
    assert len(knowledge.vanished(1)) == 0
