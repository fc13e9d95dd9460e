"""Colours for patches: three principal components, fitted once, so that a colour means the same anywhere.

A palette is fitted on many pictures and kept. Two things would spoil colours that are plain components of
all patches, and are taken care of:

- A transformer's patches also tell where they are. Half of the variance of the starter's last layer is its
  place, so the head of an animal at the top and at the bottom of a picture would be of two colours. What
  background patches say of their place is taken from all patches.
- Most patches of most pictures are background. Foreground patches count more: those that CLS attends to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dinoscope.features import Bytes, FloatArray, Inside

RANGE = (0.03, 0.97)  # of the foreground's values of a component: from black to full colour
SOFT = 0.25  # spread of foreground values from background to foreground, in standard deviations
FLOOR = 0.01  # of the mean attention: less is no less background
STIFF = 0.01  # ridge of the foreground's direction, in mean variances of a number


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """What turns patch vectors of one model, layer and facet to colours."""

    place: FloatArray  # (F, D) what a patch says of its place, see ``placed``
    mean: FloatArray  # (D,)
    axes: FloatArray  # (3, D) red, green, blue
    low: FloatArray  # (3,) value that is 0
    high: FloatArray  # (3,) value that is 255
    ground: FloatArray  # (D,) the direction from background to foreground
    middle: np.float32  # value between the two
    spread: np.float32  # standard deviation of the values

    def paint(self, inside: Inside) -> Colours:
        """The picture's patches in colours, and how much each is foreground."""
        shape = inside.vectors.shape
        place = (placed(*shape[:2]) @ self.place).reshape(shape)
        patches = inside.vectors - place - self.mean
        values = (patches @ self.axes.T - self.low) / (self.high - self.low)
        distance = (patches @ self.ground - self.middle) / (SOFT * self.spread)
        return Colours(
            np.asarray(np.rint(255 * np.clip(values, 0, 1)), np.uint8),
            np.asarray(1 / (1 + np.exp(-distance.clip(-30, 30))), np.float32),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Colours:
    """A picture's patches as colours."""

    rgb: Bytes  # (rows, columns, 3)
    foreground: FloatArray  # (rows, columns) in [0, 1]


def fit_palette(seen: Sequence[Inside]) -> Palette:
    """The palette of pictures seen in one layer and facet; the same pictures always give the same one."""
    patches = np.concatenate([one.vectors.reshape(-1, one.vectors.shape[-1]) for one in seen])
    places = np.concatenate([placed(*one.vectors.shape[:2]) for one in seen])
    noticed = np.concatenate([_noticed(one.attention) for one in seen])
    weights = 1 / (1 + np.exp(-2 * noticed))  # of foreground
    place = _place(places, patches, 1 - weights)
    patches -= places @ place
    mean = np.average(patches, axis=0, weights=weights).astype(np.float32)
    patches -= mean
    axes = _axes(patches, weights)
    low, high = (_quantiles(patches @ axes.T, weights, part) for part in RANGE)
    ground = _ground(patches, noticed)
    told = patches @ ground
    spread = np.maximum(told.std(), np.float32(1e-6))
    # where attention tells nothing, all is foreground
    middle = _parting(told) if spread > 1e-6 else np.float32(-1)
    return Palette(place, mean, axes, low, np.maximum(high, low + np.float32(1e-6)), ground, middle, spread)


def placed(rows: int, columns: int) -> FloatArray:
    """(rows * columns, F) smooth functions of a patch's place: products of powers of x and y up to 4."""
    x, y = ((np.arange(count) + 0.5) / count * 2 - 1 for count in (columns, rows))
    powers = [
        (0, 0),
        (1, 0),
        (0, 1),
        (2, 0),
        (0, 2),
        (1, 1),
        (2, 1),
        (1, 2),
        (3, 0),
        (0, 3),
        (4, 0),
        (0, 4),
        (2, 2),
    ]
    return np.stack([np.outer(y**b, x**a).ravel() for a, b in powers], axis=1).astype(np.float32)


def _noticed(attention: FloatArray) -> FloatArray:
    """(heads, rows, columns) -> (N,) logarithm of how many times the mean attention a patch gets."""
    mean = attention.mean(axis=0).ravel()
    share = mean / mean.mean() if mean.any() else np.ones_like(mean)
    return np.asarray(np.log(np.maximum(share, FLOOR)), np.float32)


def _place(places: FloatArray, patches: FloatArray, weights: FloatArray) -> FloatArray:
    """(F, D): weighted least squares of what patches say of their place."""
    weighted = places * weights[:, None]
    tiny = 1e-6 * len(places) * np.eye(places.shape[1])
    return np.linalg.solve(weighted.T @ places + tiny, weighted.T @ patches).astype(np.float32)


def _axes(centred: FloatArray, weights: FloatArray) -> FloatArray:
    """(3, D) principal axes. An axis' sign is chance, so each is turned so that background is dark.

    An axis on which background is nowhere is turned so that its longer tail is bright.
    """
    _, axes = np.linalg.eigh((centred * weights[:, None]).T @ centred)
    axes = axes[:, ::-1][:, :3].T
    values = centred @ axes.T
    background = np.average(values, axis=0, weights=1 - weights)
    tail = np.cbrt(np.average(values**3, axis=0, weights=weights))
    return np.asarray(axes * np.where(0.1 * tail < background, -1, 1)[:, None], np.float32)


def _quantiles(values: FloatArray, weights: FloatArray, part: float) -> FloatArray:
    """(n, 3) -> (3,) the value below which ``part`` of the weight lies."""
    order = np.argsort(values, axis=0)
    at = np.array([np.searchsorted(one, part * one[-1]) for one in np.cumsum(weights[order], axis=0).T])
    return np.asarray(values[order[at, range(3)], range(3)], np.float32)


def _ground(centred: FloatArray, noticed: FloatArray) -> FloatArray:
    """(D,) along which attention grows: ridge regression."""
    scatter = centred.T @ centred
    ridge = (STIFF * np.trace(scatter) / len(scatter) + 1e-6) * np.eye(len(scatter))
    return np.linalg.solve(scatter + ridge, centred.T @ (noticed - noticed.mean())).astype(np.float32)


def _parting(values: FloatArray) -> np.float32:
    """The value that parts two groups best (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    middles, below = (edges[1:] + edges[:-1]) / 2, np.cumsum(counts) / counts.sum()
    sums = np.cumsum(counts * middles) / counts.sum()
    between = (sums[-1] * below - sums) ** 2 / np.maximum(below * (1 - below), 1e-9)
    return np.float32(middles[between.argmax()])
