"""Is what is seen in a window the very thing that was taught?

Four likenesses are measured. Of the patches, by the model: it has no scale of its own, for a plain thing is
like much, a patterned one like little. So it is told in deviations from what the same view scores in windows
of the sample's pictures, where the thing is not. The same patches less what they have of the ground beside
the thing, which may come again without it. And of the details and the colours, by laying the view over the
window (``aligning``). It counts what the two photos say that know the window best: what is like one of them
by chance is not like another. A logistic function of all is the probability that it is there; it was fitted
on composed scenes (docs/decisions/022-remembering.md). Other things that were taught, and what somebody said
the thing is not, are asked the same way, and take the window when they know it better.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp

import numpy as np
from PIL import Image

from dinoscope.features import Basis, FloatArray, Pixels, widened
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.aligning import NOWHERE, Laid, Template, Window
from dinoscope.operations.keepsakes import once, sampled
from dinoscope.operations.memories import SIDE, Memory, Remembered
from dinoscope.operations.posing import Placed, maps, squared
from dinoscope.operations.queries import pixels_of
from dinoscope.operations.region_query import Seen
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

WINDOWS = 48  # of the sample, that what is not the thing is measured on: 3-6 s of encoding, once a model
VERSION = 2  # one more whenever the cohort is another
LEVEL, BY_PATCHES, BEYOND_GROUND, BY_DETAILS, PAINTED = -8.2, 3.4, 10.4, 7.6, -2.3  # log odds; fitted
MOST_ALIKE = 1.3  # by patches, relative to what is usual: more says no more
BEHIND = 0.4, 0.1, 0.2  # by which a second photo's likenesses count less at most: it may show another side
LITTLE = 0.25  # of likeness beyond the ground's, where the photo has no ground: it speaks neither way
USUAL, LEAST_USUAL, MOST_USUAL = 5.4, 4.0, 8.0  # deviations of a photo by others: of one alone, and bounds
COMPARED = 6  # photos that are compared with each other
VIEWS = 4  # of a thing that are asked closely about a window: those whose patches are most alike
AGREE = 2  # of them that count
SURE = 0.55  # agreement of details of two views from which no other one is asked
LEAST = 0.02  # deviation
FARTHEST = 20.0  # deviations counted at most
WORTH = 1.0  # deviations by patches below which nothing is laid over a window
CLEARLY = 1.0  # deviations by which a window must be more like the thing than like what it is not
DENIED = -6.0  # log odds of what somebody said it is not
KNOWN = -1.6  # log odds from which a thing may be another photo's, or a better window may show it
FAR = -9.0  # where patches lie of which it is not known where
HERE = 0.5  # probability from which a thing is said to be there

_FRAME = re.compile(r"(.+) (?:\d+:)?\d+:\d\d", re.DOTALL)  # as film_teaching names its photos


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Windows of pictures that show other things."""

    patches: FloatArray  # (n, m, P) unit, float16 as kept; of each the first counts[i]
    counts: FloatArray  # (n,)


@dataclass(frozen=True, eq=False)
class Near:
    """A window of a picture, seen from near."""

    window: Box  # whole pixels of the original
    pixels: Pixels  # its longer side SIDE at most
    seen: Seen  # its grid is the window's own
    places: FloatArray | None = (
        None  # (n, 2) of the patches in the window made square; None: as the grid says
    )

    @cached_property
    def placed(self) -> Placed:
        """The patches, and where they lie."""
        places = squared(self.seen.grid) if self.places is None else self.places
        return Placed(_flat(self.seen), places)

    @cached_property
    def ready(self) -> Window:
        """For views to be laid over it."""
        return Window.of(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a thing's views say of a window."""

    odds: float  # log odds that the thing is there
    view: Memory  # the one whose details agree, or else whose patches
    by_patches: float  # deviations, of the view where they are most
    laid: Laid  # how that view lies in the window
    template: Template  # of that view

    @property
    def probability(self) -> float:
        return 1 / (1 + exp(-max(-30.0, min(30.0, self.odds))))


class Knower:
    """A remembered thing made ready to be looked for."""

    def __init__(self, thing: Remembered) -> None:
        self.thing = thing
        self._views = [(view, Template(view.pixels, view.mask)) for view in thing.shown]
        self.imagined = thing.imagined  # None: made when a library is asked

    @cached_property
    def usual(self) -> float:
        """The deviations by patches that one of its photos has by another: what the thing itself scores.

        Frames of one video are nearly one photo, and say nothing of that.
        """
        views = self.thing.shown[:COMPARED]
        found = []
        for view in views:
            others = [one for one in views if one is not view and (film_of(one) or one) != film_of(view)]
            if others:
                patches = _flat(seen_again(view).seen)
                found.append(max(view_deviations(other, patches) for other in others))
        return float(np.clip(np.median(found), LEAST_USUAL, MOST_USUAL)) if found else USUAL

    def judged(self, near: Near) -> Judged:
        """The view that knows the window best; none where it is more like what somebody said it is not."""
        patches = _flat(near.seen)
        likely = [(view_deviations(view, patches), view, template) for view, template in self._views]
        likely = sorted(likely, key=lambda one: -one[0])[:VIEWS]
        alike, view, template = likely[0]
        laid, details = NOWHERE, list[float]()
        for _, other, over in likely if alike >= WORTH else ():
            roughly = maps(Placed(other.patches, other.places), other.weights, other.poses, near.placed)
            found = over.laid(near.ready, roughly)
            details.append(found.details)
            if found.details > laid.details:
                view, laid, template = other, found, over
            if sum(one >= SURE for one in details) == AGREE:
                break
        by_patches = [one / self.usual for one, _, _ in likely]
        beyond = [beyond_ground(one, patches) for _, one, _ in likely]
        odds = (
            LEVEL
            + BY_PATCHES * min(best_two(by_patches, BEHIND[0]), MOST_ALIKE)
            + BEYOND_GROUND * best_two(beyond, BEHIND[1])
            + BY_DETAILS * best_two(details or [0.0] * len(likely), BEHIND[2])
            + PAINTED * laid.painted
        )
        best = Judged(odds, view, alike, laid, template)
        if best.odds > DENIED and self.thing.denied:
            ahead = self._likeness(self.thing.shown, near) - self._likeness(self.thing.denied, near)
            if ahead < CLEARLY * float(best.view.null[1]):
                return replace(best, odds=DENIED)
        return best

    def _likeness(self, views: Sequence[Memory], near: Near) -> float:
        return max(patch_likeness(view, _flat(near.seen)) for view in views)

    def by_patches(self, near: Near) -> float:
        """The deviations alone, which cost nothing: is it worth to look closer?"""
        return self.glance(near.seen)

    def glance(self, seen: Seen) -> float:
        """The same of a window that was seen with few patches."""
        return max(view_deviations(view, _flat(seen)) for view, _ in self._views)


def best_two(values: Sequence[float], behind: float) -> float:
    """The mean of the two largest, the second one as if it were ``behind`` the first at most."""
    first, *others = sorted(values, reverse=True)[:AGREE]
    return first if not others else (first + max(others[0], first - behind)) / 2


def film_of(view: Memory) -> str | None:
    """The name of the video that a view is a frame of; None: it is of a photo."""
    told = _FRAME.fullmatch(view.source)
    return None if told is None else told[1]


def view_deviations(view: Memory, patches: FloatArray) -> float:
    """By how many deviations the likeness of (m, P) patches is above what it is where the thing is not."""
    alike = (patch_likeness(view, patches) - float(view.null[0])) / float(view.null[1])
    return float(np.clip(alike, -FARTHEST, FARTHEST))


def beyond_ground(view: Memory, patches: FloatArray) -> float:
    """By how much (m, P) patches are more like the thing than like what the view has beside it: -1 to 1."""
    if not len(view.around):
        return LITTLE
    alike = view.patches @ patches.T
    there = alike.argmax(axis=1)
    ahead = alike.max(axis=1) - (patches @ view.around.T).max(axis=1)[there]
    return max(
        float(view.weights[view.poses == pose] @ ahead[view.poses == pose]) for pose in np.unique(view.poses)
    )


def patch_likeness(view: Memory, patches: FloatArray) -> float:
    """The mean over the view's patches of the cosine with the most alike of (m, P), in its best pose."""
    alike = (view.patches @ patches.T).max(axis=1) * view.weights
    return float(np.bincount(view.poses.astype(np.int64), alike).max())


def null_of(view: Memory, cohort: Cohort) -> FloatArray:
    """(2,) mean and deviation of the view's likeness by patches where the thing is not."""
    found = [
        patch_likeness(view, widened(one[: int(count)]))
        for one, count in zip(cohort.patches, cohort.counts, strict=True)
    ]
    return np.array([np.mean(found), max(float(np.std(found)), LEAST)], np.float32)


def shrunk(pixels: Pixels, side: int = SIDE) -> Pixels:
    """Its longer side ``side`` pixels at most."""
    scale = side / max(pixels.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(pixels)
    size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0))


def cohort_of(backbone: Backbone, basis: Basis, settings: Settings) -> Cohort:
    """From the cache, else made in some seconds, and kept there where it can be written."""
    return once(
        settings,
        "cohorts",
        backbone.identity.key,
        Cohort,
        fit=lambda: _cohort(backbone, basis, Limits.of(settings)),
        version=VERSION,
    )


def _cohort(backbone: Backbone, basis: Basis, limits: Limits) -> Cohort:
    """A window of each of WINDOWS pictures of the sample, by a fixed seed."""
    dice = np.random.default_rng(0)
    found, counts = [], []
    for path in sampled(WINDOWS):
        picture = pixels_of(path, limits, "own")
        side = int(dice.uniform(0.3, 0.9) * min(picture.shape[:2]))
        top, left = (int(dice.integers(0, length - side + 1)) for length in picture.shape[:2])
        window = picture[top : top + side, left : left + side]
        patches = _flat(Seen.of(backbone.encode([window])[0], basis))
        found.append(patches)
        counts.append(len(patches))
    filled = np.zeros((len(found), max(counts), found[0].shape[1]), np.float16)
    for line, patches in zip(filled, found, strict=True):
        line[: len(patches)] = patches
    return Cohort(filled, np.array(counts, np.float32))  # type: ignore[arg-type]


def known_share(knower: Knower, thing: Remembered) -> float:
    """Of the photos another thing was taught from, those that a thing takes for itself."""
    photos = [view for view in thing.views if view.kind == "taught"]
    return sum(knows(knower, view) for view in photos) / max(len(photos), 1)


def knows(knower: Knower, view: Memory) -> bool:
    """Would a thing be seen in the window that another view was taught from?"""
    near = seen_again(view)
    return knower.by_patches(near) > WORTH and knower.judged(near).odds >= KNOWN


def seen_again(view: Memory) -> Near:
    """The window of a view as a window to be judged; its patches are those of its first pose."""
    first = view.poses == 0
    patches = np.concatenate([view.patches[first], view.around])
    places = np.concatenate([view.places[first], np.full((len(view.around), 2), FAR, np.float32)])
    grid = PatchGrid(1, len(patches), 1, Size(view.pixels.shape[1], view.pixels.shape[0]))
    whole = Box(0, 0, view.pixels.shape[1], view.pixels.shape[0])
    return Near(whole, view.pixels, Seen(grid, patches[None]), places)


def _flat(seen: Seen) -> FloatArray:
    return seen.reduced.reshape(-1, seen.reduced.shape[-1])
