"""Two models on the page: numbers, rows of neighbours, what lies around a picture, and a blind judgement."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file
from tests.e2e.conftest import DESKTOP, PHONE, NewPage, environment, serving
from tests.e2e.test_looks import faults

from dinoscope.models.config import VitConfig

CONFIG = VitConfig(64, 1, 1, 16, "plain", position_grid=(4, 4), mlp_ratio=1.0)
INDEX = """
import sys
from pathlib import Path
import dinoscope
library, cache, model = sys.argv[1:]
with dinoscope.open(library, write=True, cache=Path(cache), model=model, offline=True, threads=2) as session:
    for progress in session.index(*session.library.info().roots):
        pass
"""


@pytest.fixture(scope="module")
def both(bundle: None, library: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the library is served after a second model, of random weights, has seen it, too."""
    home = tmp_path_factory.mktemp("both")
    shutil.copytree(library, home / "library")
    dice = np.random.default_rng(0)
    tensors = {
        name: (0.2 * dice.standard_normal(shape) + (".norm" in name)).astype(np.float32)
        for name, shape in CONFIG.shapes().items()
    }
    save_file(tensors, home / "random.safetensors", {"config": json.dumps(asdict(CONFIG))})
    done = subprocess.run(
        [sys.executable, "-c", INDEX, home / "library", cache, home / "random.safetensors"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    with serving(home / "library", cache) as address:
        yield address


def seen(page: Page) -> None:
    """Wait for the first example and its pictures."""
    page.locator(".beside ol img").nth(12).wait_for()
    expect(page.locator(".beside ol img").first).to_have_js_property("complete", True)


def test_numbers_and_rows_of_both_models_are_shown(new_page: NewPage, both: str) -> None:
    page = new_page(f"{both}/compare")
    seen(page)
    assert page.locator(".model-choice select").evaluate_all(
        "all => all.map(one => one.selectedOptions[0].text)"
    ) == ["starter", "random"]
    expect(page.locator(".outcome li").first).to_contain_text("Starter is better at")
    rows = page.locator(".beside").first.locator(".near")
    assert rows.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))") == ["starter", "random"]
    for row in range(2):
        assert rows.nth(row).locator("img").count() == 10
        scores = [float(text) for text in rows.nth(row).locator("figcaption span").all_inner_texts()]
        assert scores == sorted(scores, reverse=True)
    drawn = page.locator(".whisker circle").first.bounding_box()
    zero = page.locator(".whisker .zero").first.bounding_box()
    assert drawn
    assert zero
    assert drawn["x"] < zero["x"], "the second is worse: the dot lies left of no difference"


def test_the_models_change_places_and_the_address_says_so(new_page: NewPage, both: str) -> None:
    page = new_page(f"{both}/compare")
    seen(page)
    first, second = page.locator(".model-choice select").all()
    first.select_option(label="random")
    expect(second.locator("option:checked")).to_have_text("starter")
    expect(page.locator(".scores thead th").nth(1)).to_have_text("random")
    assert "model=random%40" in page.url
    page.go_back()
    expect(page.locator(".scores thead th").nth(1)).to_have_text("starter")


def test_a_click_shows_what_lies_around_a_picture(new_page: NewPage, both: str) -> None:
    page = new_page(f"{both}/compare")
    seen(page)
    link = page.locator(".beside ol a").nth(2)
    name = link.get_attribute("title")
    link.click()
    around = page.get_by_role("region", name="Around one picture")
    expect(around.get_by_role("heading", level=2)).to_have_text(f"Around {name}")
    assert around.locator("ol img").count() == 20
    page.reload()
    expect(around.get_by_role("heading", level=2)).to_have_text(f"Around {name}")
    around.get_by_role("button", name="Close").click()
    expect(around).to_have_count(0)
    assert "around" not in page.url


def test_a_blind_judgement_names_no_model_before_its_end(new_page: NewPage, both: str) -> None:
    page = new_page(f"{both}/compare")
    seen(page)
    page.get_by_role("button", name="Judge blind").click()
    card = page.get_by_role("region", name="Judge blind")
    total = int(card.locator("header p").inner_text().split(" of ")[1].split(".")[0])
    for at in range(total):
        text = card.inner_text()
        assert f"{at + 1} of {total}" in text
        assert "starter" not in text
        assert "random" not in text
        assert card.locator("a").count() == 0
        card.get_by_role("button", name="Equal" if at % 2 else "Upper row").click()
    told = page.get_by_role("region", name="Your judgement")
    expect(told).to_contain_text(f"{total // 2} equal")
    expect(told).to_contain_text("starter")
    told.get_by_role("button", name="Show the numbers").click()
    seen(page)


def test_one_model_alone_says_how_to_add_another(new_page: NewPage, url: str) -> None:
    page = new_page(f"{url}/compare")
    expect(page.get_by_role("heading", level=2)).to_have_text("Only starter has seen this library")
    expect(page.locator("code").last).to_have_text("dinoscope index FOLDER --model NAME")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_accessible_and_nothing_sticks_out(new_page: NewPage, both: str, theme: str) -> None:
    for size in (DESKTOP, PHONE):
        page = new_page(f"{both}/compare?around=3", color_scheme=theme, viewport=size)
        seen(page)
        page.get_by_role("region", name="Around one picture").locator("img").first.wait_for()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.get_by_role("button", name="Judge blind").click()
        assert faults(page) == []
