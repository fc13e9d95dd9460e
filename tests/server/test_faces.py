"""A server keeps faces out of all it is sent, and says so kindly; what its library has stays to be seen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from tests.operations.conftest import Colours
from tests.server.conftest import asking

from dinoscope.library.library import Library
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

FACES = Path(__file__).parent.parent / "faces"
PERSON, CAT = (FACES / "astronaut.jpg").read_bytes(), (FACES / "chelsea.jpg").read_bytes()
SAID = "the picture you sent looks like a human face"
API = "/api/v1"


@pytest.fixture
def library(settings: Settings) -> Settings:
    """Settings nobody has decided about faces in, over a library that lets them in and has one."""
    folder = settings.library.parent / "people"
    folder.mkdir()
    shutil.copy(FACES / "astronaut.jpg", folder / "astronaut.jpg")
    settings = replace(settings, faces="auto", regions=False, library=settings.library.parent / "own")
    with Session(Library.open(settings.library, write=True), settings, Colours()) as session:
        list(session.index(folder))
    return settings


@pytest.fixture
def client(library: Settings) -> Iterator[TestClient]:
    with (
        Session(Library.open(library.library), library, Colours()) as session,
        asking(create_app(library, session)) as client,
    ):
        yield client


def test_a_face_that_is_sent_is_refused_in_a_sentence(client: TestClient) -> None:
    for path in ("/queries", "/search", "/objects/see?name=keys"):
        response = client.post(API + path, content=PERSON, headers={"content-type": "image/jpeg"})
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body["type"] == "urn:dinoscope:looks-like-a-face"
        assert body["detail"].startswith(SAID)
        assert "nothing of it was kept" in body["detail"]
    form = client.post(f"{API}/queries", files={"file": ("me.jpg", PERSON, "image/jpeg")})
    assert form.json()["title"] == "Looks like a face"
    assert client.post(f"{API}/queries", content=CAT).status_code == 201


def test_it_says_what_it_does(client: TestClient) -> None:
    assert client.get(f"{API}/about").json()["faces"] == "block"


def test_a_folder_that_is_added_passes_the_gate(client: TestClient, library: Settings) -> None:
    more = library.library.parent / "more"
    more.mkdir()
    (more / "person.jpg").write_bytes(PERSON + b"\n")  # other bytes, for the library knows these
    (more / "cat.jpg").write_bytes(CAT)
    job = client.post(f"{API}/jobs", json={"kind": "index", "folders": [str(more)]}).json()
    assert "event: end" in client.get(f"{API}/jobs/{job['id']}/events").text
    ended = client.get(f"{API}/jobs/{job['id']}").json()
    assert (ended["progress"]["added"], ended["progress"]["refused"]) == (1, 1)
    assert "looks like a human face" in ended["refusals"][0]["sentence"]


def test_what_the_owner_let_in_is_shown(client: TestClient) -> None:
    for way in ("thumbnail?side=640", "image", "original"):
        assert client.get(f"{API}/pictures/1/{way}").status_code == 200


def test_a_file_that_became_a_face_is_a_strangers(client: TestClient, library: Settings) -> None:
    path = library.library.parent / "people" / "astronaut.jpg"
    path.write_bytes(PERSON + b"\n")
    assert client.get(f"{API}/pictures/1/image").json()["type"] == "urn:dinoscope:looks-like-a-face"


def test_where_faces_are_blurred_no_file_is_served(library: Settings) -> None:
    settings = replace(library, faces="blur")
    with (
        Session(Library.open(settings.library), settings, Colours()) as session,
        asking(create_app(settings, session)) as client,
    ):
        refused = client.get(f"{API}/pictures/1/original")
        assert refused.status_code == 422
        assert "faces are blurred here" in refused.json()["detail"]
        assert client.get(f"{API}/pictures/1/image").status_code == 200
        assert client.get(f"{API}/about").json()["faces"] == "blur"
        assert client.post(f"{API}/queries", content=PERSON).status_code == 201
