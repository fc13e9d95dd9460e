"""The PDQ fingerprint of a picture: 256 bits that survive another size, another quality, a little text.

PDQ (Facebook, 2019): luminance, blurred and reduced to 64 x 64, the 16 x 16 lowest waves of its cosine
transform, and of each whether it is above their median. In numpy, because the package of the reference
has no wheels and the other one brings SciPy; ``tests/pictures/test_fingerprint.py`` has the reference's bits.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Pixels

Fingerprint = Annotated[NDArray[np.uint8], "(32,) 256 bits"]
BYTES = 32
ALIKE = 31  # bits of 256 by which two copies differ at most, as PDQ's authors advise
PLAIN = 50  # of 100: below this quality a picture has too little to tell it by
_SIDE, _WAVES = 64, 16
Doubles = NDArray[np.float64]


def fingerprint(pixels: Pixels) -> tuple[Fingerprint, int]:
    """The bits, and how much there was to tell from, 0 to 100. About 0.5 ms for a thumbnail."""
    waves, quality = _waves(pixels)
    return _bits(waves[None])[0], quality


def orientations(pixels: Pixels) -> tuple[NDArray[np.uint8], int]:
    """(8, 32) the fingerprints of the picture upright, turned by quarters, and each of these mirrored."""
    waves, quality = _waves(pixels)
    return _bits(_turned(waves)), quality


def differing(one: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Bits by which (..., 32) fingerprints differ."""
    return np.asarray(np.bitwise_count(one ^ others).sum(axis=-1), np.int64)


def _waves(pixels: Pixels) -> tuple[Doubles, int]:
    red, green, blue = np.moveaxis(pixels, 2, 0).astype(np.float32)
    grey = np.float32(0.299) * red + np.float32(0.587) * green + np.float32(0.114) * blue
    down, right = (_reducing(side) for side in grey.shape)
    small = (down @ grey @ right.T).astype(np.float64)
    change = sum(np.abs(np.trunc(np.diff(small, axis=axis) * 100 / 255)).sum() for axis in (0, 1))
    transform = _cosines()
    return transform @ small @ transform.T, min(100, int(change / 90))


@lru_cache(256)
def _reducing(side: int) -> FloatArray:
    """(64, side) what blurs a side of so many pixels and picks 64 of them, as one product with it.

    The blur is twice a box of 1/128 of the side, cut off at the border, which is nearly a triangle.
    """
    window = (side + 2 * _SIDE - 1) // (2 * _SIDE)
    half = (window + 2) // 2
    at = np.arange(side)
    low, high = np.maximum(at - window + half, 0)[:, None], np.minimum(at + half, side)[:, None]
    picked = ((np.arange(_SIDE) + 0.5) * side / _SIDE).astype(np.int64)
    once = ((at >= low[picked]) & (at < high[picked])) / (high - low)[picked]  # (64, side)
    steps: Doubles = np.zeros((side + 1, _SIDE))  # what the second box adds where it begins and ends
    shares = (once / (high - low).T).T
    np.add.at(steps, low[:, 0], shares)
    np.subtract.at(steps, high[:, 0], shares)
    return np.ascontiguousarray(np.cumsum(steps, axis=0)[:side].T, np.float32)


@cache
def _cosines() -> Doubles:
    """(16, 64): the cosine transform's waves 1 to 16."""
    waves, places = np.arange(1, _WAVES + 1)[:, None], np.arange(_SIDE)[None]
    return np.asarray(np.sqrt(2 / _SIDE) * np.cos(np.pi / (2 * _SIDE) * waves * (2 * places + 1)))


def _turned(waves: Doubles) -> Doubles:
    """(8, 16, 16) what the transform of the turned and mirrored picture is: signs and exchanged axes."""
    sign = np.where(np.arange(1, _WAVES + 1) % 2, -1.0, 1.0)
    across, down, other = sign[None, :], sign[:, None], waves.T
    upright = [waves, other * down, waves * across * down, other * across]  # quarters, counter-clockwise
    mirrored = [waves * across, other, waves * down, other * across * down]
    return np.stack(upright + mirrored)


def _bits(waves: Doubles) -> NDArray[np.uint8]:
    flat = waves.reshape(len(waves), -1)
    above = flat > np.partition(flat, flat.shape[1] // 2 - 1, axis=1)[:, flat.shape[1] // 2 - 1, None]
    return np.packbits(above, axis=1)


def turned_bits(bits: Fingerprint) -> NDArray[np.uint8]:
    """(8, 32): nearly what ``orientations`` would give of the picture, from its fingerprint alone.

    A wave whose sign changes is below the median where it was above, for the median is nearly 0: some 4
    bits of 256 are wrong.
    """
    waves = np.unpackbits(bits).reshape(_WAVES, _WAVES).astype(np.float64) - 0.5
    return np.packbits(_turned(waves).reshape(8, -1) > 0, axis=1)
