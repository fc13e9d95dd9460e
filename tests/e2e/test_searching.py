"""Click, drop, paste, choose: similar pictures appear at once, and the address says which."""

from __future__ import annotations

import base64
import re
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from tests.e2e.conftest import Complaints, NewPage, drawn, names

from dinoscope.sample import PICTURES

CLEARED = re.compile(r"^[^?]*$")


def tile(page: Page, name: str) -> None:
    """Click the picture of that name."""
    page.get_by_label("Filter by name").fill(name)
    page.get_by_role("link", name=f"{name}: show similar pictures").click()


def carry(page: Page, path: Path, event: str) -> None:
    """Drop or paste a file, as the browser would hand it over."""
    data = base64.b64encode(path.read_bytes()).decode()
    page.evaluate(
        """([data, name, kind]) => {
            const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], name, { type: "image/webp" }));
            const carried = { bubbles: true, cancelable: true };
            if (kind === "paste") {
              const pasted = { ...carried, clipboardData: transfer };
              document.body.dispatchEvent(new ClipboardEvent("paste", pasted));
              return;
            }
            for (const step of ["dragenter", "dragover", "drop"]) {
              document.body.dispatchEvent(new DragEvent(step, { ...carried, dataTransfer: transfer }));
            }
        }""",
        [data, path.name, event],
    )


def test_a_click_shows_similar_pictures_and_back_returns(page: Page) -> None:
    before = names(page)
    page.locator(".tile-link").nth(2).click()
    expect(page.locator(".chip.like img")).to_be_visible()
    drawn(page)
    assert names(page) != before
    expect(page.get_by_text("searched in")).to_be_visible()
    assert page.locator(".score").count() >= 4
    page.go_back()
    expect(page.locator(".chip")).to_have_count(0)
    assert names(page) == before


def test_a_painting_finds_paintings(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/?text=paintings/")
    drawn(page)
    page.locator(".tile-link").first.click()
    page.get_by_role("button", name="Clear filters").click()
    expect(page.get_by_text("40 pictures searched")).to_be_visible()
    best = names(page, 3)
    paintings = {path.name for path in (PICTURES / "paintings").iterdir()}
    assert len(paintings.intersection(best)) >= 2


def test_the_closeness_bars_shrink_along_the_answer(page: Page) -> None:
    page.locator(".tile-link").first.click()
    page.locator(".score").nth(8).wait_for()
    widths = page.locator(".score-bar span").evaluate_all("all => all.map(one => one.offsetWidth)")
    said = page.locator(".score").first.get_attribute("title")
    assert widths[0] > widths[-1]
    assert said
    assert re.match(r"Closer than [\d.]+ % of random pairs", said)


def test_a_dropped_crop_finds_the_picture_it_was_cut_from(page: Page, tmp_path: Path) -> None:
    source = sorted((PICTURES / "animals").glob("*.webp"))[2]
    crop = tmp_path / "crop.jpg"
    with Image.open(source) as whole:
        edge = whole.width // 12, whole.height // 12
        whole.convert("RGB").crop((*edge, whole.width - edge[0], whole.height - edge[1])).save(
            crop, quality=70
        )
    carry(page, crop, "drop")
    expect(page).to_have_url(re.compile(r"like=q_"))
    drawn(page)
    assert page.locator(".chip img").evaluate("img => img.decode().then(() => img.naturalWidth)") > 0
    assert source.name in names(page, 3)


def test_a_pasted_copy_finds_its_original_first(page: Page) -> None:
    original = sorted((PICTURES / "animals").glob("*.webp"))[7]
    carry(page, original, "paste")
    expect(page).to_have_url(re.compile(r"like=q_"))
    drawn(page)
    assert names(page, 1) == [original.name]


def test_a_chosen_file_joins_the_search_there_is(page: Page) -> None:
    page.locator(".tile-link").first.click()
    page.locator(".chip").wait_for()
    page.locator("#own-picture").set_input_files(sorted((PICTURES / "animals").glob("*.webp"))[5])
    expect(page.locator(".chip.like")).to_have_count(2)
    drawn(page)


def test_a_file_that_is_no_picture_gets_the_servers_sentence(
    page: Page, complaints: Complaints, tmp_path: Path
) -> None:
    complaints.expected.append("Failed to load resource")  # Chromium logs every refused request
    notes = tmp_path / "notes.txt"
    notes.write_text("no picture")
    page.locator("#own-picture").set_input_files(notes)
    expect(page.locator(".toast.bad")).to_contain_text("picture")
    expect(page.locator(".chip")).to_have_count(0)


def test_more_like_this_and_not_like_this_change_the_answer(page: Page) -> None:
    page.locator(".tile-link").first.click()
    page.locator(".chip").wait_for()
    drawn(page)
    first = names(page)
    page.locator(".tile").nth(1).hover()
    page.locator(".tile").nth(1).get_by_role("button", name="Not like this").click()
    expect(page.locator(".chip.unlike")).to_have_count(1)
    drawn(page)
    assert names(page) != first
    page.get_by_role("button", name=re.compile("Make it “like this”")).click()
    expect(page.locator(".chip.like")).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Remove")).first.click()
    expect(page.locator(".chip")).to_have_count(1)
    page.get_by_role("button", name="Clear the search").click()
    expect(page.locator(".chip")).to_have_count(0)
    expect(page).to_have_url(CLEARED)


def test_a_permalink_shows_the_same_search_again(page: Page, new_page: NewPage) -> None:
    page.locator(".tile-link").nth(3).click()
    page.locator(".chip").wait_for()
    page.get_by_role("button", name="Kind").click()
    page.get_by_role("button", name=re.compile("^WEBP")).click()
    expect(page).to_have_url(re.compile(r"like=\d+&kind=webp"))
    drawn(page)
    again = new_page(page.url)
    drawn(again)
    assert names(again) == names(page)


def test_a_query_that_is_gone_is_told_and_leads_back(
    new_page: NewPage, url: str, complaints: Complaints
) -> None:
    complaints.expected.append("Failed to load resource")
    page = new_page(f"{url}/?like=q_long-gone")
    expect(page.get_by_role("heading", name="This search did not work")).to_be_visible()
    page.get_by_role("link", name="Back to the library").click()
    drawn(page)


def test_the_search_can_be_taken_to_the_command_line(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/?kind=webp", permissions=["clipboard-read", "clipboard-write"])
    drawn(page)
    page.locator(".tile-link").first.click()
    page.get_by_role("button", name="Copy as").click()
    page.get_by_role("button", name="Command line").click()
    expect(page.get_by_text("Command line copied.")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.fullmatch(r"dinoscope search \S+/(animals|paintings)/\S+\.webp --where kind=webp", copied)
