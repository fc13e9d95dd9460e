"""Whoever opens a folder gets the library in it, of whichever kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.hues import Hues
from tests.server.conftest import ORIGIN, asking

import dinoscope
from dinoscope.cluster.manifest import shard_folder
from dinoscope.errors import LibraryDamaged, LibraryReadOnly
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.run import open_library
from dinoscope.settings import Settings

from .conftest import PICTURES

FILES = PICTURES + PICTURES // 10


def test_from_python_both_kinds_open(one_folder: Path, shards_folder: Path) -> None:
    for folder in (one_folder, shards_folder):
        with dinoscope.open(folder) as session:
            assert session.library.count() == FILES
    with pytest.raises(LibraryReadOnly, match="which only dinoscope index --ray changes"):
        dinoscope.open(shards_folder, write=True)


def test_a_server_reads_all_shards_without_ray_and_changes_none(
    shards_folder: Path, settings: Settings
) -> None:
    own = replace(settings, library=shards_folder)
    with Session(open_library(own), own, Hues()) as session, asking(create_app(own, session)) as client:
        about = client.get("/api/v1/about").json()["library"]
        assert (about["pictures"], about["read_only"], about["note"]) == (FILES, True, None)
        listed = client.get("/api/v1/pictures?limit=1000").json()
        assert len(listed["pictures"]) == FILES
        id = listed["pictures"][0]["id"]
        assert len(client.get(f"/api/v1/search?like={id}&k=100").json()["hits"]) == FILES - 1
        refused = client.delete(f"/api/v1/pictures/{id}", headers={"Origin": ORIGIN})
        assert refused.status_code == 403
        assert "index --ray" in refused.json()["detail"]


def test_a_shard_that_is_missing_is_named(shards_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cluster.json").write_text((shards_folder / "cluster.json").read_text())
    with pytest.raises(LibraryDamaged, match=str(shard_folder(tmp_path, 0))):
        dinoscope.open(tmp_path)
