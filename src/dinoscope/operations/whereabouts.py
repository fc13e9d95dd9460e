"""Where in a picture is a thing: likely places, each seen from near, and judged before it is outlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor

import numpy as np

from dinoscope.features import Basis, Pixels
from dinoscope.geometry import Bools, Box, Mask, Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.outlining import enlarged, outlined
from dinoscope.operations.places import sighting
from dinoscope.operations.queries import on_original
from dinoscope.operations.recognising import HERE, Judged, Knower, Near, shrunk
from dinoscope.operations.region_query import RegionQuery, Seen
from dinoscope.operations.tiling import encode_tiled

ROOM = 1.7  # sides of a window, in those of what is looked at in it
LEAST = 24  # pixels of a window's side
PLACES = (3, 4)  # looked at from near: of the whole picture, then of its tiles
AGAIN = -2.5  # log odds from which a place is looked at once more, the thing in the middle
SAME_PLACE = 0.4  # overlap of two windows from which one of them is enough
CENTRED = 0.75  # overlap of two windows from which the thing is in the middle of both
COMMON = 0.6  # of the smaller box that two sightings of one thing share at least
CERTAIN = 1.5  # log odds from which nothing smaller is looked for
SURE = 3.5  # deviations by pixels from which the view's own outline is laid over the thing
TWINS = 3  # patches that one is compared with, on either side
STEEP = 8.0  # log odds per cosine that a patch is more like the thing than like what is around it


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """A thing seen in a picture."""

    name: str
    probability: float  # that it is this very thing, 0.5 to 1
    box: Box  # original pixels
    picture: Size
    window: Box  # what ``mask`` covers, whole pixels; may reach beyond the picture
    mask: Bools  # (height, width) of the window, at any scale: the thing

    def mask_in_picture(self) -> Mask:
        """The same for the whole picture, one truth value a pixel."""
        whole = np.zeros((self.picture.height, self.picture.width), np.bool_)
        left, top = max(0, int(self.window.left)), max(0, int(self.window.top))
        right = min(self.picture.width, int(self.window.right))
        bottom = min(self.picture.height, int(self.window.bottom))
        side = self.window.right - self.window.left
        high, wide = self.mask.shape
        rows = ((np.arange(top, bottom) + 0.5 - self.window.top) / side * high).astype(int)
        columns = ((np.arange(left, right) + 0.5 - self.window.left) / side * wide).astype(int)
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
        """A square window of a picture whose pixels may be at a smaller scale."""
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

    def best(self, pixels: Pixels, picture: Size, knower: Knower, place: Box) -> Found:
        """A place seen from near, and once more with the thing in the middle where that may help."""
        near = self.near(pixels, square_around(place, picture), picture)
        one = Found(near, knower.judged(near), picture)
        window = square_around(one.box, picture) if one.judged.odds > AGAIN else near.window
        if window.overlap(near.window) >= CENTRED:
            return one
        again = self.near(pixels, window, picture)
        other = Found(again, knower.judged(again), picture)
        return other if other.judged.odds > one.judged.odds else one

    def _tried(
        self, seen: Seen, query: RegionQuery, most: int, tried: list[Box], what: tuple[Pixels, Size, Knower]
    ) -> list[Found]:
        """Of the places of a grid those that were not looked at before."""
        pixels, picture, knower = what
        found = []
        for place in sighting(query, seen).places:
            window = square_around(place.box, picture)
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


def outline(near: Near, one: Judged) -> Bools:
    """(height, width) of the near pixels: the thing, by its patches, and by the view's outline."""
    high, wide = near.pixels.shape[:2]
    reduced, view = near.seen.reduced, one.view
    numbers = reduced.shape[-1]
    rim = [reduced[[0, -1]].reshape(-1, numbers), reduced[:, [0, -1]].reshape(-1, numbers)]
    own = np.sort(reduced @ view.patches.T, axis=-1)[..., -TWINS:].mean(axis=-1)
    other = np.sort(reduced @ np.concatenate([*rim, view.around]).T, axis=-1)[..., -TWINS - 1 : -1].mean(
        axis=-1
    )
    thought = enlarged(np.asarray(1 / (1 + np.exp(-STEEP * (own - other))), np.float32), high, wide)
    laid = one.laid.mask(view.mask, high, wide)
    trust = float(np.clip((one.by_pixels - SURE + 1.5) / 3, 0, 1))
    thought = np.asarray((1 - trust) * thought + trust * (0.04 + 0.92 * laid), np.float32)
    return outlined(near.pixels, thought)


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


def square_around(box: Box, picture: Size, room: float = ROOM) -> Box:
    """A square window of whole pixels, inside the picture where that has the room."""
    side = ceil(max(room * max(box.right - box.left, box.bottom - box.top), LEAST))
    (x, y) = box.centre

    def start(middle: float, length: int) -> int:
        if side >= length:
            return floor((length - side) / 2)
        return floor(min(max(middle - side / 2, 0), length - side))

    left, top = start(x, picture.width), start(y, picture.height)
    return Box(left, top, left + side, top + side)


def cut_out(pixels: Pixels, window: Box, picture: Size) -> Pixels:
    """The pixels of a window; what lies beyond the picture has the mean of the rest."""
    high, wide = pixels.shape[0] / picture.height, pixels.shape[1] / picture.width
    top, bottom = floor(window.top * high), ceil(window.bottom * high)
    left, right = floor(window.left * wide), ceil(window.right * wide)
    inside = pixels[max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)]
    if top >= 0 and left >= 0 and bottom <= pixels.shape[0] and right <= pixels.shape[1]:
        return np.ascontiguousarray(inside)
    filled = np.empty((bottom - top, right - left, 3), np.uint8)
    filled[:] = inside.reshape(-1, 3).mean(axis=0).astype(np.uint8)
    start_row, start_column = max(-top, 0), max(-left, 0)
    filled[start_row : start_row + inside.shape[0], start_column : start_column + inside.shape[1]] = inside
    return filled


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
