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
        named = client.post(f"{PATH}/where?look=false", json={"name": "keys"}).json()
        assert {one["name"] for one in named["likely"][:2]} == {"0.png", "3.png"}
        assert (named["found"], named["looked_at"]) == ([], 0)
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
        alone = Image.open(io.BytesIO(client.get(f"{PATH}/view?name=keys&alone=true").content))
        opaque = np.asarray(alone)[:, :, 3]
        assert set(np.unique(opaque).tolist()) == {64, 255}
        assert 0.1 < (opaque == 255).mean() < 0.9
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


def test_a_thing_is_shown_before_it_is_remembered_renamed_and_a_photo_taken_back(app: FastAPI) -> None:
    with asking(app) as client:
        photo = {"picture": "1", "boxes": [edges()]}
        (outline,) = client.post(f"{PATH}/outline", json={"photos": [photo]}).json()
        assert outline["box"] == edges()
        mask = np.asarray(Image.open(io.BytesIO(b64decode(outline["mask"]))))
        assert 0.1 < mask.mean() < 0.9
        assert client.get(PATH).json() == []
        assert client.post(PATH, json={"name": "keys", "photos": [photo]}).status_code == 200
        renamed = client.post(f"{PATH}/rename", json={"name": "KEYS", "new": "car keys"})
        assert renamed.json()["name"] == "car keys"
        only = client.delete(f"{PATH}/view?name=car%20keys&number=0")
        assert (only.status_code, "the only photo of 'car keys'" in only.json()["detail"]) == (422, True)
        no = {"name": "car keys", "picture": "4", "box": [0, 0, 40, 40], "kind": "no"}
        client.post(f"{PATH}/correct", json=no)
        left = client.delete(f"{PATH}/view?name=car%20keys&number=1").json()
        assert [view["kind"] for view in left["views"]] == ["taught"]


def test_a_frame_is_looked_at_and_not_kept(app: FastAPI) -> None:
    def frame(place: tuple[int, int] | None) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(scene(60, place, thing())).save(buffer, "PNG")
        return buffer.getvalue()

    with asking(app) as client:
        client.post(PATH, json={"name": "keys", "photos": [{"picture": "1", "boxes": [edges()]}]})
        seen = client.post(f"{PATH}/see?name=keys", content=frame((90, 60))).json()
        left, top, right, bottom = seen["sightings"][0]["box"]
        assert abs((left + right) / 2 - 90 - SIDE / 2) < 8
        assert abs((top + bottom) / 2 - 60 - SIDE / 2) < 8
        last = f"&last={left},{top},{right},{bottom}"
        again = client.post(f"{PATH}/see?name=keys{last}", content=frame((94, 62))).json()
        assert len(again["sightings"]) == 1
        gone = client.post(f"{PATH}/see?name=keys{last}", content=frame(None)).json()
        assert len(app.state.parts.uploads) == 0
        assert gone["sentence"] == "keys is not here."
        for wrong in ("1,2,3", "a,b,c,d", "nan,0,5,5", "9,9,2,2"):
            refused = client.post(f"{PATH}/see?name=keys&last={wrong}", content=frame(None))
            assert (refused.status_code, "box" in refused.json()["detail"]) == (422, True)
        assert client.post(f"{PATH}/see?name=keys", content=b"no picture").status_code == 415
        assert client.post(f"{PATH}/see?name=keys").json()["detail"].startswith("no picture was sent")
