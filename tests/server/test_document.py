"""docs/api.md and the OpenAPI document say the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.server.conftest import Server, paint

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "api.md").read_text("utf-8")
LINES = [line for line in PAGE.splitlines() if line.startswith("curl ")]
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


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("sh")), reason="needs curl")
def test_the_curl_lines_work(server: Server, pictures: Path, tmp_path: Path) -> None:
    paint(7).save(tmp_path / "holiday.jpg")
    job = "j_0123456789ab"
    for line in LINES:
        here = line.replace("7766", str(server.port)).replace("/home/you/Pictures", str(pictures))
        here = here.replace("j_0123456789ab", job)
        done = subprocess.run(
            ["sh", "-c", f"{here} --silent --show-error --write-out '\n%{{http_code}}'"],
            cwd=tmp_path, env=os.environ | {"TOKEN": "any"}, capture_output=True, timeout=60, check=True,
        )  # fmt: skip
        body, _, status = done.stdout.decode().rpartition("\n")
        assert status.startswith("2"), (here, body, status)
        if status == "202" and "/jobs" in line:
            job = str(json.loads(body)["id"])
    assert len(LINES) >= 10
    assert (tmp_path / "small.webp").read_bytes()[8:12] == b"WEBP"


def test_the_curl_lines_name_paths_there_are(reader: TestClient) -> None:
    known = {name.split(" ")[1] for name in offered(reader)} | {"/openapi.json"}
    patterns = [re.compile(re.sub(r"\{\w+\}", r"[^/?]+", path) + r"(\?.*)?") for path in known]
    for line in LINES:
        found = re.search(r"http://127\.0\.0\.1:7766/api/v1(/[^\s'\"]*)", line)
        assert found, line
        assert any(pattern.fullmatch(found[1]) for pattern in patterns), line
