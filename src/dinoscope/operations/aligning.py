"""Lays a view of a thing over a window of a picture, and says whether their details agree.

Roughly, the patches tell how it may lie (``posing``). Each such map is adjusted as an affine one by least
squares (inverse compositional: Baker and Matthews, Lucas-Kanade 20 years on, 2004); colours are compared
less their mean and relative to their spread, so light does not matter. Where it lies, what is about each
pixel is compared: the thing itself agrees there to a half and more, another of its kind hardly.

What it is for: the same side of the same thing. It tells lookalikes apart that a model holds for the same,
and knows the outline to a pixel; another side of a thing it does not know, and then says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools

FINE, FINEST = 48, 96  # pixels a side that a window has in the adjustment, and in the comparison
LEAST = 12  # pixels of a view, of which nothing can be said with fewer
TRIED, ROUNDS = 3, 8  # maps adjusted, and rounds of it
LAST = 3  # rounds at the finest scale
TRIMMED = 0.25  # share of the pixels that may be hidden: the worst are left out
LARGER, SMALLER, ASLANT = 2.0, 0.4, 1.7  # how a view may lie: its scales, and the ratio of its two
PALE = 0.4  # of the view's contrast: what has less of it is no view of the thing in another light
HUE = 0.2  # by which mean shares of red, green and blue may differ in another light
FLAT = 2e-4  # variance of a colour below which there is nothing to compare
RIM, CORE = 4, 0.35  # finest pixels within an outline left out of the comparison; share that stays at least
NEAR = 4  # finest pixels about each within which details are compared
FAINT = 4e-5  # variance of grey that is noise
LIGHTER = 0.5, 2.0  # by which light may change the contrast of a colour
SPREAD, PAINTED = 0.02, 1.2  # of colours, at least; and by how much they differ at most, in it

# (2, 3) from a view's window to another window, both made square by their means, in [0, 1] x [0, 1]
Doubles = NDArray[np.float64]
Affine = Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """How a view lies in a window."""

    score: float  # correlation of colours, -1 to 1
    details: float  # mean correlation of what is about each pixel, -1 to 1
    affine: Affine
    painted: float = 1.0  # difference of colours in the light that suits, in the window's spread: 0 the same

    @property
    def inverse(self) -> Affine:
        """From the window to the view."""
        return np.asarray(np.linalg.inv(np.vstack([self.affine, [0, 0, 1]]))[:2])

    def mask(self, view: Bools, high: int, wide: int) -> FloatArray:
        """(high, wide) in [0, 1]: the view's mask as it lies in the window."""
        side = max(high, wide)
        top, left = (side - high) // 2, (side - wide) // 2
        found = warped(_squared(view[..., None], 0)[..., 0] > 0, self.affine, side)
        return found[top : top + high, left : left + wide]


NOWHERE = Laid(-1.0, 0.0, np.eye(2, 3))  # in no way


class Template:
    """A view to be laid over windows."""

    def __init__(self, pixels: Pixels, mask: Bools) -> None:
        """Args: pixels: (height, width, 3) the view's window; mask: (height, width) the thing in it."""
        self.mask = mask
        self.picture = Image.fromarray(_squared(pixels))
        self.outline = Image.fromarray(_squared(mask[..., None] * np.uint8(255), 0)[..., 0])

    def laid(self, window: Window, maps: Doubles) -> Laid:
        """The best way to lay it over a window.

        Args:
            maps: (t, 2, 3) how it may lie, roughly, likeliest first.
        """
        if not len(maps):
            return NOWHERE
        found, maps = self._fine.adjusted(window.fine, maps[:TRIED], ROUNDS)
        finest, close = self._finest.adjusted(window.finest, maps, LAST)
        maps = np.where((finest > 0)[:, None, None], close, maps)
        alike = [self._alike(window.finest, one) for one in maps]
        best = max(range(len(maps)), key=lambda number: alike[number][0])
        details, painted = alike[best]
        return Laid(float(found[best]), details, maps[best], painted)

    @cached_property
    def _fine(self) -> Points:
        return Points.of(self, FINE)

    @cached_property
    def _finest(self) -> Points:
        return Points.of(self, FINEST)

    @cached_property
    def planes(self) -> FloatArray:
        """(3, FINEST, FINEST) the view in [0, 1]."""
        return np.ascontiguousarray(_square(self.picture, FINEST).transpose(2, 0, 1))

    @cached_property
    def cover(self) -> FloatArray:
        """(1, FINEST, FINEST) how much of each pixel is the thing's, in [0, 1]."""
        covered = self.outline.resize((FINEST, FINEST), Image.Resampling.BOX)
        return np.asarray(np.asarray(covered, np.float32)[None] / 255, np.float32)

    @cached_property
    def _inside(self) -> FloatArray:
        """(FINEST, FINEST) what is well inside the outline, in {0, 1}.

        Ground that an outline has taken in lies at its rim, and comes again without the thing.
        """
        whole = inside = _eroded(self.cover[0] >= 0.5)
        for _ in range(RIM):
            less = _eroded(inside)
            if less.sum() < CORE * whole.sum():
                break
            inside = less
        return inside.astype(np.float32)

    def _alike(self, window: FloatArray, affine: Affine) -> tuple[float, float]:
        """Of details about each pixel, light and what is far left aside: their mean correlation; and by how
        much colours differ."""
        planes = np.ascontiguousarray(window.transpose(2, 0, 1))
        seen = sampled(planes, shifted(affine, FINEST)[None])[0].reshape(self.planes.shape)
        inside = self._inside > 0
        details = correlated(self.planes.mean(axis=0), seen.mean(axis=0), self._inside)
        return details, repainted(self.planes[:, inside], seen[:, inside])


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """The pixels within a view's outline, for its map to be adjusted. Colours lie one after the other: to sum
    a million numbers three by three takes ten times as long."""

    places: FloatArray  # (3, n) x, y in [0, 1], and 1
    colours: FloatArray  # (3, n)
    wanted: FloatArray  # (3, n) the same less their mean, by their spread
    steep: FloatArray  # (3n, 6) how they change with the map

    @classmethod
    def of(cls, view: Template, side: int) -> Points:
        seen = _square(view.picture, side)
        covered = np.asarray(view.outline.resize((side, side), Image.Resampling.BOX))
        inside = covered >= 128
        inside = inside if inside.sum() >= LEAST else covered > 0
        across, down = (np.gradient(seen, axis=axis) for axis in (1, 0))
        rows, columns = np.nonzero(inside)
        places = np.stack([(columns + 0.5) / side, (rows + 0.5) / side, np.ones(len(rows))])
        colours = np.ascontiguousarray(seen[inside].T)
        centred = colours - colours.mean(axis=1, keepdims=True)
        spread = np.float32(max(float(centred.std()), 0.01))
        slopes = np.stack([across[inside].T, down[inside].T], axis=-1) * side / spread  # (3, n, 2)
        steep = slopes[..., None] * places.T[None, :, None, :]  # (3, n, 2, 3)
        return cls(
            places.astype(np.float32), colours, centred / spread, steep.reshape(-1, 6).astype(np.float32)
        )

    def adjusted(self, window: FloatArray, maps: Doubles, rounds: int) -> tuple[FloatArray, Doubles]:
        """(t,) scores and (t, 2, 3) maps after a few rounds of least squares, the best that were met.

        Args:
            window: (side, side, 3).
        """
        count = self.places.shape[1]
        hessian = self.steep.T @ self.steep + 1e-2 * count * np.diag([1, 1, 0.1, 1, 1, 0.1])
        inverse = np.linalg.inv(hessian)
        scores, best, maps = np.full(len(maps), -1, np.float32), maps.copy(), maps.copy()
        planes = np.ascontiguousarray(window.transpose(2, 0, 1))
        which = np.arange(len(maps))
        for _ in range(rounds):
            there = maps[which].astype(np.float32) @ self.places  # (t, 2, n)
            found = sampled(planes, there)
            score, seen = _compared(self.wanted, found)
            score *= _credible(self.colours, found)
            better = score > scores[which]
            scores[which[better]], best[which[better]] = score[better], maps[which[better]]
            off = (seen - self.wanted).reshape(len(there), -1)
            step = (off @ self.steep @ inverse).reshape(-1, 2, 3)
            turned = np.tile(np.eye(3), (len(there), 1, 1))
            turned[:, :2] += np.clip(step, -0.2, 0.2)
            maps[which] = (_squares(maps[which]) @ np.linalg.inv(turned))[:, :2]
            sizes = np.linalg.svd(maps[which][:, :, :2], compute_uv=False)
            larger, smaller = sizes[:, 0], sizes[:, 1]
            which = which[(larger <= LARGER) & (smaller >= SMALLER) & (larger <= ASLANT * smaller)]
            if not len(which):
                break
        return scores, best


def repainted(view: FloatArray, seen: FloatArray) -> float:
    """Of colours (3, n): by how much they differ mostly, each in the light that suits, relative to the spread
    of what is seen; 0 the same, about 1 nothing in common, PAINTED at most."""
    if not view.size:
        return 1.0
    one, other = (each - each.mean(axis=1, keepdims=True) for each in (view, seen))
    crossed, varied = ((one * each).sum(axis=1, keepdims=True) for each in (other, one))
    light = np.clip(crossed / np.maximum(varied, 1e-3), *LIGHTER)
    off = float(np.median(np.abs(light * one - other).mean(axis=0)))
    return min(off / max(float(np.abs(other).mean()), SPREAD), PAINTED)


def correlated(one: FloatArray, other: FloatArray, inside: FloatArray) -> float:
    """Of two grey pictures (side, side): their correlation about each pixel inside, where one has details."""
    count = np.maximum(boxed(inside), 1)

    def mean(of: FloatArray) -> FloatArray:
        return np.asarray(boxed(of * inside) / count, np.float32)

    middles = mean(one), mean(other)
    varied = mean(one**2) - middles[0] ** 2, mean(other**2) - middles[1] ** 2
    both = mean(one * other) - middles[0] * middles[1]
    alike = both / np.sqrt((np.maximum(varied[0], 0) + FAINT) * (np.maximum(varied[1], 0) + FAINT))
    say = inside * np.sqrt(np.maximum(varied[0], 0))
    return float((alike * say).sum() / max(float(say.sum()), 1e-6))


def boxed(values: FloatArray) -> FloatArray:
    """(side, side) sums over the squares of 2 NEAR + 1 pixels about each."""
    padded = np.pad(values, NEAR + 1)
    summed = padded.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
    wide, side = 2 * NEAR + 1, len(values)
    high, low = summed[wide : wide + side], summed[:side]
    return np.asarray(
        high[:, wide : wide + side] - high[:, :side] - low[:, wide : wide + side] + low[:, :side], np.float32
    )


def _eroded(inside: Bools) -> Bools:
    """Without its outermost pixels, if it has others."""
    padded = np.pad(inside, 1)
    kept = inside & padded[2:, 1:-1] & padded[:-2, 1:-1] & padded[1:-1, 2:] & padded[1:-1, :-2]
    return kept if kept.any() else inside


@dataclass(frozen=True, eq=False)
class Window:
    """A window of a picture made ready."""

    picture: Image.Image  # square

    @classmethod
    def of(cls, pixels: Pixels) -> Window:
        return cls(Image.fromarray(_squared(pixels)))

    @cached_property
    def fine(self) -> FloatArray:
        """(FINE, FINE, 3) in [0, 1]."""
        return _square(self.picture, FINE)

    @cached_property
    def finest(self) -> FloatArray:
        """(FINEST, FINEST, 3) in [0, 1]."""
        return _square(self.picture, FINEST)


def _square(picture: Image.Image, side: int) -> FloatArray:
    """(side, side, 3) in [0, 1]."""
    small = picture.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(np.asarray(small, np.float32) / 255, np.float32)


def warped(mask: Bools, affine: Affine, side: int) -> FloatArray:
    """(side, side) in [0, 1]: a square mask laid over a square window by a map from its own."""
    back = np.linalg.inv(np.vstack([affine, [0, 0, 1]]))[:2]
    return _seen(Image.fromarray(mask.astype(np.uint8) * 255), back, side)


def shifted(affine: Affine, side: int) -> FloatArray:
    """(2, side * side) where the middles of all pixels of a square come to lie by a map."""
    rows, columns = np.mgrid[:side, :side]
    places = (np.stack([columns.reshape(-1), rows.reshape(-1)]) + 0.5) / side
    return (affine[:, :2] @ places + affine[:, 2:]).astype(np.float32)


def sampled(planes: FloatArray, places: FloatArray) -> FloatArray:
    """(t, c, n) between pixels of a (c, side, side) picture; places (t, 2, n) x, y in [0, 1]."""
    side = planes.shape[-1]
    x, y = np.moveaxis(np.clip(places * side - np.float32(0.5), 0, side - 1.001), 1, 0)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, down = x - left, y - top
    first = top * side + left
    flat = planes.reshape(len(planes), -1)
    above = flat[:, first] * (1 - right) + flat[:, first + 1] * right  # (c, t, n)
    below = flat[:, first + side] * (1 - right) + flat[:, first + side + 1] * right
    return np.asarray(np.moveaxis(above * (1 - down) + below * down, 0, 1), np.float32)


def _compared(wanted: FloatArray, found: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(t,) correlations of what agrees best, and (t, 3, n) what was found at the same mean and spread."""
    centred = found - found.mean(axis=2, keepdims=True)
    spread = np.sqrt(np.einsum("tcn,tcn->t", centred, centred) / centred[0].size)
    seen = centred / np.maximum(spread, np.float32(FLAT**0.5))[:, None, None]
    off = ((seen - wanted) ** 2).sum(axis=1)
    most = min(off.shape[1] - 1, int((1 - TRIMMED) * off.shape[1]))
    good = (off <= np.partition(off, most, axis=1)[:, most : most + 1]).astype(np.float32)
    count = good.sum(axis=1)[:, None, None]
    one, other = (
        (each - np.einsum("tcn,tn->tc", each, good)[..., None] / count) * good[:, None]
        for each in (np.broadcast_to(wanted, centred.shape), centred)
    )
    crossed, own, seen_own = (
        np.einsum("tcn,tcn->t", first, second) for first, second in ((one, other), (one, one), (other, other))
    )
    scores = crossed / np.maximum(np.sqrt(own * (seen_own + FLAT * 3 * count[:, 0, 0])), 1e-6)
    return np.asarray(scores, np.float32), np.asarray(seen, np.float32)


def _credible(colours: FloatArray, found: FloatArray) -> FloatArray:
    """(t,) in [0, 1]: may the light have made of some colours (3, n) what was found, (t, 3, n)?"""
    contrast = found.std(axis=2).mean(axis=1) / max(float(colours.std(axis=1).mean()), 0.01)
    one, other = (
        each / np.maximum(each.sum(axis=-1, keepdims=True), 0.1)
        for each in (colours.mean(axis=1), found.mean(axis=2))
    )
    hue = np.abs(one - other).sum(axis=-1)
    return np.asarray(np.minimum(1.0, contrast / PALE) * np.exp(-((hue / HUE) ** 2) / 2), np.float32)


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


def _squares(maps: Doubles) -> Doubles:
    """(n, 2, 3) -> (n, 3, 3)."""
    last = np.broadcast_to(np.array([0.0, 0.0, 1.0]), (len(maps), 1, 3))
    return np.concatenate([maps, last], axis=1)
