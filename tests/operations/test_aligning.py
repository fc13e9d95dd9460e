"""A view of a thing laid over windows: turned, mirrored and in other light, or not the thing at all."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from dinoscope.features import Pixels
from dinoscope.geometry import Bools
from dinoscope.operations.aligning import NOWHERE, Doubles, Laid, Template, Window

SIDE = 96


def pattern(seed: int) -> tuple[Image.Image, Image.Image]:
    """A patterned disc of 56 pixels in the middle of soft ground; and its outline."""
    dice = np.random.default_rng(seed)
    ground = Image.fromarray(dice.integers(100, 140, (3, 3, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    thing = Image.fromarray(dice.integers(0, 256, (12, 12, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    down, across = np.mgrid[:SIDE, :SIDE]
    inside = (across - SIDE / 2) ** 2 + (down - SIDE / 2) ** 2 < 28**2
    outline = Image.fromarray(inside.astype(np.uint8) * 255)
    ground.paste(thing, mask=outline)
    return ground, outline


def arrays(picture: Image.Image, outline: Image.Image) -> tuple[Pixels, Bools]:
    return np.asarray(picture), np.asarray(outline) >= 128


def roughly(turn: float, x: float = 0, y: float = 0, *, mirrored: bool = False) -> Doubles:
    """(1, 2, 3) a map about the middle: turned as PIL does it, and moved."""
    c, s = cos(radians(turn)), sin(radians(turn))
    linear = np.array([[c, s], [-s, c]])
    if mirrored:
        linear[:, 0] *= -1
    return np.concatenate([linear, (np.array([0.5 + x, 0.5 + y]) - linear @ [0.5, 0.5])[:, None]], axis=1)[
        None
    ]


def laid(template: Template, picture: Image.Image, maps: Doubles) -> Laid:
    return template.laid(Window.of(np.asarray(picture)), maps)


@pytest.mark.parametrize("turn", [0.0, 40.0, -25.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_rough_map_becomes_an_exact_one_in_another_light(turn: float, mirrored: bool) -> None:
    picture, outline = pattern(1)
    template = Template(*arrays(picture, outline))

    def seen(image: Image.Image) -> Image.Image:
        image = ImageOps.mirror(image) if mirrored else image
        return image.rotate(turn, Image.Resampling.BICUBIC, translate=(9, -6))

    rough = roughly(turn + 5, 9 / SIDE + 0.02, -6 / SIDE - 0.02, mirrored=mirrored)
    found = laid(template, ImageEnhance.Brightness(seen(picture)).enhance(0.7), rough)
    assert found.details > 0.8
    truth = np.asarray(seen(outline)) >= 128
    drawn = found.mask(arrays(picture, outline)[1], SIDE, SIDE) >= 0.5
    assert (truth & drawn).sum() / (truth | drawn).sum() > 0.9


def test_another_thing_does_not_agree_in_its_details() -> None:
    template = Template(*arrays(*pattern(1)))
    maps = np.concatenate([roughly(turn) for turn in (0, 30, -30)])
    assert max(laid(template, pattern(seed)[0], maps).details for seed in (2, 3, 4, 5)) < 0.45
    assert laid(template, pattern(1)[0], maps).details > 0.9


def test_other_colours_of_the_same_details_are_told_and_another_light_is_not() -> None:
    picture, outline = pattern(1)
    template = Template(*arrays(picture, outline))
    brighter = ImageEnhance.Brightness(picture).enhance(1.2)
    red, green, blue = picture.split()
    painted = Image.merge("RGB", (green, blue, red))
    assert laid(template, brighter, roughly(0)).painted < 0.2
    assert laid(template, painted, roughly(0)).painted > 0.6


def test_an_oblong_window_is_no_other_shape() -> None:
    picture, outline = pattern(1)
    template = Template(*arrays(picture, outline))
    cut = (0, 12, SIDE, SIDE - 12)
    found = laid(template, picture.crop(cut), roughly(4, 0.02))
    assert found.details > 0.9
    truth = np.asarray(outline.crop(cut)) >= 128
    drawn = found.mask(np.asarray(outline) >= 128, *truth.shape) >= 0.5
    assert (truth & drawn).sum() / (truth | drawn).sum() > 0.9


def test_what_is_of_one_colour_fits_nowhere() -> None:
    plain = Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
    template = Template(*arrays(*pattern(1)))
    assert laid(template, plain, roughly(0)).details < 0.2
    assert laid(template, pattern(1)[0], np.zeros((0, 2, 3))) is NOWHERE
