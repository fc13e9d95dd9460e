"""A thing in a video, on the page: found by its second, followed on a line of time, corrected on a frame."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.e2e.conftest import INDEX, NewPage, environment, serving
from tests.e2e.test_looks import faults
from tests.e2e.test_things_page import PLACES, SIZE, WORK_MS, asked, ground, lies_at, taught, with_thing

pytestmark = pytest.mark.extra
av = pytest.importorskip("av")

RATE = 5  # frames a second
SEEN = (2.0, 4.0)  # seconds between which the thing is in the video, of six
THERE = (220, 150)


def clip(path: Path) -> None:
    """A picture, and for two seconds the thing over it."""
    without = ground("monuments/neuschwanstein-02")
    with av.open(str(path), "w") as file:
        stream = file.add_stream("libx264", rate=RATE)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for number in range(6 * RATE):
            inside = SEEN[0] <= number / RATE < SEEN[1]
            picture = with_thing("monuments/neuschwanstein-02", THERE) if inside else without
            file.mux(stream.encode(av.VideoFrame.from_image(picture)))
        file.mux(stream.encode(None))


@pytest.fixture(scope="module")
def url(bundle: None, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A library of two pictures and a video, one of the pictures with the thing."""
    home = tmp_path_factory.mktemp("film")
    album = home / "album"
    album.mkdir()
    with_thing("renewable/windmill-01", PLACES["desk"]).save(album / "desk.png")
    ground("animals/bison").save(album / "bison.png")
    clip(album / "kitchen.mp4")
    command = [sys.executable, "-c", INDEX, str(home / "library"), str(cache), str(album)]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    with serving(home / "library", cache) as address:
        yield address


def test_a_thing_is_found_in_a_video_and_followed_on_a_line_of_time(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    known = taught(page, "tape")
    assert "desk" in known
    page.goto(f"{url}/objects?thing=tape")
    card = page.locator(".where-card").filter(has_text="kitchen.mp4")
    expect(card).to_have_count(1, timeout=WORK_MS)
    expect(page.get_by_role("heading", name="In 1 picture and 1 video")).to_be_visible()
    card.get_by_role("link").click()

    expect(page.get_by_text("by the file's time")).to_be_visible(timeout=WORK_MS)
    jump = page.locator(".film-jump")
    expect(jump).to_have_count(1)
    expect(jump).to_contain_text("0:02")
    bar = page.locator(".timeline-track")
    line = "bar.parentElement.offsetWidth"
    left, width = bar.evaluate(f"bar => [bar.offsetLeft / {line}, bar.offsetWidth / {line}]")
    assert abs(left - 2 / 6) < 0.12
    assert 0.1 < width < 0.45
    jump.click()
    assert lies_at(page.locator(".camera .traced path.line"), THERE)
    assert faults(page, ".things") == []

    page.get_by_role("slider", name="Time").press("Home")
    expect(page.locator(".camera .traced")).to_have_count(0)
    page.get_by_role("slider", name="Time").press("End")
    assert page.locator("video").evaluate("video => video.currentTime") == pytest.approx(6, abs=0.5)

    page.get_by_role("button", name=re.compile("^No, another one: at 0:0")).click()
    expect(page.get_by_text("Learnt: that is not tape.")).to_be_visible(timeout=WORK_MS)
    expect(page.get_by_role("heading", name="Not here")).to_be_visible(timeout=WORK_MS)
    asked(page, "DELETE", "/objects?name=tape")


def test_a_thing_is_taught_from_seconds_of_a_video(new_page: NewPage, url: str) -> None:
    page = new_page(url)
    pictures = asked(page, "GET", "/pictures?limit=50")["pictures"]
    moments = {one["id"]: one["moment"]["second"] for one in pictures if one["moment"]}
    frame = next(id for id, second in moments.items() if SEEN[0] <= second < SEEN[1] - 0.5)
    left, top = THERE
    page.goto(f"{url}/remember?of={frame}&thing=filmed&box={left},{top},{left + 180},{top + 180}")
    expect(page.get_by_label(re.compile("Follow it through the next 3 seconds"))).to_be_checked()
    expect(page.locator(".part-stage .traced path.line")).to_be_visible(timeout=WORK_MS)
    page.get_by_role("button", name="Remember it").click()
    expect(page.get_by_role("heading", name="filmed", exact=True)).to_be_visible(timeout=WORK_MS)
    assert page.locator(".thing-views img").count() >= 1
    asked(page, "DELETE", "/objects?name=filmed")
