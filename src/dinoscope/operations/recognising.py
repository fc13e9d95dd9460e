"""Is what is seen in a window the very thing that was taught?

Two likenesses are measured for every view of the thing: of its patches, by the model, and of its pixels, by
laying the view over the window (``aligning``). Neither has a scale of its own: a plain thing is like much, a
patterned one like little. So each is told in deviations from what the same view scores in windows of the
sample's pictures, where the thing is not. A logistic function of both is the probability that it is there;
it was fitted on composed scenes (docs/decisions/022-remembering.md). Other things that were taught, and what
somebody said the thing is not, are asked the same way, and take the window when they know it better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import exp

import numpy as np
from PIL import Image

from dinoscope.features import Basis, FloatArray, Pixels
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.aligning import Laid, Template, Window
from dinoscope.operations.keepsakes import once, sampled
from dinoscope.operations.memories import SIDE, Memory, Remembered
from dinoscope.operations.queries import pixels_of
from dinoscope.operations.region_query import Seen
from dinoscope.pictures.limits import Limits
from dinoscope.settings import Settings

WINDOWS = 48  # of the sample, that what is not the thing is measured on: 3-6 s of encoding, once a model
LAID = 16  # of them that a view is laid over: 20 ms each, when it is taught
VERSION = 1  # one more whenever the cohort is another
LEVEL, BY_PATCHES, BY_PIXELS = -8.8, 1.7, 0.3  # log odds; fitted, see above
FARTHEST = 9.0  # deviations counted at most
WORTH = 1.0  # deviations by patches below which nothing is laid over a window that another thing may own
CLEARLY = 1.0  # deviations by which a window must be more like the thing than like what it is not
DENIED = -6.0  # log odds of what somebody said it is not
KNOWN = -1.6  # log odds from which a thing may be another photo's, or a better window may show it
HERE = 0.5  # probability from which a thing is said to be there


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Windows of pictures that show other things."""

    patches: FloatArray  # (n, m, P) unit, float16 as kept; of each the first counts[i]
    counts: FloatArray  # (n,)
    pixels: Pixels  # (n, side, side, 3)


@dataclass(frozen=True, eq=False)
class Near:
    """A window of a picture, seen from near."""

    window: Box  # whole pixels of the original
    pixels: Pixels  # its longer side SIDE at most
    seen: Seen  # its grid is the window's own

    @cached_property
    def ready(self) -> Window:
        """For views to be laid over it."""
        return Window.of(self.pixels)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What a thing's views say of a window."""

    odds: float  # log odds that the thing is there
    view: Memory  # the one that says most
    by_patches: float  # deviations
    by_pixels: float
    laid: Laid  # how that view lies in the window

    @property
    def probability(self) -> float:
        return 1 / (1 + exp(-max(-30.0, min(30.0, self.odds))))


class Knower:
    """A remembered thing made ready to be looked for."""

    def __init__(self, thing: Remembered) -> None:
        self.thing = thing
        self._views = [(view, Template(view.pixels, view.mask)) for view in thing.shown]

    def judged(self, near: Near) -> Judged:
        """The view that knows the window best; none where it is more like what somebody said it is not."""
        best = max((judged(view, template, near) for view, template in self._views), key=_odds)
        if best.odds > DENIED and self.thing.denied:
            ahead = self._likeness(self.thing.shown, near) - self._likeness(self.thing.denied, near)
            if ahead < CLEARLY * float(best.view.null[1]):
                return replace(best, odds=DENIED)
        return best

    def _likeness(self, views: Sequence[Memory], near: Near) -> float:
        return max(patch_likeness(view, _flat(near.seen)) for view in views)

    def by_patches(self, near: Near) -> float:
        """The deviations alone, which cost nothing: is it worth to look closer?"""
        return max(
            _deviations(patch_likeness(view, _flat(near.seen)), view.null[:2]) for view, _ in self._views
        )


def judged(view: Memory, template: Template, near: Near) -> Judged:
    """One view of a thing and a window. It is laid over it only where that may still make a difference."""
    patches = _deviations(patch_likeness(view, _flat(near.seen)), view.null[:2])
    odds = LEVEL + BY_PATCHES * patches
    if odds + BY_PIXELS * FARTHEST < KNOWN:
        return Judged(odds, view, patches, 0.0, Laid(-1.0, np.eye(2, 3)))
    laid = template.laid(near.ready)
    pixels = _deviations(laid.score, view.null[2:])
    return Judged(odds + BY_PIXELS * pixels, view, patches, pixels, laid)


def patch_likeness(view: Memory, patches: FloatArray) -> float:
    """The mean over the view's patches of the cosine with the most alike of (m, P), in its best pose."""
    alike = (view.patches @ patches.T).max(axis=1) * view.weights
    return float(np.bincount(view.poses.astype(np.int64), alike).max())


def null_of(view: Memory, template: Template, cohort: Cohort) -> FloatArray:
    """(4,) mean and deviation of the view's likeness by patches where the thing is not, and by pixels."""
    patches = np.array(
        [
            patch_likeness(view, one[: int(count)].astype(np.float32))
            for one, count in zip(cohort.patches, cohort.counts, strict=True)
        ]
    )
    pixels = np.array([template.laid(Window.of(one)).score for one in cohort.pixels[:LAID]])
    spreads = max(float(patches.std()), 0.02), max(float(pixels.std()), 0.04)
    return np.array([patches.mean(), spreads[0], pixels.mean(), spreads[1]], np.float32)


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
    found, counts, pixels = [], [], []
    for path in sampled(WINDOWS):
        picture = pixels_of(path, limits, "own")
        side = int(dice.uniform(0.3, 0.9) * min(picture.shape[:2]))
        top, left = (int(dice.integers(0, length - side + 1)) for length in picture.shape[:2])
        window = picture[top : top + side, left : left + side]
        patches = _flat(Seen.of(backbone.encode([window])[0], basis))
        found.append(patches)
        counts.append(len(patches))
        pixels.append(
            np.asarray(Image.fromarray(window).resize((64, 64), Image.Resampling.BICUBIC, reducing_gap=2.0))
        )
    filled = np.zeros((len(found), max(counts), found[0].shape[1]), np.float16)
    for line, patches in zip(filled, found, strict=True):
        line[: len(patches)] = patches
    return Cohort(filled, np.array(counts, np.float32), np.stack(pixels))  # type: ignore[arg-type]


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
    first = view.patches[view.poses == 0]
    patches = np.concatenate([first, view.around])
    grid = PatchGrid(1, len(patches), 1, Size(view.pixels.shape[1], view.pixels.shape[0]))
    whole = Box(0, 0, view.pixels.shape[1], view.pixels.shape[0])
    return Near(whole, view.pixels, Seen(grid, patches[None]))


def _flat(seen: Seen) -> FloatArray:
    return seen.reduced.reshape(-1, seen.reduced.shape[-1])


def _deviations(score: float, null: FloatArray) -> float:
    return float(np.clip((score - float(null[0])) / float(null[1]), -FARTHEST, FARTHEST))


def _odds(one: Judged) -> float:
    return one.odds
