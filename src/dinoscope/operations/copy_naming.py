"""What was done to a picture so that it became the other one, told from how the two lie on each other."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, log
from typing import Literal

import numpy as np

from dinoscope.features import FloatArray
from dinoscope.operations.copy_evidence import Evidence, Seen
from dinoscope.operations.copy_maps import Doubles, inverse, moved

Side = Literal["here", "there"]

TITLES = {  # of each edit, for a person
    "identical": "the same file",
    "crop": "cropped",
    "mirror": "mirrored",
    "rotation": "rotated",
    "stretch": "stretched",
    "perspective": "seen askew",
    "overlay": "something put over it",
    "inset": "within another picture",
    "border": "a border around it",
    "light": "brightness or contrast changed",
    "grey": "without colours",
    "colour": "colours changed",
    "blur": "blurred or enlarged",
    "size": "another size",
    "compression": "compressed again",
}
ALL = 0.93  # of a picture: who shares so much shares all of it
STILL = 2.5  # degrees
STRETCHED = 1.07
ASKEW = 0.05
COVERED = (
    0.035,
    4,
)  # share of the windows that show something else, and how many, from which something lies over
BRIGHTER, STARKER = 0.05, 1.25
COLOURLESS, COLOURED = 0.025, 1.4
BLUNT, BLUNT_SCALED = (
    1.5,
    2.4,
)  # in finest detail, of pictures at one scale, and at two: resizing smooths, too
EDGE = 1.8  # how much stronger the change across an outline is than beside it, where a picture was pasted
PLAIN = 0.03  # of [0, 1]: spread of what lies around a picture that is but a border


@dataclass(frozen=True, slots=True)
class Naming:
    """Which of two is the copy, and what was done to the other for it."""

    copy: Side
    edits: tuple[str, ...]  # of TITLES

    @property
    def words(self) -> str:
        """For a sentence: "cropped, mirrored"."""
        return ", ".join(TITLES[edit] for edit in self.edits)


def name_edits(found: Evidence, here: Seen, there: Seen) -> Naming:
    """Name them, the most telling first."""
    edits, copy = _surroundings(found, here, there)
    edits += _moved(found)
    laid = found.laid
    covered = int(laid.differs.sum())
    if covered >= COVERED[1] and covered > COVERED[0] * max(1, int(laid.common.sum())):
        edits.append("overlay")
    tones, paler = _tones(found, here, there)
    edits += tones
    sharper: Side = "here" if laid.sharpness > 1 else "there"
    still = min(found.shared) >= ALL and not edits
    if max(laid.sharpness, 1 / max(laid.sharpness, 1e-6)) > (BLUNT if still else BLUNT_SCALED):
        edits.append("blur")
        copy = copy or ("there" if sharper == "here" else "here")
    copy = copy or paler
    more = here.size.pixels - there.size.pixels
    if here.size != there.size and not edits:
        edits.append("size")
    if not edits:
        edits.append("compression")
    return Naming(copy or ("here" if more < 0 else "there"), tuple(dict.fromkeys(edits)))


def _surroundings(found: Evidence, here: Seen, there: Seen) -> tuple[list[str], Side | None]:
    """What one picture shows beyond the other, and which is the copy by that."""
    whole_here, whole_there = found.shared[0] >= ALL, found.shared[1] >= ALL
    if whole_here and whole_there:
        return [], None
    if whole_here:  # here lies within there
        around = _around(there, here, inverse(found.matrix))
        return ([around], "there") if around else (["crop"], "here")
    if whole_there:
        around = _around(here, there, found.matrix)
        return ([around], "here") if around else (["crop"], "there")
    inside_here = _around(here, there, found.matrix)
    inside_there = _around(there, here, inverse(found.matrix))
    if inside_here and not inside_there:
        return ["crop", inside_here], "here"
    if inside_there and not inside_here:
        return ["crop", inside_there], "there"
    return ["crop"], None


def _around(outer: Seen, inner: Seen, matrix: Doubles) -> str | None:
    """What lies around a picture in the outer one: a border, another picture, or None: more of the scene.

    Args:
        matrix: (3, 3) from the outer's original pixels to the inner's.
    """
    rows, columns = outer.grey.shape
    up = np.diag([outer.size.width / columns, outer.size.height / rows, 1.0])
    y, x = np.mgrid[:rows, :columns] + 0.5
    at = moved(matrix @ up, np.stack([x.ravel(), y.ravel()], axis=1)) / [inner.size.width, inner.size.height]
    margin = 0.03
    beyond = ((at < -margin) | (at > 1 + margin)).any(axis=1).reshape(rows, columns)
    if beyond.sum() < 16:
        return None
    ring = outer.grey[beyond]
    common = np.bincount(np.minimum((ring * 64).astype(np.int64), 63)).max() / ring.size
    if float(ring.std()) < PLAIN or common > 0.5:
        return "border"
    return "inset" if _edge(outer.grey, at.reshape(rows, columns, 2)) > EDGE else None


def _edge(grey: FloatArray, at: Doubles) -> float:
    """How much more a picture changes across the outline of what lies in it than a little beside it."""
    depth = np.minimum(np.minimum(at, 1 - at).min(axis=2), 0.5)  # > 0 inside, 0 on the outline
    slopes = np.maximum(np.abs(np.diff(grey, axis=0))[:, :-1], np.abs(np.diff(grey, axis=1))[:-1])
    steps = np.maximum(np.abs(np.diff(depth, axis=0))[:, :-1], np.abs(np.diff(depth, axis=1))[:-1])
    pixel = max(1e-4, float(np.median(steps)))
    depth = depth[:-1, :-1]
    on = np.abs(depth) < 1.5 * pixel
    beside = (np.abs(depth) > 4 * pixel) & (np.abs(depth) < 9 * pixel)
    if on.sum() < 8 or beside.sum() < 8:
        return 0.0
    return float(slopes[on].mean() / max(float(slopes[beside].mean()), 0.004))


def _moved(found: Evidence) -> list[str]:
    """Mirror, turn, stretch and slant of the map."""
    edits = []
    turn = found.matrix[:2, :2] / found.matrix[2, 2]
    if np.linalg.det(turn) < 0:
        edits.append("mirror")
        turn = turn @ np.diag([-1.0, 1.0])
    left, sizes, right = np.linalg.svd(turn)
    whole = left @ right
    angle = degrees(atan2(whole[1, 0], whole[0, 0]))
    if abs(angle) > STILL:
        edits.append("rotation")
    if sizes[0] / max(sizes[1], 1e-9) > STRETCHED:
        edits.append("stretch")
    depth = found.matrix[2, :2] / found.matrix[2, 2]
    corners = np.abs(depth) @ np.asarray(found.frame, np.float64)
    if corners > ASKEW:
        edits = [edit for edit in edits if edit != "stretch"] + ["perspective"]
    return edits


def _tones(found: Evidence, here: Seen, there: Seen) -> tuple[list[str], Side | None]:
    """Changes of light and colour, and which picture lost by them."""
    edits: list[str] = []
    laid = found.laid
    if abs(laid.brightness) > BRIGHTER or abs(log(max(laid.contrast, 1e-6))) > log(STARKER):
        edits.append("light")
    chroma = [_chroma(one) for one in (here, there)]
    if min(chroma) < COLOURLESS < max(chroma) / 1.5:
        return [*edits, "grey"], "here" if chroma[0] < chroma[1] else "there"
    ratio = (chroma[0] + 0.01) / (chroma[1] + 0.01)
    if min(found.shared) >= ALL and max(ratio, 1 / ratio) > COLOURED:
        edits.append("colour")
    return edits, None


def _chroma(seen: Seen) -> float:
    """How colourful a picture is: mean distance of its channels from grey, of [0, 1]."""
    values = seen.pixels.astype(np.float32) / 255
    return float((values.max(axis=2) - values.min(axis=2)).mean())
