"""The library's map on the page: drawn, moved, zoomed, asked, filtered and lassoed, by hand and by keys."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import DESKTOP, PHONE, Complaints, NewPage
from tests.e2e.test_looks import faults

SOFTWARE = "GPU stall due to ReadPixels"  # without a graphics card the canvas is read back


@pytest.fixture
def mapped(new_page: NewPage, url: str, complaints: Complaints) -> Page:
    complaints.expected.append(SOFTWARE)
    page = new_page(url)
    page.goto(f"{url}/map")
    drawn(page)
    return page


def drawn(page: Page, at_least: int = 5) -> None:
    """Wait until so many thumbnails are on the map."""
    expect(page.locator("[data-map]")).to_have_attribute(
        "data-drawn", re.compile(rf"^([{at_least}-9]|\d\d+)$"), timeout=60_000
    )


def pixels(page: Page) -> NDArray[np.int16]:
    """(height, width, 3) of the map as it is seen."""
    shot = page.locator(".map-stage").screenshot()
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), np.int16)


def changed(before: NDArray[np.int16], after: NDArray[np.int16]) -> float:
    """Share of the pixels that are another colour."""
    return float((np.abs(before - after).max(axis=2) > 24).mean())


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("[data-map]").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def place(page: Page) -> str:
    return str(page.evaluate("location.href"))


def test_the_map_is_drawn_moved_and_zoomed(mapped: Page) -> None:
    first = pixels(mapped)
    ground = np.median(first.reshape(-1, 3), axis=0)
    assert 0.02 < float((np.abs(first - ground).max(axis=2) > 24).mean()) < 0.9, "pictures on a ground"
    x, y = middle(mapped)
    mapped.mouse.move(x, y)
    mapped.mouse.down()
    mapped.mouse.move(x + 180, y + 60, steps=5)
    mapped.mouse.up()
    expect(mapped).to_have_url(re.compile(r"view="))
    mapped.wait_for_timeout(500)
    moved = pixels(mapped)
    assert changed(first, moved) > 0.02
    shifted = first[20:-100, 120:-300], moved[80:-40, 300:-120]
    assert changed(*shifted) < 0.25 * changed(first, moved) + 0.02, "the same, 180 and 60 pixels on"
    mapped.mouse.move(x, y)
    mapped.mouse.wheel(0, -600)
    mapped.wait_for_timeout(900)
    assert float(place(mapped).rsplit(",", 1)[1]) > 2
    mapped.keyboard.press("0")
    mapped.wait_for_timeout(600)
    assert "view=" not in place(mapped)
    assert changed(first, pixels(mapped)) < 0.01, "the whole map again"


def test_a_lasso_selects_and_a_click_opens(mapped: Page) -> None:
    x, y = middle(mapped)
    mapped.get_by_role("button", name="Lasso").click()
    mapped.mouse.move(x - 250, y - 200)
    mapped.mouse.down()
    for dx, dy in ((250, -200), (250, 200), (-250, 200)):
        mapped.mouse.move(x + dx, y + dy, steps=6)
    mapped.mouse.up()
    said = mapped.locator(".selection-bar b").inner_text()
    chosen = int(said.split()[0])
    assert 3 < chosen <= 40
    expect(mapped.locator(".map-tray button")).to_have_count(chosen)
    mapped.locator(".map-tray button").first.click()
    expect(mapped.get_by_role("dialog")).to_be_visible()
    mapped.keyboard.press("Escape")
    mapped.keyboard.press("Escape")
    expect(mapped.locator(".map-tray")).to_have_count(0)
    mapped.locator("[data-map]").focus()
    mapped.keyboard.press("+")
    mapped.keyboard.press("Enter")
    expect(mapped.get_by_role("dialog")).to_be_visible()
    assert "picture=" in place(mapped)


def test_filters_leave_the_others_faint(mapped: Page) -> None:
    mapped.keyboard.press("d")
    mapped.wait_for_timeout(500)
    before = pixels(mapped)
    mapped.goto(place(mapped).replace("/map?", "/map?text=dog&"))
    expect(mapped.locator(".map-count")).to_contain_text(re.compile(r"^\d of 40 pictures"))
    mapped.wait_for_timeout(500)
    after = pixels(mapped)
    ground = np.median(before.reshape(-1, 3), axis=0)
    strong = [float((np.abs(one - ground).max(axis=2) > 60).mean()) for one in (before, after)]
    assert strong[1] < 0.4 * strong[0]


def test_a_picture_leads_to_its_place(mapped: Page, url: str) -> None:
    mapped.goto(f"{url}/?picture=3")
    mapped.get_by_role("link", name="On the map").click()
    expect(mapped).to_have_url(re.compile(r"/map\?of=3"))
    drawn(mapped, 1)
    amber = np.array([208, 135, 0])
    mapped.wait_for_timeout(1500)
    seen = pixels(mapped)
    height, width = seen.shape[:2]
    around = seen[height // 2 - 90 : height // 2 + 90, width // 2 - 90 : width // 2 + 90]
    assert int((np.abs(around - amber).max(axis=2) < 12).sum()) > 100, "it is ringed, in the middle"


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
def test_the_map_is_accessible_and_fits(
    new_page: NewPage, url: str, complaints: Complaints, size: dict[str, int], scheme: str
) -> None:
    complaints.expected.append(SOFTWARE)
    page = new_page(url, viewport=size, color_scheme=scheme)
    page.goto(f"{url}/map")
    drawn(page)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollHeight - innerHeight") <= 0
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
