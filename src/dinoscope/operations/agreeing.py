"""Where a view is laid over a window: what of the window is the thing, pixel by pixel.

The view's own outline may hold some of what was around the thing, and something else may hide a part of it in
the window. Neither looks the same in both, so a pixel is the thing's where both have the same colour, each
colour less its mean and by its spread, which is what another light changes.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from dinoscope.features import FloatArray
from dinoscope.geometry import Bools
from dinoscope.operations.aligning import FINEST, LIGHTER, Laid, Template, Window, sampled, shifted

ROUNDS, WORST = 3, 0.3  # of fitting the light; share of the pixels it is not fitted to
APART, USUAL = (
    0.25,
    2.5,
)  # difference of colours that is too much: at least, and in those usual within the outline
LEAST = 20  # pixels


def agreed(window: Window, template: Template, laid: Laid, high: int, wide: int) -> FloatArray:
    """(high, wide) of a window, in [0, 1]: the outline of the view where the view agrees with the window."""
    places = shifted(laid.inverse, FINEST)
    view, outline = template.planes, template.cover
    there, covered = sampled(view, places[None])[0], sampled(outline, places[None])[0, 0]  # (3, n), (n,)
    covered = covered * ((places > 0) & (places < 1)).all(axis=0)
    seen = window.finest.reshape(-1, 3).T
    off = _off(there, seen, covered > 0.5)
    if off is None:
        return laid.mask(template.mask, high, wide)
    inside = float(np.median(off[covered > 0.5]))
    alike = np.exp(-((_smooth(off) / max(APART, USUAL * inside)) ** 2))
    share = alike * np.clip(3 * _smooth(covered), 0, 1)
    side = max(high, wide)
    found = np.asarray(
        Image.fromarray(share.astype(np.float32), "F").resize((side, side), Image.Resampling.BILINEAR)
    )
    top, left = (side - high) // 2, (side - wide) // 2
    return found[top : top + high, left : left + wide].clip(0, 1)


def _off(there: FloatArray, seen: FloatArray, inside: Bools) -> FloatArray | None:
    """(n,) mean difference of colours, (3, n) each, in the light that suits most of those inside."""
    if inside.sum() < LEAST:
        return None
    chosen, off = inside, np.zeros(len(inside), np.float32)
    for _ in range(ROUNDS):
        one, other = there[:, chosen], seen[:, chosen]
        middles = one.mean(axis=1, keepdims=True), other.mean(axis=1, keepdims=True)
        varied = np.maximum(((one - middles[0]) ** 2).sum(axis=1, keepdims=True), 1e-3)
        crossed = ((one - middles[0]) * (other - middles[1])).sum(axis=1, keepdims=True)
        light = np.clip(crossed / varied, *LIGHTER)
        off = np.abs(light * (there - middles[0]) + middles[1] - seen).mean(axis=0)
        chosen = inside & (off <= np.quantile(off[inside], 1 - WORST))
    return np.asarray(off, np.float32)


def _smooth(values: FloatArray) -> FloatArray:
    """(FINEST, FINEST) means of each pixel and its neighbours."""
    padded = np.pad(values.reshape(FINEST, FINEST), 1, mode="edge")
    rows = padded[:-2] + padded[1:-1] + padded[2:]
    return np.asarray((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9, np.float32)
