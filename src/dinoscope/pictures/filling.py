"""The transparent ground of a picture, filled with the colours beside it: no edge to white is left."""

from __future__ import annotations

import numpy as np

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Bools, Mask


def filled(pixels: Pixels, shown: Mask) -> Pixels:
    """What is shown as it is, and elsewhere a soft mixture of what is shown nearby.

    By averages over squares of ever twice the side, and back ("pull and push": Gortler, Grzeszczuk, Szeliski
    and Cohen, The Lumigraph, 1996).

    Args:
        shown: at any scale.
    """
    there = _at_scale(shown, pixels.shape[0], pixels.shape[1])
    if there.all() or not there.any():
        return pixels
    levels = [(np.where(there[..., None], pixels, 0).astype(np.float32), there)]
    while not levels[-1][1].all():
        levels.append(_halved(*levels[-1]))
    ground = levels.pop()[0]
    for colours, known in reversed(levels):
        ground = np.where(known[..., None], colours, _doubled(ground, known.shape[0], known.shape[1]))
    return np.asarray(np.where(there[..., None], pixels, ground), np.uint8)


def _at_scale(shown: Mask, height: int, width: int) -> Bools:
    own = shown.picture
    rows, columns = np.arange(height) * own.height // height, np.arange(width) * own.width // width
    return shown.pixels[np.ix_(rows, columns)]


def _halved(colours: FloatArray, known: Bools) -> tuple[FloatArray, Bools]:
    """The means of the known pixels of each square of four, and where there are any."""
    high, wide = (known.shape[0] + 1) // 2, (known.shape[1] + 1) // 2
    odd = (0, 2 * high - known.shape[0]), (0, 2 * wide - known.shape[1])
    count = np.pad(known, odd).reshape(high, 2, wide, 2).sum(axis=(1, 3))
    sums = np.pad(colours, (*odd, (0, 0))).reshape(high, 2, wide, 2, 3).sum(axis=(1, 3))
    return np.asarray(sums / np.maximum(count, 1)[..., None], np.float32), count > 0


def _doubled(colours: FloatArray, height: int, width: int) -> FloatArray:
    """Twice as large, smooth, cut to a size."""
    from PIL import Image

    small = Image.fromarray(np.asarray(colours, np.uint8))
    large = small.resize((2 * small.width, 2 * small.height), Image.Resampling.BILINEAR)
    return np.asarray(large, np.float32)[:height, :width]
