"""The grid, filters, details, selection and the keyboard."""

from __future__ import annotations

import json
import re

from playwright.sync_api import Page, Route, expect
from tests.e2e.conftest import Complaints, NewPage, drawn, names

from dinoscope.sample import PICTURES

IN_VIEW = """() => [...document.querySelectorAll(".tile")].filter((tile) => {
  const box = tile.getBoundingClientRect();
  return box.bottom > 0 && box.top < innerHeight;
}).map((tile) => Number(tile.getAttribute("aria-posinset")))"""


def focused(page: Page) -> str:
    """Name of the picture the keyboard stands on."""
    return str(page.evaluate("document.activeElement.title"))


def test_rows_fill_the_width_and_no_two_pictures_overlap(page: Page) -> None:
    boxes = page.locator(".tile").evaluate_all(
        "all => all.map(one => one.getBoundingClientRect()).map(box => [box.x, box.y, box.right, box.bottom])"
    )
    for index, (x, y, right, bottom) in enumerate(boxes):
        for other_x, other_y, other_right, other_bottom in boxes[index + 1 :]:
            assert right <= other_x + 0.5 or other_right <= x + 0.5 or bottom <= other_y or other_bottom <= y
    grid = page.locator(".grid").bounding_box()
    assert grid
    first_row = [box for box in boxes if box[1] == boxes[0][1]]
    assert max(box[2] for box in first_row) >= grid["x"] + grid["width"] - 2


def test_scrolling_draws_later_pictures_and_forgets_earlier_ones(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 500})
    page.mouse.move(640, 400)
    page.mouse.wheel(0, 1800)
    page.wait_for_timeout(100)
    expect(page.locator('.tile[aria-posinset="1"]')).to_have_count(0)
    drawn(page)
    assert min(page.evaluate(IN_VIEW)) > 10


def test_a_hundred_thousand_pictures_scroll_like_a_hundred(
    new_page: NewPage, url: str, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")  # the thumbnails, which are left out
    total = 100_000
    sample: dict[str, object] = {}

    def listing(route: Route) -> None:
        query = dict(part.split("=") for part in route.request.url.partition("?")[2].split("&"))
        start, limit = int(query.get("after", 0)), int(query["limit"])
        if not sample:
            sample.update(json.loads(route.fetch(url=f"{url}/api/v1/pictures?limit=1").text())["pictures"][0])
        rows = [
            sample | {"id": number, "width": 300 + number % 200}
            for number in range(start + 1, start + limit + 1)
        ]
        body = {
            "pictures": rows,
            "total": total,
            "next": str(start + limit) if start + limit < total else None,
        }
        route.fulfill(json=body)

    page = new_page("about:blank")
    page.route("**/api/v1/pictures?*", listing)
    page.route("**/thumbnail?*", lambda route: route.abort())
    page.goto(url)
    page.locator(".tile").first.wait_for()
    assert page.evaluate("document.documentElement.scrollHeight") > 1_000_000
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight * 0.12)")
    page.locator(".tile[aria-posinset]").first.wait_for()
    for _ in range(100):
        if page.evaluate(IN_VIEW):
            break
        page.wait_for_timeout(50)
    assert min(page.evaluate(IN_VIEW)) > 5_000
    assert page.locator(".tile").count() < 150  # drawn: the window and a little more


def test_filters_narrow_the_library_and_stand_in_the_address(page: Page) -> None:
    page.get_by_role("button", name="Folder").click()
    page.get_by_role("button", name=re.compile("^paintings")).click()
    wanted = len(list((PICTURES / "paintings").glob("*.webp")))
    expect(page.get_by_text(f"{wanted} pictures")).to_be_visible()
    expect(page).to_have_url(re.compile("folder="))
    page.keyboard.press("/")
    page.keyboard.type("no such name")
    expect(page.get_by_role("heading", name="No picture passes these filters")).to_be_visible()
    page.get_by_role("button", name="Clear filters").first.click()
    expect(page.get_by_text("40 pictures")).to_be_visible()


def test_a_filter_that_is_not_understood_shows_the_servers_sentence(
    page: Page, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")
    page.get_by_role("button", name="Expression").click()
    page.get_by_label("Filter expression").fill("colour=red")
    page.get_by_role("button", name="Show these").click()
    alert = page.get_by_role("alert").filter(has=page.get_by_role("heading"))
    expect(alert).to_contain_text("colour=red")
    alert.get_by_role("button", name="Clear filters").click()
    drawn(page)


def test_an_expression_filters(page: Page) -> None:
    page.get_by_role("button", name="Expression").click()
    page.get_by_label("Filter expression").fill("path~painting and width>=100")
    page.keyboard.press("Enter")
    wanted = len(list((PICTURES / "paintings").glob("*.webp")))
    expect(page.get_by_text(f"{wanted} pictures")).to_be_visible()


def test_sorting_by_name(page: Page) -> None:
    page.get_by_role("button", name="Added last").click()
    page.get_by_role("button", name="Name, A to Z").click()
    expect(page).to_have_url(re.compile("order=path"))
    drawn(page)
    animals = sorted(path.name for path in (PICTURES / "animals").glob("*.webp"))
    assert names(page, 3) == animals[:3]


def test_details_show_the_picture_large_and_go_to_the_next(page: Page) -> None:
    first, second = names(page, 2)
    page.locator(".tile").first.hover()
    page.locator(".tile").first.get_by_role("button", name="Details").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name=first)).to_be_visible()
    wide = dialog.locator(".large-sharp").evaluate("img => img.decode().then(() => img.naturalWidth)")
    assert wide > 400
    expect(dialog.get_by_text(re.compile(r"\d+ × \d+"))).to_be_visible()
    expect(dialog.locator(".alike img")).to_have_count(8)
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("heading", name=second)).to_be_visible()
    permalink = page.url
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.goto(permalink)
    expect(page.get_by_role("dialog").get_by_role("heading", name=second)).to_be_visible()
    page.get_by_role("dialog").get_by_role("link", name="Find similar").click()
    expect(page.locator(".chip.like")).to_have_count(1)


def test_the_original_can_be_downloaded(page: Page) -> None:
    name = names(page, 1)[0]
    page.locator(".tile").first.hover()
    page.locator(".tile").first.get_by_role("button", name="Details").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Original").click()
    original = next(PICTURES.rglob(name))
    assert download.value.path().read_bytes() == original.read_bytes()


def test_the_keyboard_does_everything(page: Page) -> None:
    first, second, third = names(page, 3)
    page.keyboard.press("ArrowRight")
    assert focused(page) == first
    page.keyboard.press("ArrowRight")
    assert focused(page) == second
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Home")
    assert focused(page) == first
    page.keyboard.press("i")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert focused(page) == first
    page.keyboard.press("x")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+X")
    expect(page.get_by_text("3 pictures selected")).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator(".chip.like")).to_have_count(3)
    page.keyboard.press("Escape")
    expect(page.locator(".chip")).to_have_count(0)
    drawn(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".chip.like")).to_have_count(1)
    assert third


def test_the_question_mark_shows_the_keys(page: Page) -> None:
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("Select through to here")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.get_by_label("Filter by name")).to_be_focused()


def test_the_mouse_selects_a_range(page: Page) -> None:
    page.locator(".tile").first.hover()
    page.locator(".tile-pick").first.click()
    page.locator(".tile-link").nth(4).click(modifiers=["Shift"])
    expect(page.get_by_text("5 pictures selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".selection-bar")).to_have_count(0)
