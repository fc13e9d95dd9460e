"""Things with a name on the page: taught, asked for everywhere, corrected, forgotten."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect
from tests.e2e.conftest import FLAGS, INDEX, PHONE, Complaints, NewPage, environment, eventually, serving
from tests.e2e.test_looks import faults

from dinoscope.sample import PICTURES

SIZE = (640, 480)
SIDE = 180  # of the thing, a photo of a tape measure
PLACES = {"desk": (60, 90), "shelf": (380, 240)}
WITHOUT = ("animals/bison", "animals/cat", "tools/hammer-05")
WORK_MS = 90_000  # for what the model takes seconds for


def ground(name: str) -> Image.Image:
    with Image.open(PICTURES / f"{name}.webp") as image:
        return image.convert("RGB").resize(SIZE)


def with_thing(name: str, place: tuple[int, int]) -> Image.Image:
    picture = ground(name)
    with Image.open(PICTURES / "tools/measuring_tape-02.webp") as image:
        picture.paste(image.convert("RGB").resize((SIDE, SIDE)), place)
    return picture


def edges(place: tuple[int, int]) -> list[int]:
    return [place[0], place[1], place[0] + SIDE, place[1] + SIDE]


@pytest.fixture(scope="module")
def url(bundle: None, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A library in which two of five pictures have the thing."""
    home = tmp_path_factory.mktemp("things")
    album = home / "album"
    album.mkdir()
    with_thing("renewable/windmill-01", PLACES["desk"]).save(album / "desk.png")
    with_thing("monuments/neuschwanstein-02", PLACES["shelf"]).save(album / "shelf.png")
    for name in WITHOUT:
        ground(name).save(album / f"{Path(name).stem}.png")
    command = [sys.executable, "-c", INDEX, str(home / "library"), str(cache), str(album)]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    with serving(home / "library", cache) as address:
        yield address


def asked(page: Page, method: str, path: str, body: object = None) -> Any:
    """A call of the server's own API, from the page."""
    script = """async ([method, path, body]) => {
        const headers = {"Content-Type": "application/json"};
        const answer = await fetch("/api/v1" + path, {method, headers, body: body && JSON.stringify(body)});
        return answer.status === 204 ? null : await answer.json();
    }"""
    return page.evaluate(script, [method, path, body])


def ids(page: Page) -> dict[str, str]:
    listed = asked(page, "GET", "/pictures?limit=20")["pictures"]
    return {Path(one["name"]).stem: str(one["id"]) for one in listed}


def taught(page: Page, name: str) -> dict[str, str]:
    """Teach the thing by its place on the desk; the ids of the pictures."""
    known = ids(page)
    photo = {"picture": known["desk"], "boxes": [edges(PLACES["desk"])]}
    answer = asked(page, "POST", "/objects", {"name": name, "photos": [photo]})
    assert "object" in answer, answer
    return known


def drag(page: Page, stage: Locator, box: list[int]) -> None:
    """From corner to corner of a box in the picture's pixels."""
    at = stage.bounding_box()
    assert at
    scale = at["width"] / SIZE[0]
    left, top, right, bottom = (edge * scale for edge in box)
    page.mouse.move(at["x"] + left, at["y"] + top)
    page.mouse.down()
    page.mouse.move(at["x"] + (left + right) / 2, at["y"] + (top + bottom) / 2)
    page.mouse.move(at["x"] + right, at["y"] + bottom)
    page.mouse.up()


def middle(outline: Locator) -> tuple[float, float]:
    """Of an outline, in shares of what it lies on."""
    x, y = outline.evaluate(
        """path => {
            const mine = path.getBoundingClientRect(), all = path.ownerSVGElement.getBoundingClientRect();
            const x = mine.x + mine.width / 2 - all.x, y = mine.y + mine.height / 2 - all.y;
            return [x / all.width, y / all.height];
        }"""
    )
    return float(x), float(y)


def lies_at(outline: Locator, place: tuple[int, int]) -> bool:
    """Does it come to lie there? Its mask is read after it is there as a box."""
    wanted = (place[0] + SIDE / 2) / SIZE[0], (place[1] + SIDE / 2) / SIZE[1]
    for _ in range(100):
        x, y = middle(outline)
        if abs(x - wanted[0]) < 0.08 and abs(y - wanted[1]) < 0.1:
            return True
        outline.page.wait_for_timeout(200)
    raise AssertionError(f"it lies at {x:.2f}, {y:.2f} and not at {wanted[0]:.2f}, {wanted[1]:.2f}")


def test_a_thing_is_shown_named_found_corrected_and_forgotten(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/objects")
    expect(page.get_by_role("heading", name="Where are my car keys?")).to_be_visible()
    page.goto(f"{url}/remember?of={ids(page)['desk']}")
    outline = page.locator(".part-stage .traced path.line")
    expect(outline).to_be_visible(timeout=WORK_MS)
    drag(page, page.locator(".part-stage"), edges(PLACES["desk"]))
    expect(page.get_by_role("status").filter(has_text="The line shows what will be")).to_be_visible(
        timeout=WORK_MS
    )
    assert lies_at(outline, PLACES["desk"])
    assert asked(page, "GET", "/objects") == []
    page.get_by_label("What is it called?").fill("my tape")
    near: list[Route] = []
    from_near = re.compile(r"/objects/where(?!.*look=false)")
    page.route(from_near, lambda route: near.append(route))  # noqa: PLW0108  a built-in is not taken
    page.get_by_role("button", name="Remember it").click()
    expect(page.locator(".where-likely img").nth(1)).to_be_visible(timeout=WORK_MS)
    eventually(page, lambda: near)
    near[0].continue_()
    page.unroute(from_near)

    cards = page.locator(".where-card")
    expect(cards).to_have_count(2, timeout=WORK_MS)
    assert page.evaluate("location.pathname + location.search") == "/objects?thing=my+tape"
    shelf = cards.filter(has_text="shelf.png")
    expect(shelf).to_have_count(1)
    assert lies_at(shelf.locator(".traced path.line"), PLACES["shelf"])

    views = page.locator(".thing-views img")
    shelf.get_by_role("button", name="No, another one: shelf.png").click()
    expect(views).to_have_count(2, timeout=WORK_MS)
    expect(cards.filter(has_text="shelf.png")).to_have_count(0, timeout=WORK_MS)
    page.get_by_role("button", name="Take back: Another one, shelf.png").click()
    expect(cards).to_have_count(2, timeout=WORK_MS)

    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Its name").fill("measuring tape")
    page.get_by_label("Its name").press("Enter")
    expect(page.get_by_role("heading", name="measuring tape", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    page.get_by_role("button", name="Forget", exact=True).click()
    page.get_by_role("button", name="Forget it").click()
    expect(page.get_by_role("heading", name="Where are my car keys?")).to_be_visible()
    assert asked(page, "GET", "/objects") == []
    page.locator("input[accept*='.npz']").set_input_files(download.value.path())
    expect(page.get_by_role("link", name="measuring tape")).to_be_visible()
    asked(page, "DELETE", "/objects?name=measuring%20tape")


def test_in_one_picture_it_is_here_or_not_here(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    known = taught(page, "here")
    page.goto(f"{url}/objects?thing=here&of={known['shelf']}")
    expect(page.get_by_role("heading", name="Here", exact=True)).to_be_visible(timeout=WORK_MS)
    assert lies_at(page.locator(".where-picture .traced path.line"), PLACES["shelf"])
    page.keyboard.press("y")
    expect(page.get_by_text("Learnt: that is here.")).to_be_visible(timeout=WORK_MS)
    page.goto(f"{url}/objects?thing=here&of={known['hammer-05']}")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible(timeout=WORK_MS)
    page.get_by_role("link", name="It is here: show where").click()
    expect(page.get_by_label("What is it called?")).to_have_value("here")
    expect(page.get_by_role("button", name="Add to here")).to_be_enabled()
    asked(page, "DELETE", "/objects?name=here")


def test_it_is_taught_from_several_photos_chosen_one_after_another(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/remember?thing=several")
    expect(page.get_by_role("heading", name="One more photo of several")).to_be_visible()
    page.get_by_role("link", name="desk.png").click()
    expect(page.locator(".part-stage .traced path.line")).to_be_visible(timeout=WORK_MS)
    drag(page, page.locator(".part-stage"), edges(PLACES["desk"]))
    page.get_by_role("button", name="From the library").click()
    expect(page.get_by_role("heading", name="Another photo of it")).to_be_visible()
    page.get_by_role("link", name="shelf.png").click()
    expect(page.locator(".remember-photo")).to_have_count(2)
    page.get_by_role("button", name="Photo 1", exact=True).click()
    left, top, right, bottom = edges(PLACES["desk"])
    expect(page).to_have_url(re.compile(f"box={left},{top},{right},{bottom}"))
    expect(page.get_by_label("What is it called?")).to_have_value("several")


def test_what_makes_no_sense_is_said(new_page: NewPage, url: str, complaints: Complaints) -> None:
    complaints.expected += ["422", "404"]
    page = new_page(f"{url}/objects?thing=nobody")
    expect(page.get_by_role("heading", name="Nothing is called “nobody”")).to_be_visible()
    known = taught(page, "sense")
    sky = "box=300,2,310,12"
    page.goto(f"{url}/remember?of={known['desk']}&{sky}")
    said = page.locator(".part-query .form-error, .part-query .remember-how")
    expect(said).to_contain_text(re.compile("There is nothing at|The line shows"), timeout=WORK_MS)
    page.goto(f"{url}/objects")
    page.locator("input[accept*='.npz']").set_input_files(
        {"name": "keys.npz", "mimeType": "application/octet-stream", "buffer": b"nonsense"}
    )
    expect(page.get_by_text("The file is no object that Dinoscope exported")).to_be_visible()
    page.goto(f"{url}/objects?thing=sense&of=999999")
    expect(page.get_by_role("heading", name="This picture is not here")).to_be_visible()
    asked(page, "DELETE", "/objects?name=sense")


def test_it_looks_well_and_is_for_everybody(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    known = taught(page, "looks")
    for options in ({}, {"viewport": PHONE, "color_scheme": "dark"}):
        page = new_page(f"{url}/objects", **options)
        expect(page.get_by_role("link", name="looks")).to_be_visible()
        assert faults(page) == []
        page.goto(f"{url}/objects?thing=looks")
        expect(page.locator(".where-card").first).to_be_visible(timeout=WORK_MS)
        assert faults(page) == []
        page.goto(f"{url}/remember?of={known['desk']}&thing=looks")
        expect(page.locator(".part-stage .traced path.line")).to_be_visible(timeout=WORK_MS)
        assert faults(page) == []
        wide = page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert wide, "the page can be moved sideways"
    asked(page, "DELETE", "/objects?name=looks")


def film(path: Path) -> Path:
    """What the browser takes for a camera: the thing, moving over a picture, and then only the picture."""
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F5:1 Ip A1:1 C420jpeg\n" % SIZE)
        for number in range(6):
            y, cb, cr = with_thing("renewable/windmill-01", (200 + number, 150)).convert("YCbCr").split()
            small = SIZE[0] // 2, SIZE[1] // 2
            file.write(b"FRAME\n" + y.tobytes() + cb.resize(small).tobytes() + cr.resize(small).tobytes())
    return path


def test_before_the_camera_it_is_outlined_and_the_rate_is_told(
    browser: Browser, chromium: str, url: str, tmp_path: Path, complaints: Complaints
) -> None:
    fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    fake.append(f"--use-file-for-fake-video-capture={film(tmp_path / 'camera.y4m')}")
    filming = browser.browser_type.launch(executable_path=chromium, args=[*FLAGS, *fake])
    try:
        page = filming.new_page()
        complaints.watch(page)
        page.goto(url)
        taught(page, "live")
        page.goto(f"{url}/objects?thing=live&show=camera")
        page.get_by_role("button", name="Start the camera").click()
        expect(page.get_by_role("heading", name=re.compile(r"^Here, \d+(\.\d)? % sure$"))).to_be_visible(
            timeout=WORK_MS
        )
        assert lies_at(page.locator(".camera .traced path.line"), (202, 150))
        expect(page.locator(".things-head .hint")).to_contain_text(
            re.compile(r"looks a second|A look every [\d.]+ s")
        )
        expect(page.locator(".live-seen li").first).to_be_visible()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("heading", name=re.compile(r"^Last seen at \d"))).to_be_visible()
        expect(page.locator("video")).to_have_count(0)
        asked(page, "DELETE", "/objects?name=live")
    finally:
        filming.close()
    assert complaints.unexpected() == []


def test_a_camera_that_is_not_lent_is_a_sentence(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    taught(page, "refused")
    page.goto(f"{url}/objects?thing=refused&show=camera")
    page.get_by_role("button", name="Start the camera").click()
    refused = page.locator(".camera [role=alert]")
    expect(refused).to_contain_text(re.compile("There is no camera on this machine|does not lend this page"))
    expect(refused.get_by_role("button", name="Try again")).to_be_visible()
    asked(page, "DELETE", "/objects?name=refused")
