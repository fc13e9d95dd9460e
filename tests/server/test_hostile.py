"""What is sent in place of a picture, and what comes back in place of what was sent."""

from __future__ import annotations

import os
import threading
from base64 import b64encode
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.hostile.containers import many_scans
from tests.hostile.foreign import FOREIGN
from tests.hostile.whole import whole_pictures
from tests.server.conftest import Colours, asking, bounded, running

from dinoscope.errors import PictureTooLarge
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.security import Access
from dinoscope.settings import Settings

QUERIES = "/api/v1/queries"
LIES = ["image/png", "image/svg+xml", "text/html", "application/octet-stream", "", "multipart/form-data"]
SCRIPT = b"<script>alert(1)</script>"


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_picture_is_refused_whatever_it_says_it_is(reader: TestClient, name: str) -> None:
    for kind in LIES:
        answer = reader.post(QUERIES, content=FOREIGN[name], headers={"Content-Type": kind})
        assert answer.status_code in {415, 422}, kind
        assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp"])
def test_a_polyglot_comes_back_as_a_picture_of_ours(reader: TestClient, kind: str) -> None:
    """Its pixels are drawn anew: what hung on to them is gone, and no type is guessed."""
    sent = whole_pictures()[kind] + SCRIPT
    made = reader.post(QUERIES, content=sent, headers={"Content-Type": "text/html"})
    assert made.status_code == 201
    shown = reader.get(f"{QUERIES}/{made.json()['query']}/image")
    assert shown.headers["content-type"] == "image/webp"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert SCRIPT not in shown.content


def test_a_polyglot_of_the_library_is_saved_not_shown(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "polyglots"
    folder.mkdir()
    (folder / "page.html").write_bytes(whole_pictures()["jpeg"] + SCRIPT)
    library = tmp_path / "own"
    own = bounded(Settings(library=library))
    with Library.open(library, write=True) as written:
        list(index_folders([folder], written, Colours(), own))
    with (
        Session(Library.open(library), own, Colours()) as session,
        asking(create_app(own, session)) as client,
    ):
        answer = client.get("/api/v1/pictures/1/original")
        assert SCRIPT in answer.content, "it is the file as it is"
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["content-disposition"].startswith("attachment;")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert SCRIPT not in client.get("/api/v1/pictures/1/image").content


def test_a_mask_is_a_file_like_any_other(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is decoded apart, so that none can take the server with it."""

    def here(*_: object) -> None:
        raise AssertionError("decoded in the server's own process")

    monkeypatch.setattr("dinoscope.pictures.masks.mask_of", here)
    monkeypatch.setattr("dinoscope.pictures.decoding._decode", here)
    painted = BytesIO()
    Image.new("L", (96, 64), 255).save(painted, "PNG")
    sent = {"good": painted.getvalue(), "scans": many_scans(64, 200), "cut": painted.getvalue()[:60]}
    statuses = {}
    for name, data in sent.items():
        asked = {"picture": "1", "mask": b64encode(data).decode(), "refine": False}
        statuses[name] = reader.post("/api/v1/search/region?k=1", json=asked).status_code
    assert statuses == {"good": 200, "scans": 413, "cut": 415}


def test_uploads_that_hang_leave_a_decoder_for_everybody_else(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, go, inside = threading.Event(), threading.Event(), []

    def hang(*_: object, **__: object) -> None:
        inside.append(threading.get_ident())
        hanging.set()
        go.wait(20)
        raise PictureTooLarge("the picture you sent took longer than 20 s to decode: make it smaller")

    monkeypatch.setattr("dinoscope.pictures.workers.DecodeWorkers.decode", hang)
    sending = [
        threading.Thread(target=reader.post, args=(QUERIES,), kwargs={"content": b"x"}) for _ in "abcd"
    ]
    for one in sending:
        one.start()
    assert hanging.wait(20)
    try:
        found = reader.get("/api/v1/pictures?limit=1000").json()["pictures"]
        large = next(one["id"] for one in found if one["name"] == "large.jpg")
        assert reader.get(f"/api/v1/pictures/{large}/image?side=333").status_code == 200
        assert reader.get(f"/api/v1/look?picture={large}").status_code == 200
        assert len(inside) == 1
    finally:
        go.set()
        for one in sending:
            one.join()


def test_uploads_never_touch_the_disk(
    reader: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for data in whole_pictures().values():
        reader.post(QUERIES, content=data)
        reader.post(QUERIES, files={"file": ("me.png", data)})
    assert not os.listdir(tmp_path)  # noqa: PTH208


def test_the_token_is_in_no_log_and_no_answer(
    settings: Settings, session: Session, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "a-token-that-nobody-may-read"

    def bug(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("dinoscope.models.owned.list_owned", bug)
    with caplog.at_level("DEBUG"), running(replace(settings, host="0.0.0.0", token=token), session) as server:
        login = b'{"token": "%b"}' % token.encode()
        answers = [
            server.ask("GET", "/api/v1/about", f"Authorization: Bearer {token}"),
            server.ask("GET", "/api/v1/about", f"Authorization: Bearer {token}x"),
            server.ask("GET", "/api/v1/models", f"Authorization: Bearer {token}"),
            server.ask("GET", f"/api/v1/nothing?token={token}", f"Authorization: Bearer {token}"),
            server.ask("POST", "/api/v1/login", "Content-Type: application/json", body=login),
            server.ask("POST", "/api/v1/login", "Content-Type: application/json", body=login[:-1] + b"x"),
            server.raw(b"GET /api/v1/about HTTP/1.1\r\nAuthorization Bearer %b\r\n\r\n" % token.encode()),
        ]
    assert [int(answer.split(b" ", 2)[1]) for answer in answers] == [200, 401, 500, 404, 204, 422, 400]
    assert "ZeroDivisionError" in caplog.text
    assert token not in caplog.text
    assert token not in repr((replace(settings, token=token), Access("0.0.0.0", token), server.serving))
    assert all(token.encode() not in answer for answer in answers)


BODIES = {
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"token":' * 7000,
    "a long number": b'{"token": ' + b"9" * 60_000 + b"}",
    "half a character": b'{"token": "\\ud800"}',
    "no number": b'{"token": NaN}',
    "beyond numbers": b'{"token": 1e999}',
    "twice": b'{"token": "a", "token": 1}',
    "not UTF-8": b'{"token": "\xff\xfe"}',
    "UTF-16": '{"token": "a"}'.encode("utf-16"),
    "zeros": bytes(1000),
    "a proto": b'{"__proto__": {"token": "a"}, "constructor": 1}',
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", ["login", "jobs", "search/region", "match/transfer?here=1&there=2", "runs"])
def test_no_json_is_a_bug(reader: TestClient, path: str, name: str) -> None:
    answer = reader.post(
        f"/api/v1/{path}", content=BODIES[name], headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {204, 400, 422}  # 204: without a token any is right
    assert answer.status_code == 204 or answer.headers["content-type"] == "application/problem+json"


TRAVERSALS = [
    "..",
    "../..",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "/etc/passwd",
    "file:///etc/passwd",
    "..\\..\\windows\\win.ini",
    "passwd%00.png",
    "~root",
    "C:\\",
    "\\\\host\\share",
]
PLACES = [
    "/api/v1/pictures/{}",
    "/api/v1/pictures/{}/original",
    "/api/v1/pictures/{}/image",
    "/api/v1/pictures/1/thumbnail?v={}",
    "/api/v1/queries/{}",
    "/api/v1/queries/{}/image",
    "/api/v1/jobs/{}",
    "/api/v1/jobs/{}/events",
    "/api/v1/runs/{}",
    "/api/v1/runs/{}/measures",
    "/api/v1/runs/{}/events",
    "/api/v1/runs/{}/samples/1-picture.png",
    "/api/v1/runs/x/samples/{}",
    "/api/v1/search?like={}",
    "/api/v1/look?picture={}",
    "/api/v1/match?here={}&there=1",
    "/api/v1/distances?picture={}&picture=1",
    "/api/v1/robustness/picture?of={}",
    "/api/v1/compare?first={}",
    "/api/v1/pictures?where=folder={}",
    "/api/v1/pictures?after={}",
    "/assets/{}",
    "/{}",
]


@pytest.mark.parametrize("place", PLACES)
def test_no_name_in_an_address_leads_to_a_file(reader: TestClient, place: str) -> None:
    for name in TRAVERSALS:
        answer = reader.get(place.format(name))
        assert answer.status_code in {200, 404, 422, 503}, name
        assert b"root:x:" not in answer.content
        if place.startswith("/api") and answer.status_code == 200:
            assert answer.headers["content-type"] in {"application/json", "image/webp"}
