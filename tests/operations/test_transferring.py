"""A part carried from one picture to another: where it must arrive is known, because it was put there."""

from __future__ import annotations

import numpy as np
import pytest
from tests.operations.test_matching import alike, moved, noise, seen

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Box, Mask, Size
from dinoscope.operations.matching import match
from dinoscope.operations.selection import Selection
from dinoscope.operations.transferring import transfer

PART = Box(60, 30, 120, 80)  # 6 x 5 patches of 10 pixels


def overlap(heat: FloatArray, box: Box) -> float:
    """Intersection over union of the patches that belong to a part with those of a box."""
    inside, wanted = heat >= 0.5, np.zeros(heat.shape, np.bool_)
    wanted[int(box.top // 10) : int(box.bottom // 10), int(box.left // 10) : int(box.right // 10)] = True
    return float((inside & wanted).sum() / (inside | wanted).sum())


def test_a_part_arrives_where_the_thing_has_moved(rng: np.random.Generator) -> None:
    here = noise(rng)
    carried = transfer(match(seen(here), seen(alike(rng, moved(rng, here, 2, -3), 0.3))), PART)
    assert carried.found
    assert overlap(carried.heat, Box(30, 50, 90, 100)) >= 0.8
    assert carried.box is not None
    assert carried.box.overlap(Box(30, 50, 90, 100)) >= 0.6


def test_a_part_arrives_mirrored(rng: np.random.Generator) -> None:
    here = noise(rng)
    carried = transfer(match(seen(here), seen(alike(rng, here[:, ::-1], 0.3))), PART)
    assert overlap(carried.heat, Box(40, 30, 100, 80)) >= 0.8


def test_the_mask_is_as_large_as_the_original(rng: np.random.Generator) -> None:
    here = noise(rng)
    carried = transfer(match(seen(here), seen(here, Size(1600, 600))), PART)
    assert carried.mask is not None
    assert carried.mask.picture == Size(1600, 600)
    assert carried.mask.box.overlap(Box(600, 150, 1200, 400)) >= 0.8


def test_a_mask_and_a_point_are_parts_too(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, moved(rng, here, 1, 2), 0.3)))
    pixels = np.zeros((120, 160), np.bool_)
    pixels[30:80, 60:120] = True
    assert overlap(transfer(matches, Mask(pixels)).heat, Box(80, 40, 140, 90)) >= 0.8
    one = transfer(matches, (65, 45))
    assert int(one.heat.argmax()) == 5 * 16 + 8
    assert one.found


def test_what_is_not_meant_is_left_out(rng: np.random.Generator) -> None:
    here = noise(rng)
    matches = match(seen(here), seen(alike(rng, here, 0.2)))
    part = Selection(boxes=(Box(60, 30, 90, 60),), not_points=((75, 45),))
    assert transfer(matches, part).heat[4, 7] < 0.5 <= transfer(matches, Box(60, 30, 90, 60)).heat[4, 7]


def test_a_part_that_the_other_picture_does_not_have_is_not_found(rng: np.random.Generator) -> None:
    carried = transfer(match(seen(noise(rng)), seen(noise(rng))), PART)
    assert not carried.found
    assert carried.box is None
    assert carried.mask is None


def test_the_whole_picture_is_the_whole_other_one(rng: np.random.Generator) -> None:
    here = noise(rng)
    carried = transfer(match(seen(here), seen(alike(rng, here, 0.2))), Box(0, 0, 160, 120))
    assert (carried.heat >= 0.5).mean() > 0.9


@pytest.mark.parametrize("part", [Selection(), Box(500, 500, 600, 600), (float("nan"), 3.0)])
def test_a_part_that_is_none_is_refused(
    rng: np.random.Generator, part: Selection | Box | tuple[float, float]
) -> None:
    matches = match(seen(noise(rng)), seen(noise(rng)))
    with pytest.raises(BadRequest, match="160 x 120"):
        transfer(matches, part)


def test_a_part_of_which_nothing_is_meant_is_refused(rng: np.random.Generator) -> None:
    matches = match(seen(noise(rng)), seen(noise(rng)))
    part = Selection(points=((65, 45),), not_points=((66, 44),))  # the same patch
    with pytest.raises(BadRequest, match="takes back all that is marked"):
        transfer(matches, part)
