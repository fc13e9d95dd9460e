"""Is it the very same thing from another side? A verdict by points and RANSAC, beside the semantic one.

Corners and blobs (SIFT, Lowe 2004) of both pictures are matched by their surroundings, and a plane's map
between them (a homography), or else the epipolar geometry of two cameras, is looked for that most of them
agree with (MAGSAC++, Barath et al. 2020). Two individuals of a kind have no such relation; two photos of
one poster, house or shelf do. All of it is OpenCV's (extra ``geometry``).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dinoscope.errors import MissingExtra
from dinoscope.features import Bytes, FloatArray, Pixels
from dinoscope.geometry import Size

Relation = Literal["plane", "cameras", "none"]
Doubles = NDArray[np.float64]

SIDE = 1024  # longest side in pixels at which points are looked for
POINTS = 2000  # of one picture at most, the strongest
DISTINCT = 0.8  # the best match must be this much nearer than the second (Lowe's ratio)
NEAR = 3.0  # pixels, at SIDE, that a point may miss its place by
# So many must agree, and such a share of those matched: by chance a plane finds 4 to 8 of any two pictures
PLANE, PLANE_SHARE = 12, 0.2
CAMERAS, CAMERAS_SHARE = 30, 0.5
DEEPER = (
    1.4  # so many times the plane's points: what is seen is no plane (a line takes more points by chance)
)
SHRUNK = 0.005  # a plane that maps a picture to less of its area, or more than the inverse, is no view of it


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A rigid relation of two pictures, or that there is none."""

    relation: Relation  # "plane": a homography; "cameras": a fundamental matrix; "none"
    matrix: Doubles | None  # (3, 3) homography from here to there, or fundamental matrix; original pixels
    mirrored: bool  # one picture is the mirror image
    here: FloatArray  # (n, 2) (x, y) of the points that agree, original pixels
    there: FloatArray  # (n, 2) where they are in the other picture
    matched: int  # points that had a counterpart at all

    @property
    def sentence(self) -> str:
        """The verdict for a person."""
        counted = f"{len(self.here)} of {self.matched} matched points agree"
        if self.relation == "none":
            return f"no rigid relation: {counted}"
        way = ", mirrored" if self.mirrored else ""
        what = "thing or view" if self.relation == "plane" else "scene, seen from two places"
        side = " from another side" if self.relation == "plane" and not self._still else ""
        return f"the same {what}{side}{way}: {counted}"

    @property
    def _still(self) -> bool:
        """The points lie where they were, but for a shift, a scale or a mirror."""
        if self.matrix is None:
            return False
        turn = self.matrix / self.matrix[2, 2]
        width = max(1.0, float(np.ptp(self.here)))
        bent = np.abs([turn[0, 1], turn[1, 0], turn[2, 0] * width, turn[2, 1] * width]).max()
        return bool(bent < 0.03)


def geometry_of(here: Pixels, there: Pixels, size_here: Size, size_there: Size) -> Geometry:
    """Look for a rigid relation between two pictures; 0.1-0.4 s.

    Args:
        here, there: their pixels, at any scale.
        size_here, size_there: of the originals, in whose pixels the answer is.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv = _opencv()
    cv.setRNGSeed(0)  # the same pair, the same verdict
    first, second = _grey(cv, here), _grey(cv, there)
    scales = size_here.width / first.shape[1], size_there.width / second.shape[1]
    described = _points(cv, first)
    found = _relation(cv, first.shape, described, _points(cv, second))
    if found.relation != "plane":
        mirror = np.ascontiguousarray(second[:, ::-1])
        other = _relation(cv, first.shape, described, _points(cv, mirror))
        if other.relation != "none" and len(other.here) > len(found.here):
            found = _mirrored(other, second.shape[1])
    return _scaled(found, *scales)


def _opencv() -> ModuleType:
    try:
        import cv2
    except ImportError:
        raise MissingExtra(
            "OpenCV is not installed, which looks for rigid relations: pip install 'dinoscope[geometry]'"
        ) from None
    module: ModuleType = cv2
    return module


def _grey(cv: Any, pixels: Pixels) -> Bytes:
    scale = min(1.0, SIDE / max(pixels.shape[:2]))
    if scale < 1:
        size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
        pixels = cv.resize(pixels, size, interpolation=cv.INTER_AREA)
    return np.asarray(cv.cvtColor(np.ascontiguousarray(pixels), cv.COLOR_RGB2GRAY), np.uint8)


def _points(cv: Any, grey: Bytes) -> tuple[FloatArray, FloatArray]:
    """(n, 2) places and (n, 128) descriptors, normed as Arandjelovic and Zisserman 2012 do."""
    keys, described = cv.SIFT_create(nfeatures=POINTS).detectAndCompute(grey, None)
    if described is None or not len(keys):
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    sums = np.maximum(described.sum(axis=1, keepdims=True), 1e-6)
    return np.asarray([key.pt for key in keys], np.float32), np.asarray(np.sqrt(described / sums), np.float32)


def _relation(
    cv: Any,
    shape: tuple[int, ...],
    here: tuple[FloatArray, FloatArray],
    there: tuple[FloatArray, FloatArray],
) -> Geometry:
    """The best relation at the scale points were looked for."""
    start, end = _paired(here, there)
    nothing = Geometry("none", None, False, start[:0], end[:0], len(start))
    if len(start) < 8:  # the fewest that settle a fundamental matrix
        return nothing
    by_plane = _robust(cv.findHomography, start, end, cv.USAC_MAGSAC, NEAR, maxIters=5000, confidence=0.999)
    by_cameras = _robust(cv.findFundamentalMat, start, end, cv.USAC_MAGSAC, NEAR, 0.999, 5000)
    plane, flat = by_plane
    cameras, deep = by_cameras
    found = nothing
    if flat.sum() >= max(PLANE, PLANE_SHARE * len(start)) and _sane(plane, shape):
        found = Geometry("plane", plane, False, start[flat], end[flat], len(start))
    if cameras is not None and deep.sum() >= max(
        CAMERAS, CAMERAS_SHARE * len(start), DEEPER * len(found.here)
    ):
        found = Geometry("cameras", cameras, False, start[deep], end[deep], len(start))
    return found


def _paired(
    here: tuple[FloatArray, FloatArray], there: tuple[FloatArray, FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Places of points that prefer each other to all others, and clearly so."""
    if len(here[0]) < 2 or len(there[0]) < 2:
        return here[0][:0], there[0][:0]
    alike = here[1] @ there[1].T
    best = alike.argmax(axis=1)
    mutual = alike.argmax(axis=0)[best] == np.arange(len(best))
    two = -np.partition(-alike, 1, axis=1)[:, :2]
    apart = np.sqrt(np.maximum(2 - 2 * two, 0))  # unit vectors: distance from cosine
    clear = np.flatnonzero(mutual & (apart[:, 0] < DISTINCT * apart[:, 1]))
    return here[0][clear], there[0][best[clear]]


def _robust(find: Any, *arguments: Any, **options: Any) -> tuple[Doubles | None, NDArray[np.bool_]]:
    """A matrix and which points agree; OpenCV refuses degenerate points by an exception or by None."""
    count = len(arguments[0])
    try:
        matrix, kept = find(*arguments, **options)
    except Exception as error:  # cv2.error is no class that could be imported here
        if type(error).__name__ != "error":
            raise
        matrix, kept = None, None
    if matrix is None or kept is None or matrix.shape != (3, 3):
        return None, np.zeros(count, np.bool_)
    return np.asarray(matrix, np.float64), np.asarray(kept).ravel().astype(np.bool_)


def _sane(plane: Doubles | None, shape: tuple[int, ...]) -> bool:
    """A real view of the plane: the picture's corners stay in front, in their order, at a fair size."""
    if plane is None:
        return False
    height, width = shape[:2]
    corners = np.asarray([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64) @ plane.T
    if (corners[:, 2] * plane[2, 2] <= 0).any():
        return False
    x, y = (corners[:, :2] / corners[:, 2:]).T
    area = 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / (width * height)
    return SHRUNK < area < 1 / SHRUNK  # positive: not folded over


def _mirrored(found: Geometry, width: int) -> Geometry:
    """The relation to a picture, from that to its mirror image."""
    back = np.asarray([[-1, 0, width - 1], [0, 1, 0], [0, 0, 1]], np.float64)
    there = np.asarray(found.there * [-1, 1] + [width - 1, 0], np.float32)
    assert found.matrix is not None
    matrix = back @ found.matrix if found.relation == "plane" else back.T @ found.matrix
    return Geometry(found.relation, matrix, True, found.here, there, found.matched)


def _scaled(found: Geometry, here: float, there: float) -> Geometry:
    """In original pixels, of which one at the scale of the points is ``here`` and ``there``."""
    down, up = np.diag([1 / here, 1 / here, 1]), np.diag([there, there, 1])
    matrix = found.matrix
    if matrix is not None:
        matrix = up @ matrix @ down if found.relation == "plane" else np.linalg.inv(up) @ matrix @ down
    return Geometry(
        found.relation,
        matrix,
        found.mirrored,
        np.asarray(found.here * here, np.float32),
        np.asarray(found.there * there, np.float32),
        found.matched,
    )
