"""docs/api.md and the OpenAPI document say the same."""

from __future__ import annotations

import re
from pathlib import Path

from starlette.testclient import TestClient

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
METHODS = {"get", "post", "delete"}


def offered(reader: TestClient) -> dict[str, set[str]]:
    """ "GET /about" -> names of its query parameters."""
    paths = reader.get("/api/v1/openapi.json").json()["paths"]
    return {
        f"{method.upper()} {path.removeprefix('/api/v1')}": {
            one["name"] for one in operation.get("parameters", []) if one["in"] == "query"
        }
        for path, operations in paths.items()
        for method, operation in operations.items()
        if method in METHODS
    }


def documented() -> dict[str, set[str]]:
    rows = re.findall(r"^\| `((?:GET|POST|DELETE) [^`?]+)(?:\?([^`]*))?` \|", PAGE, re.MULTILINE)
    return {name: set(filter(None, parameters.split("&"))) for name, parameters in rows}


def test_every_path_is_documented_and_nothing_else(reader: TestClient) -> None:
    assert documented() == offered(reader)


def test_every_operation_says_what_it_does(reader: TestClient) -> None:
    paths = reader.get("/api/v1/openapi.json").json()["paths"]
    silent = [
        path
        for path, operations in paths.items()
        for one in operations.values()
        if not one.get("description")
    ]
    assert not silent


def test_every_answer_of_json_has_a_schema(reader: TestClient) -> None:
    paths = reader.get("/api/v1/openapi.json").json()["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    assert kind != "application/json" or content["schema"], (method, path, status)


def test_the_curl_lines_name_paths_there_are(reader: TestClient) -> None:
    lines = [line for line in PAGE.splitlines() if line.startswith("curl ")]
    assert len(lines) >= 8
    known = {name.split(" ")[1] for name in offered(reader)} | {"/openapi.json"}
    patterns = [re.compile(re.sub(r"\{\w+\}", r"[^/?]+", path) + r"(\?.*)?") for path in known]
    for line in lines:
        found = re.search(r"http://127\.0\.0\.1:7766/api/v1(/[^\s'\"]*)", line)
        assert found, line
        assert any(pattern.fullmatch(found[1]) for pattern in patterns), line
