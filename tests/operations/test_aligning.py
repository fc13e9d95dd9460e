"""A view of a thing laid over windows: turned, mirrored and in other light, or not the thing at all."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from dinoscope.features import Pixels
from dinoscope.geometry import Bools
from dinoscope.operations.aligning import Laid, Template, Window

SIDE = 96


def pattern(seed: int) -> tuple[Image.Image, Image.Image]:
    """A patterned disc of 56 pixels in the middle of soft ground; and its outline."""
    dice = np.random.default_rng(seed)
    ground = Image.fromarray(dice.integers(100, 140, (3, 3, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    thing = Image.fromarray(dice.integers(0, 256, (5, 5, 3), np.uint8)).resize(
        (SIDE, SIDE), Image.Resampling.BICUBIC
    )
    down, across = np.mgrid[:SIDE, :SIDE]
    inside = (across - SIDE / 2) ** 2 + (down - SIDE / 2) ** 2 < 28**2
    outline = Image.fromarray(inside.astype(np.uint8) * 255)
    ground.paste(thing, mask=outline)
    return ground, outline


def arrays(picture: Image.Image, outline: Image.Image) -> tuple[Pixels, Bools]:
    return np.asarray(picture), np.asarray(outline) >= 128


def laid(template: Template, picture: Image.Image) -> Laid:
    return template.laid(Window.of(np.asarray(picture)))


@pytest.mark.parametrize("turn", [0.0, 40.0, -25.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_thing_is_found_turned_mirrored_moved_and_dim(turn: float, mirrored: bool) -> None:
    picture, outline = pattern(1)
    template = Template(*arrays(picture, outline))

    def seen(image: Image.Image) -> Image.Image:
        image = ImageOps.mirror(image) if mirrored else image
        return image.rotate(turn, Image.Resampling.BICUBIC, translate=(9, -6))

    found = laid(template, ImageEnhance.Brightness(seen(picture)).enhance(0.7))
    assert found.score > 0.9
    truth = np.asarray(seen(outline)) >= 128
    drawn = found.mask(arrays(picture, outline)[1], SIDE, SIDE) >= 0.5
    assert (truth & drawn).sum() / (truth | drawn).sum() > 0.8


def test_another_thing_is_not_it() -> None:
    template = Template(*arrays(*pattern(1)))
    assert max(laid(template, pattern(seed)[0]).score for seed in (2, 3, 4)) < 0.75


def test_an_oblong_window_is_no_other_shape() -> None:
    picture, outline = pattern(1)
    template = Template(*arrays(picture, outline))
    cut = (0, 12, SIDE, SIDE - 12)
    found = laid(template, picture.crop(cut))
    assert found.score > 0.95
    truth = np.asarray(outline.crop(cut)) >= 128
    drawn = found.mask(np.asarray(outline) >= 128, *truth.shape) >= 0.5
    assert (truth & drawn).sum() / (truth | drawn).sum() > 0.9


def test_what_is_of_one_colour_fits_nowhere() -> None:
    plain = Image.new("RGB", (SIDE, SIDE), (90, 90, 90))
    assert laid(Template(*arrays(*pattern(1))), plain).score < 0.2
