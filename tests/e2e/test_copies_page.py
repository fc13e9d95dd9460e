"""Copies on the page: looked for, compared in three ways, put in the trash and brought back, by keys."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from playwright.sync_api import Page, expect
from tests.e2e.conftest import INDEX, PHONE, NewPage, environment, serving
from tests.e2e.test_looks import faults
from tests.e2e.test_map_page import changed
from tests.e2e.test_searching import carry

from dinoscope.sample import PICTURES


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A castle, three things made of it, and two other pictures."""
    folder = tmp_path / "album"
    folder.mkdir()
    with Image.open(PICTURES / "monuments/neuschwanstein-02.webp") as image:
        castle = image.convert("RGB").resize((600, 400))
    castle.save(folder / "castle.png")
    castle.crop((60, 40, 520, 380)).save(folder / "crop.jpg", quality=85)
    ImageOps.mirror(castle).save(folder / "mirror.jpg", quality=70)
    for name in ("tools/hammer-05", "fishes/fish-04"):
        with Image.open(PICTURES / f"{name}.webp") as image:
            image.convert("RGB").save(folder / f"{Path(name).stem}.jpg")
    return folder


@pytest.fixture
def address(bundle: None, album: Path, cache: Path, tmp_path: Path) -> Iterator[str]:
    """Where a library of the album is served, in which nobody has looked for copies."""
    library = tmp_path / "library"
    command = [sys.executable, "-c", INDEX, str(library), str(cache), str(album)]
    subprocess.run(command, env=environment(), capture_output=True, check=True)
    with serving(library, cache) as found:
        yield found


@pytest.fixture
def compared(new_page: NewPage, address: str) -> Page:
    page = new_page(address)
    page.goto(f"{address}/copies")
    page.get_by_role("button", name="Compare 5 pictures").click()
    expect(page.locator(".copies-set")).to_be_visible(timeout=60_000)
    return page


def shown(page: Page) -> None:
    """Wait until both pictures of the stage are drawn."""
    whole = "images => images.length === 2 && images.every(one => one.complete && one.naturalWidth > 100)"
    for _ in range(100):
        if page.locator(".copies-set .copies-picture img").evaluate_all(whole):
            return
        page.wait_for_timeout(100)
    raise AssertionError("the pictures do not come")


def seen(page: Page) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    from io import BytesIO

    shot = page.locator(".copies-set .copies-picture").first.screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"), np.int16)


def middle(
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.int16]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.int16]]:
    """What every copy shows: a crop shows no more."""
    height, width = pixels.shape[:2]
    return pixels[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3]


def test_a_set_is_compared_in_three_ways(compared: Page) -> None:
    expect(compared.locator(".copies-tile")).to_have_count(3)
    expect(compared.locator(".copies-best")).to_have_count(1)
    compared.keyboard.press("ArrowRight")
    shown(compared)
    expect(compared.locator(".copies-outline polygon").first).to_be_attached()
    compared.keyboard.press("3")
    expect(compared.locator(".differ")).to_be_visible()
    shown(compared)
    compared.wait_for_timeout(300)
    assert middle(seen(compared)).mean() < 60, "what is equal is dark, for the copy lies where it belongs"
    compared.keyboard.press("2")
    expect(compared.locator(".wipe")).to_be_visible()
    shown(compared)
    compared.wait_for_timeout(300)
    before = seen(compared)
    assert middle(before).mean() > 60
    compared.locator(".copies-wipe-range").fill("0")
    compared.wait_for_timeout(300)
    assert changed(before, seen(compared)) < 0.2, "the copy continues the picture it is laid on"
    assert "show=wipe" in str(compared.evaluate("location.href"))
    assert not faults(compared)


def test_spare_copies_are_moved_and_brought_back_by_keys(compared: Page, album: Path) -> None:
    shown(compared)
    compared.wait_for_load_state("networkidle")  # a picture that is gone cannot be loaded any more
    before = {path.name for path in album.iterdir()}
    compared.keyboard.press("Delete")
    expect(compared.get_by_text("moved to the trash", exact=False).first).to_be_visible()
    expect(compared.get_by_role("heading", name="No copies")).to_be_visible()
    assert {path.name for path in album.iterdir()} < before
    compared.keyboard.press("u")
    expect(compared.locator(".copies-tile")).to_have_count(3)
    assert {path.name for path in album.iterdir()} == before


def test_two_are_marked_as_no_copies_and_a_new_page_has_nothing_to_undo(compared: Page) -> None:
    compared.keyboard.press("n")
    expect(compared.get_by_text("these two are no copies", exact=False).first).to_be_visible()
    compared.reload()
    said = compared.get_by_text("nothing to undo", exact=False).first
    for _ in range(20):  # the page listens a moment after it is drawn
        compared.keyboard.press("u")
        compared.wait_for_timeout(250)
        if said.is_visible():
            break
    expect(said).to_be_visible()


def test_it_fits_a_phone(new_page: NewPage, address: str) -> None:
    page = new_page(address, viewport=PHONE)
    page.goto(f"{address}/copies")
    page.get_by_role("button", name="Compare 5 pictures").click()
    expect(page.locator(".copies-set")).to_be_visible(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_who_brings_a_picture_along_is_told_that_it_is_there_already(
    new_page: NewPage, address: str, album: Path, tmp_path: Path
) -> None:
    with Image.open(album / "castle.png") as castle:
        castle.crop((30, 20, 560, 390)).resize((400, 280)).save(tmp_path / "mine.jpg", quality=80)
    page = new_page(address)
    page.goto(address)
    carry(page, tmp_path / "mine.jpg", "drop")
    expect(page.get_by_text("This picture is in the library already")).to_be_visible(timeout=30_000)
    page.locator(".had .text-link").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    assert not faults(page)


def test_nothing_is_said_of_a_picture_that_is_not_there(new_page: NewPage, address: str) -> None:
    page = new_page(address)
    page.goto(address)
    with page.expect_response(lambda answer: "/copies/of" in answer.url, timeout=30_000) as asked:
        carry(page, PICTURES / "monuments/arc_de_triomphe.webp", "drop")
    assert asked.value.json()["copies"] == []
    expect(page.locator(".summary")).to_be_visible()
    expect(page.locator(".had")).to_have_count(0)
