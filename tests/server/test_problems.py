"""Every failure is problem+json with a sentence."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from dinoscope.errors import DiskFull, LibraryBusy
from dinoscope.server import problems


def check(answer: Response, status: int) -> str:
    """The sentence of a problem."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert set(body) == {"type", "title", "status", "detail", "instance"}
    assert body["status"] == status
    assert body["title"]
    return str(body["detail"])


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/v1", "/api/v2/about", "/api/v1/nothing", "/api/docs", "/api/v1/about/"]
)
def test_an_unknown_address_below_api_is_a_problem_and_not_the_page(reader: TestClient, path: str) -> None:
    assert path in check(reader.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/about"),
        ("PUT", "/api/v1/pictures"),
        ("GET", "/api/v1/login"),
        ("PATCH", "/api/v1/pictures/1"),
    ],
)
def test_a_wrong_method_says_which_are_right(reader: TestClient, method: str, path: str) -> None:
    answer = reader.request(method, path)
    assert method in check(answer, 405)
    assert answer.headers["allow"]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/api/v1/pictures?limit=0", "limit"),
        ("/api/v1/pictures?limit=many", "limit"),
        ("/api/v1/pictures?order=beauty", "order"),
        ("/api/v1/pictures?where=colour=red", "colour"),
        ("/api/v1/pictures?after=nonsense", "first page"),
        ("/api/v1/pictures/x", "id"),
        ("/api/v1/pictures/99999999999999999999999", "id"),
        ("/api/v1/search", "like"),
        ("/api/v1/search?like=me", "'me'"),
        ("/api/v1/search?like=1&k=0", "k"),
        ("/api/v1/pictures/1/image?side=100000", "side"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(reader: TestClient, path: str, word: str) -> None:
    assert word in check(reader.get(path), 422)


@pytest.mark.parametrize(
    "path",
    [
        "pictures/4711",
        "pictures/4711/thumbnail",
        "search?like=4711",
        "jobs/j_1",
        "search?like=q_longforgotten",
        "queries/q_longforgotten/image",
    ],
)
def test_what_is_not_there_is_a_404(reader: TestClient, path: str) -> None:
    check(reader.get(f"/api/v1/{path}"), 404)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b'{"kind":"index"}',
        b'{"kind":"index","folders":[]}',
        b'{"kind":"index","folders":[1]}',
        b'{"kind":"index","folders":"/"}',
        b'{"kind":"dance","folders":["/"]}',
        b'{"kind":"index","folders":["/"],"x":1}',
        b"[" * 20_000,
    ],
)
def test_bad_json_is_a_problem(reader: TestClient, body: bytes) -> None:
    answer = reader.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    check(answer, answer.status_code)
    assert reader.get("/api/v1/jobs").json() == {"jobs": []}


def test_strict_types_take_no_number_for_a_token(reader: TestClient) -> None:
    check(reader.post("/api/v1/login", json={"token": 1}), 422)


@pytest.mark.parametrize(
    "error", [DiskFull("the disk is full: make room"), LibraryBusy("process 7 writes: wait")]
)
def test_our_own_errors_keep_their_sentence_and_status(error: DiskFull | LibraryBusy) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/fail")
    def fail() -> None:
        raise error

    assert check(TestClient(app).get("/fail"), error.status) == str(error)


def test_a_bug_is_a_problem_that_tells_nothing_private(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.add_middleware(problems.LastResort)

    @app.get("/{any}")
    def fail() -> None:
        raise ZeroDivisionError("/home/you/secret.jpg")

    assert "secret" not in check(TestClient(app).get("/fail"), 500)
    assert "secret" in caplog.text, "the log has it all"
    TestClient(app).get("/fail%0a2026 all is well")
    assert "\n2026" not in caplog.text, "and nobody else writes lines of it"


def test_a_sentence_with_bytes_that_are_no_text_can_be_sent() -> None:
    body = problems.problem(404, "Gone", "a\udcff.jpg is gone", "/a\udcff").body
    assert "a\N{REPLACEMENT CHARACTER}.jpg" in bytes(body).decode()
