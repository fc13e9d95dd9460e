"""Maps lie where their patches are, in pixels, shapes and arrays alike."""

from __future__ import annotations

from io import BytesIO
from xml.etree import ElementTree

import numpy as np
import pytest

from dinoscope.errors import BadRequest
from dinoscope.features import Bytes, Inside, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations.colouring import Colours
from dinoscope.operations.explaining import Look
from dinoscope.operations.panels import (
    Panel,
    attention_panels,
    colour_panel,
    drawn,
    heat,
    likeness_panel,
    npz,
    svg,
)


@pytest.fixture
def look() -> Look:
    """4 x 6 patches; two heads that look at the top left and at the bottom right."""
    attention = np.full((2, 4, 6), 0.001, np.float32)
    attention[0, 0, 0] = attention[1, 3, 5] = 0.5
    vectors = normalise(np.random.default_rng(0).standard_normal((4, 6, 8)).astype(np.float32))
    inside = Inside("m", 2, "keys", PatchGrid(4, 6, 16, Size(1200, 800)), vectors, attention)
    rgb = np.zeros((4, 6, 3), np.uint8)
    rgb[:2, :3] = (255, 0, 0)
    rgb[2:, 3:] = (0, 255, 0)
    return Look(inside, Colours(rgb, np.ones((4, 6), np.float32)))


WHITE = np.full((40, 60, 3), 255, np.uint8)


def cells(panels: list[Panel]) -> list[Bytes]:
    """The drawn pictures without captions: the first is the picture itself."""
    sheet = np.asarray(drawn(WHITE, panels, "white"))
    side, high, wide = (640, 427, 640) if len(panels) <= 3 else (320, 213, 320)
    columns = min(4, len(panels) + 1)
    found = []
    for number in range(len(panels) + 1):
        top, left = 12 + number // columns * (high + 38), 12 + number % columns * (wide + 12)
        found.append(sheet[top : top + high, left : left + side])
    return found


def test_colours_lie_where_their_patches_are(look: Look) -> None:
    plain, coloured = cells([colour_panel(look.colours)])
    assert (plain == 255).all()
    assert coloured[50, 50].tolist() == [255, 25, 25]
    assert coloured[-50, -50].tolist() == [25, 255, 25]
    assert coloured[50, -50].tolist() == [25, 25, 25]


def test_the_picture_is_seen_where_attention_is_and_dark_elsewhere(look: Look) -> None:
    _, mean, first, second = cells(attention_panels(look.attention, mass=0.5))
    assert first[20, 20].min() > 240
    assert first[-20, -20].max() < 60
    assert second[20, 20].max() < 60
    assert second[-20, -20].min() > 240
    assert mean[20, 20].min() > 240 or mean[-20, -20].min() > 240


def test_more_attention_is_brighter(look: Look) -> None:
    _, _, first, _ = cells(attention_panels(look.attention))
    assert int(first[20, 20].sum()) > int(first[-20, -20].sum()) + 300


def test_the_point_is_marked_and_the_brightest(look: Look) -> None:
    panel = likeness_panel(look.inside, (650.0, 500.0))
    assert panel.rgb.sum(-1).argmax() == 2 * 6 + 3
    assert panel.point == (650 / 1200, 500 / 800)
    _, shown = cells([panel])
    around = shown[round(0.625 * 427) - 12 :, round(0.5417 * 640) - 12 :][:24, :24]
    assert (around == 0).all(-1).any(), "a dark ring"


def test_heat_grows_monotonously_and_ends_where_it_should() -> None:
    ramp = heat(np.linspace(-0.5, 1.5, 201, dtype=np.float32)[None])[0].astype(int)
    light = ramp @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light) >= -0.5).all()
    assert (ramp[0].tolist(), ramp[-1].tolist()) == ([0, 0, 4], [252, 255, 164])


def test_an_svg_has_a_square_for_each_patch_and_no_markup_from_names(look: Look) -> None:
    text = svg(WHITE, [colour_panel(look.colours), likeness_panel(look.inside, (5, 5))], '<script>"&')
    tree = ElementTree.fromstring(text)
    names = [element.tag.split("}")[1] for element in tree.iter()]
    assert names.count("rect") == 1 + 2 * 24
    assert names.count("circle") == 1
    assert "script" not in names
    texts = [element.text for element in tree.iter() if element.tag.endswith("text")]
    assert texts == ['<script>"&', "parts", "like 5,5"]


def test_arrays_come_back_as_they_were(look: Look) -> None:
    with np.load(BytesIO(npz(look)), allow_pickle=False) as stored:
        np.testing.assert_array_equal(stored["vectors"], look.inside.vectors)
        np.testing.assert_array_equal(stored["attention"], look.attention)
        np.testing.assert_array_equal(stored["colours"], look.colours.rgb)
        assert stored["picture"].tolist() == [1200, 800]
        assert (str(stored["facet"]), int(stored["layer"])) == ("keys", 2)


def test_a_point_outside_is_refused(look: Look) -> None:
    with pytest.raises(BadRequest, match="1200 x 800"):
        likeness_panel(look.inside, (1200, 3))
