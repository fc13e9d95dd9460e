"""Videos on the page: a frame names its second, and the video plays from there."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import INDEX, Complaints, NewPage, drawn, environment, serving
from tests.e2e.test_looks import faults
from tests.films import RATE, film

from dinoscope.sample import PICTURES

pytestmark = pytest.mark.extra
pytest.importorskip("av")

SHOTS = ("renewable/windmill-01", "animals/bison", "tools/hammer-05", "animals/cat")  # three seconds each
SIZE = (480, 320)


@pytest.fixture(scope="module")
def url(bundle: None, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A library of one video of four shots, and a picture."""
    home = tmp_path_factory.mktemp("videos")
    album = home / "album"
    album.mkdir()
    shots = []
    for name in SHOTS:
        with Image.open(PICTURES / f"{name}.webp") as image:
            shots += [np.asarray(image.convert("RGB").resize(SIZE))] * (3 * RATE)
            image.convert("RGB").resize(SIZE).save(home / "one.png")
    film(album / "zoo.webm", shots, started="2026-11-25T13:32:00Z", codec="libvpx-vp9")
    (home / "one.png").rename(album / "one.png")
    command = [sys.executable, "-c", INDEX, str(home / "library"), str(cache), str(album)]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    with serving(home / "library", cache) as address:
        yield address


@pytest.fixture
def page(new_page: NewPage, url: str) -> Page:
    opened = new_page(url)
    drawn(opened, 5)
    return opened


def test_a_frame_names_its_second_and_plays_from_there(page: Page) -> None:
    tiles = page.locator(".tile-moment")
    expect(tiles).to_have_count(4)
    assert sorted(tiles.all_inner_texts())[2].strip() == "0:06"
    tile = page.locator(".tile", has=page.get_by_title("At 0:06 of zoo.webm"))
    tile.hover()
    tile.get_by_role("button", name="Details").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", level=2)).to_have_text("zoo.webm 0:06")
    expect(dialog.get_by_text(re.compile(r"zoo\.webm, at 0:06"))).to_be_visible()
    dialog.get_by_role("button", name="Play from 0:06").click()
    video = dialog.locator("video")
    page.wait_for_function("() => document.querySelector('video')?.readyState >= 2")
    at = float(video.evaluate("video => video.currentTime"))
    assert 6.0 <= at < 11.9
    assert video.evaluate("video => [video.videoWidth, video.videoHeight]") == list(SIZE)
    video.evaluate("video => { video.pause(); video.currentTime = 9.5; }")  # a range further on
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    assert faults(page) == []
    dialog.get_by_role("button", name="Back to the frame").click()
    expect(video).to_have_count(0)


def test_a_video_that_is_gone_says_so(page: Page, url: str, complaints: Complaints) -> None:
    complaints.expected.append("404")
    page.route("**/videos/*/file*", lambda route: route.fulfill(
        status=404, content_type="application/problem+json",
        body='{"type": "about:blank", "title": "Cannot read", "status": 404, "instance": "/",'
        ' "detail": "zoo.webm is gone or has changed: index its folder again"}',
    ))  # fmt: skip
    listed = "async () => (await (await fetch('/api/v1/pictures?where=kind=video')).json()).pictures"
    picture = page.evaluate(listed)[0]["id"]
    page.goto(f"{url}/?picture={picture}")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("Play from")).click()
    expect(dialog.get_by_text("zoo.webm is gone or has changed: index its folder again")).to_be_visible()
