"""Who is let in, and what a browser is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from starlette.testclient import TestClient

from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.security import POLICY, Access, host_name, is_loopback
from dinoscope.settings import Settings

ABOUT = "/api/v1/about"
TOKEN = {"Authorization": "Bearer a long secret"}


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_addresses_need_no_token(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org", ""])
def test_all_other_addresses_are_the_network(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(
    ("header", "name"), [("a.b:80", "a.b"), ("a.b", "a.b"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("", "")]
)
def test_a_host_header_is_a_name_and_perhaps_a_port(header: str, name: str) -> None:
    assert host_name(header) == name


@pytest.mark.parametrize("host", ["localhost:7766", "127.0.0.1", "[::1]:9", "LOCALHOST:1", "localhost."])
def test_this_machine_is_known_by_its_loopback_names(reader: TestClient, host: str) -> None:
    assert reader.get(ABOUT, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7766",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
        "127.0.0.1:7766@evil.example",
        "localhost:x",
    ],
)
@pytest.mark.parametrize("path", [ABOUT, "/", "/api/v1/pictures/1/original"])
def test_a_rebound_name_gets_nothing(reader: TestClient, host: str, path: str) -> None:
    answer = reader.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert "does not go by that name" in answer.json()["detail"]


def test_on_the_network_numbers_are_known_but_foreign_names_are_not() -> None:
    access = Access("0.0.0.0", "a long secret")
    assert access.knows_host("192.168.7.7")
    assert not access.knows_host("evil.example")
    assert Access("pictures.example").knows_host("Pictures.Example")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},  # another program on this machine
        {"Origin": "http://localhost:7766"},  # the same server, but another origin to a browser
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_can_change_nothing(reader: TestClient, headers: dict[str, str]) -> None:
    for answer in (
        reader.post("/api/v1/jobs", json={"kind": "index", "folders": ["/"]}, headers=headers),
        reader.post("/api/v1/queries", content=b"x", headers=headers),
        reader.delete("/api/v1/pictures/1", headers=headers),
    ):
        assert answer.status_code == 403
    assert reader.get("/api/v1/jobs").json() == {"jobs": []}
    assert reader.get("/api/v1/pictures/1").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/jobs/j_1/events",
        "/api/v1/search?like=1",
        "/api/v1/pictures/1/thumbnail",
        "/api/v1/openapi.json",
    ],
)
@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
def test_another_site_can_read_nothing_and_listen_to_nothing(
    reader: TestClient, path: str, headers: dict[str, str]
) -> None:
    """A browser would keep the answer from it, but not how long it took, nor the work it costs."""
    assert reader.get(path, headers=headers).status_code == 403
    assert reader.get("/", headers=headers).status_code in {200, 503}, "but a link to the page works"


def test_the_page_itself_and_the_command_line_can(client: TestClient) -> None:
    own = {"Origin": "http://127.0.0.1:7766", "Sec-Fetch-Site": "same-origin"}
    assert client.delete("/api/v1/pictures/1", headers=own).status_code == 204
    assert client.delete("/api/v1/pictures/2").status_code == 204


@pytest.mark.parametrize(
    ("method", "path", "asked"),
    [
        ("GET", "/", {}),
        ("GET", ABOUT, {}),
        ("GET", "/api/v1/nothing", {}),
        ("GET", "/nothing.js", {}),
        ("GET", "/api/v1/pictures/1/thumbnail", {}),
        ("GET", "/api/v1/pictures/1/original", {}),
        ("GET", "/api/v1/look?picture=1", {}),
        ("GET", "/api/v1/look/export?picture=1&format=svg", {}),
        ("GET", "/api/v1/robustness/picture?of=1", {}),
        ("GET", "/api/v1/openapi.json", {}),
        ("HEAD", "/", {}),
        ("OPTIONS", "/api/v1/search", {}),
        ("POST", "/api/v1/queries", {}),
        ("POST", "/", {}),
        ("GET", ABOUT, {"Host": "evil.example"}),
        ("GET", ABOUT, {"Origin": "http://evil.example"}),
        ("POST", "/api/v1/queries", {"Content-Length": "99999999999"}),
    ],
)
def test_every_answer_forbids_a_browser_what_it_need_not_do(
    reader: TestClient, method: str, path: str, asked: dict[str, str]
) -> None:
    headers = reader.request(method, path, headers=asked).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["permissions-policy"].split(", ")[:2] == ["camera=(self)", "geolocation=()"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


def test_what_is_private_is_not_stored_by_browsers(reader: TestClient) -> None:
    assert reader.get(ABOUT).headers["cache-control"] == "no-store"


def test_the_network_needs_the_token(guarded_client: TestClient) -> None:
    answer = guarded_client.get(ABOUT)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert guarded_client.get(ABOUT, headers=TOKEN).json()["auth"] is True


@pytest.mark.parametrize(
    "given", ["Bearer wrong", "Bearer", "Basic a long secret", "", "Bearer ä", "a long secret"]
)
def test_nothing_else_passes_for_the_token(guarded_client: TestClient, given: str) -> None:
    answer = guarded_client.get(ABOUT, headers=[(b"authorization", given.encode("latin-1"))])
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "path", ["/api/v1/openapi.json", "/api/v1/nothing", "/api/v1/folders", "/api/v1/jobs"]
)
def test_no_part_of_the_interface_is_open(guarded_client: TestClient, path: str) -> None:
    assert guarded_client.get(path).status_code == 401
    assert guarded_client.get("/").status_code in {200, 503}, "the page must load to ask for the token"


def test_a_cookie_is_read_in_a_glance(guarded_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anybody logged in: Python's own parser takes time that grows with the square of backslashes."""
    monkeypatch.setattr("http.cookies._unquote", None)
    asked = {"Cookie": 'dinoscope_session="' + "\\" * 15_000 + '"; other="\\073"'}
    assert guarded_client.get(ABOUT, headers=asked).status_code == 401


def test_a_browser_logs_in_once(guarded_client: TestClient) -> None:
    refused = guarded_client.post("/api/v1/login", json={"token": "a guess"})
    assert refused.status_code == 401
    assert "set-cookie" not in refused.headers
    granted = guarded_client.post("/api/v1/login", json={"token": "a long secret"})
    assert granted.status_code == 204
    cookie = granted.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "a long secret" not in cookie
    assert guarded_client.get(ABOUT).status_code == 200, "the cookie is sent from now on"


@pytest.mark.parametrize(
    "cookie", ["dinoscope_session=", "dinoscope_session=0", "a=b", ";;=;", "dinoscope_session=\xe4"]
)
def test_a_made_up_cookie_opens_nothing(guarded_client: TestClient, cookie: str) -> None:
    answer = guarded_client.get(ABOUT, headers=[(b"cookie", cookie.encode("latin-1"))])
    assert answer.status_code == 401


def test_a_cookie_of_another_token_opens_nothing(guarded_client: TestClient) -> None:
    old = Access("0.0.0.0", "an older secret").cookie
    assert guarded_client.get(ABOUT, headers={"Cookie": f"dinoscope_session={old}"}).status_code == 401


def test_an_application_open_to_the_network_without_a_token_cannot_be_made(
    settings: Settings, session: Session
) -> None:
    with pytest.raises(ValueError, match="token is required"):
        create_app(replace(settings, host="0.0.0.0", token=""), session)


def test_a_token_may_be_wanted_on_loopback_too(settings: Settings, session: Session) -> None:
    with TestClient(
        create_app(replace(settings, token="a long secret"), session), base_url="http://localhost"
    ) as reader:
        assert reader.get(ABOUT).status_code == 401
        assert reader.get(ABOUT, headers=TOKEN).status_code == 200
