"""What is found of a part: drawn, explained by lines, refined, taken elsewhere; on every screen."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect
from tests.e2e.conftest import DESKTOP, PHONE, Complaints, NewPage, drawn
from tests.e2e.test_looks import faults, shot
from tests.e2e.test_parts_page import drag, found, ids, on_picture, opened, tile_of


def test_a_first_tap_looks_and_a_second_opens(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240", viewport=PHONE, has_touch=True, is_mobile=True)
    found(page, 3)
    tile_of(page, 1).locator("a").tap()
    expect(page.locator(".part-links path").first).to_be_attached()
    expect(tile_of(page, 1).get_by_role("button", name="More like this place")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    tile_of(page, 1).locator("a").tap(position={"x": 20, "y": 20})
    expect(page.get_by_role("dialog").locator(".large .place.best")).to_be_visible()


def test_a_library_without_parts_says_how_to_get_them(
    new_page: NewPage, url: str, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")
    page = opened(new_page, url)
    page.route(
        "**/api/v1/search/region*",
        lambda route: route.fulfill(
            status=409, content_type="application/problem+json", body='{"detail": "Index once more."}'
        ),
    )
    drag(page, [(0.3, 0.3), (0.6, 0.6)])
    expect(page.get_by_text("Index once more.")).to_be_visible()
    expect(page.get_by_role("button", name="Index now")).to_be_enabled()
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    found(page)


def test_heat_maps_are_really_drawn(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240")
    found(page)
    tile = tile_of(page, 0).locator(".tile-picture")
    tile.locator(".tile-link").evaluate("one => { one.style.opacity = 1; }")  # a doubtful hit is pale
    page.wait_for_timeout(300)
    plain = shot(page, tile.bounding_box())
    page.get_by_role("button", name="Heat map").click()
    page.locator(".part-tile canvas.heat").first.wait_for()
    page.wait_for_timeout(300)
    lit = shot(page, tile.bounding_box())
    assert (np.abs(lit - plain).max(axis=2) > 10).mean() > 0.5
    colours = lit.reshape(-1, 3)
    brightness = colours.sum(axis=1)
    assert np.percentile(brightness, 95) > 1.5 * np.percentile(brightness, 20), "hot and cold differ"
    page.keyboard.press("v")
    sheet = tile_of(page, 0).locator("[data-part-hit]").bounding_box()
    box = tile.bounding_box()
    assert sheet
    assert box
    assert sheet["width"] >= box["width"] - 1, "close up is no smaller than whole"


def test_a_hit_shows_its_heat_while_somebody_looks(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240")
    found(page)
    expect(page.locator(".part-tile canvas.heat")).to_have_count(0)
    tile = tile_of(page, 1)
    frame = tile.locator(".tile-picture").bounding_box()
    plain = shot(page, frame)
    tile.hover()
    expect(tile.locator("canvas.heat")).to_have_count(1)
    lit = 0.0
    for _ in range(50):  # it comes softly
        page.wait_for_timeout(200)
        lit = max(lit, (np.abs(shot(page, frame) - plain).max(axis=2) > 10).mean())
        if lit > 0.4:
            break
    assert lit > 0.4
    expect(tile.locator(".place.best")).to_be_visible()
    page.mouse.move(5, 5)
    expect(page.locator(".part-tile canvas.heat")).to_have_count(0)


def test_hits_keep_their_order_under_a_pointer(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    later: list[Route] = []
    page.route(
        "**/api/v1/search/region*",
        lambda route: (
            route.continue_() if route.request.post_data_json.get("refine") is False else later.append(route)
        ),
    )
    drag(page, [(0.35, 0.3), (0.5, 0.45)])
    expect(page.locator(".closer-look")).to_be_visible()
    before = ids(page)
    tile_of(page, 1).hover()
    while not later:
        page.wait_for_timeout(50)
    answer = later[0].fetch().json()
    answer["hits"].reverse()
    for hit in answer["hits"]:
        hit["doubtful"] = True
    answer["verdict"] = "Perhaps it is not here: nobody looks like it."
    later[0].fulfill(json=answer)
    expect(page.locator(".closer-look")).to_have_count(0)
    expect(tile_of(page, 1)).to_have_class(re.compile("doubtful"))
    assert ids(page) == before
    expect(page.get_by_text("Perhaps it is not here")).to_have_count(0)
    page.mouse.move(*on_picture(page, 0.9, 0.9))
    expect(page.get_by_text("Perhaps it is not here")).to_be_visible()
    assert ids(page) == [str(hit["picture"]["id"]) for hit in answer["hits"][:6]]


def test_lines_lead_from_the_part_to_the_hit_that_is_looked_at(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240")
    found(page)
    tile_of(page, 1).hover()
    line = page.locator(".part-links path").first
    line.wait_for(state="attached")
    page.wait_for_timeout(100)
    ends = page.locator(".part-links path").evaluate_all(
        "all => all.map(one => one.getAttribute('d')?.match(/-?[\\d.]+/g).map(Number)).filter(Boolean)"
    )
    assert ends
    stage = page.locator(".part-stage").bounding_box()
    tile = tile_of(page, 1).locator(".tile-picture").bounding_box()
    assert stage
    assert tile
    for numbers in ends:
        assert stage["x"] <= numbers[0] <= stage["x"] + stage["width"]
        assert tile["x"] - 1 <= numbers[-2] <= tile["x"] + tile["width"] + 1
        assert tile["y"] - 1 <= numbers[-1] <= tile["y"] + tile["height"] + 1
    page.mouse.move(*on_picture(page, 0.5, 0.5))
    expect(page.locator(".part-links")).to_have_count(0)


def test_examples_and_the_whole_picture_refine(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240")
    found(page)
    before = ids(page)
    tile_of(page, 0).hover()
    tile_of(page, 0).get_by_role("button", name="Not this one").click()
    expect(page.locator(".examples-chips .chip.unlike")).to_have_count(1)
    found(page)
    assert ids(page) != before
    sheet, tile = (
        tile_of(page, 0).locator(one).bounding_box() for one in ("[data-part-hit]", ".tile-picture")
    )
    assert sheet
    assert tile
    assert sheet["width"] == pytest.approx(tile["width"], abs=2), "another order is laid out anew"
    assert sheet["height"] == pytest.approx(tile["height"], abs=2)
    tile_of(page, 1).hover()
    tile_of(page, 1).get_by_role("button", name="More like this place").click()
    expect(page.locator(".examples-chips .chip.like")).to_have_count(1)
    page.get_by_role("button", name=re.compile("^Remove")).first.click()
    page.get_by_role("button", name=re.compile("^Remove")).first.click()
    expect(page.locator(".examples-chips")).to_have_count(0)
    page.get_by_label("Also like the whole picture").fill("0.6")
    expect(page).to_have_url(re.compile("also=0.6"))
    found(page)
    page.get_by_role("button", name="Kind").click()
    page.get_by_role("button", name=re.compile("^WEBP")).click()
    expect(page).to_have_url(re.compile("kind=webp"))
    found(page)


def test_a_hit_is_shown_large_with_its_places_and_leads_on(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, "of=3&box=120,80,300,240")
    found(page)
    first = ids(page, 1)[0]
    tile_of(page, 0).locator("a").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".large .place.best")).to_be_visible()
    expect(dialog.locator(".found-places li").first).to_contain_text("Best")
    page.keyboard.press("ArrowRight")
    expect(page).not_to_have_url(re.compile(f"picture={first}$"))
    page.keyboard.press("Escape")
    tile_of(page, 0).hover()
    tile_of(page, 0).get_by_role("button", name="Go on from this place").click()
    expect(page).to_have_url(re.compile(rf"of={first}&box="))
    found(page)


def test_there_is_a_way_in_from_everywhere(page: Page) -> None:
    page.locator(".tile").nth(1).hover()
    page.locator(".tile").nth(1).get_by_role("button", name="Select a part").click()
    expect(page.locator(".part-stage")).to_be_visible()
    page.go_back()
    page.locator(".tile-link").first.click()
    page.locator(".summary-tools").get_by_role("link", name="Select a part").click()
    expect(page.locator(".part-stage")).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Select a part").click()
    expect(page.get_by_role("heading", name="Find a part everywhere")).to_be_visible()
    page.get_by_role("link", name=re.compile("select a part of it")).first.click()
    expect(page.locator(".part-stage")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".part-stage")).to_have_count(0)


def test_the_part_can_be_taken_to_the_command_line(new_page: NewPage, url: str) -> None:
    page = opened(
        new_page, url, "of=3&box=120,80,300,240&also=0.3", permissions=["clipboard-read", "clipboard-write"]
    )
    found(page)
    page.get_by_role("button", name="Copy as").click()
    page.get_by_role("button", name="Command line").click()
    expect(page.get_by_text("Command line copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"dinoscope search \S+\.webp --box 120,80,300,240 --also 0.3", copied)


def test_an_upload_that_is_gone_is_told(new_page: NewPage, url: str, complaints: Complaints) -> None:
    complaints.expected.append("Failed to load resource")
    page = new_page(f"{url}/part?of=q_long-gone&box=1,2,3,4")
    expect(page.get_by_role("heading", name="This picture is not here")).to_be_visible()
    page.get_by_role("link", name="Choose another").click()
    drawn(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_it_is_accessible_and_nothing_sticks_out(
    new_page: NewPage, url: str, theme: str, screen: dict[str, int]
) -> None:
    page = new_page(f"{url}/part", color_scheme=theme, viewport=screen)
    drawn(page)
    assert faults(page) == []
    for query in ("of=3", "of=3&box=120,80,300,240&at=20,20&not=60,60&more=5:1,1,90,90"):
        page.goto(f"{url}/part?{query}")
        page.locator(".part-sharp").wait_for()
        if "box" in query:
            found(page, 2)
        assert faults(page) == [], query
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), query
