"""Things with a name over HTTP."""

from __future__ import annotations

import io
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from tests.operations.test_remembering import SIDE, Patterns, box, scene, thing
from tests.server.conftest import asking

from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

PATH = "/api/v1/objects"


@pytest.fixture
def app(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """A library of six pictures, of which the first and the fourth have the thing."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    settings = replace(
        Settings(library=tmp_path / "library"), cache=cache, offline=True, threads=1, faces="allow"
    )
    folder = tmp_path / "album"
    folder.mkdir()
    for number in range(6):
        place = {0: (30, 40), 3: (110, 70)}.get(number)
        Image.fromarray(scene(40 + number, place, thing())).save(folder / f"{number}.png")
    with Library.open(settings.library, write=True) as library:
        list(index_folders([folder], library, Patterns("patterns"), settings))
    with Session(Library.open(settings.library), settings, Patterns("patterns")) as session:
        yield create_app(settings, session)


def edges() -> list[float]:
    one = box(30, 40)
    return [one.left, one.top, one.right, one.bottom]


def test_a_thing_is_taught_found_corrected_and_forgotten(app: FastAPI) -> None:
    with asking(app) as client:
        ids = {
            one["name"]: str(one["id"]) for one in client.get("/api/v1/pictures?limit=10").json()["pictures"]
        }
        body = {"name": "keys", "photos": [{"picture": ids["0.png"], "boxes": [edges()]}]}
        taught = client.post(PATH, json=body)
        assert taught.status_code == 200, taught.text
        assert taught.json()["object"]["views"][0]["box"] == edges()
        assert [one["name"] for one in client.get(PATH).json()] == ["keys"]

        answer = client.post(f"{PATH}/where", json={"name": "Keys"}).json()
        assert {one["picture"]["name"] for one in answer["found"]} == {"0.png", "3.png"}, answer["sentence"]
        here = client.post(f"{PATH}/where", json={"name": "keys", "picture": ids["3.png"]}).json()
        assert here["sentence"] == "keys is in 1 place."
        left, top, right, bottom = here["sightings"][0]["box"]
        assert abs((left + right) / 2 - 110 - SIDE / 2) < 8
        assert abs((top + bottom) / 2 - 70 - SIDE / 2) < 8
        mask = np.asarray(Image.open(io.BytesIO(b64decode(here["sightings"][0]["mask"]))))
        assert 0.1 < mask.mean() < 0.9
        nowhere = client.post(f"{PATH}/where", json={"name": "keys", "picture": ids["2.png"]}).json()
        assert (nowhere["sentence"], nowhere["sightings"]) == ("keys is not here.", [])

        box_there = here["sightings"][0]["box"]
        no = {"name": "keys", "picture": ids["3.png"], "box": box_there, "kind": "no"}
        assert client.post(f"{PATH}/correct", json=no).json()["views"][1]["kind"] == "no"
        view = client.get(f"{PATH}/view?name=keys")
        assert Image.open(io.BytesIO(view.content)).format == "WEBP"
        data = client.get(f"{PATH}/export?name=keys").content
        assert client.delete(f"{PATH}?name=keys").status_code == 204
        assert client.get(PATH).json() == []
        octets = {"Content-Type": "application/octet-stream"}
        taken = client.post(f"{PATH}/import?name=mine", content=data, headers=octets)
        assert (taken.status_code, taken.json()["name"]) == (200, "mine"), taken.text


def test_what_makes_no_sense_is_said(app: FastAPI) -> None:
    with asking(app) as client:
        nobody = client.post(f"{PATH}/where", json={"name": "keys"})
        assert (nobody.status_code, "nothing was taught yet" in nobody.json()["detail"]) == (404, True)
        outside = {"name": "keys", "photos": [{"picture": "1", "boxes": [[900, 900, 950, 950]]}]}
        refused = client.post(PATH, json=outside)
        assert (refused.status_code, "lies outside" in refused.json()["detail"]) == (422, True)
        octets = {"Content-Type": "application/octet-stream"}
        assert client.post(f"{PATH}/import", content=b"nonsense", headers=octets).status_code == 422
