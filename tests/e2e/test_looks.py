"""Both themes, three widths: accessible, nothing cut off, and really drawn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import DESKTOP, PHONE, ROOT, NewPage, drawn

AXE = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
VIEWS = ("/", "/?like=3&unlike=9", "/?like=3&picture=4", "/activity", "/training")


def faults(page: Page, within: str = "html") -> list[str]:
    """What axe finds wrong: rule and element."""
    if not AXE.exists():
        pytest.skip("axe is not installed: run npm ci in web/")
    page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate(
        "within => axe.run(within, { resultTypes: ['violations'] })", within
    )
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


def shot(page: Page, clip: Any = None) -> np.ndarray[Any, Any]:
    """What is on the screen, (rows, columns, 3)."""
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")).astype(int)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_view_is_accessible(new_page: NewPage, url: str, theme: str) -> None:
    page = new_page(url, color_scheme=theme)
    for view in VIEWS:
        page.goto(url + view)
        page.locator("h1, .tile img.shown, .large-sharp").first.wait_for()
        assert faults(page) == [], view


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_panels_and_dialogs_are_accessible(new_page: NewPage, url: str, theme: str) -> None:
    page = new_page(f"{url}/?kind=webp&text=a", color_scheme=theme)
    drawn(page)
    for button in ("Appearance and help", "Folder", "Dates", "Expression"):
        page.get_by_role("button", name=button).click()
        assert faults(page, ".panel") == [], button
        page.keyboard.press("Escape")
    for key in ("?", "a"):
        page.keyboard.press(key)
        page.get_by_role("dialog").wait_for()
        assert faults(page, "dialog") == [], key
        page.keyboard.press("Escape")


def test_the_chosen_theme_stays(page: Page) -> None:
    light = shot(page)[:8].mean()
    page.get_by_role("button", name="Appearance and help").click()
    page.get_by_role("radio", name="Dark").check()
    page.keyboard.press("Escape")
    page.wait_for_timeout(250)
    assert shot(page)[:8].mean() < light - 120
    page.reload()
    drawn(page)
    assert shot(page)[:8].mean() < light - 120


def test_thumbnails_show_the_pictures_themselves(page: Page) -> None:
    tile = page.locator(".tile-picture").first
    page.wait_for_timeout(300)  # the fade-in
    box = tile.bounding_box()
    name = page.locator(".tile-link").first.get_attribute("title")
    assert name
    original = next(Path(ROOT / "src/dinoscope/sample/pictures").rglob(name))
    seen = shot(page, box)[10:-10, 10:-10]
    wanted = Image.open(original).convert("RGB").resize((round(box["width"]), round(box["height"])))  # type: ignore[index]
    there = np.asarray(wanted).astype(int)[10:-10, 10:-10]
    rows, columns = min(seen.shape[0], there.shape[0]), min(seen.shape[1], there.shape[1])
    assert np.abs(seen[:rows, :columns] - there[:rows, :columns]).mean() < 16


def test_a_phone_shows_and_does_everything(new_page: NewPage, url: str) -> None:
    page = new_page(url, viewport=PHONE, has_touch=True, is_mobile=True)
    drawn(page)
    page.locator(".tile-link").nth(1).tap()
    expect(page.locator(".chip.like")).to_have_count(1)
    drawn(page)
    page.locator(".tile").nth(2).get_by_role("button", name="Details").tap()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Not like this").tap()
    expect(page.locator(".chip.unlike")).to_have_count(1)
    drawn(page)
    page.get_by_role("button", name="Kind").tap()
    panel = page.get_by_role("group", name="Kind").bounding_box()
    assert panel
    assert panel["x"] >= 0
    assert panel["x"] + panel["width"] <= PHONE["width"]
    assert panel["y"] + panel["height"] <= PHONE["height"]
    page.get_by_role("group", name="Kind").get_by_role("button").first.tap()
    drawn(page)


@pytest.mark.parametrize(
    "size", [DESKTOP, {"width": 768, "height": 1024}, PHONE, {"width": 320, "height": 640}]
)
def test_nothing_sticks_out_sideways(new_page: NewPage, url: str, size: dict[str, int]) -> None:
    page = new_page(url, viewport=size)
    for view in VIEWS:
        page.goto(url + view)
        page.locator("h1, .tile img.shown, .large-sharp").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view


def test_squares_and_sizes(page: Page) -> None:
    page.get_by_role("button", name="Appearance and help").click()
    page.get_by_role("radio", name="Square").check()
    page.get_by_role("radio", name="Small").check()
    page.keyboard.press("Escape")
    page.wait_for_timeout(150)  # the rows are laid out anew
    drawn(page)
    box = page.locator(".tile-picture").nth(1).bounding_box()
    assert box
    assert abs(box["width"] - box["height"]) < 1
    assert box["width"] < 160
