"""The training view: curves that follow a training, one cursor through its time, and what alarms say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.e2e.conftest import DESKTOP, PHONE, Complaints, NewPage, serving
from tests.e2e.test_looks import faults, shot
from tests.recorded import draw, measure, record

from dinoscope.settings import Settings
from dinoscope.training.journal import Journal
from dinoscope.training.runs import Run

ALARM = "the teacher's targets are uniform at step 900: lower the temperature"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place with trainings: one that went well, one that collapsed, one that was stopped."""
    home = tmp_path_factory.mktemp("trained")
    settings = Settings(runs=home / "runs")
    record(settings, "mine")
    record(settings, "collapsed", done=900, state="failed", alarm=ALARM, pictures=2, shots=1)
    record(settings, "paused", done=300, state="stopped", pictures=2, shots=1)
    return home


@pytest.fixture(scope="module")
def trained(bundle: None, home: Path, cache: Path) -> Iterator[str]:
    with serving(home / "library", cache) as address:
        yield f"{address}/training"


@pytest.fixture
def fresh(bundle: None, cache: Path, tmp_path: Path) -> Iterator[str]:
    """A server without a training."""
    with serving(tmp_path / "library", cache) as address:
        yield f"{address}/training"


def chart(page: Page, title: str) -> Locator:
    return page.locator("figure.chart").filter(has=page.get_by_role("heading", name=title, exact=True))


def value(page: Page, title: str) -> str:
    return chart(page, title).locator(".readout b").first.inner_text()


def test_the_curves_are_drawn(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    chart(page, "Loss").wait_for()
    box = chart(page, "Loss").locator("svg").first.bounding_box()
    assert box
    pixels = shot(page, box)
    green = pixels[..., 1] - pixels[..., 0] > 40
    assert green.any(0).mean() > 0.75, "the line goes across the chart"
    drawn = [np.flatnonzero(column) for column in green.T]
    heights = [float(rows.mean()) for rows in drawn if rows.size]
    assert heights[0] < heights[-1] - 60, "the loss falls, and down is down"


def test_a_chart_says_in_words_what_it_shows(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    said = chart(page, "Loss").get_by_role("img").first.get_attribute("aria-label")
    assert said
    assert re.fullmatch(r"loss: 6\.\d+ at first, 4\.\d+ now, between 4\.\d+ and [67]\.?\d*", said), said


def test_one_cursor_moves_every_chart_and_the_samples(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    chart(page, "Loss").wait_for()
    now = value(page, "Loss")
    sample = page.locator(".contact-sheet img.attention").first
    expect(sample).to_have_attribute("src", re.compile("/3000-0-attention"))
    page.get_by_role("slider", name="Step").fill("20")
    expect(page.locator(".scrubber output b")).to_have_text("step 210")
    assert float(value(page, "Loss")) > float(now) + 1
    expect(sample).to_have_attribute("src", re.compile("/0-0-attention"))
    expect(page.locator(".cursor line")).to_have_count(page.locator("figure.chart").count())
    page.get_by_role("button", name="To the newest").click()
    expect(page.locator(".scrubber output b")).to_have_text("step 3,000")
    assert value(page, "Loss") == now


def test_a_press_on_a_chart_moves_the_cursor_there(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    svg = chart(page, "Score").locator("svg").first
    box = svg.bounding_box()
    assert box
    svg.click(position={"x": 44 + (box["width"] - 54) / 2, "y": 50})
    expect(page.locator(".scrubber output b")).to_have_text(re.compile(r"step 1,(49|50|51)0"))


def test_the_keyboard_moves_through_time(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    step = page.locator(".scrubber output b")
    expect(step).to_have_text("step 3,000")
    page.keyboard.press("Home")
    expect(step).to_have_text("step 10")
    page.keyboard.press("ArrowRight")
    expect(step).to_have_text("step 40")
    page.keyboard.press("End")
    expect(step).to_have_text("step 3,000")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(step).not_to_have_text("step 3,000")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page).to_have_url(re.compile(r":\d+/$"))


def test_samples_show_real_pixels(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    pictures = page.locator(".contact-sheet img")
    expect(pictures).to_have_count(24)
    pictures.last.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    assert min(pictures.evaluate_all("all => all.map(one => one.naturalWidth)")) == 96
    assert pictures.evaluate_all("all => all.every(one => one.alt)")


def test_a_collapse_is_an_alarm_with_the_knob_to_turn(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=collapsed")
    expect(page.get_by_role("alert").filter(has_text="uniform")).to_contain_text("Lower the temperature.")
    expect(page.locator(".state")).to_have_text("Failed")


def test_a_stopped_training_says_how_to_go_on(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=paused")
    expect(page.locator(".standing code")).to_have_text("dinoscope train --resume paused")
    page.get_by_role("link", name="mine").click()
    expect(page.locator(".standing code")).to_have_text(re.compile("^dinoscope index .* --model mine$"))
    page.go_back()
    expect(page.locator(".standing h2")).to_have_text("paused")


def test_an_unknown_training_is_said_to_be_unknown(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=nothing")
    expect(page.get_by_text("There is no training “nothing”")).to_be_visible()
    expect(page.get_by_role("navigation", name="Trainings").get_by_role("link")).to_have_count(3)


def test_the_recipe_is_there_to_the_last_number(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine")
    page.get_by_text("Recipe").click()
    expect(page.locator(".recipe dl")).to_contain_text("teacher.centre_momentum")
    expect(page.locator(".recipe code")).to_have_text(
        re.compile("--steps 3000 --set teacher.momentum=0.996,1$")
    )


def test_a_training_is_followed_as_it_goes(
    fresh: str, new_page: NewPage, tmp_path: Path, rng: np.random.Generator
) -> None:
    page = new_page(fresh)
    expect(page.get_by_role("heading", name="A model of your own")).to_be_visible()
    assert faults(page) == []
    settings = Settings(runs=tmp_path / "runs")
    run: Run = record(settings, "live", done=300, state="running", pictures=2, shots=1)
    with run.claimed():
        expect(page.locator(".state")).to_have_text("Training", timeout=15_000)
        expect(page.locator(".standing-words")).to_contain_text("300 of 3,000 steps")
        Journal(run.metrics).append(measure(310, 3000, rng))
        draw(run.samples, 310, 0, 0.5)
        expect(page.locator(".standing-words")).to_contain_text("310 of 3,000 steps")
        expect(page.locator(".contact-sheet img.pca").first).to_have_attribute(
            "src", re.compile("/310-0-pca")
        )
        page.get_by_role("button", name="Stop", exact=True).click()
        expect(page.get_by_role("button", name="Stopping…")).to_be_visible()
        assert run.asked_to_stop()
        run.update(state="stopped", step=310)
        expect(page.locator(".state")).to_have_text("Stopped")


def test_a_training_is_asked_for(fresh: str, new_page: NewPage, complaints: Complaints) -> None:
    """The form says what it wants; what the server refuses, or starts, is shown."""
    page = new_page(fresh)
    begin = page.get_by_role("button", name="Begin training")
    expect(begin).to_be_disabled()
    page.get_by_label("Folder, video or tar file").fill("/nothing/there")
    complaints.expected += ["404", "501"]  # the folder, or torch, is not there
    begin.click()
    expect(page.get_by_role("alert").filter(has_text=re.compile("does not exist|torch"))).to_be_visible()
    asked: list[object] = []

    def start(route: Route) -> None:
        if route.request.method == "POST":
            asked.append(route.request.post_data_json)
            route.fulfill(json={"name": "small-one", "failed": False, "said": ""}, status=202)
        else:
            said = {"name": "small-one", "failed": len(asked) > 1, "said": "12 pictures so far"}
            route.fulfill(json={"runs": [], "starting": said if asked else None})

    page.route("**/api/v1/runs", start)
    page.get_by_role("radio", name="Small").check()
    page.get_by_label("Name").fill("small-one")
    page.get_by_label("Minutes").fill("30")
    begin.click()
    expect(page.get_by_role("region", name="Beginning")).to_contain_text("12 pictures so far")
    wanted = {"sources": ["/nothing/there"], "preset": "small", "name": "small-one", "minutes": 30}
    assert asked == [wanted]
    assert faults(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("run", ["mine", "collapsed"])
def test_it_is_accessible(new_page: NewPage, trained: str, theme: str, run: str) -> None:
    page = new_page(f"{trained}?run={run}", color_scheme=theme)
    chart(page, "Loss").wait_for()
    page.get_by_text("Recipe").click()
    assert faults(page) == []


@pytest.mark.parametrize(
    "size", [DESKTOP, {"width": 768, "height": 1024}, PHONE, {"width": 320, "height": 640}]
)
def test_nothing_sticks_out_sideways(new_page: NewPage, trained: str, size: dict[str, int]) -> None:
    page = new_page(f"{trained}?run=collapsed", viewport=size)
    chart(page, "Loss").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    inside = page.locator(".plot svg").evaluate_all(
        "all => all.every(one => one.getBoundingClientRect().right <= innerWidth)"
    )
    assert inside


def test_a_finger_moves_through_time(new_page: NewPage, trained: str) -> None:
    page = new_page(f"{trained}?run=mine", viewport=PHONE, has_touch=True, is_mobile=True)
    svg = chart(page, "Loss").locator("svg").first
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + 60, box["y"] + 60)
    expect(page.locator(".scrubber output b")).not_to_have_text("step 3,000")
