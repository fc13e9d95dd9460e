"""Copies over HTTP: looked for in the background, listed at any threshold, moved and brought back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageOps
from starlette.testclient import TestClient
from tests.server.conftest import Colours, asking, bounded

from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.sample import PICTURES
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

ROOT = "/api/v1/copies"


def opened(name: str) -> Image.Image:
    with Image.open(PICTURES / f"{name}.webp") as image:
        return image.convert("RGB")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    fish = opened("fishes/fish-01")
    fish.save(folder / "fish.png")
    ImageOps.mirror(fish).save(folder / "mirror.jpg", quality=80)
    fish.crop((20, 20, 290, 190)).save(folder / "crop.jpg", quality=85)
    opened("tools/hammer-05").save(folder / "hammer.png")
    return folder


@pytest.fixture
def copier(album: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Asks a server over a library of the album."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    own = Settings(library=tmp_path / "library", runs=tmp_path / "runs", models=tmp_path / "models")
    settings = bounded(replace(own, cache=cache, offline=True, threads=1))
    with Library.open(settings.library, write=True) as library:
        list(index_folders([album], library, Colours(), settings))
    with (
        Session(Library.open(settings.library), settings, Colours()) as session,
        asking(create_app(settings, session)) as client,
    ):
        yield client


def looked(client: TestClient) -> dict[str, Any]:
    """Look, and wait for the end."""
    state: dict[str, Any] = client.post(ROOT).json()
    for _ in range(400):
        if state["state"] != "running":
            break
        time.sleep(0.05)
        state = client.get(f"{ROOT}/state").json()
    assert state["state"] == "ready", state
    return state


def names(groups: dict[str, Any]) -> list[set[str]]:
    return [{member["picture"]["name"] for member in group["members"]} for group in groups["groups"]]


def test_nothing_is_known_before_anybody_looked(copier: TestClient) -> None:
    state = copier.get(f"{ROOT}/state").json()
    assert (state["state"], state["checked"], state["unchecked"]) == ("none", 0, 4)
    groups = copier.get(ROOT).json()
    assert (groups["total"], groups["unchecked"]) == (0, 4)


def test_a_set_has_what_to_keep_and_the_maps_between_its_pictures(copier: TestClient) -> None:
    assert looked(copier)["checked"] == 4
    groups = copier.get(ROOT).json()
    assert names(groups) == [{"fish.png", "mirror.jpg", "crop.jpg"}]
    assert groups["read_only"] is False
    assert groups["spare"] == 2
    pair = groups["groups"][0]["pairs"][0]["found"]
    assert pair["copy"] > 0.9
    assert len(pair["matrix"]) == 9
    assert len(pair["here"]) >= 4
    assert {edit["name"] for each in groups["groups"][0]["pairs"] for edit in each["found"]["edits"]} >= {
        "mirror",
        "crop",
    }


def test_pages_end(copier: TestClient) -> None:
    looked(copier)
    page = copier.get(ROOT, params={"limit": 1}).json()
    assert page["next_offset"] is None
    assert copier.get(ROOT, params={"offset": 5}).json()["groups"] == []
    assert copier.get(f"{ROOT}/pairs").json()["next_offset"] is None


def test_a_pair_is_marked_and_taken_back(copier: TestClient) -> None:
    looked(copier)
    for pair in copier.get(ROOT).json()["groups"][0]["pairs"]:
        body = {"here": pair["here"], "there": pair["there"]}
        assert copier.post(f"{ROOT}/marks", json=body).status_code == 204
    assert copier.get(ROOT).json()["total"] == 0
    marked = copier.get(f"{ROOT}/pairs", params={"marked": True}).json()["pairs"]
    assert all(pair["marked"] for pair in marked)
    body = {"here": marked[0]["here"]["id"], "there": marked[0]["there"]["id"], "copies": True}
    copier.post(f"{ROOT}/marks", json=body)
    assert copier.get(ROOT).json()["total"] == 1


def test_files_are_moved_to_the_trash_and_brought_back(copier: TestClient, album: Path) -> None:
    looked(copier)
    group = copier.get(ROOT).json()["groups"][0]
    spare = [member["picture"]["id"] for member in group["members"] if member["spare"]]
    before = sorted(path.name for path in album.iterdir())
    moved = copier.post(f"{ROOT}/trash", json={"pictures": spare}).json()
    assert len(moved["moved"]) == 2
    assert len(list(album.iterdir())) == 2
    assert copier.get(ROOT).json()["total"] == 0
    assert copier.get(f"{ROOT}/state").json()["held"] == 2
    back = copier.post(f"{ROOT}/undo", params={"batch": moved["batch"]}).json()
    assert len(back["moved"]) == 2
    assert sorted(path.name for path in album.iterdir()) == before
    assert copier.get(ROOT).json()["total"] == 1


def test_one_picture_is_asked_about_by_id_and_as_an_upload(copier: TestClient) -> None:
    looked(copier)
    known = {one["name"]: one["id"] for one in copier.get("/api/v1/pictures").json()["pictures"]}
    answer = copier.get(f"{ROOT}/of", params={"picture": known["crop.jpg"]}).json()
    found = {hit["picture"]["name"] for hit in answer["copies"]}
    assert "crop.jpg" not in found
    assert found & {"fish.png", "mirror.jpg"}
    buffer = BytesIO()
    opened("renewable/windmill-01").save(buffer, "JPEG")
    sent = copier.post("/api/v1/queries", content=buffer.getvalue(), headers={"Content-Type": "image/jpeg"})
    upload = copier.get(f"{ROOT}/of", params={"picture": sent.json()["query"]}).json()
    assert upload["copies"] == []
    assert upload["sentence"].startswith("No copy")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("marks", {"here": 1}),
        ("marks", {"here": 1, "there": 999}),
        ("trash", {"pictures": []}),
        ("trash", {"pictures": [999]}),
        ("trash", {"pictures": [True]}),
    ],
)
def test_what_makes_no_sense_is_a_problem(copier: TestClient, path: str, body: dict[str, Any]) -> None:
    answer = copier.post(f"{ROOT}/{path}", json=body)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
