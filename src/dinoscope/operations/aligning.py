"""Lays a view of a thing over a window of a picture: turned, mirrored, larger or smaller, then bent a little.

First every pose of a coarse set at every place, by the correlation of colours within the thing's outline
(a masked template: Padfield, Masked object registration in the Fourier domain, 2012). Then the best of them
is adjusted as an affine map by least squares (inverse compositional: Baker and Matthews, Lucas-Kanade 20
years on, 2004). Colours are compared less their mean and relative to their spread, so light does not matter.

What it is for: the same side of the same thing. It tells lookalikes apart that a model holds for the same,
and knows the outline to a pixel; another side of a thing it does not know, and then says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from math import cos, radians, sin

import numpy as np
from numpy.fft import irfft2, rfft2
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools

COARSE, FINE = 24, 48  # pixels a side that a window has in the search, and in the adjustment
TURNS = (-60, -45, -30, -15, 0, 15, 30, 45, 60)  # degrees
SCALES = (0.65, 0.85, 1.1, 1.4)  # of the thing in the window, beside its size in its own
LEAST = 12  # pixels of a coarse template
ROUNDS = 12  # of the adjustment
TRIMMED = 0.25  # share of the pixels that may be hidden: the worst are left out
TRIED = 5  # poses adjusted
READY = 24  # views whose poses are kept: 3 MB each
LARGER, SMALLER, ASLANT = 2.0, 0.4, 1.7  # how a view may lie: its scales, and the ratio of its two
PALE = 0.4  # of the view's contrast: what has less of it is no view of the thing in another light
HUE = 0.2  # by which mean shares of red, green and blue may differ in another light
FLAT = 2e-4  # variance of a colour below which there is nothing to compare

# (2, 3) from a view's window to another window, both made square by their means, in [0, 1] x [0, 1]
Doubles = NDArray[np.float64]
Affine = Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """How a view lies in a window."""

    score: float  # correlation, -1 to 1
    affine: Affine

    def mask(self, view: Bools, high: int, wide: int) -> FloatArray:
        """(high, wide) in [0, 1]: the view's mask as it lies in the window."""
        side = max(high, wide)
        top, left = (side - high) // 2, (side - wide) // 2
        found = warped(_squared(view[..., None], 0)[..., 0] > 0, self.affine, side)
        return found[top : top + high, left : left + wide]


class Template:
    """A view to be laid over windows."""

    def __init__(self, pixels: Pixels, mask: Bools) -> None:
        """Args: pixels: (height, width, 3) the view's window; mask: (height, width) the thing in it."""
        self.picture = Image.fromarray(_squared(pixels))
        self.outline = Image.fromarray(_squared(mask[..., None] * np.uint8(255), 0)[..., 0])

    def laid(self, window: Window) -> Laid:
        """The best way to lay it over a window of about the same extent around a thing."""
        maps, scores = self._searched(window)
        found = Laid(-1.0, np.eye(2, 3))
        for number in np.argsort(-scores)[:TRIED]:
            one = self._adjusted(window.fine, maps[number])
            found = one if one.score > found.score else found
        return found

    def _searched(self, window: Window) -> tuple[list[Affine], FloatArray]:
        """Of each pose the map at its best place, and its correlation there."""
        backs, colours, outlines, sizes = _poses(self)
        if not len(backs):
            return [], np.zeros(0, np.float32)
        side = 2 * COARSE
        crossed = irfft2((colours * window.colours).sum(axis=-1), (side, side))
        sums = irfft2(outlines[..., None] * window.colours, (side, side), axes=(1, 2))
        squares = irfft2(outlines * window.squares, (side, side))
        counts = sizes[:, 0, None, None]
        spread = squares - (sums**2).sum(axis=-1) / counts
        scores = crossed / (
            np.sqrt(np.maximum(spread, FLAT * counts)) * np.maximum(sizes[:, 1], 1e-3)[:, None, None]
        )
        near = np.abs((np.arange(side) + COARSE) % side - COARSE) <= COARSE // 2
        scores = np.where(near[:, None] & near[None], scores, -1).reshape(len(backs), -1)
        best = scores.argmax(axis=1)
        shifts = (
            np.stack(np.unravel_index(best, (side, side)), axis=1) + COARSE
        ) % side - COARSE  # rows, columns
        maps = [_inverse(back, shift / COARSE) for back, shift in zip(backs, shifts, strict=True)]
        return maps, np.asarray(scores[np.arange(len(backs)), best], np.float32)

    @cached_property
    def _fine(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """(n, 2) places within the outline, (n, 3) colours there, (n, 3, 2) their slopes across and down."""
        seen = _square(self.picture, FINE)
        covered = np.asarray(self.outline.resize((FINE, FINE), Image.Resampling.BOX))
        inside = covered >= 128
        inside = inside if inside.sum() >= LEAST else covered > 0
        across, down = (np.asarray(np.gradient(seen, axis=axis), np.float32) for axis in (1, 0))
        rows, columns = np.nonzero(inside)
        places = (np.stack([columns, rows], axis=1) + 0.5) / FINE
        slopes = np.stack([across[inside], down[inside]], axis=-1) * FINE
        return places.astype(np.float32), seen[inside], slopes.astype(np.float32)

    def _adjusted(self, window: FloatArray, affine: Affine) -> Laid:
        """The map after a few rounds of least squares; the best that was met."""
        places, colours, slopes = self._fine
        centred = colours - colours.mean(axis=0)
        spread = np.float32(max(float(centred.std()), 0.01))
        wanted, own = centred / spread, slopes / spread
        homogeneous = np.concatenate([places, np.ones((len(places), 1), np.float32)], axis=1)
        steep = np.concatenate(
            [own[..., :1] * homogeneous[:, None], own[..., 1:] * homogeneous[:, None]], axis=2
        )
        steep = steep.reshape(-1, 6)  # (n * 3, 6)
        hessian = steep.T @ steep + 1e-2 * len(places) * np.diag([1, 1, 0.1, 1, 1, 0.1])
        best = Laid(-1.0, affine)
        for _ in range(ROUNDS):
            found = sampled(window, homogeneous @ affine.T)
            score, seen = _compared(wanted, found)
            score *= _credible(colours, found)
            if score > best.score:
                best = Laid(score, affine)
            step = np.linalg.solve(hessian, steep.T @ (seen - wanted).reshape(-1)).reshape(2, 3)
            turned = np.eye(3)
            turned[:2] += np.clip(step, -0.2, 0.2)
            affine = (np.vstack([affine, [0, 0, 1]]) @ np.linalg.inv(turned))[:2]
            larger, smaller = np.linalg.svd(affine[:, :2], compute_uv=False)
            if larger > LARGER or smaller < SMALLER or larger > ASLANT * smaller:
                break
        return best


@lru_cache(READY)
def _poses(template: Template) -> tuple[Doubles, NDArray[np.complex64], NDArray[np.complex64], Doubles]:
    """(n, 2, 3) maps of each pose from its template to the view; transforms of the colours within the
    outline and of the outline; (n, 2) pixels and length of the colours."""
    kept, colours, outlines, sizes = [], [], [], []
    for turn, scale, mirrored in product(TURNS, SCALES, (False, True)):
        back = pose(turn, scale, mirrored)
        outline = _seen(template.outline, back, COARSE)
        count = float(outline.sum())
        if count < LEAST:
            continue
        seen = _seen(template.picture, back, COARSE)
        centred = (seen - np.tensordot(outline, seen, 2) / count) * outline[..., None]
        kept.append(back)
        colours.append(rfft2(centred, (2 * COARSE, 2 * COARSE), axes=(0, 1)).conj().astype(np.complex64))
        outlines.append(rfft2(outline, (2 * COARSE, 2 * COARSE)).conj().astype(np.complex64))
        sizes.append((count, float(np.sqrt((centred**2).sum()))))
    if not kept:
        empty = np.zeros((0, COARSE, COARSE), np.complex64)
        return np.zeros((0, 2, 3)), empty, empty, np.zeros((0, 2))
    return np.stack(kept), np.stack(colours), np.stack(outlines), np.array(sizes, np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """A window of a picture made ready."""

    colours: NDArray[np.complex64]  # transform, (2 COARSE, COARSE + 1, 3)
    squares: NDArray[np.complex64]  # of the sum of their squares
    fine: FloatArray  # (FINE, FINE, 3) in [0, 1]

    @classmethod
    def of(cls, pixels: Pixels) -> Window:
        picture = Image.fromarray(_squared(pixels))
        small, fine = _square(picture, COARSE), _square(picture, FINE)
        ground = np.zeros((2 * COARSE, 2 * COARSE, 3), np.float32) + small.mean(axis=(0, 1))
        ground[:COARSE, :COARSE] = small
        colours, squares = rfft2(ground, axes=(0, 1)), rfft2((ground**2).sum(axis=-1))
        return cls(colours.astype(np.complex64), squares.astype(np.complex64), fine)


def _square(picture: Image.Image, side: int) -> FloatArray:
    """(side, side, 3) in [0, 1]."""
    small = picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(np.asarray(small, np.float32) / 255, np.float32)


def pose(turn: float, scale: float, mirrored: bool) -> Affine:
    """The map from a template to its view, about the middle: what is at a place of the template."""
    c, s = cos(radians(turn)) / scale, sin(radians(turn)) / scale
    linear = np.array([[c, s], [-s, c]])
    if mirrored:
        linear[0] *= -1
    return np.concatenate([linear, (0.5 - linear @ [0.5, 0.5])[:, None]], axis=1)


def warped(mask: Bools, affine: Affine, side: int) -> FloatArray:
    """(side, side) in [0, 1]: a square mask laid over a square window by a map from its own."""
    back = np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2]
    return _seen(Image.fromarray(mask.astype(np.uint8) * 255), back, side)


def sampled(picture: FloatArray, places: FloatArray | NDArray[np.float64]) -> FloatArray:
    """(n, channels) colours between pixels of a (side, side, channels) picture; (n, 2) x, y in [0, 1]."""
    side = len(picture)
    x, y = np.clip(places.T * side - 0.5, 0, side - 1.001)
    left, top = x.astype(np.int64), y.astype(np.int64)
    right, down = (x - left)[:, None].astype(np.float32), (y - top)[:, None].astype(np.float32)
    above = picture[top, left] * (1 - right) + picture[top, left + 1] * right
    below = picture[top + 1, left] * (1 - right) + picture[top + 1, left + 1] * right
    return np.asarray(above * (1 - down) + below * down, np.float32)


def _compared(wanted: FloatArray, found: FloatArray) -> tuple[float, FloatArray]:
    """Correlation of what agrees best, and what was found at the same mean and spread."""
    centred = found - found.mean(axis=0)
    seen = centred / np.float32(max(float(centred.std()), FLAT**0.5))
    off = ((seen - wanted) ** 2).sum(axis=1)
    good = off <= np.quantile(off, 1 - TRIMMED)
    one, other = wanted[good], centred[good] - centred[good].mean(axis=0)
    one = one - one.mean(axis=0)
    lengths = np.sqrt(float((one**2).sum()) * (float((other**2).sum()) + FLAT * other.size))
    return float((one * other).sum() / max(lengths, 1e-6)), np.asarray(seen, np.float32)


def _credible(colours: FloatArray, found: FloatArray) -> float:
    """In [0, 1]: may the light have made of some colours (n, 3) what was found?"""
    contrast = float(found.std(axis=0).mean()) / max(float(colours.std(axis=0).mean()), 0.01)
    one, other = (each.mean(axis=0) / max(float(each.mean(axis=0).sum()), 0.1) for each in (colours, found))
    hue = float(np.abs(one - other).sum())
    return min(1.0, contrast / PALE) * float(np.exp(-((hue / HUE) ** 2) / 2))


def _seen(picture: Image.Image, back: Affine, side: int) -> FloatArray:
    """(side, side[, 3]) in [0, 1] of what lies under a map from [0, 1] x [0, 1] into a square picture."""
    own = min(picture.width, round(1.5 * side))  # else fine patterns would alias
    if own < picture.width:
        picture = picture.resize((own, own), Image.Resampling.BOX)
    linear, shift = back[:, :2] * (own / side), back[:, 2] * own  # Pillow reckons from the middles of pixels
    data = (*linear[0], shift[0], *linear[1], shift[1])
    moved = picture.transform((side, side), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    return np.asarray(np.asarray(moved, np.float32) / 255, np.float32)


def _squared(pixels: NDArray[np.generic], ground: int | None = None) -> NDArray[np.uint8]:
    """(height, width, n) -> square, in the middle of a ground, which is their mean when none is given."""
    high, wide, count = pixels.shape
    side = max(high, wide)
    filled = np.zeros((side, side, count), np.uint8)
    filled[:] = pixels.reshape(-1, count).mean(axis=0).astype(np.uint8) if ground is None else ground
    top, left = (side - high) // 2, (side - wide) // 2
    filled[top : top + high, left : left + wide] = pixels
    return filled


def _inverse(back: Affine, shift: FloatArray | NDArray[np.float64]) -> Affine:
    """The map from a view to a window, where its template lies ``shift`` (down, across) in the window."""
    to = np.linalg.inv(np.vstack([back, [0, 0, 1]]))[:2]
    to[:, 2] += shift[::-1]
    return to
