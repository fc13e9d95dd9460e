"""The page is served from memory, to any address of its views, and to nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from dinoscope.server.pages import Pages, bundled

SCRIPT = "const pictures = [];\n" * 200


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Dinoscope</title>")
    (folder / "assets" / "index-BQaTX42F.js").write_text(SCRIPT)
    (folder / "assets" / "theme.js").write_text("1")
    (folder / "assets" / "logo.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (folder / "source.sha256").write_text("internal")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def page(bundle: Path) -> TestClient:
    app = Starlette(routes=[Route("/api/x", lambda _: PlainTextResponse("api"))])
    return TestClient(Pages(app, bundled(bundle)))


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/similar", "/picture/12", "/deep/er", "/?like=1&where=kind=png", "/apis"]
)
def test_every_view_is_the_page(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 200
    assert "<title>Dinoscope" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


def test_files_with_their_hash_in_the_name_are_kept_for_ever(page: TestClient) -> None:
    answer = page.get("/assets/index-BQaTX42F.js")
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    for other in ("theme.js", "logo.svg"):
        assert page.get(f"/assets/{other}").headers["cache-control"] == "no-cache"


def test_an_unchanged_file_is_not_sent_again(page: TestClient) -> None:
    tag = page.get("/assets/theme.js").headers["etag"]
    assert page.get("/assets/theme.js", headers={"If-None-Match": tag}).status_code == 304
    assert page.get("/assets/theme.js", headers={"If-None-Match": '"other"'}).status_code == 200


def test_large_text_travels_packed_to_who_can_unpack_it(page: TestClient) -> None:
    with page.stream("GET", "/assets/index-BQaTX42F.js", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert gzip.decompress(b"".join(answer.iter_raw())).decode() == SCRIPT
    plain = page.get("/assets/index-BQaTX42F.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == SCRIPT


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/assets/nothing.css",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/source.sha256",
        "/assets//secret.txt",
        "/assets/..\\..\\secret.txt",
        "/%00.txt",
    ],
)
def test_no_address_leads_to_any_other_file(page: TestClient, path: str) -> None:
    answer = page.get(path)
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_the_api_is_left_alone(page: TestClient) -> None:
    assert page.get("/api/x").text == "api"
    assert page.get("/api/nothing").status_code == 404


def test_a_page_is_only_looked_at(page: TestClient) -> None:
    assert page.post("/").status_code == 405
    assert page.head("/").status_code == 200


def test_without_a_built_page_a_sentence_says_how_to_build_it(tmp_path: Path) -> None:
    page = TestClient(Pages(Starlette(), bundled(tmp_path)))
    answer = page.get("/")
    assert answer.status_code == 503
    assert "make page" in answer.text


def test_a_mere_stamp_is_no_page(tmp_path: Path) -> None:
    (tmp_path / "source.sha256").write_text("x")
    assert bundled(tmp_path) == {}
