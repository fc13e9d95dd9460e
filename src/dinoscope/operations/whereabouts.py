"""Where in a picture is a thing: likely places, each seen from near, and judged before it is outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np

from dinoscope.features import Basis, FloatArray, Pixels
from dinoscope.geometry import Bools, Box, Mask, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.figures import parted, twins
from dinoscope.operations.outlining import enlarged, outlined
from dinoscope.operations.places import sighting
from dinoscope.operations.queries import on_original
from dinoscope.operations.recognising import HERE, Judged, Knower, Near, shrunk
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.tiling import encode_tiled

ROOM = 1.7  # sides of a window, in those of what is looked at in it
LEAST = 24  # pixels of a window's side
PLACES = (3, 4)  # looked at from near: of the whole picture, then of its tiles
ROOMS = (ROOM, 1.7 * ROOM)  # a place found may be a part of the thing only
PROMISING, AGAIN = -4.6, 2  # log odds from which a place is looked at again, and how often
SAME_PLACE = 0.4  # overlap of two windows from which one of them is enough
CENTRED = 0.75  # overlap of two windows from which the thing is in the middle of both
COMMON = 0.6  # of the smaller box that two sightings of one thing share at least
CERTAIN = 0.0  # log odds from which nothing smaller is looked for
# From which deviations by pixels, or correlation, the view's own outline has a say, and over which it grows
SURE, FITS = (2.0, 3.0), (0.84, 0.1)
PATCHES = 0.5  # say of what patches tell of the outline, beside colours


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A thing seen in a picture."""

    name: str
    probability: float  # that it is this very thing, 0.5 to 1
    box: Box  # original pixels
    picture: Size
    window: Box  # what ``mask`` covers, whole pixels
    mask: Bools  # (height, width) of the window, at any scale: the thing

    def mask_in_picture(self) -> Mask:
        """The same for the whole picture, one truth value a pixel."""
        whole = np.zeros((self.picture.height, self.picture.width), np.bool_)
        window, (high, wide) = self.window, self.mask.shape
        left, top, right, bottom = (
            int(edge) for edge in (window.left, window.top, window.right, window.bottom)
        )
        rows = ((np.arange(bottom - top) + 0.5) * high / (bottom - top)).astype(int)
        columns = ((np.arange(right - left) + 0.5) * wide / (right - left)).astype(int)
        whole[top:bottom, left:right] = self.mask[np.ix_(rows, columns)]
        if not whole.any():  # less than a pixel of the original
            x, y = self.box.centre
            whole[int(y), int(x)] = True
        return Mask(whole)


@dataclass(frozen=True, eq=False)
class Found:
    """A place of a picture that was looked at from near."""

    near: Near
    judged: Judged
    picture: Size

    @cached_property
    def mask(self) -> Bools:
        """(height, width) of the near pixels: the thing."""
        return outline(self.near, self.judged)

    @cached_property
    def box(self) -> Box:
        """Around the thing, original pixels."""
        whole = Box(0, 0, self.picture.width, self.picture.height)
        return box_of(self.near, self.mask).common(whole) or whole

    def here(self, rivals: Sequence[Knower] = ()) -> bool:
        """Is it the thing, and nothing else that was taught?"""
        near, one = self.near, self.judged
        return one.probability >= HERE and not any(
            rival.by_patches(near) > one.by_patches - 1 and rival.judged(near).odds > one.odds
            for rival in rivals
        )

    def sighting(self, name: str) -> Sighting:
        return Sighting(name, self.judged.probability, self.box, self.picture, self.near.window, self.mask)


@dataclass(frozen=True, slots=True, eq=False)
class Looker:
    """Looks at pictures with one model."""

    backbone: Backbone
    basis: Basis

    def near(self, pixels: Pixels, window: Box, picture: Size) -> Near:
        """A window of a picture whose pixels may be at a smaller scale."""
        cut = cut_out(pixels, window, picture)
        return Near(window, shrunk(cut), self.seen(cut))

    def seen(self, pixels: Pixels) -> Seen:
        """Pixels as a picture of their own."""
        return Seen.of(self.backbone.encode([pixels])[0], self.basis)

    def where(
        self, pixels: Pixels, picture: Size, knower: Knower, rivals: Sequence[Knower] = ()
    ) -> tuple[Found, ...]:
        """The places where the thing is, best first; none where it is not.

        The whole picture is looked at, and where that shows nothing certain, tile by tile, too: small things
        are seen there. Of each the most promising places are then seen from near.

        Args:
            rivals: other things that were taught.
        """
        query, tried, what = query_of(knower), list[Box](), (pixels, picture, knower)
        found = self._tried(self._whole(pixels, picture), query, PLACES[0], tried, what)
        if not any(one.judged.odds > CERTAIN for one in found):
            found += self._tried(self._tiled(pixels, picture), query, PLACES[1], tried, what)
        return apart([one for one in found if one.here(rivals)])

    def again(
        self,
        pixels: Pixels,
        picture: Size,
        knower: Knower,
        *,
        last: Sequence[Box],
        rivals: Sequence[Knower] = (),
    ) -> tuple[Found, ...]:
        """Only where it was a moment ago, which takes a few encodings; none: it is not there any more."""
        whole = Box(0, 0, picture.width, picture.height)
        places = [place for box in last if (place := box.common(whole)) is not None]
        seen = [self.best(pixels, picture, knower, place) for place in places]
        return apart([one for one in seen if one.here(rivals)])

    def best(self, pixels: Pixels, picture: Size, knower: Knower, place: Box) -> Found:
        """A place seen from near in windows of two sizes, and again with the thing in the middle as long as
        that helps."""
        one, *others = (
            self._found(pixels, window_for(place, picture, room), picture, knower) for room in ROOMS
        )
        for other in others:
            one = other if other.judged.odds > one.judged.odds else one
        for _ in range(AGAIN):
            window = window_for(one.box, picture)
            if one.judged.odds < PROMISING or window.overlap(one.near.window) >= CENTRED:
                break
            other = self._found(pixels, window, picture, knower)
            if other.judged.odds <= one.judged.odds:
                break
            one = other
        return one

    def _found(self, pixels: Pixels, window: Box, picture: Size, knower: Knower) -> Found:
        near = self.near(pixels, window, picture)
        return Found(near, knower.judged(near), picture)

    def _tried(
        self, seen: Seen, query: RegionQuery, most: int, tried: list[Box], what: tuple[Pixels, Size, Knower]
    ) -> list[Found]:
        """Of the places of a grid those that were not looked at before."""
        pixels, picture, knower = what
        found: list[Found] = []
        for place in sighting(query, seen).places:
            window = window_for(place.box, picture)
            if len(found) < most and all(window.overlap(other) < SAME_PLACE for other in tried):
                tried.append(window)
                found.append(self.best(pixels, picture, knower, place.box))
        return found

    def _whole(self, pixels: Pixels, picture: Size) -> Seen:
        return Seen.of(on_original(self.backbone.encode([pixels])[0], picture), self.basis)

    def _tiled(self, pixels: Pixels, picture: Size) -> Seen:
        return Seen.of(on_original(encode_tiled(self.backbone, [pixels])[0], picture), self.basis)


def query_of(knower: Knower) -> RegionQuery:
    """What a grid of patches is asked with: the tokens of all photos, less those of what it is not."""
    views = knower.thing.shown
    tokens = np.concatenate([view.query for view in views])
    weights = np.concatenate([view.query_weights for view in views])
    nothing = np.zeros((len(tokens), 2), np.float32)
    which = np.concatenate([np.full(len(view.query), number) for number, view in enumerate(views)])
    against = [view.query for view in knower.thing.denied]
    return RegionQuery(
        tokens,
        np.asarray(weights / weights.sum(), np.float32),
        nothing,
        which.astype(np.float32),
        np.concatenate([tokens[:0], *against]),
        np.ones((1, 1), np.float32),
    )


def outline(near: Near, one: Judged, before: FloatArray | None = None) -> Bools:
    """(height, width) of the near pixels: the thing, by its patches, and by the view's outline.

    Args:
        before: (rows, columns) in [0, 1] of the near patches: what a moment ago was the thing, which has
            half a say. None: it was not seen then.
    """
    high, wide = near.pixels.shape[:2]
    reduced, view = near.seen.reduced, one.view
    rim = np.zeros(reduced.shape[:2], np.bool_)
    rim[[0, -1]], rim[:, [0, -1]] = True, True
    ground = np.concatenate([reduced[rim], view.around])
    like = twins(reduced, view.patches) - twins(reduced, ground, rim)
    thought = enlarged(parted(like, ~rim, rim), high, wide)
    laid = one.laid.mask(view.mask, high, wide)
    trust = max(
        float(np.clip((one.by_pixels - SURE[0]) / SURE[1], 0, 1)),
        float(np.clip((one.laid.score - FITS[0]) / FITS[1], 0, 0.8)),
    )
    thought = np.asarray((1 - trust) * thought + trust * (0.04 + 0.92 * laid), np.float32)
    if before is not None:
        thought = np.asarray((thought + enlarged(before, high, wide)) / 2, np.float32)
    return outlined(near.pixels, thought, say=PATCHES + trust)


def box_of(near: Near, mask: Bools) -> Box:
    """Around a mask of a window, in original pixels."""
    inside, window = Mask(mask).box, near.window
    down = (window.bottom - window.top) / mask.shape[0]
    across = (window.right - window.left) / mask.shape[1]
    return Box(
        window.left + inside.left * across,
        window.top + inside.top * down,
        window.left + inside.right * across,
        window.top + inside.bottom * down,
    )


def window_for(box: Box, picture: Size, room: float = ROOM) -> Box:
    """A window of whole pixels around a box, square unless the picture is too short for that."""
    side = ceil(max(room * max(box.right - box.left, box.bottom - box.top), LEAST))
    wide, high = min(side, picture.width), min(side, picture.height)
    x, y = box.centre
    left = floor(min(max(x - wide / 2, 0), picture.width - wide))
    top = floor(min(max(y - high / 2, 0), picture.height - high))
    return Box(left, top, left + wide, top + high)


def cut_out(pixels: Pixels, window: Box, picture: Size) -> Pixels:
    """The pixels of a window, of a picture whose pixels may be at a smaller scale."""
    high, wide = pixels.shape[0] / picture.height, pixels.shape[1] / picture.width
    rows = slice(floor(window.top * high), ceil(window.bottom * high))
    columns = slice(floor(window.left * wide), ceil(window.right * wide))
    return np.ascontiguousarray(pixels[rows, columns])


def apart(found: Sequence[Found]) -> tuple[Found, ...]:
    """Best first, each thing once."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda each: -each.judged.odds):
        if not any(_same(one.box, other.box) for other in kept):
            kept.append(one)
    return tuple(kept)


def _same(box: Box, other: Box) -> bool:
    """Is most of the smaller one in the larger one?"""
    common = box.common(other)
    return common is not None and common.area > COMMON * min(box.area, other.area)
