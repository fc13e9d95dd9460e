"""A part marked by hand, mouse or finger or keys, is found in other pictures, and its places are drawn."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect
from tests.e2e.conftest import PATIENCE_MS, PHONE, NewPage, drawn
from tests.e2e.test_looks import shot
from tests.e2e.test_searching import carry

from dinoscope.sample import PICTURES

HITS = ".part-hits:not(.waiting) .part-tile"
Way = list[tuple[float, float]]  # shares of the picture's width and height
CIRCLE: Way = [
    (0.5 + 0.2 * float(np.cos(turn)), 0.5 + 0.2 * float(np.sin(turn)))
    for turn in np.linspace(0, 2 * np.pi, 24)
]


def on_picture(page: Page, x: float, y: float) -> tuple[float, float]:
    """Where a share of the picture lies on the screen."""
    box = page.locator("[data-part-query]").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page: Page, way: Way) -> None:
    """Press at the first place, go through all, let go at the last."""
    page.mouse.move(*on_picture(page, *way[0]))
    page.mouse.down()
    for place in way[1:]:
        page.mouse.move(*on_picture(page, *place), steps=3)
    page.mouse.up()


def opened(new_page: NewPage, url: str, query: str = "of=3", **options: Any) -> Page:
    """The page of a part, its picture drawn."""
    page = new_page(f"{url}/part?{query}", **options)
    sharp = page.locator(".part-sharp")
    expect(sharp).to_have_js_property("complete", True)
    assert sharp.evaluate("img => img.naturalWidth") > 100
    return page


def found(page: Page, at_least: int = 4) -> None:
    """Wait until the newest answer is drawn, in the order it keeps once the best were seen from near."""
    page.locator(f".part-found:not(:has(.closer-look)) {HITS}").nth(at_least - 1).wait_for(timeout=90_000)
    drawn(page, at_least)


def ids(page: Page, count: int = 6) -> list[str]:
    """The first hits, best first."""
    sheets = page.locator(".part-tile [data-part-hit]").evaluate_all(
        "all => all.map(one => [Number(one.closest('a').dataset.index), one.dataset.partHit])"
    )
    return [str(name) for _, name in sorted(sheets)[:count]]


def marked(page: Page, kind: str) -> list[list[float]]:
    """The marks of a kind, as the address says them."""
    address = page.evaluate("location.href")  # page.url is told of a change some time after it
    return [[float(one) for one in text.split(",")] for text in re.findall(rf"[?&]{kind}=([\d.,]+)", address)]


def size(page: Page) -> tuple[float, float]:
    """Of the picture, in its own pixels."""
    view = page.locator(".part-marks").get_attribute("viewBox")
    assert view
    _, _, width, height = (float(one) for one in view.split())
    return width, height


def grown_past(page: Page, width: float) -> bool:
    """Does the picture become wider than this? It is drawn some time after the hand that widens it."""
    for _ in range(PATIENCE_MS // 50):
        box = page.locator("[data-part-query]").bounding_box()
        if box and box["width"] > width:
            return True
        page.wait_for_timeout(50)
    return False


def tile_of(page: Page, index: int) -> Locator:
    return page.locator(f'.part-tile:has(a[data-index="{index}"])')


def test_a_dragged_box_finds_pictures_and_draws_their_places(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    drag(page, [(0.3, 0.25), (0.7, 0.65)])
    found(page)
    width, height = size(page)
    assert marked(page, "box")[0] == pytest.approx(
        [0.3 * width, 0.25 * height, 0.7 * width, 0.65 * height], abs=3
    )
    assert "3" not in ids(page, 40), "the picture itself is no find"
    expect(page.locator(".part-found .summary")).to_contain_text(re.compile(r"\d+ pictures, \d+ places?"))
    for index in range(4):
        tile = tile_of(page, index).locator(".tile-picture").bounding_box()
        place = tile_of(page, index).locator(".place.best").bounding_box()
        assert tile
        assert place
        assert place["width"] > 4
        assert tile["x"] - 3 <= place["x"] <= tile["x"] + tile["width"]
        assert tile["y"] - 3 <= place["y"] <= tile["y"] + tile["height"]
    scores = page.locator(".part-tile .score > span:last-child").all_inner_texts()
    assert max(map(float, scores)) == float(tile_of(page, 0).locator(".score > span").last.inner_text())


def test_the_place_is_right_where_the_truth_is_known(page: Page, url: str) -> None:
    page.goto(f"{url}/part")
    original = sorted((PICTURES / "animals").glob("*.webp"))[7]
    carry(page, original, "drop")  # as an upload: the library's own picture is not left out
    expect(page).to_have_url(re.compile(r"/part\?of=q_"))
    page.locator(".part-stage").wait_for()
    drag(page, [(0.3, 0.2), (0.7, 0.7)])
    found(page)
    first = tile_of(page, 0)
    expect(first.locator("a")).to_have_attribute("title", original.name)
    sheet = first.locator("[data-part-hit]").bounding_box()
    place = first.locator(".place.best").bounding_box()
    assert sheet
    assert place
    left, top = (place["x"] - sheet["x"]) / sheet["width"], (place["y"] - sheet["y"]) / sheet["height"]
    right, bottom = left + place["width"] / sheet["width"], top + place["height"] / sheet["height"]
    assert 0.3 < (left + right) / 2 < 0.7
    assert 0.2 < (top + bottom) / 2 < 0.7
    shared = max(0, min(right, 0.7) - max(left, 0.3)) * max(0, min(bottom, 0.7) - max(top, 0.2))
    smaller = min((right - left) * (bottom - top), 0.4 * 0.5)
    assert shared > 0.7 * smaller, "the place is the box, a part of it, or the thing it is a part of"


def test_results_come_while_the_hand_still_holds_the_box(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.mouse.move(*on_picture(page, 0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*on_picture(page, 0.6, 0.6), steps=4)
    found(page)
    assert marked(page, "box") == []
    page.keyboard.press("Escape")
    page.mouse.up()
    assert marked(page, "box") == []


def test_a_lasso_is_drawn_around(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.get_by_role("button", name="Lasso").click()
    drag(page, CIRCLE)
    found(page)
    width, height = size(page)
    corners = np.array(marked(page, "lasso")[0]).reshape(-1, 2) / (width, height)
    assert 8 <= len(corners) <= 60
    assert corners.min(axis=0) == pytest.approx([0.3, 0.3], abs=0.02)
    assert corners.max(axis=0) == pytest.approx([0.7, 0.7], abs=0.02)


def test_a_brush_paints_and_shows_what_it_painted(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.keyboard.press("r")
    before = shot(page, page.locator(".part-stage").bounding_box())
    drag(page, [(0.3, 0.5), (0.5, 0.5), (0.7, 0.4)])
    found(page)
    assert len(marked(page, "brush")) == 1
    after = shot(page, page.locator(".part-stage").bounding_box())
    changed = np.abs(after - before).max(axis=2) > 12
    assert changed.mean() > 0.4, "what is not painted steps back"
    drag(page, [(0.3, 0.7), (0.6, 0.7)])
    expect(page).to_have_url(re.compile(r"brush=.*&brush="))


def test_points_say_this_and_not_this(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.keyboard.press("w")
    page.mouse.click(*on_picture(page, 0.5, 0.5))
    found(page)
    wanted = ids(page)
    page.mouse.click(*on_picture(page, 0.1, 0.1), button="right")
    expect(page).to_have_url(re.compile(r"at=[\d.]+,[\d.]+&not="))
    expect(page.locator(".dot.not")).to_have_count(1)
    found(page)
    page.keyboard.press("n")
    page.mouse.click(*on_picture(page, 0.9, 0.1))
    expect(page.locator(".dot.not")).to_have_count(2)
    page.mouse.click(*on_picture(page, 0.9, 0.1))
    expect(page.locator(".dot.not")).to_have_count(1)
    page.mouse.click(*on_picture(page, 0.1, 0.1))
    expect(page.locator(".dot.not")).to_have_count(0)
    found(page)
    assert ids(page) == wanted


def brightness(page: Page, x: float, y: float) -> float:
    """Of a small field of the picture on the screen."""
    at, to = on_picture(page, x - 0.015, y - 0.015), on_picture(page, x + 0.015, y + 0.015)
    return float(shot(page, {"x": at[0], "y": at[1], "width": to[0] - at[0], "height": to[1] - at[1]}).mean())


def test_an_eraser_takes_back_and_what_is_painted_again_is_back(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    drag(page, [(0.2, 0.2), (0.8, 0.8)])
    found(page)
    everything, kept = brightness(page, 0.35, 0.5), brightness(page, 0.7, 0.5)
    page.keyboard.press("d")
    drag(page, [(0.35, 0.15), (0.35, 0.5), (0.35, 0.85)])
    found(page)
    assert len(marked(page, "box")) == 1
    assert len(marked(page, "erase")) == 1
    page.mouse.move(5, 5)
    assert brightness(page, 0.35, 0.5) < 0.6 * everything, "what is erased steps back"
    assert brightness(page, 0.7, 0.5) == pytest.approx(kept, rel=0.1)
    page.keyboard.press("r")
    drag(page, [(0.35, 0.45), (0.35, 0.55)])
    found(page)
    assert len(marked(page, "erase")) == 2, "the stroke is cut where it was painted over"
    page.mouse.move(5, 5)
    assert brightness(page, 0.35, 0.5) > 0.8 * everything
    page.keyboard.press("d")
    for row in (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        drag(page, [(0.1, row), (0.9, row)])
    expect(page.get_by_role("heading", name="Mark a part")).to_be_visible()
    assert marked(page, "box") == marked(page, "erase") == [], "nothing is left, nor its eraser"
    page.keyboard.press("Control+z")
    found(page)


def test_what_is_not_meant_is_painted_and_sinks(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    drag(page, [(0.3, 0.25), (0.7, 0.65)])
    found(page)
    with page.expect_request("**/search/region*") as asked:
        page.keyboard.press("n")
        drag(page, [(0.05, 0.9), (0.3, 0.92), (0.6, 0.9)])
    body = asked.value.post_data_json
    assert body
    outlines = body["not_polygons"]
    height = size(page)[1]
    ys = [y for outline in outlines for _, y in outline]
    assert min(ys) > 0.8 * height
    assert len(marked(page, "avoid")) == 1
    found(page)
    expect(page.locator(".avoided .stroked")).to_have_count(1)
    red, green, blue = (
        float(shot(page, page.locator(".part-stage").bounding_box())[..., band].mean()) for band in range(3)
    )
    page.keyboard.press("Control+z")
    expect(page.locator(".avoided .stroked")).to_have_count(0)
    after = shot(page, page.locator(".part-stage").bounding_box()).mean(axis=(0, 1))
    assert red - after[0] > max(green - after[1], blue - after[2]), "it is red"


def touch(session: CDPSession, kind: str, *places: tuple[float, float]) -> None:
    """Fingers down, moved or up: all those that are on the screen then."""
    points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_a_finger_draws_and_two_fingers_zoom(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url, viewport=PHONE, has_touch=True, is_mobile=True)
    fingers = page.context.new_cdp_session(page)
    touch(fingers, "touchStart", on_picture(page, 0.3, 0.3))
    for step in range(1, 9):
        touch(fingers, "touchMove", on_picture(page, 0.3 + 0.05 * step, 0.3 + 0.04 * step))
    touch(fingers, "touchEnd")
    found(page, 3)
    width, height = size(page)
    assert marked(page, "box")[0] == pytest.approx(
        [0.3 * width, 0.3 * height, 0.7 * width, 0.62 * height], abs=width / 60
    )
    address = page.url
    wide = page.locator("[data-part-query]").bounding_box()
    touch(fingers, "touchStart", on_picture(page, 0.4, 0.4))
    touch(fingers, "touchStart", on_picture(page, 0.4, 0.4), on_picture(page, 0.6, 0.6))
    a, b = on_picture(page, 0.2, 0.2), on_picture(page, 0.8, 0.8)
    touch(fingers, "touchMove", a, b)
    touch(fingers, "touchEnd")
    assert wide
    assert grown_past(page, 1.5 * wide["width"])
    assert page.url == address, "two fingers mark nothing"


def test_keys_alone_mark_move_and_take_back(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.locator(".part-stage").focus()
    page.keyboard.press("Enter")
    found(page)
    (start,) = marked(page, "box")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    expect(page).not_to_have_url(re.compile(re.escape(",".join(f"{edge:g}" for edge in start))))
    (end,) = marked(page, "box")
    assert end[0] > start[0]
    assert end[3] - end[1] > start[3] - start[1]
    expect(page.locator(".part-stage [role=status]")).to_contain_text("Box")
    page.keyboard.press("Control+z")
    assert marked(page, "box") == [start]
    page.keyboard.press("Control+Shift+Z")
    assert marked(page, "box") == [end]
    page.keyboard.press("Delete")
    assert marked(page, "box") == []
    expect(page.get_by_role("heading", name="Mark a part")).to_be_visible()


def test_handles_and_shift_change_a_box_and_add_one(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    drag(page, [(0.2, 0.2), (0.5, 0.5)])
    drag(page, [(0.5, 0.5), (0.6, 0.7)])
    width, height = size(page)
    assert marked(page, "box")[0] == pytest.approx(
        [0.2 * width, 0.2 * height, 0.6 * width, 0.7 * height], abs=4
    )
    page.keyboard.down("Shift")
    drag(page, [(0.7, 0.7), (0.9, 0.9)])
    page.keyboard.up("Shift")
    assert len(marked(page, "box")) == 2
    drag(page, [(0.05, 0.6), (0.15, 0.9)])
    assert len(marked(page, "box")) == 1, "a new box begins anew"


def test_a_permalink_shows_the_same_part_again(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    drag(page, [(0.3, 0.3), (0.6, 0.6)])
    page.mouse.click(*on_picture(page, 0.1, 0.9), button="right")
    found(page)
    again = new_page(page.url)
    found(again)
    assert ids(again) == ids(page)
    expect(again.locator(".outline")).to_have_count(1)
    expect(again.locator(".dot.not")).to_have_count(1)


def test_frames_are_fast_while_drawing(new_page: NewPage, url: str) -> None:
    page = opened(new_page, url)
    page.get_by_role("button", name="Lasso").click()
    page.evaluate(
        """() => {
            window.spent = [];
            const note = (list) => window.spent.push(...list.getEntries().map((one) => one.duration));
            new PerformanceObserver(note).observe({ type: "longtask" });
        }"""
    )
    drag(page, CIRCLE + CIRCLE[::-1])
    found(page)
    spent = page.evaluate("window.spent")
    # The longest is the machine's as often as ours: where the hand is stopped, most of them are long.
    assert float(np.median(spent or [0])) < 400
