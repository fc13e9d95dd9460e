"""Where in a picture is a thing: likely places, each seen from near, and judged before it is outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, floor

import numpy as np

from dinoscope.features import Basis, FloatArray, Pixels, normalise
from dinoscope.geometry import Bools, Box, Mask, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.agreeing import agreed
from dinoscope.operations.figures import parted, twins
from dinoscope.operations.outlining import enlarged, outlined
from dinoscope.operations.places import sighting
from dinoscope.operations.pooling import grouped
from dinoscope.operations.queries import on_original
from dinoscope.operations.recognising import HERE, SURE, Judged, Knower, Near, shrunk
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.tiling import encode_tiled

ROOM = 1.7  # sides of a window, in those of what is looked at in it
LEAST = 24  # pixels of a window's side
PLACES = (3, 4)  # looked at: of the whole picture, then of its tiles
ROOMS = (ROOM, 1.7 * ROOM)  # a place found may be a part of the thing only
FEW = 64  # patches of a first look, which takes a quarter of the time of one with all
GLANCE = 1.0  # deviations by patches at a first look from which there is another, from near
ANOTHER = 0.6  # of the likeness at a first look of one that is found, what another one must have
PROMISING, AGAIN = -4.6, 2  # log odds from which a place is looked at again, and how often
SAME_PLACE = 0.4  # overlap of two windows from which one of them is enough
CENTRED = 0.75  # overlap of two windows from which the thing is in the middle of both
LOOSELY = 0.45  # the same where details agree: there it matters less
SURELY = 2.0  # log odds from which the thing is better outlined in the middle than more certain elsewhere
COMMON = 0.6  # of the smaller box that two sightings of one thing share at least
MOST = 8  # times that another one of it is looked for
CERTAIN = 0.0  # log odds from which nothing smaller is looked for
FITS = 0.3, 0.2  # agreement of details from which the view's own outline has a say, and over which it grows
PATCHES = 1.0  # say of what patches tell of the outline, beside colours


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
        found = self._all(self._whole(pixels, picture), query, PLACES[0], tried, what)
        if not any(one.judged.odds > CERTAIN for one in found):
            found += self._all(self._tiled(pixels, picture), query, PLACES[1], tried, what)
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
        windows = [window_for(place, picture) for place in places]
        seen = [self._settled(pixels, picture, knower, window) for window in windows]
        return apart([one for one in seen if one.here(rivals)])

    def looked(
        self,
        pixels: Pixels,
        picture: Size,
        knower: Knower,
        places: Sequence[Box],
        *,
        least: float = GLANCE,
    ) -> list[Found]:
        """Places from near: at a first look in windows of two sizes, then the better of them if it promises
        something.

        Args:
            least: deviations by patches at the first look from which it does.
        """
        found: list[Found] = []
        for window, alike in sorted(self._glances(pixels, picture, knower, places), key=lambda one: -one[1]):
            if alike >= least:
                found.append(self._settled(pixels, picture, knower, window))
                if found[-1].judged.odds > CERTAIN:
                    least = max(least, ANOTHER * alike)
        return found

    def best(self, pixels: Pixels, picture: Size, knower: Knower, place: Box) -> Found:
        """A place from near, whatever a first look says."""
        ((window, _),) = self._glances(pixels, picture, knower, [place])
        return self._settled(pixels, picture, knower, window)

    def _glances(
        self, pixels: Pixels, picture: Size, knower: Knower, places: Sequence[Box]
    ) -> list[tuple[Box, float]]:
        """Of each place the better of windows of two sizes, and its likeness with few patches."""
        windows = [window_for(place, picture, room) for place in places for room in ROOMS]
        cuts = [cut_out(pixels, window, picture) for window in windows]
        seen = self.backbone.encode(cuts, FEW) if cuts else []
        alike = [knower.glance(Seen.of(features, self.basis)) for features in seen]
        every = list(zip(windows, alike, strict=True))
        return [
            max(every[first : first + len(ROOMS)], key=lambda one: one[1])
            for first in range(0, len(every), len(ROOMS))
        ]

    def _settled(self, pixels: Pixels, picture: Size, knower: Knower, window: Box) -> Found:
        """What is in a window, seen again with the thing in the middle as long as that helps."""
        one = self._found(pixels, window, picture, knower)
        for _ in range(AGAIN):
            window = window_for(one.box, picture)
            enough = LOOSELY if one.judged.laid.details >= SURE else CENTRED
            if one.judged.odds < PROMISING or window.overlap(one.near.window) >= enough:
                break
            other = self._found(pixels, window, picture, knower)
            if other.judged.odds <= min(one.judged.odds, SURELY):
                break
            one = other
        return one

    def _found(self, pixels: Pixels, window: Box, picture: Size, knower: Knower) -> Found:
        near = self.near(pixels, window, picture)
        return Found(near, knower.judged(near), picture)

    def _all(
        self, seen: Seen, query: RegionQuery, most: int, tried: list[Box], what: tuple[Pixels, Size, Knower]
    ) -> list[Found]:
        """What the places of a grid show; where one is the thing, another may be beside it."""
        found: list[Found] = []
        for _ in range(MOST):
            more = self._tried(seen, query, most, tried, what)
            found += more
            here = [one.box for one in more if one.judged.odds > CERTAIN]
            if not here:
                break
            seen = without(seen, here)
        return found

    def _tried(
        self, seen: Seen, query: RegionQuery, most: int, tried: list[Box], what: tuple[Pixels, Size, Knower]
    ) -> list[Found]:
        """Of the places of a grid those that were not looked at before."""
        pixels, picture, knower = what
        fresh: list[Box] = []
        for place in sighting(query, seen).places:
            window = window_for(place.box, picture)
            if len(fresh) < most and all(window.overlap(other) < SAME_PLACE for other in tried):
                tried.append(window)
                fresh.append(place.box)
        return self.looked(pixels, picture, knower, fresh)

    def _whole(self, pixels: Pixels, picture: Size) -> Seen:
        return Seen.of(on_original(self.backbone.encode([pixels])[0], picture), self.basis)

    def _tiled(self, pixels: Pixels, picture: Size) -> Seen:
        return Seen.of(on_original(encode_tiled(self.backbone, [pixels])[0], picture), self.basis)


def without(seen: Seen, boxes: Sequence[Box]) -> Seen:
    """The same with nothing where some boxes are."""
    reduced = seen.reduced.copy()
    for box in boxes:
        reduced[seen.grid.coverage(box) > 0] = 0
    return replace(seen, reduced=reduced)


def query_of(knower: Knower, most: int | None = None) -> RegionQuery:
    """What a grid of patches is asked with: the tokens of all photos, less those of what it is not.

    Args:
        most: tokens; of more, those that are alike are merged. None: all.
    """
    views = knower.thing.shown
    tokens = np.concatenate([view.query for view in views])
    weights = np.concatenate([view.query_weights for view in views])
    which = np.concatenate([np.full(len(view.query), number) for number, view in enumerate(views)])
    if most is not None and len(tokens) > most:
        owners = grouped(tokens, int(weights.argmax()), most)
        member = (owners[None] == np.arange(owners.max() + 1)[:, None]) * weights
        tokens, weights = normalise(np.asarray(member @ tokens, np.float32)), member.sum(axis=1)
        which = np.arange(len(tokens))  # tokens of different photos lie in no way to each other
    against = [view.query for view in knower.thing.denied]
    return RegionQuery(
        tokens,
        np.asarray(weights / weights.sum(), np.float32),
        np.zeros((len(tokens), 2), np.float32),
        which.astype(np.float32),
        np.concatenate([tokens[:0], *against]),
        np.ones((1, 1), np.float32),
    )


def outline(near: Near, one: Judged, before: FloatArray | None = None) -> Bools:
    """(height, width) of the near pixels: the thing, by its patches, and by the view's outline.

    Args:
        before: (rows, columns) in [0, 1] of the near patches: what a moment ago was the thing, which has
            half the patches' say. None: it was not seen then.
    """
    high, wide = near.pixels.shape[:2]
    reduced, view = near.seen.reduced, one.view
    rim = np.zeros(reduced.shape[:2], np.bool_)
    rim[[0, -1]], rim[:, [0, -1]] = True, True
    ground = np.concatenate([reduced[rim], view.around])
    like = twins(reduced, view.patches) - twins(reduced, ground, rim)
    thought = enlarged(parted(like, ~rim, rim), high, wide)
    if before is not None:
        thought = np.asarray((thought + enlarged(before, high, wide)) / 2, np.float32)
    trust = float(np.clip((one.laid.details - FITS[0]) / FITS[1], 0, 1))
    if trust > 0:
        laid = agreed(near.ready, one.template, one.laid, high, wide)
        thought = np.asarray((1 - trust) * thought + trust * (0.04 + 0.92 * laid), np.float32)
    return outlined(near.pixels, thought, say=PATCHES + trust / 2)


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
