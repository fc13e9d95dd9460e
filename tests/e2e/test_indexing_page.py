"""An empty library fills while one looks; a job can be cancelled; a locked server asks for its token."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.conftest import Complaints, NewPage, drawn, serving

from dinoscope.sample import PICTURES

TOKEN = "a token for the tests only"


@pytest.fixture
def fresh(bundle: None, cache: Path, tmp_path: Path) -> Iterator[str]:
    """A server whose library is empty."""
    with serving(tmp_path / "library", cache) as address:
        yield address


def choose(page: Page, folder: Path) -> None:
    """Index a folder through the folder chooser."""
    dialog = page.get_by_role("dialog", name="Add pictures")
    dialog.get_by_label("Folder", exact=True).fill(str(folder.parent))
    dialog.get_by_role("button", name="Go").click()
    dialog.get_by_role("button", name=folder.name, exact=True).click()
    expect(dialog.get_by_label("Folder", exact=True)).to_have_value(str(folder))
    dialog.get_by_role("button", name="Index this folder").click()


def test_an_empty_library_is_filled_from_the_page(fresh: str, new_page: NewPage, tmp_path: Path) -> None:
    folder = tmp_path / "some pictures"
    folder.mkdir()
    for path in sorted((PICTURES / "renewable").glob("*.webp"))[:8]:
        shutil.copy(path, folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    page = new_page(fresh)
    page.get_by_role("button", name="Choose a folder").click()
    choose(page, folder)
    expect(page.get_by_role("listitem").get_by_text(re.compile(r"^Done: 8 pictures added"))).to_be_visible(
        timeout=30_000
    )
    expect(page.get_by_role("heading", name="Files that could not be taken")).to_be_visible()
    expect(page.locator(".refusals")).to_contain_text("broken.jpg")
    page.get_by_role("link", name="Library", exact=True).click()
    drawn(page)
    expect(page.get_by_text("8 pictures", exact=True)).to_be_visible()


def test_a_late_listing_leaves_what_was_typed(new_page: NewPage, url: str) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page = new_page(url)
    page.route("**/api/v1/folders*", hold)
    page.keyboard.press("a")
    field = page.get_by_role("dialog").get_by_label("Folder", exact=True)
    field.fill("/typed/early")
    page.wait_for_timeout(50)
    for route in waiting:
        route.fulfill(
            json={"path": "/late", "parent": "/", "folders": [{"name": "here", "path": "/late/here"}]}
        )
    page.get_by_role("button", name="here", exact=True).wait_for()
    expect(field).to_have_value("/typed/early")


def test_indexing_can_be_cancelled_and_keeps_what_it_has(fresh: str, new_page: NewPage) -> None:
    page = new_page(fresh)
    page.get_by_role("button", name="Choose a folder").wait_for()
    page.keyboard.press("a")
    choose(page, PICTURES)
    expect(page.get_by_role("progressbar", name="Indexing").first).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("li").get_by_text(re.compile(r"^Cancelled:"))).to_be_visible(timeout=30_000)
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_a_server_that_went_away_is_told_and_waited_for(
    bundle: None, cache: Path, library: Path, new_page: NewPage, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")
    with serving(library, cache) as address:
        page = new_page(address)
        drawn(page)
    page.locator(".tile-link").first.click()
    expect(page.get_by_role("alert").first).to_contain_text("The server does not answer")


def test_a_locked_server_asks_for_its_token(
    bundle: None, cache: Path, library: Path, new_page: NewPage, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")
    with serving(library, cache, TOKEN) as address:
        page = new_page(address)
        page.get_by_label("Access token").fill("wrong")
        page.get_by_role("button", name="Open the library").click()
        expect(page.get_by_role("alert")).to_be_visible()
        page.get_by_label("Access token").fill(TOKEN)
        page.get_by_role("button", name="Open the library").click()
        drawn(page)
