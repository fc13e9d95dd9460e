"""Nothing is asked of any network at run time: not by indexing, not by searching, not by serving."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.conftest import paint

ROOT = Path(__file__).resolve().parents[1]

GUARD = """
import os, sys

def guard(event, args):
    places = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}
    if event in places:
        address = args[places[event]]
        host = address[0] if isinstance(address, tuple) else address
        if host not in {"127.0.0.1", "::1", "localhost", b"127.0.0.1", None}:
            with open(os.environ["TOLD"], "a") as told:
                told.write(f"{event} {address!r} in {sys.argv!r}\\n")
            raise OSError("no network here")

sys.addaudithook(guard)
"""

WORK = """
import json, sys, threading, urllib.request
from pathlib import Path
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.run import open_library, serve
from dinoscope.settings import load_settings
from dataclasses import replace

settings = replace(load_settings(), port=0)

def ask(serving):
    def work():
        base = serving.url + "api/v1/"
        try:
            for path in ("about", "models", "pictures", "search?like=1", "facets", "folders", "runs",
                         "pictures/1/image", "look?picture=1"):
                with urllib.request.urlopen(base + path, timeout=60) as answer:
                    assert answer.status == 200, path
            picture = next(Path(sys.argv[1]).glob("*.png")).read_bytes()
            asked = urllib.request.Request(base + "search?k=1", picture, {"Content-Type": "image/png"})
            with urllib.request.urlopen(asked, timeout=60) as answer:
                assert json.load(answer)["hits"]
            print("served", flush=True)
        finally:
            serving.stop()
    threading.Thread(target=work).start()

with Library.open(settings.library, write=True) as library, Session(library, settings) as session:
    *_, last = index_folders([sys.argv[1]], library, session.backbone, settings)
    assert last.added > 0
with Session(open_library(settings), settings) as session:
    serve(settings, ask, session)
"""


@pytest.fixture
def guarded(tmp_path: Path) -> tuple[dict[str, str], Path]:
    """An environment in which every Python process, decoders too, may talk to this machine only."""
    hook, told = tmp_path / "hook", tmp_path / "told"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(GUARD)
    path = os.pathsep.join([str(hook), str(ROOT / "src")])
    own = {"PYTHONPATH": path, "TOLD": str(told), "DINOSCOPE_LIBRARY": str(tmp_path / "library")}
    around = {name: value for name, value in os.environ.items() if name != "DINOSCOPE_OFFLINE"}
    return around | own, told


def run(environment: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_indexing_searching_and_serving_ask_no_network(
    guarded: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    environment, told = guarded
    folder = tmp_path / "pictures"
    folder.mkdir()
    for seed in range(3):
        paint(seed).save(folder / f"{seed}.png")
    assert "served" in run(environment, "-c", WORK, str(folder))
    assert not told.exists(), told.read_text()


def test_the_guard_would_have_seen_it(guarded: tuple[dict[str, str], Path]) -> None:
    environment, told = guarded
    code = "import socket\ntry: socket.create_connection(('a.org', 80))\nexcept OSError: print('refused')"
    assert "refused" in run(environment, "-c", code)
    assert "a.org" in told.read_text()


# Who may reach for a network, and why.
REACHING = {
    "models/weights.py": {"huggingface_hub"},  # a model that was asked for and is not here
    "server/run.py": {"socket"},  # listens
    "server/security.py": {"socket"},  # this machine's own name
    "cluster/starting.py": {"ray", "socket"},  # the extra ray, when asked for
    "cluster/serving.py": {"ray"},
    "cluster/remote_shards.py": {"ray"},
    "cluster/remote_writers.py": {"ray"},
    "cluster/indexing.py": {"ray"},
    "cluster/sources.py": {"fsspec"},  # pictures behind URLs, when given
    "cli/serving.py": {"webbrowser"},  # --open
}
NETWORKED = {
    "aiohttp", "fsspec", "ftplib", "http", "httpx", "huggingface_hub", "ray", "requests", "smtplib", "socket",
    "socketserver", "ssl", "urllib", "urllib3", "webbrowser", "xmlrpc",
}  # fmt: skip
HARMLESS = {"urllib.parse"}


def reached(file: Path) -> set[str]:
    """Networked packages that a module imports, be it inside a function."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names = [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
            if node.module == "http" and [one.name for one in node.names] == ["HTTPStatus"]:
                continue
        else:
            continue
        found |= {name.partition(".")[0] for name in names if name not in HARMLESS}
    return found & NETWORKED


def test_only_these_modules_can_reach_a_network() -> None:
    package = ROOT / "src" / "dinoscope"
    found = {
        file.relative_to(package).as_posix(): names
        for file in sorted(package.rglob("*.py"))
        if (names := reached(file))
    }
    assert found == REACHING
