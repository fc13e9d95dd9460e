"""A real server with a real small library, and a real browser that is watched for complaints."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from dinoscope.sample import PICTURES

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
SHARE = {"animals": 32, "paintings": 8}  # of the sample: rows to scroll, and quick to index
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 60_000  # for what comes within a second where nothing else runs

# The real server, told apart from the command line: its own line says where it listens.
SERVE = """
import sys
from pathlib import Path
from dinoscope.server.run import serve
from dinoscope.settings import Settings
library, cache, token = sys.argv[1:4]
library = Path(library)
home = library.parent
settings = Settings(library=library, models=home / "models", runs=home / "runs", cache=Path(cache))
settings = settings.with_overrides(port=0, token=token, offline=True, threads=2)
serve(settings, ready=lambda serving: print("READY", serving.url, flush=True))
"""

INDEX = """
import sys
from pathlib import Path
import dinoscope
library, cache, folder = sys.argv[1:]
with dinoscope.open(library, write=True, cache=Path(cache), offline=True, threads=2) as session:
    for progress in session.index(folder):
        pass
print(progress.added)
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here drives a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; the tests are skipped where there is none."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("no Chromium is installed")
    return found


@pytest.fixture(scope="session")
def bundle() -> None:
    """The built page is the one that lies in ``web/``: a stale one would prove nothing."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "scripts" / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.is_fresh(ROOT), (
        "The page is not built from these sources: run python scripts/hatch_build.py"
    )


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built graphs, shared by every server of the run and with the other tests."""
    return tmp_path_factory.getbasetemp() / "cache"


@pytest.fixture(scope="session")
def library(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of sample pictures, indexed with the starter model."""
    home = tmp_path_factory.mktemp("e2e")
    folder = home / "library"
    for group, count in SHARE.items():
        (home / "pictures" / group).mkdir(parents=True)
        for path in sorted((PICTURES / group).glob("*.webp"))[:count]:
            shutil.copy(path, home / "pictures" / group)
    done = subprocess.run(
        [sys.executable, "-c", INDEX, str(folder), str(cache), str(home / "pictures")],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def url(bundle: None, library: Path, cache: Path) -> Iterator[str]:
    """Where the library of sample pictures is served; tests only read it."""
    with serving(library, cache) as address:
        yield address


@contextmanager
def serving(library: Path, cache: Path, token: str = "") -> Iterator[str]:
    """A server process; the address it printed."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(library), str(cache), token],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        line = process.stdout.readline()
        assert line.startswith("READY"), process.communicate(timeout=20)[1]
        yield line.split()[1].rstrip("/")
    finally:
        process.terminate()
        process.communicate(timeout=20)


def environment() -> dict[str, str]:
    """The tests' own settings and nothing of the user's."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DINOSCOPE_")}
    paths = [str(ROOT / "src"), kept.get("PYTHONPATH", "")]
    return kept | {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "DINOSCOPE_CONFIG": os.devnull + ".toml",
    }


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for all tests; each gets a fresh profile in it."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@dataclass
class Complaints:
    """What the browser complained of: errors, failed requests, broken security policy."""

    said: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)  # parts of complaints that the test provokes

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.said.append(f"page error: {error}"))

    def unexpected(self) -> list[str]:
        return [one for one in self.said if not any(part in one for part in self.expected)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{message.type}: {message.text}")


@pytest.fixture
def complaints() -> Complaints:
    """Add to ``expected`` what the test provokes on purpose."""
    return Complaints()


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, complaints: Complaints) -> Iterator[NewPage]:
    """Opens pages with a profile of their own; in the end none may have complained."""
    contexts = []

    def open_page(address: str, **options: Any) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        complaints.watch(page)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.unexpected() == []


@pytest.fixture
def page(new_page: NewPage, url: str) -> Page:
    """The library's page, its first pictures drawn."""
    opened = new_page(url)
    drawn(opened)
    return opened


def eventually(page: Page, holds: Callable[[], object]) -> None:
    """Ask until it holds: what is drawn follows the pointer by a frame or, on a busy machine, by many.

    Raises: AssertionError as ``holds`` raised it or with what it last gave, when patience ends.
    """
    end = time.monotonic() + PATIENCE_MS / 1000
    while True:
        try:
            assert holds()
        except AssertionError:
            if time.monotonic() > end:
                raise
        else:
            return
        page.wait_for_timeout(50)


def drawn(page: Page, at_least: int = 4) -> None:
    """Wait until so many thumbnails in view have pixels and are opaque."""
    page.locator(".tile img.shown").nth(at_least - 1).wait_for()
    pixels = page.locator(".tile img.shown").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert min(pixels) >= 40


def names(page: Page, count: int = 5) -> list[str]:
    """File names of the first pictures shown."""
    page.locator(".tile").nth(count - 1).wait_for()
    listed = page.locator(".tile .tile-link").evaluate_all(
        "all => all.map(link => [Number(link.dataset.index), link.title])"
    )
    return [str(name) for _, name in sorted(listed)[:count]]
