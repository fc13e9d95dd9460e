"""Commands over a library in shards, in one process and without Ray: they say what one library's would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.cluster.conftest import split

from dinoscope.cluster.manifest import shard_folder
from dinoscope.library.library import Library
from dinoscope.models.backbone import ModelIdentity

from .conftest import Dinoscope


@pytest.fixture
def shards(dinoscope: Dinoscope, indexed: Path, tmp_path: Path) -> Path:
    """The eight pictures in three shards; ``dinoscope.library`` has the same ones."""
    root = tmp_path / "shards"
    with Library.open(dinoscope.library) as one:
        name, _, rest = one.models()[0].partition("@")
        split(one, root, 3, ModelIdentity(name, *rest.split("/")))
    return root


def paths(listed: Any) -> list[str]:
    return [one["path"] for one in listed["pictures"]]


def test_what_reads_a_library_reads_all_its_shards(
    dinoscope: Dinoscope, shards: Path, indexed: Path, tmp_path: Path
) -> None:
    whole = dinoscope("library", "list", "--json").json
    listed = dinoscope("library", "list", "--library", shards, "--json").json
    assert paths(listed) == paths(whole)
    ids = [f"id:{one['id']}" for one in listed["pictures"][:2]]
    own = [f"id:{one['id']}" for one in whole["pictures"][:2]]

    found, like = (
        {hit["picture"]["path"]: round(hit["score"], 5) for hit in ran.json["hits"]}
        for ran in (
            dinoscope("search", ids[0], "--library", shards, "--json"),
            dinoscope("search", own[0], "--json"),
        )
    )
    assert found == like
    assert len(found) == 7

    apart, same = (
        dinoscope("distances", *names, "--library", folder, "--json").json["pairs"][0]["cosine"]
        for names, folder in ((ids, shards), (own, dinoscope.library))
    )
    assert apart == pytest.approx(same, abs=1e-5)
    drawn = dinoscope("map", "--library", shards, "--out", tmp_path / "map.csv")
    assert drawn.code == 0, drawn.err
    assert {line.rsplit(",", 1)[1] for line in (tmp_path / "map.csv").read_text().splitlines()[1:]} == set(
        paths(whole)
    )


def test_the_shards_are_verified_one_by_one(dinoscope: Dinoscope, shards: Path) -> None:
    sound = dinoscope("library", "verify", "--library", shards)
    assert (sound.code, sound.out.strip()) == (0, "The library is sound.")
    with Library.open(shard_folder(shards, 1), write=True) as shard, shard._connections.write() as db:
        db.execute("UPDATE contents SET files = files + 1")
    spoilt = dinoscope("library", "verify", "--library", shards)
    assert spoilt.code == 1
    assert spoilt.out.startswith("shard-0001: ")


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["library", "compact"], "name one of them to change that alone, as --library {shards}/shard-0000"),
        (["library", "remove", "--yes", "--where", "kind=png"], "which only dinoscope index --ray changes"),
        (["index", "{shards}"], "which only dinoscope index --ray changes"),
        (["serve", "--replicas", "2"], "--replicas says how Ray serves shards: add --ray"),
        (["serve", "--groups", "2"], "--groups says how Ray serves shards: add --ray"),
    ],
)
def test_what_writes_or_needs_ray_says_so(
    dinoscope: Dinoscope, shards: Path, command: list[str], told: str
) -> None:
    ran = dinoscope(*(part.format(shards=shards) for part in command), "--library", shards)
    assert ran.code != 0
    assert told.format(shards=shards) in ran.err
    assert "Traceback" not in ran.err
