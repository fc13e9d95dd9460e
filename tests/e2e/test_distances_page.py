"""Distances on the page: two pictures and what makes them alike, a matrix of many, and the way there."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import DESKTOP, PHONE, NewPage
from tests.e2e.test_looks import faults


@pytest.fixture
def page(new_page: NewPage, url: str) -> Page:
    return new_page(url)


def shot(page: Page) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    taken = page.locator(".pair-picture").first.screenshot()
    return np.asarray(Image.open(io.BytesIO(taken)).convert("RGB"), np.int16)


def test_two_are_chosen_and_measured(page: Page, url: str) -> None:
    page.goto(f"{url}/distances")
    page.locator(".tile .tile-link").first.click()
    expect(page.locator(".distances-first")).to_be_visible()
    page.locator(".tile .tile-link").nth(2).click()
    expect(page.locator(".pair-number")).to_contain_text(re.compile(r"\d %"))
    expect(page.locator(".spread i")).to_be_visible()
    assert str(page.evaluate("location.search")).count("these=") == 2


def test_what_makes_two_alike_is_lit(page: Page, url: str) -> None:
    page.goto(f"{url}/distances?these=1&these=2")
    expect(page.locator(".pair-number")).to_be_visible()
    expect(page.locator(".pair-picture .part-sharp").first).to_have_js_property("complete", True)
    page.wait_for_timeout(600)
    before = shot(page)
    page.keyboard.press("w")
    expect(page.locator(".pair-layer")).to_have_count(2, timeout=30_000)
    page.wait_for_timeout(600)
    after = shot(page)
    assert float((np.abs(before - after).max(axis=2) > 20).mean()) > 0.3, "most of the picture is dimmed"
    assert int(after.sum(axis=2).max()) > 400, "what they share is not"
    assert "why=true" in str(page.evaluate("location.href"))
    page.keyboard.press("w")
    expect(page.locator(".pair-layer")).to_have_count(0)


def test_many_are_a_matrix_that_leads_to_pairs(page: Page, url: str) -> None:
    page.goto(f"{url}/distances?these=1&these=2&these=3&these=4&these=5")
    expect(page.locator(".matrix [data-at]")).to_have_count(20)
    assert page.locator('[data-at="0,1"]').get_attribute("title") == page.locator(
        '[data-at="1,0"]'
    ).get_attribute("title"), "as far from here as from there"
    page.locator('[data-at="0,1"]').focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".pair-number")).to_be_visible()
    expect(page.locator('[data-at="0,2"]')).to_have_class(re.compile("chosen"))
    expect(page.locator('[data-at="2,0"]')).to_have_class(re.compile("chosen"))
    page.get_by_role("button", name="Take picture 1 out").click()
    expect(page.locator(".matrix [data-at]")).to_have_count(12)


@pytest.mark.parametrize(("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("address", ["?these=1&these=2", "?these=1&these=2&these=3&these=4", ""])
def test_it_is_accessible_and_fits(
    new_page: NewPage, url: str, address: str, size: dict[str, int], scheme: str
) -> None:
    page = new_page(url, viewport=size, color_scheme=scheme)
    page.goto(f"{url}/distances{address}")
    page.locator(".spread, .matrix, .choosing").first.wait_for()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
