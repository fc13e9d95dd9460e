"""Fingerprints agree with the reference's, whatever way round a picture lies."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from dinoscope.features import Pixels
from dinoscope.pictures.fingerprint import ALIKE, differing, fingerprint, orientations, turned_bits
from dinoscope.sample import PICTURES

# pdqhash 0.2.8 of fish-01.webp at 320 x 240, from its last bit to its first
REFERENCE = "bd92b492d00316cd0970d46451ba062617d661a7ff5a31f3273ddb61e39b1f1c"


@pytest.fixture(scope="module")
def fish() -> Pixels:
    with Image.open(PICTURES / "fishes/fish-01.webp") as image:
        return np.asarray(image.convert("RGB").resize((320, 240)))


def all_ways(pixels: Pixels) -> list[Pixels]:
    mirrored = pixels[:, ::-1]
    return [
        np.ascontiguousarray(np.rot90(one, quarters)) for one in (pixels, mirrored) for quarters in range(4)
    ]


def test_it_is_what_the_reference_makes_of_the_same_pixels(fish: Pixels) -> None:
    bits, quality = fingerprint(fish)
    assert int(differing(bits, np.frombuffer(bytes.fromhex(REFERENCE), np.uint8))) <= 4
    assert quality == 100


def test_each_orientation_is_that_of_the_turned_picture(fish: Pixels) -> None:
    turned, _ = orientations(fish)
    from_bits = turned_bits(turned[0])
    for way, pixels in enumerate(all_ways(fish)):
        apart = differing(fingerprint(pixels)[0], turned)
        assert int(apart.argmin()) == way
        assert int(apart[way]) <= ALIKE
        assert int(differing(fingerprint(pixels)[0], from_bits)[way]) <= ALIKE


def test_a_smaller_picture_has_nearly_the_same_bits_and_another_picture_has_not(fish: Pixels) -> None:
    with Image.open(PICTURES / "tools/hammer-05.webp") as image:
        other = np.asarray(image.convert("RGB"))
    small = np.asarray(Image.fromarray(fish).resize((100, 75)))
    bits = fingerprint(fish)[0]
    assert int(differing(bits, fingerprint(small)[0])) <= ALIKE
    assert int(differing(bits, fingerprint(other)[0])) > 90


def test_a_plain_picture_is_known_to_have_nothing_to_tell_it_by() -> None:
    assert fingerprint(np.full((90, 120, 3), 127, np.uint8))[1] == 0
