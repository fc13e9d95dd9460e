"""Is the one picture a copy of the other? What is measured of two pictures, and what it makes likely."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log1p

import numpy as np

from dinoscope.features import FloatArray, Pixels
from dinoscope.geometry import Size
from dinoscope.operations.copy_maps import Doubles, align
from dinoscope.operations.copy_pixels import Laid, area, common_outline, lay, stretched_map, thumb_correlation
from dinoscope.pictures.fingerprint import differing, orientations
from dinoscope.pictures.keypoints import POINTS, SIDE, Keypoints, grey_of, keypoints

FEW, UNLIKE = 5, 60  # points that agree by chance, and bits by which unlike fingerprints differ
STRETCHED = (
    0.7  # correlation of two whole pictures at 32 x 32 from which they are laid on each other as wholes
)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture made ready to be compared with many others; from its thumbnail or its own pixels."""

    size: Size  # of the original
    pixels: Pixels  # at most keypoints.SIDE a side
    grey: FloatArray  # (height, width) of these
    points: Keypoints
    fingerprints: np.ndarray[tuple[int, int], np.dtype[np.uint8]]  # (8, 32) of its 8 orientations
    quality: int  # of the fingerprints, 0 to 100

    @classmethod
    def of(cls, pixels: Pixels, size: Size, side: int = SIDE) -> Seen:
        """Some 35 ms at 320 pixels a side."""
        small = reduced(pixels, side)
        grey = grey_of(small, side)
        bits, quality = orientations(small)
        return cls(size, small, grey, keypoints(grey, POINTS * side // SIDE), bits, quality)


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What two pictures have in common under the map that says most for it."""

    matrix: Doubles  # (3, 3) from here to there, original pixels
    frame: tuple[float, float]  # width and height of here, original pixels
    agreeing: int  # points
    matched: int
    missed: float  # pixels by which the median of these points misses its place; 2 where there are none
    laid: Laid
    shared: tuple[float, float]  # share of here, and of there, that lies in both
    bits: int  # of 256 by which the fingerprints differ, in the best orientation
    whole: float  # correlation of the whole pictures, small and in the best orientation

    @property
    def numbers(self) -> tuple[float, ...]:
        """What the probability is made of, each about 0 to 1; in the order of WEIGHTS."""
        return (
            min(1.0, log1p(self.agreeing) / log1p(100)),
            self.agreeing / max(8, self.matched),
            self.laid.agree,
            max(0.0, self.laid.correlation),
            min(1.0, log1p(self.laid.windows) / log1p(1000)),
            max(0.0, 1 - self.bits / 96),
            max(0.0, self.laid.clear),
            max(0.0, 1 - self.missed / 2),
        )

    @property
    def score(self) -> float:
        """Logarithm of the odds that one is a copy of the other, before what is said of their likeness."""
        return BIAS + float(np.dot(WEIGHTS, self.numbers))


# Logistic regression on one half of the originals of benchmarks/copies.py, against other pictures and the
# likest pairs of 675 that are not copies: other things in the same pose, other photos of one statue
WEIGHTS = (-1.5, 2.8, 5.38, 6.22, 0.42, 2.31, 3.73, 5.36)
BIAS = -13.71


def probability(score: float) -> float:
    """Log-odds -> [0, 1]."""
    return 1 / (1 + exp(-max(-60.0, min(60.0, score))))


def examine(here: Seen, there: Seen) -> Evidence | None:
    """The best that can be said for a copy; None when the two have nothing in common."""
    bits = int(differing(there.fingerprints[0], here.fingerprints).min())
    whole, turned = thumb_correlation(here.grey, there.grey)
    points = align(here.points, there.points)
    matched = 0 if points is None else points.matched
    if (points is None or points.agreeing < FEW) and whole <= STRETCHED and bits > UNLIKE:
        return None  # nothing speaks for it: four pairs of points agree by chance
    maps: list[tuple[Doubles, int, float]] = []
    if points is not None:
        maps.append((points.matrix, points.agreeing, points.missed))
    if whole > STRETCHED or not maps:
        maps.append((stretched_map(here.grey, there.grey, turned), 0, 2.0))
    found = []
    for matrix, agreeing, missed in maps:
        laid = lay(here.grey, there.grey, matrix)
        shared = _shared(here, there, matrix)
        if laid is not None and shared is not None:
            frame = float(here.size.width), float(here.size.height)
            full = _of_originals(here, there, matrix)
            found.append(Evidence(full, frame, agreeing, matched, missed, laid, shared, bits, whole))
    return max(found, key=lambda one: one.score, default=None)


def _shared(here: Seen, there: Seen, matrix: Doubles) -> tuple[float, float] | None:
    """Share of here, and of there, that lies in both; None where nothing does."""
    sides = [(float(one.grey.shape[1]), float(one.grey.shape[0])) for one in (here, there)]
    outlines = common_outline(matrix, sides[0], sides[1])
    if outlines is None:
        return None
    first, second = (
        min(1.0, area(outline) / (side[0] * side[1])) for outline, side in zip(outlines, sides, strict=True)
    )
    return first, second


def _of_originals(here: Seen, there: Seen, matrix: Doubles) -> Doubles:
    """The map between the reduced pictures, as one between the originals."""
    down = np.diag([here.grey.shape[1] / here.size.width, here.grey.shape[0] / here.size.height, 1.0])
    up = np.diag([there.size.width / there.grey.shape[1], there.size.height / there.grey.shape[0], 1.0])
    full = up @ matrix @ down
    return np.asarray(full / full[2, 2], np.float64)


def reduced(pixels: Pixels, side: int = SIDE) -> Pixels:
    """At most ``side`` pixels a side, as thumbnails are."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    from PIL import Image

    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=1.5)
    return np.asarray(image)
