"""The robustness lab: sliders change what is shown and what is said, as the server edits it."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import PHONE, Complaints, NewPage
from tests.e2e.test_looks import faults

SLOW = 60_000  # ms: two cores, and a model


def opened(new_page: NewPage, url: str, query: str, **options: Any) -> Page:
    """The lab with a picture in it, looked at."""
    page = new_page(f"{url}/robustness?{query}", **options)
    page.locator(".lab-standing h2").wait_for(timeout=SLOW)
    settled(page)
    return page


def settled(page: Page) -> None:
    """Wait until what is shown and said is what is asked for, and the address says so."""
    page.wait_for_timeout(300)
    expect(page.locator(".lab-stage")).to_have_attribute("aria-busy", "false", timeout=SLOW)
    expect(page.locator(".lab-verdict")).to_have_attribute("aria-busy", "false", timeout=SLOW)


def stage(page: Page) -> np.ndarray[Any, Any]:
    """What is seen of the picture, (rows, columns, RGB)."""
    return np.asarray(Image.open(BytesIO(page.locator(".lab-stage").screenshot())).convert("RGB")).astype(int)


def address(page: Page) -> str:
    return str(page.evaluate("location.href"))


def test_a_slider_darkens_the_picture_and_the_likeness_falls(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3")
    expect(page.locator(".lab-standing h2")).to_have_text("Still the first of 40")
    bright = stage(page)
    assert float(page.locator(".lab-meter b").inner_text()) > 0.999
    slider = page.get_by_label("Brightness", exact=True)
    box = slider.bounding_box()
    assert box
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in (0.45, 0.4, 0.3, 0.25):
        page.mouse.move(box["x"] + share * box["width"], middle)
    page.mouse.up()
    settled(page)
    assert re.search(r"edits=brightness:-0\.[45]\d*$", address(page))
    assert stage(page).mean() < 0.6 * bright.mean(), "the picture that is shown is dark"
    assert float(page.locator(".lab-meter b").inner_text()) < 0.98
    expect(page.locator(".lab-row.on output")).to_contain_text("×0.3")
    page.mouse.move(5, 5)
    page.locator(".lab-stage").hover()
    page.mouse.down()
    assert np.abs(stage(page) - bright).mean() < 12, "held down, the original is seen"
    page.mouse.up()
    assert stage(page).mean() < 0.6 * bright.mean()


def test_a_slider_at_rest_gets_its_curve(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3")
    page.get_by_label("Noise", exact=True).focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    row = page.locator("[data-kind=noise]")
    row.locator(".lab-chart .line").wait_for(timeout=2 * SLOW)
    assert row.locator(".lab-chart .line").get_attribute("d").count("L") >= 5  # type: ignore[union-attr]
    expect(row.locator(".lab-limits")).to_contain_text(re.compile("lost beyond|Found throughout"))
    assert "edits=noise:0.08" in address(page)


def test_the_weakest_edit_is_found_and_shown(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3")
    page.get_by_role("button", name="Find the weakest edit").click()
    page.locator(".lab-weakest.found").wait_for(timeout=5 * SLOW)
    expect(page.locator(".lab-weakest")).to_contain_text("The weakest edit that loses it")
    settled(page)
    expect(page.locator(".lab-standing h2")).to_contain_text("Lost")
    assert page.locator(".lab-row.on, .lab-switch input:checked").count() == 1
    page.get_by_role("button", name="Undo all edits").click()
    settled(page)
    expect(page.locator(".lab-standing h2")).to_contain_text("Still the first")


def test_presets_and_the_address_say_the_same(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=5")
    page.get_by_role("button", name="Upside down").click()
    settled(page)
    assert address(page).endswith("?of=5&edits=rotation:1")
    expect(page.get_by_role("button", name="Upside down")).to_have_attribute("aria-pressed", "true")
    turned = stage(page)
    page.go_back()
    settled(page)
    whole = stage(page)
    inner = slice(20, -20)
    away = np.abs(turned[inner, inner] - whole[::-1, ::-1][inner, inner]).mean()
    assert away < 0.5 * np.abs(turned[inner, inner] - whole[inner, inner]).mean(), "it stands on its head"


def test_a_wrong_address_is_no_dead_end(new_page: NewPage, complaints: Complaints, url: str) -> None:
    page = opened(new_page, url, "of=5&edits=evil:1,blur:0.4&seed=x")
    expect(page.locator("[data-kind=blur] output")).to_contain_text("% of a side")
    complaints.expected.append("404")
    page = new_page(f"{url}/robustness?of=99999")
    expect(page.locator(".notice")).to_contain_text("This picture is not here")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [None, PHONE])
def test_it_is_readable_everywhere(new_page: NewPage, url: str, dark: bool, size: Any) -> None:
    options: dict[str, Any] = {"color_scheme": "dark" if dark else "light"}
    if size:
        options |= {"viewport": size, "has_touch": True}
    page = opened(new_page, url, "of=3&edits=blur:0.3", **options)
    assert not faults(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs out"
