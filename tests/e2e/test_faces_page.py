"""A picture of a person is refused kindly, and the page says what it does with faces."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect
from tests.e2e.conftest import Complaints
from tests.e2e.test_searching import carry

FACES = Path(__file__).parent.parent / "faces"


def test_a_person_is_kept_out_and_a_cat_is_searched_for(page: Page, complaints: Complaints) -> None:
    complaints.expected.append("422")
    carry(page, FACES / "astronaut.jpg", "drop")
    expect(page.get_by_text("looks like a human face, and faces are kept out here")).to_be_visible()
    expect(page.locator(".chip.like")).to_have_count(0)
    carry(page, FACES / "chelsea.jpg", "paste")
    expect(page.locator(".chip.like img")).to_be_visible()


def test_the_page_says_what_it_does_with_faces(page: Page) -> None:
    page.get_by_label("Appearance and help").click()
    expect(page.get_by_text("Pictures that look like a human face are kept out.")).to_be_visible()
