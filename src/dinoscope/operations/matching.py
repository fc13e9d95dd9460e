"""Two pictures matched: which part of one is which part of the other, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import exp, isfinite
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Features, FloatArray, Inside
from dinoscope.geometry import PatchGrid
from dinoscope.operations.correspondence import (
    SHARPNESS,
    Evidence,
    attended,
    between,
    foreground,
    gather,
    peaks,
)
from dinoscope.operations.links import MatchLink, spread

if TYPE_CHECKING:
    from dinoscope.operations.geometric import Geometry

Seen: TypeAlias = "Features | Inside"
Point: TypeAlias = "tuple[float, float]"

LINKS = 24
SURE = 0.4  # confidence below which a link is not worth a line: half of those would lie elsewhere
CLEAR = 0.5  # how much both ends of a link stand out, at least: ground looks like ground anywhere
BLAND = 0.02  # a picture whose patches differ from their mean by less shows nothing to match
SAME = 0.999  # cosine of all patches from which two pictures are one
UNDECIDED = 0.8  # the lesser of two agreements, as a share of the greater, from which either may be right
# Confidence is a logistic function of how alike two places are, how far from its start one ends that goes
# there and back (shares of the picture), what the smooth map adds, and how far the votes agree; fitted on the
# development half of ``benchmarks/matching.py``, with points whose part the other picture does not show, and
# rounded. There 69 % of the points on animals with 0.7 to 0.8 were right, 40 % of those with 0.3 to 0.5; of
# the points on bent photos 94 % and 91 %.
_BIAS, _ALIKE, _ASTRAY, _BONUS, _AGREED = -4.5, 4.2, -1.0, 18.0, 4.0
# Is there anything to match? Of two animals of a kind the likeness is above RELATED in 94 of 100 pairs, of an
# animal and a thing in 9. Confidence falls with the odds of that, to ALONE where there seems to be nothing:
# one small thing may still be in both pictures, and shows in links that are very sure.
RELATED, _ABRUPT, ALONE = 0.38, 0.04, 0.35


@dataclass(frozen=True, slots=True)
class Orientation:
    """Whether things face the same way in both pictures."""

    mirrored: bool
    straight_score: float  # share of the votes that agree on one displacement, in [0, 1]
    mirrored_score: float  # the same with left and right exchanged
    chosen: bool  # somebody asked for it; False: the higher score decided

    @property
    def ambiguous(self) -> bool:
        """Either way may be right: the scores are close."""
        lesser, greater = sorted((self.straight_score, self.mirrored_score))
        return lesser >= UNDECIDED * greater

    @property
    def sentence(self) -> str:
        """For a person."""
        way = "mirrored: left answers to right" if self.mirrored else "the same way round"
        if self.chosen:
            return f"matched {way}, as you asked"
        return f"perhaps {way}, but either is possible" if self.ambiguous else f"matched {way}"


@dataclass(frozen=True, eq=False)
class Matches:
    """What ``match`` found. Coordinates are (x, y) in each picture's own original pixels."""

    here: PatchGrid
    there: PatchGrid
    links: tuple[MatchLink, ...]  # best first (sure, and on what stands out), spread over the things
    places: FloatArray  # (rows, columns, 2) where in ``there`` the middle of each patch of ``here`` lies
    confidence: FloatArray  # (rows, columns) of each of these, in [0, 1]
    orientation: Orientation
    standing: tuple[FloatArray, FloatArray]  # of here and there: how much each patch stands out, in (0, 1]
    evidence: Evidence  # all pairs of patches
    likeness: float  # mean cosine of what stands out in one with its counterpart in the other, in [-1, 1]
    note: str | None  # a sentence where the answer needs one: one picture twice, nothing to see, no match
    geometry: Geometry | None = None  # the verdict on whether it is the very same thing, where it was asked

    @property
    def mirrored(self) -> bool:
        """Left and right are exchanged between the two pictures."""
        return self.orientation.mirrored

    def heat(self, point: Point) -> FloatArray:
        """(rows, columns) of ``there``: how like the place under a point of ``here``, the best patch 1.

        Raises:
            BadRequest: the point is not on the picture.
        """
        found = self._row(point)
        return np.asarray(np.exp((found - found.max()) / (4 * SHARPNESS)), np.float32)

    def find(self, point: Point, k: int = 1) -> list[MatchLink]:
        """The ``k`` best places in ``there`` for a point of ``here``, best first, no two of them neighbours.

        Raises:
            BadRequest: the point is not on the picture.
        """
        left = self._row(point).copy()
        alike = self._row(point, cosines=True)
        sure = float(between(self.confidence[..., None], self._in_patches(point))[0, 0])
        top, found = float(left.max()), []
        for _ in range(min(k, left.size)):
            place = peaks(left[None])[0]
            row, column = (int(number) for number in np.unravel_index(int(left.argmax()), left.shape))
            if not isfinite(float(left[row, column])):
                break
            odds = float(np.exp((left[row, column] - top) / SHARPNESS))
            end = _point(place * _patch(self.there))
            found.append(MatchLink(point, end, float(alike[row, column]), sure * odds))
            left[max(0, row - 2) : row + 3, max(0, column - 2) : column + 3] = -np.inf
        return found

    @cached_property
    def turned(self) -> Matches:
        """The same pair asked the other way round; the links are the same ones, the geometry is not told."""
        evidence = self.evidence.turned()
        places, confidence = _matched(self.there, self.here, evidence, self.likeness)
        links = tuple(
            MatchLink(link.there, link.here, link.similarity, link.confidence) for link in self.links
        )
        return replace(
            self,
            here=self.there,
            there=self.here,
            links=links,
            places=places,
            confidence=confidence,
            standing=self.standing[::-1],
            evidence=evidence,
            geometry=None,
        )

    def _row(self, point: Point, cosines: bool = False) -> FloatArray:
        table = self.evidence.cosines if cosines else self.evidence.total
        row: FloatArray = between(table, self._in_patches(point))[0]
        return row

    def _in_patches(self, point: Point) -> FloatArray:
        size = self.here.picture
        x, y = point
        if not (0 <= x <= size.width and 0 <= y <= size.height):  # false for what is not a number, too
            raise BadRequest(
                f"the point {x:g},{y:g} lies outside the picture, {size.width} x {size.height} pixels"
            )
        return np.asarray([point], np.float32) / _patch(self.here)


def match(here: Seen, there: Seen, *, mirrored: bool | None = None, links: int = LINKS) -> Matches:
    """Find the parts of one picture in another.

    Args:
        here, there: what one model says of the two pictures, at any number of patches.
        mirrored: exchange left and right, or not; None tries both, and says how sure it is.
        links: lines wanted at most.

    Raises:
        BadRequest: the two come from different models or layers, or a negative number of links.
    """
    if links < 0:
        raise BadRequest(f"{links} links make no sense: ask for 0 or more")
    first, second = _patches(here), _patches(there)
    if _origin(here) != _origin(there) or first.shape[2] != second.shape[2]:
        raise BadRequest(
            f"{_origin(here)} and {_origin(there)} see differently: encode both pictures with one model"
        )
    strengths = foreground(first), foreground(second)
    looks = attended(here.attention), attended(there.attention)
    evidence = gather(first, second, strengths[0] * looks[0], strengths[1] * looks[1], mirrored)
    standing, other = _standing(strengths[0], looks[0]), _standing(strengths[1], looks[1])
    likeness = _likeness(evidence, standing, other)
    places, confidence = _matched(here.grid, there.grid, evidence, likeness)
    blank = _blank(first, second)
    chosen = _links(
        here.grid,
        there.grid,
        evidence.cosines,
        places=places,
        confidence=confidence,
        standing=(standing, other),
        most=0 if blank else links,
    )
    note = blank or _same(first, second)
    if note is None and links and not chosen:
        note = "nothing in one picture belongs clearly to something in the other"
    return Matches(
        here=here.grid,
        there=there.grid,
        links=chosen,
        places=places,
        confidence=confidence,
        orientation=Orientation(evidence.mirrored, *evidence.agreement, mirrored is not None),
        standing=(standing, other),
        evidence=evidence,
        likeness=likeness,
        note=note,
    )


def _patches(seen: Seen) -> FloatArray:
    return seen.patches if isinstance(seen, Features) else seen.vectors


def _origin(seen: Seen) -> str:
    """What must be the same of two pictures that are compared: all but the number of patches."""
    model, preprocessing, precision = ("", "", *seen.model.rsplit("/", 2))[-3:]
    resized = preprocessing.partition("-")[2]
    facet = "" if isinstance(seen, Features) else f", {seen.facet} of layer {seen.layer}"
    return f"{model}/{resized}/{precision}{facet}"


def _blank(first: FloatArray, second: FloatArray) -> str | None:
    """A sentence when a picture shows one thing everywhere, and no part of it can be told from another."""
    for patches, which in ((first, "first"), (second, "second")):
        if patches.shape[0] * patches.shape[1] > 1 and _variety(patches) < BLAND:
            return f"the {which} picture is blank as far as the model can see: there is nothing to match"
    return None


def _same(first: FloatArray, second: FloatArray) -> str | None:
    if first.shape == second.shape and float((first * second).sum(axis=2).min()) > SAME:
        return "these are one and the same picture: everything lies where it was"
    return None


def _variety(patches: FloatArray) -> float:
    """1 minus the length of the mean: 0 for patches that are all alike."""
    return 1 - float(np.linalg.norm(patches.mean(axis=(0, 1))))


def _standing(strength: FloatArray, looks: FloatArray) -> FloatArray:
    """(rows, columns) each: the geometric mean, for only things both stand out and are looked at.

    What stands out alone goes beyond a thing's outline, what is looked at alone has spots on the ground.
    """
    known = strength if looks.min() == 1 else looks  # a model that looks nowhere says nothing
    return np.asarray(np.sqrt(strength * known), np.float32)


def _likeness(evidence: Evidence, here: FloatArray, there: FloatArray) -> float:
    """Of the picture that shares more with the other, for one may be a part of the other."""
    forth, back = evidence.cosines.max(axis=(2, 3)), evidence.cosines.max(axis=(0, 1))
    return max(float(np.average(forth, weights=here)), float(np.average(back, weights=there)))


def _matched(
    here: PatchGrid, there: PatchGrid, evidence: Evidence, likeness: float
) -> tuple[FloatArray, FloatArray]:
    """``Matches.places`` and ``Matches.confidence``: forth by the best place, and back to see how far off."""
    count = here.rows * here.columns
    table = evidence.total.reshape(count, there.rows, there.columns)
    found = peaks(table)
    back = peaks(between(evidence.total.transpose(2, 3, 0, 1), found))
    best = table.reshape(count, -1).argmax(axis=1)[:, None]
    alike = np.take_along_axis(evidence.cosines.reshape(count, -1), best, axis=1)[:, 0]
    bonus = np.take_along_axis(table.reshape(count, -1), best, axis=1)[:, 0] - alike
    y, x = (middles.ravel() + 0.5 for middles in np.mgrid[: here.rows, : here.columns])
    astray = np.hypot((back[:, 0] - x) / here.columns, (back[:, 1] - y) / here.rows)
    agreed = evidence.agreement[evidence.mirrored]
    odds = _BIAS + _ALIKE * alike + _ASTRAY * astray + _BONUS * bonus + _AGREED * agreed
    related = ALONE + (1 - ALONE) / (1 + exp((RELATED - likeness) / _ABRUPT))
    confidence = related / (1 + np.exp(-odds))
    return (
        np.asarray((found * _patch(there)).reshape(here.rows, here.columns, 2), np.float32),
        np.asarray(confidence.reshape(here.rows, here.columns), np.float32),
    )


def _links(
    here: PatchGrid,
    there: PatchGrid,
    cosines: FloatArray,
    *,
    places: FloatArray,
    confidence: FloatArray,
    standing: tuple[FloatArray, FloatArray],
    most: int,
) -> tuple[MatchLink, ...]:
    """The surest of what stands out, spread over it."""
    middles = np.mgrid[: here.rows, : here.columns][::-1].reshape(2, -1).T + np.float32(0.5)
    starts = np.asarray(middles * _patch(here), np.float32)
    ends, sure = places.reshape(-1, 2), confidence.ravel()
    clear = np.minimum(standing[0].ravel(), between(standing[1][..., None], ends / _patch(there))[:, 0])
    scores = np.where((sure >= SURE) & (clear >= CLEAR), sure * clear, 0)
    chosen = spread(starts / _side(here), ends / _side(there), np.asarray(scores, np.float32), most)
    tables = cosines.reshape(len(sure), there.rows, there.columns, 1)
    return tuple(
        MatchLink(
            _point(starts[index]),
            _point(ends[index]),
            float(between(tables[index], ends[index][None] / _patch(there))[0, 0]),
            float(sure[index]),
        )
        for index in chosen
    )


def _patch(grid: PatchGrid) -> FloatArray:
    """(width, height) of a patch in original pixels."""
    size = grid.picture
    return np.asarray([size.width / grid.columns, size.height / grid.rows], np.float32)


def _side(grid: PatchGrid) -> np.float32:
    return np.float32(max(grid.picture.width, grid.picture.height))


def _point(place: FloatArray) -> Point:
    return float(place[0]), float(place[1])
