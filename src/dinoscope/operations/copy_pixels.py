"""Two pictures laid on each other by a map between them: where their pixels agree, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray, Pixels
from dinoscope.operations.copy_maps import Doubles, inverse, moved

SIDE = 192  # pixels: longest side at which pictures are compared
WINDOW = 9  # pixels, the side of what is compared at once
AGREES = 0.55  # correlation of a window from which it shows the same
_FLAT = 0.012  # of [0, 1]: spread of a window below which it shows nothing
_STRIDE = 4  # pixels between two windows
_LEAST = 12  # windows with something in them, below which nothing can be said

Corners = NDArray[np.float64]  # (n, 2) (x, y) of an outline


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """What pixels say of two pictures laid on each other, in the coarser one's frame."""

    agree: float  # share of what they show that agrees, in [0, 1], the more contrast the more say
    correlation: float  # mean of the windows' correlations, -1 to 1, weighed likewise
    clear: float  # the correlation that the best quarter of the windows reaches
    windows: int  # with something in them
    differs: NDArray[np.bool_]  # (rows, columns) windows that show something else
    common: NDArray[np.bool_]  # (rows, columns) windows that lie in both pictures
    contrast: float  # spread of here in what is shared, beside that of there
    brightness: float  # mean of here less that of there, of [0, 1]
    sharpness: float  # strength of the finest detail of here, beside that of there


def lay(here: FloatArray, there: FloatArray, matrix: Doubles) -> Laid | None:
    """Compare two pictures; some 8 ms. None where they share too little.

    Args:
        here, there: (height, width) luminance in [0, 1].
        matrix: (3, 3) from here's pixels to there's.
    """
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    swapped = scale < 1
    frame, other, back = (there, here, inverse(matrix)) if swapped else (here, there, matrix)
    shrink = min(1.0, SIDE / max(frame.shape))
    small = _resized(frame, shrink)
    to_frame = np.diag([frame.shape[1] / small.shape[1], frame.shape[0] / small.shape[0], 1.0])
    over, inside = _warped(other, back @ to_frame, small.shape)
    if inside.sum() < _LEAST * _STRIDE**2:
        return None
    first, second = (over, small) if swapped else (small, over)
    return _compared(_smooth(first), _smooth(second), inside, first, second)


def thumb_correlation(here: FloatArray, there: FloatArray) -> tuple[float, int]:
    """(the best correlation of two whole pictures stretched on each other, in which of 8 orientations)."""
    a, b = (_stretched(one) for one in (here, there))
    tried = [float((a * turned).mean()) for turned in _orientations(b)]
    best = int(np.argmax(tried))
    return tried[best], best


def stretched_map(here: FloatArray, there: FloatArray, orientation: int) -> Doubles:
    """The (3, 3) map that stretches the whole of here on the whole of there, turned or mirrored."""
    unit = np.asarray(_UNIT[orientation], np.float64)
    down = np.diag([1 / here.shape[1], 1 / here.shape[0], 1.0])
    return np.asarray(np.diag([there.shape[1], there.shape[0], 1.0]) @ unit @ down, np.float64)


def common_outline(
    matrix: Doubles, here: tuple[float, float], there: tuple[float, float]
) -> tuple[Corners, Corners] | None:
    """The outlines, in here and in there, of what lies in both pictures; None when nothing does.

    Args:
        matrix: (3, 3) from here's coordinates to there's.
        here, there: width and height of the pictures.
    """
    frame = np.asarray([[0, 0], [there[0], 0], [there[0], there[1]], [0, there[1]]], np.float64)
    outline = clipped(moved(inverse(matrix), frame), here)
    if len(outline) < 3 or area(outline) < 1e-6 * here[0] * here[1]:
        return None
    return outline, moved(matrix, outline)


def clipped(outline: Corners, size: tuple[float, float]) -> Corners:
    """A convex outline cut off at a picture's borders (Sutherland and Hodgman 1974)."""
    for axis, limit, sign in ((0, 0.0, 1), (0, size[0], -1), (1, 0.0, 1), (1, size[1], -1)):
        kept: list[NDArray[np.float64]] = []
        for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
            a, b = sign * (start[axis] - limit), sign * (end[axis] - limit)
            if a >= 0:
                kept.append(start)
            if (a >= 0) != (b >= 0):
                kept.append(start + (end - start) * (a / (a - b)))
        outline = np.asarray(kept, np.float64).reshape(-1, 2)
        if not len(outline):
            break
    return outline


def area(outline: Sequence[Sequence[float]] | Corners) -> float:
    """Of a simple outline."""
    x, y = np.asarray(outline, np.float64).T
    return float(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)


# of the unit square: as it is, turned by quarters, and each of these mirrored
_UNIT = (
    ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ((0, -1, 1), (1, 0, 0), (0, 0, 1)),
    ((-1, 0, 1), (0, -1, 1), (0, 0, 1)),
    ((0, 1, 0), (-1, 0, 1), (0, 0, 1)),
    ((-1, 0, 1), (0, 1, 0), (0, 0, 1)),
    ((0, -1, 1), (-1, 0, 1), (0, 0, 1)),
    ((1, 0, 0), (0, -1, 1), (0, 0, 1)),
    ((0, 1, 0), (1, 0, 0), (0, 0, 1)),
)


def _orientations(square: FloatArray) -> list[FloatArray]:
    """A square picture as each map of _UNIT would fetch it: there(map(here))."""
    turned = [np.rot90(square, k) for k in (0, 1, 2, 3)]
    return [*turned, square[:, ::-1], np.rot90(square, 2).T, square[::-1], square.T]


def _stretched(grey: FloatArray) -> FloatArray:
    from PIL import Image

    small = np.asarray(Image.fromarray(grey).resize((32, 32), Image.Resampling.BOX), np.float32)
    return np.asarray((small - small.mean()) / max(float(small.std()), 1e-3), np.float32)


def _resized(grey: FloatArray, share: float) -> FloatArray:
    from PIL import Image

    size = max(1, round(grey.shape[1] * share)), max(1, round(grey.shape[0] * share))
    if size == grey.shape[::-1]:
        return grey
    return np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.float32)


def warped(pixels: Pixels, matrix: Doubles, shape: tuple[int, int]) -> Pixels:
    """(height, width, 3) of what a (3, 3) map from the wanted frame to ``pixels`` fetches; 0 outside."""
    from PIL import Image

    turned = matrix / matrix[2, 2]
    image = Image.fromarray(pixels).transform(
        shape[::-1], Image.Transform.PERSPECTIVE, turned.ravel()[:8].tolist(), Image.Resampling.BILINEAR
    )
    return np.asarray(image, np.uint8)


def _warped(
    grey: FloatArray, matrix: Doubles, shape: tuple[int, ...]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """What the map from the wanted frame fetches of a picture, and where it lies in it."""
    from PIL import Image

    shrink = min(1.0, 1 / max(1e-6, float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))))
    source = _resized(grey, max(shrink, 8 / max(grey.shape)))
    down = np.diag([source.shape[1] / grey.shape[1], source.shape[0] / grey.shape[0], 1.0])
    full = down @ matrix
    if abs(full[2, 2]) < 1e-9:
        return np.zeros(shape, np.float32), np.zeros(shape, np.bool_)
    full = full / full[2, 2]
    image = Image.fromarray(source).transform(
        (shape[1], shape[0]),
        Image.Transform.PERSPECTIVE,
        full.ravel()[:8].tolist(),
        Image.Resampling.BILINEAR,
    )
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    x, y = moved(full, np.stack([columns.ravel(), rows.ravel()], axis=1)).T
    inside = (x > 1) & (y > 1) & (x < source.shape[1] - 1) & (y < source.shape[0] - 1)
    return np.asarray(image, np.float32), inside.reshape(shape)


def _smooth(values: FloatArray) -> FloatArray:
    """A blur of a pixel, for maps err by as much."""
    for axis in (0, 1):
        padded = np.pad(values, [(1, 1) if axis == 0 else (0, 0), (1, 1) if axis == 1 else (0, 0)], "edge")
        first = padded[:-2] if axis == 0 else padded[:, :-2]
        last = padded[2:] if axis == 0 else padded[:, 2:]
        values = np.asarray((first + 2 * values + last) / 4, np.float32)
    return values


def _compared(
    here: FloatArray, there: FloatArray, inside: NDArray[np.bool_], sharp: FloatArray, also: FloatArray
) -> Laid | None:
    full = _means(inside.astype(np.float32)) > 0.999
    mean_h, mean_t = _means(here), _means(there)
    var_h = np.maximum(_means(here * here) - mean_h**2, 0)
    var_t = np.maximum(_means(there * there) - mean_t**2, 0)
    cov = _means(here * there) - mean_h * mean_t
    seen = full & (np.maximum(var_h, var_t) > _FLAT**2)
    if seen.sum() < _LEAST:
        return None
    correlation = cov / np.sqrt(np.maximum(var_h, _FLAT**2 / 2) * np.maximum(var_t, _FLAT**2 / 2))
    weight = np.where(seen, np.sqrt(np.sqrt(var_h * var_t) + _FLAT**2), 0)
    total = float(weight.sum())
    good = correlation > AGREES
    spreads = [float(picture[inside].std()) for picture in (here, there)]
    fine = [float(np.abs(a - b)[inside].mean()) for a, b in ((sharp, here), (also, there))]
    return Laid(
        agree=float((weight * good).sum() / total),
        correlation=float((weight * np.clip(correlation, -1, 1)).sum() / total),
        clear=float(np.quantile(np.clip(correlation[seen], -1, 1), 0.75)),
        windows=int(seen.sum()),
        differs=seen & (correlation < 0.3),
        common=full,
        contrast=spreads[0] / max(spreads[1], 1e-4),
        brightness=float(here[inside].mean() - there[inside].mean()),
        sharpness=fine[0] / max(fine[1], 1e-5) * max(spreads[1], 1e-4) / max(spreads[0], 1e-4),
    )


def _means(values: FloatArray) -> FloatArray:
    """(rows, columns) means of the windows, _STRIDE pixels apart."""
    sums = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(np.cumsum(values, axis=0, dtype=np.float64), axis=1, out=sums[1:, 1:])
    rows = np.arange(0, max(1, values.shape[0] - WINDOW + 1), _STRIDE)
    columns = np.arange(0, max(1, values.shape[1] - WINDOW + 1), _STRIDE)
    down, right = np.minimum(rows + WINDOW, values.shape[0]), np.minimum(columns + WINDOW, values.shape[1])
    total = sums[np.ix_(down, right)] - sums[np.ix_(rows, right)] - sums[np.ix_(down, columns)]
    total += sums[np.ix_(rows, columns)]
    return np.asarray(total / np.outer(down - rows, right - columns), np.float32)
