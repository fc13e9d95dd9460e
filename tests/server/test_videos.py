"""Videos over HTTP: what is known, ranges of the file, a thing followed as events, and taught."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.films import RATE, film, place, shots
from tests.operations.test_remembering import SIDE, Patterns, thing
from tests.server.conftest import asking

from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

pytestmark = pytest.mark.extra
pytest.importorskip("av")

API = "/api/v1"


@pytest.fixture
def served(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FastAPI, Path]]:
    """A library of one video, in which the thing comes after a second."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    settings = replace(
        Settings(library=tmp_path / "library"), cache=cache, offline=True, threads=1, faces="allow"
    )
    path = tmp_path / "album" / "küche 1.mp4"
    path.parent.mkdir()
    film(path, shots(thing(), after=RATE), started="2026-11-25T13:32:00Z")
    with Library.open(settings.library, write=True) as library:
        list(index_folders([path.parent], library, Patterns("patterns"), settings))
    with Session(Library.open(settings.library), settings, Patterns("patterns")) as session:
        yield create_app(settings, session), path


@pytest.fixture
def client(served: tuple[FastAPI, Path]) -> Iterator[TestClient]:
    with asking(served[0]) as client:
        yield client


def edges(number: int) -> list[float]:
    x, y = place(number)
    return [x, y, x + SIDE, y + SIDE]


def events(text: str) -> list[tuple[str, dict[str, Any]]]:
    parts = [event.split("\ndata: ") for event in text.strip().split("\n\n")]
    return [(name.removeprefix("event: "), json.loads(data)) for name, data in parts]


def test_a_video_and_its_frames_are_told(client: TestClient) -> None:
    (video,) = client.get(f"{API}/videos").json()
    assert client.get(f"{API}/videos/{video['id']}").json() == video
    assert (video["name"], video["clock"]) == ("küche 1.mp4", "container")
    assert (video["width"], video["height"]) == (200, 160)
    frames = client.get(f"{API}/videos/{video['id']}/frames").json()["frames"]
    assert len(frames) == video["frames"] >= 3
    picture = client.get(f"{API}/pictures/{frames[1]['picture']}").json()
    assert picture["moment"] == {"video": video["id"], "name": "küche 1.mp4", "second": frames[1]["second"]}
    assert picture["name"] == "küche 1.mp4 0:01"
    assert picture["folder"] == video["folder"]
    for what in ("thumbnail", "image"):
        assert client.get(f"{API}/pictures/{picture['id']}/{what}").headers["content-type"] == "image/webp"
    refused = client.get(f"{API}/pictures/{picture['id']}/original")
    assert refused.status_code == 422
    assert "is a moment of a video" in refused.json()["detail"]
    assert client.get(f"{API}/videos/77").status_code == 404


def test_a_player_gets_the_ranges_it_asks_for(client: TestClient, served: tuple[FastAPI, Path]) -> None:
    data, (video,) = served[1].read_bytes(), client.get(f"{API}/videos").json()
    path = f"{API}/videos/{video['id']}/file"
    whole = client.get(path)
    assert (whole.status_code, whole.content) == (200, data)
    assert (whole.headers["content-type"], whole.headers["accept-ranges"]) == ("video/mp4", "bytes")
    for asked, part, told in (
        ("bytes=0-99", data[:100], f"bytes 0-99/{len(data)}"),
        ("bytes=100-", data[100:], f"bytes 100-{len(data) - 1}/{len(data)}"),
        ("bytes=-50", data[-50:], f"bytes {len(data) - 50}-{len(data) - 1}/{len(data)}"),
        ("bytes=5-99999999", data[5:], f"bytes 5-{len(data) - 1}/{len(data)}"),
    ):
        answer = client.get(path, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"] == told
        assert answer.headers["content-length"] == str(len(part))
    beyond = client.get(path, headers={"Range": f"bytes={len(data)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(data)}")
    changed = client.get(path, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (changed.status_code, len(changed.content)) == (200, len(data))
    assert client.get(path, headers={"Range": "lines=1-2"}).status_code == 200


def test_a_file_that_is_not_what_was_indexed_is_not_sent(
    client: TestClient, served: tuple[FastAPI, Path], tmp_path: Path
) -> None:
    path, (video,) = served[1], client.get(f"{API}/videos").json()
    os.utime(path, (1, 1))
    assert client.get(f"{API}/videos/{video['id']}/file").status_code == 404
    secret = tmp_path / "secret.mp4"
    path.replace(secret)
    path.symlink_to(secret)
    answer = client.get(f"{API}/videos/{video['id']}/file")
    assert answer.status_code == 404
    assert "leads out of its folder" in answer.json()["detail"]


def test_where_faces_are_hidden_the_file_is_not_sent(served: tuple[FastAPI, Path]) -> None:
    parts = served[0]
    with asking(parts) as client:
        (video,) = client.get(f"{API}/videos").json()
        known = parts.state.parts
        parts.state.parts = replace(known, settings=replace(known.settings, faces="blur"))
        answer = client.get(f"{API}/videos/{video['id']}/file")
        assert answer.status_code == 422
        assert "faces are blurred here" in answer.json()["detail"]
        _hide_one(known.session.library.folder)
        parts.state.parts = replace(known, settings=replace(known.settings, faces="block"))
        answer = client.get(f"{API}/videos/{video['id']}/file")
        assert answer.status_code == 422
        assert "shows what looks like human faces" in answer.json()["detail"]


def _hide_one(folder: Path) -> None:
    """As if one frame had been kept out."""
    db = sqlite3.connect(folder / "library.sqlite")
    with db:
        db.execute("UPDATE videos SET hidden = 1")
    db.close()


def test_a_thing_is_taught_from_a_video_and_followed_through_it(client: TestClient) -> None:
    (video,) = client.get(f"{API}/videos").json()
    body = {"name": "keys", "video": video["id"], "first": 1.25, "last": 2.25, "box": edges(2)}
    taught = client.post(f"{API}/objects/video", json=body)
    assert taught.status_code == 200, taught.text
    assert len(taught.json()["object"]["views"]) == 5

    answer = client.get(f"{API}/objects/where/video", params={"name": "keys", "video": video["id"]})
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = events(answer.text)
    assert [name for name, _ in told] == ["progress"] * (len(told) - 1) + ["end"]
    seen = [moment for _, event in told[:-1] for moment in event["sightings"]]
    end = told[-1][1]
    assert len(end["tracks"]) == 1
    assert end["tracks"][0]["moments"] == len(seen) >= 3
    assert end["tracks"][0]["first"] == pytest.approx(1.0, abs=0.6)
    assert {moment["track"] for moment in seen} == {end["tracks"][0]["number"]}
    assert end["last_seen"].startswith("2026-11-25T")
    assert end["sentence"].startswith("keys is seen at 0:0")
    wrong = client.get(f"{API}/objects/where/video", params={"name": "hat", "video": video["id"]})
    assert (wrong.status_code, wrong.headers["content-type"]) == (404, "application/problem+json")

    found = client.post(f"{API}/objects/where", json={"name": "keys"}).json()
    assert found["found"]
    assert found["last_seen"]["clock"] == "container"
    assert "in küche 1.mp4 at 0:0" in found["last_seen"]["sentence"]
