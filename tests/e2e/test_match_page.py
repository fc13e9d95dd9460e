"""Two pictures matched on the page. A picture and its mirrored self: every place has a known counterpart."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Locator, Page, expect
from tests.e2e.conftest import PHONE, Complaints, NewPage, drawn, eventually
from tests.e2e.test_looks import faults, shot
from tests.e2e.test_parts_page import touch
from tests.e2e.test_searching import carry

from dinoscope.sample import PICTURES

NAME = "cheetah.webp"
HEAD = (0.78, 0.3)  # of the cheetah: shares of the picture's width and height
NEAR = 0.08  # shares of the picture: a patch and a half

Place = tuple[float, float]


@pytest.fixture(autouse=True)
def _geometry_may_be_missing(complaints: Complaints) -> None:
    """Without its extra the verdict is a 501: the page says it, and the browser writes it down, too."""
    complaints.expected.append("501")


@pytest.fixture(scope="module")
def pair(url: str) -> tuple[str, str]:
    """A picture of the library, and its mirrored self as an upload."""
    with urlopen(f"{url}/api/v1/pictures?limit=100") as answer:
        listed = {one["name"]: one["id"] for one in json.load(answer)["pictures"]}
    with urlopen(f"{url}/api/v1/pictures/{listed[NAME]}/original") as answer:
        original = Image.open(io.BytesIO(answer.read())).convert("RGB")
    kept = io.BytesIO()
    ImageOps.mirror(original).save(kept, "PNG")
    sent = Request(
        f"{url}/api/v1/queries", data=kept.getvalue(), headers={"Content-Type": "image/png"}, method="POST"
    )
    with urlopen(sent) as answer:
        return str(listed[NAME]), str(json.load(answer)["query"])


def ready(page: Page) -> None:
    """Wait until the two are matched, and both drawn."""
    page.locator('[data-match="ready"]').wait_for(timeout=60_000)
    for sharp in page.locator(".match-stages .part-sharp").all():
        expect(sharp).to_have_js_property("complete", True)


def opened(new_page: NewPage, url: str, pair: tuple[str, str], more: str = "", **options: Any) -> Page:
    """The page of the pair; few patches, so that it is quick."""
    page = new_page(f"{url}/match?here={pair[0]}&there={pair[1]}&patches=256{more}", **options)
    ready(page)
    return page


def stage(page: Page, side: str) -> Locator:
    return page.locator(f".match-stage.{side}")


def on(page: Page, side: str, place: Place) -> Place:
    """Where a place of a picture lies on the screen."""
    box = stage(page, side).bounding_box()
    assert box
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def spots(page: Page, side: str) -> list[Place]:
    """The best places drawn on one of the pictures, best first."""
    box = stage(page, side).bounding_box()
    assert box
    page.locator(".match-stages[data-exploring] .match-leading .spot").first.wait_for()
    rings = page.locator(".match-leading .spot:visible").evaluate_all(
        """all => all.map(one => {
            const { x, y, width, height } = one.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
        })"""
    )
    return [((x - box["x"]) / box["width"], (y - box["y"]) / box["height"]) for x, y in rings]


def mirrored(place: Place) -> Place:
    return 1 - place[0], place[1]


def near(one: Place, other: Place) -> bool:
    return abs(one[0] - other[0]) < NEAR and abs(one[1] - other[1]) < 1.6 * NEAR


def around(page: Page, side: str, place: Place) -> np.ndarray[Any, Any]:
    """What is on the screen in a small square, (rows, columns, 3)."""
    x, y = on(page, side, place)
    return shot(page, {"x": x - 18, "y": y - 18, "width": 36, "height": 36})


def pinned(page: Page, side: str) -> str | None:
    found = re.search(rf"[?&]{side}_at=([\d.,]+)", page.evaluate("location.href"))
    return found and found.group(1)


def place(page: Page) -> Place:
    """The place that is kept on the picture here, in its pixels."""
    x, y = (pinned(page, "here") or "0,0").split(",")
    return float(x), float(y)


def test_a_hit_is_matched_with_what_it_was_found_by(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/?like=3")
    drawn(page)
    tile = page.locator(".tile").nth(1)
    name = tile.locator(".tile-link").get_attribute("title")
    tile.hover()
    tile.get_by_role("button", name="Match").click()
    page.wait_for_url(re.compile(r"/match\?here=3&there=\d+$"))
    ready(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text(name or "?")
    expect(page.get_by_role("region", name="Which way round")).to_contain_text(re.compile("Matched|Perhaps"))


def test_the_other_picture_is_chosen_from_those_most_alike(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    drawn(page)
    page.locator('.tile a[data-index="2"]').focus()
    page.keyboard.press("m")
    expect(page.get_by_role("heading", level=1)).to_contain_text("with …")
    here = re.findall(r"here=(\d+)$", page.evaluate("location.href"))[0]
    with urlopen(f"{url}/api/v1/search?like={here}&k=1") as answer:
        best = json.load(answer)["hits"][0]["picture"]
    first = page.locator('.tile a[data-index="0"]')
    expect(first).to_have_attribute("title", best["name"])
    first.click()
    eventually(
        page, lambda: page.evaluate("location.href").endswith(f"/match?here={here}&there={best['id']}")
    )
    other = page.get_by_role("navigation", name=re.compile("with another")).get_by_role("link").nth(1)
    other.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(other.get_attribute("aria-label") or "?")


def test_a_hit_of_a_part_is_matched_with_that_part(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/part?of=3&box=300,150,700,420")
    page.locator(".part-hits:not(.waiting) .part-tile").first.wait_for(timeout=60_000)
    tile = page.locator(".part-tile").first
    tile.hover()
    tile.get_by_role("button", name="Match").click()
    page.wait_for_url(re.compile(r"/match\?here=3&there=\d+&show=part&box=300,150,700,420$"))
    ready(page)
    expect(page.locator(".look-under")).to_contain_text(re.compile("other picture"), timeout=30_000)


def test_links_join_what_belongs_together(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    boxes = [stage(page, side).bounding_box() for side in ("here", "there")]
    ends = page.locator(".match-threads g").evaluate_all(
        """all => all.map(group => [...group.querySelectorAll('circle')].map(one => {
            const { x, y, width, height } = one.getBoundingClientRect();
            return [x + width / 2, y + height / 2];
        }))"""
    )
    assert len(ends) >= 8
    places = [
        [
            ((x - box["x"]) / box["width"], (y - box["y"]) / box["height"])
            for (x, y), box in zip(both, boxes, strict=True)
            if box
        ]
        for both in ends
    ]
    right = [near(mirrored(here), there) for here, there in places]
    assert sum(right) >= 0.8 * len(right)
    spread = np.ptp(np.asarray([here for here, _ in places]), axis=0)
    assert spread.max() > 0.25, "links are spread over the thing"
    expect(page.get_by_role("region", name="Which way round")).to_contain_text("left answers to right")


def test_fewer_links_are_the_best(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    links = page.locator(".match-threads g")
    before = links.count()
    first = links.first.locator("circle").first.get_attribute("cx")
    page.get_by_role("slider", name="Best links only").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(".match-best output")).to_have_text(f"{before - 3} of {before}")
    expect(links).to_have_count(before - 3)
    assert links.first.locator("circle").first.get_attribute("cx") == first
    page.reload()
    ready(page)
    expect(links).to_have_count(before - 3)


def test_a_link_that_is_pointed_at_tells_of_itself(
    new_page: NewPage, url: str, pair: tuple[str, str]
) -> None:
    page = opened(new_page, url, pair)
    end = page.locator(".match-threads g").nth(2).locator("circle").last.bounding_box()
    assert end
    page.mouse.move(end["x"] + end["width"] / 2 + 1, end["y"] + end["height"] / 2)
    expect(page.locator(".look-under")).to_contain_text(
        re.compile(r"similarity [01]\.\d\d, confidence [01]\.\d\d")
    )
    expect(page.locator(".match-threads g:visible")).to_have_count(1)


def test_a_dropped_picture_is_the_other_one(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = new_page(f"{url}/match?here={pair[0]}")
    drawn(page)
    carry(page, PICTURES / "animals" / "jaguar.webp", "drop")
    expect(page.get_by_role("heading", level=1)).to_contain_text("jaguar.webp", timeout=30_000)
    page.wait_for_url(re.compile(rf"/match\?here={pair[0]}&there=q_[\w-]+$"))


@pytest.mark.parametrize("side", ["here", "there"])
def test_the_counterpart_of_the_place_under_the_pointer_is_warm(
    new_page: NewPage, url: str, pair: tuple[str, str], side: str
) -> None:
    page = opened(new_page, url, pair)
    other = "there" if side == "here" else "here"
    under = HEAD if side == "here" else mirrored(HEAD)
    far = (0.12, 0.15) if other == "here" else (0.88, 0.15)  # grass and shade
    page.mouse.move(5, 400)
    calm = around(page, other, far).mean()
    page.mouse.move(*on(page, side, under), steps=4)
    eventually(page, lambda: near(spots(page, other)[0], mirrored(under)))
    # What is not alike is dark, and what is alike is lit.
    eventually(page, lambda: around(page, other, far).mean() < 0.62 * calm)
    cold = around(page, other, far).mean()
    eventually(page, lambda: around(page, other, mirrored(under)).mean() > 2 * cold)
    warm = around(page, other, mirrored(under))
    assert warm[..., 0].mean() > warm[..., 2].mean() + 25, "and it is amber"
    expect(page.locator(".look-under")).to_contain_text("confidence 0.")
    page.mouse.move(5, 400)
    expect(page.locator(".match-stages")).not_to_have_attribute("data-exploring", re.compile("."))
    eventually(page, lambda: around(page, other, far).mean() == pytest.approx(calm, abs=3))


def test_a_click_keeps_a_place_and_escape_lets_it_go(
    new_page: NewPage, url: str, pair: tuple[str, str]
) -> None:
    page = opened(new_page, url, pair)
    page.mouse.click(*on(page, "here", HEAD))
    page.mouse.move(5, 400)
    eventually(page, lambda: pinned(page, "here"))
    at = pinned(page, "here")
    eventually(page, lambda: near(spots(page, "there")[0], mirrored(HEAD)))
    page.reload()
    ready(page)
    eventually(page, lambda: near(spots(page, "there")[0], mirrored(HEAD)))
    page.keyboard.press("f")  # swapped, the pin stays on its picture
    ready(page)
    eventually(page, lambda: pinned(page, "there") == at)
    eventually(page, lambda: near(spots(page, "here")[0], mirrored(HEAD)))
    page.keyboard.press("Escape")
    expect(page.locator(".match-leading")).to_be_hidden()
    eventually(page, lambda: pinned(page, "there") is None)
    assert "/match?" in page.evaluate("location.href"), "the first Escape only lets go"


def test_a_dragged_pointer_leads_all_along_its_way(
    new_page: NewPage, url: str, pair: tuple[str, str]
) -> None:
    page = opened(new_page, url, pair, "&there_at=100,100")
    body, head = (0.62, 0.66), HEAD
    page.mouse.move(*on(page, "here", body))
    page.mouse.down()
    eventually(page, lambda: near(spots(page, "there")[0], mirrored(body)))
    page.mouse.move(*on(page, "here", head), steps=6)
    eventually(page, lambda: near(spots(page, "there")[0], mirrored(head)))
    page.mouse.up()
    eventually(page, lambda: pinned(page, "here"))
    assert pinned(page, "there") is None, "one place is kept at a time"


def test_a_finger_explores_and_keeps(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair, viewport=PHONE, has_touch=True, is_mobile=True)
    stage(page, "there").scroll_into_view_if_needed()
    fingers = page.context.new_cdp_session(page)
    start, end = (0.4, 0.6), mirrored(HEAD)
    touch(fingers, "touchStart", on(page, "there", start))
    for step in range(1, 6):
        share = step / 5
        touch(
            fingers,
            "touchMove",
            on(
                page,
                "there",
                (start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])),
            ),
        )
    eventually(page, lambda: near(spots(page, "here")[0], HEAD))
    touch(fingers, "touchEnd")
    eventually(page, lambda: pinned(page, "there"))
    assert near(spots(page, "here")[0], HEAD), "it stays when the finger is lifted"


def test_the_arrows_move_the_place(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    stage(page, "here").focus()
    page.keyboard.press("ArrowUp")
    eventually(page, lambda: pinned(page, "here"))
    x, y = place(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowUp")
    eventually(page, lambda: place(page)[0] > x + 20 and place(page)[1] < y - 20)


def test_one_colour_is_one_part(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    page.keyboard.press("2")
    page.locator(".match-stage.there .match-layer").wait_for()
    body = (0.72, 0.62)
    eventually(
        page, lambda: np.ptp(around(page, "here", HEAD).mean(axis=(0, 1))) > 30
    )  # not the grey picture
    page.wait_for_timeout(250)  # the fade-in
    colours = {
        name: around(page, side, place).mean(axis=(0, 1))
        for name, side, place in (
            ("head", "here", HEAD),
            ("head there", "there", mirrored(HEAD)),
            ("body", "here", body),
            ("body there", "there", mirrored(body)),
        )
    }

    def hue(name: str) -> np.ndarray[Any, Any]:
        """A colour without its brightness, as a direction."""
        grey = colours[name] - colours[name].mean()
        return np.asarray(grey / max(float(np.linalg.norm(grey)), 1e-6))

    assert np.ptp(colours["head"]) > 30, "it is a colour, not the grey picture"
    assert hue("head") @ hue("head there") > 0.85
    assert hue("body") @ hue("body there") > 0.85
    assert hue("head") @ hue("body there") < 0.8


def test_a_marked_part_lights_up_in_the_other(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    page.keyboard.press("3")
    expect(page.locator(".look-under")).to_contain_text("Mark a part")
    sheet = page.locator("[data-part-query]").bounding_box()
    assert sheet
    left, top, right, bottom = 0.66, 0.06, 0.94, 0.5  # the head
    for step, (x, y) in enumerate([(left, top), (0.8, 0.3), (right, bottom)]):
        page.mouse.move(sheet["x"] + x * sheet["width"], sheet["y"] + y * sheet["height"], steps=3)
        if step == 0:
            page.mouse.down()
    page.mouse.up()
    part = page.locator("[data-part-box]")
    part.wait_for()
    expect(page.locator(".look-under")).to_contain_text("Found in the other picture")
    found = [float(one) for one in (part.get_attribute("data-part-box") or "").split(",")]
    width, height = (stage(page, "there").evaluate("one => one.style.aspectRatio")).split("/")
    middle = (found[0] + found[2]) / 2 / float(width), (found[1] + found[3]) / 2 / float(height)
    assert middle == pytest.approx((1 - (left + right) / 2, (top + bottom) / 2), abs=0.12)
    dark = (0.9, 0.9)
    eventually(page, lambda: around(page, "there", middle).mean() > 1.6 * around(page, "there", dark).mean())
    page.keyboard.press("Control+z")
    expect(part).to_have_count(0)
    expect(page.locator(".look-under")).to_contain_text("Mark a part")


def test_the_other_way_round_can_be_asked_for(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    page.get_by_role("radio", name="Same way").check()
    expect(page.get_by_role("region", name="Which way round")).to_contain_text("as you asked", timeout=60_000)
    page.wait_for_url(re.compile("mirrored=false"))


PLANE = {
    "relation": "plane",
    "sentence": "the same thing or view from another side: 4 of 5 matched points agree",
    "matrix": [[0.5, 0, 100], [0, 0.5, 50], [0, 0, 1]],
    "mirrored": False,
    "agreeing": 4,
    "matched": 5,
    "points": [[10, 10, 105, 55], [500, 20, 350, 60], [40, 300, 120, 200], [600, 400, 400, 250]],
    "seconds": 0.1,
}


def test_the_geometry_is_drawn_and_said(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = new_page(url)
    page.route("**/match/geometry**", lambda route: route.fulfill(json=PLANE))
    page.goto(f"{url}/match?here={pair[0]}&there={pair[1]}&patches=256")
    ready(page)
    verdict = page.get_by_role("region", name="The very same thing?")
    expect(verdict).to_contain_text("4 of 5 matched points agree.")
    verdict.get_by_role("button", name="Show the 4 points").click()
    expect(page.locator(".match-threads g")).to_have_count(4)
    expect(page.locator(".match-outline path").last).to_have_attribute(
        "d", re.compile(r"^M100\.0 50\.0L\d+\.\d 50\.0L")
    )
    expect(page.locator(".look-under")).to_have_text("4 points agree, of 5 that were found in both.")


def test_a_pointer_costs_less_than_a_frame(new_page: NewPage, url: str, pair: tuple[str, str]) -> None:
    page = opened(new_page, url, pair)
    spent = stage(page, "here").evaluate(
        """async stage => {
            const { left, top, width, height } = stage.getBoundingClientRect();
            const spent = [];
            for (let i = 0; i < 40; i += 1) {
              const at = { clientX: left + (0.1 + 0.02 * i) * width, clientY: top + 0.4 * height };
              await new Promise(done => {
                let begun = 0;
                requestAnimationFrame(() => { begun = performance.now(); });
                stage.dispatchEvent(new PointerEvent('pointermove', { ...at, bubbles: true }));
                requestAnimationFrame(() => { spent.push(performance.now() - begun); done(); });
              });
            }
            return spent;
        }"""
    )
    assert float(np.quantile(spent, 0.2)) < 16  # what else the machine does only adds


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible(new_page: NewPage, url: str, pair: tuple[str, str], theme: str) -> None:
    page = opened(new_page, url, pair, color_scheme=theme)
    for key in ("1", "2", "3"):
        page.keyboard.press(key)
        assert faults(page) == [], key


@pytest.mark.parametrize("width", [1280, 900, 390, 320])
def test_nothing_sticks_out(new_page: NewPage, url: str, pair: tuple[str, str], width: int) -> None:
    page = opened(new_page, url, pair, viewport={"width": width, "height": 800})
    for key in ("1", "3"):
        page.keyboard.press(key)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), key
