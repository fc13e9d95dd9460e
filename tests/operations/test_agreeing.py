"""What of a window is the thing, where a view is laid over it."""

from __future__ import annotations

import numpy as np
from PIL import Image
from tests.operations.test_aligning import SIDE, arrays, laid, pattern, roughly

from dinoscope.geometry import Bools
from dinoscope.operations.agreeing import agreed
from dinoscope.operations.aligning import Template, Window


def found(template: Template, picture: Image.Image) -> Bools:
    one = laid(template, picture, roughly(2))
    assert one.details > 0.5
    return agreed(Window.of(np.asarray(picture)), template, one, SIDE, SIDE) >= 0.5


def overlap(one: Bools, other: Bools) -> float:
    return float((one & other).sum() / (one | other).sum())


def elsewhere() -> Image.Image:
    """The thing of ``pattern(1)`` on another ground."""
    picture, outline = pattern(1)
    other = Image.new("RGB", (SIDE, SIDE), (10, 30, 250))
    other.paste(picture, mask=outline)
    return other


def test_what_was_around_the_thing_when_it_was_taught_is_not_in_the_outline() -> None:
    picture, outline = arrays(*pattern(1))
    rough = np.zeros_like(outline)
    rough[16:80, 16:80] = True
    truth = outline
    assert overlap(rough, truth) < 0.65
    assert overlap(found(Template(picture, rough), elsewhere()), truth) > 0.85


def test_what_hides_a_part_is_not_the_thing() -> None:
    picture, outline = arrays(*pattern(1))
    hidden = np.array(elsewhere())
    hidden[:, 60:] = (250, 240, 20)
    truth = outline.copy()
    truth[:, 60:] = False
    seen = found(Template(picture, outline), Image.fromarray(hidden))
    assert seen[:, 62:].mean() < 0.1
    assert overlap(seen, truth) > 0.8
