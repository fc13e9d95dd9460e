"""How a match is drawn: where the pictures lie, what the links' colours say, what is lit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tests.operations.test_matching import alike, noise, seen

from dinoscope.cli import match_drawing
from dinoscope.cli.match_drawing import GROUND, SIDE, colour_at, drawn
from dinoscope.features import Pixels
from dinoscope.geometry import Box, Size
from dinoscope.operations.matching import Matches, match
from dinoscope.operations.selection import Selection
from dinoscope.operations.transferring import transfer

NAMES = "one.jpg", "two.jpg"


def plain(width: int, height: int, grey: int) -> Pixels:
    return np.full((height, width, 3), grey, np.uint8)


def matched(rng: np.random.Generator) -> Matches:
    here = noise(rng)
    return match(seen(here, Size(320, 240)), seen(alike(rng, here, 0.3), Size(640, 480)))


def extents(sheet: Image.Image, grey: int) -> tuple[int, int, int, int] | None:
    """Around all pixels of a picture of one grey, as it is dimmed: left, top, right, bottom."""
    pixels, tone = np.asarray(sheet.convert("RGB"), int), round(grey * match_drawing.DIM)
    inside = (np.abs(pixels - tone) <= 1).all(axis=2)
    return Image.fromarray(inside).getbbox()


def test_pictures_side_by_side_have_one_height(rng: np.random.Generator) -> None:
    matches = replace(matched(rng), links=())
    sheet = drawn(matches, plain(320, 240, 200), plain(300, 400, 100), NAMES)
    first, second = extents(sheet, 200), extents(sheet, 100)
    assert first is not None
    assert second is not None
    assert first[3] - first[1] == pytest.approx(second[3] - second[1], abs=2)
    assert first[1] == second[1]
    assert first[2] < second[0], "the first is left of the second"


def test_wide_pictures_lie_one_above_the_other(rng: np.random.Generator) -> None:
    matches = replace(matched(rng), links=())
    sheet = drawn(matches, plain(400, 100, 200), plain(800, 300, 100), NAMES)
    first, second = extents(sheet, 200), extents(sheet, 100)
    assert first is not None
    assert second is not None
    assert (first[0], first[2]) == pytest.approx((second[0], second[2]), abs=2)
    assert first[3] < second[1]


def test_a_strip_does_not_make_the_other_vanish(rng: np.random.Generator) -> None:
    matches = replace(matched(rng), links=())
    for strip in (plain(2000, 10, 200), plain(10, 2000, 200)):
        found = extents(drawn(matches, strip, plain(300, 300, 100), NAMES), 100)
        assert found is not None
        assert found[2] - found[0] > 200


def test_a_link_has_one_colour_at_both_ends(rng: np.random.Generator) -> None:
    matches = matched(rng)
    matches = replace(matches, links=(matches.links[0],))
    link = matches.links[0]
    pixels = np.asarray(drawn(matches, plain(320, 240, 60), plain(640, 480, 60), NAMES), int)
    bright = np.ptp(pixels, axis=2) > 80
    middle = pixels.shape[1] // 2
    clearest = [
        half[np.unravel_index(np.ptp(half, axis=2).argmax(), half.shape[:2])]
        for half in (pixels[:, :middle], pixels[:, middle:])
    ]
    assert np.abs(clearest[0] - clearest[1]).max() < 10
    column = int(np.flatnonzero(bright.any(axis=0))[0])
    assert column == pytest.approx(match_drawing.MARGIN + link.here[0] * SIDE / 320, abs=12)


def test_neighbours_have_like_colours_and_opposites_do_not() -> None:
    def apart(one: tuple[float, float], other: tuple[float, float]) -> int:
        first, second = (np.asarray(colour_at(point, 100, 100)) for point in (one, other))
        return int(np.abs(first - second).max())

    assert apart((90, 40), (90, 44)) < 30
    assert apart((90, 40), (10, 60)) > 100


def test_a_part_is_lit_in_both_pictures(rng: np.random.Generator) -> None:
    matches = matched(rng)
    selection = Selection(boxes=(Box(0, 0, 160, 240),))
    carried = transfer(matches, selection)
    part = selection.on(matches.here)[0], carried
    sheet = np.asarray(drawn(matches, plain(320, 240, 200), plain(640, 480, 200), NAMES, part=part), int)
    middle = sheet.shape[1] // 2
    for half in (sheet[:, :middle], sheet[:, middle:]):
        lit = (half == 200).all(axis=2).mean()
        dark = (np.abs(half - 200 * match_drawing.DARK) <= 1).all(axis=2).mean()
        assert 0.3 < lit < 0.6
        assert 0.25 < dark < 0.6


def test_what_is_not_found_is_said_and_not_lit(rng: np.random.Generator) -> None:
    matches = match(seen(noise(rng)), seen(noise(rng)))
    selection = Selection(boxes=(Box(0, 0, 80, 120),))
    part = selection.on(matches.here)[0], transfer(matches, selection)
    sheet = np.asarray(drawn(matches, plain(160, 120, 200), plain(160, 120, 200), NAMES, part=part), int)
    middle = sheet.shape[1] // 2
    assert (sheet[:, :middle] == 200).all(axis=2).any()
    assert not (sheet[:, middle:] == 200).all(axis=2).any()


def test_a_long_name_and_strange_letters_stay_in_their_place(rng: np.random.Generator) -> None:
    sheet = drawn(
        matched(rng), plain(40, 400, 60), plain(40, 400, 60), ("\x1b[31m" + "long " * 90, "\u202ename")
    )
    edge = np.asarray(sheet, int)[:, -4:]
    assert (edge == GROUND).all()
