"""From picture files to views: the work of a loader, done in this process or in one of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dinoscope.errors import DinoscopeError
from dinoscope.features import Pixels
from dinoscope.pictures.limits import Limits
from dinoscope.training.crops import side_needed, sizes_of, views_of
from dinoscope.training.items import Item
from dinoscope.training.kept import Kept
from dinoscope.training.recipe import Crops
from dinoscope.training.sampling import VIEWS, generator_of

Failed = dict[int, str]  # number of a picture within its order -> the sentence


@dataclass(frozen=True, slots=True)
class Order:
    """The views of n pictures at neighbouring places of one batch."""

    seed: int
    step: int
    first: int  # place of the first picture in the whole batch; the dice belong to the place
    crops: Crops
    pictures: tuple[tuple[Item, ...], ...]  # n of one or two items, the second for temporal positives

    def single(self, number: int) -> Order:
        """The order for one of its pictures."""
        return Order(self.seed, self.step, self.first + number, self.crops, (self.pictures[number],))


def view_all(order: Order, limits: Limits, into: Sequence[Pixels], kept: Kept | None = None) -> Failed:
    """Decode each picture once and cut all its views; one that cannot be read fails alone.

    Args:
        kept: pictures decoded before, which this adds to.
        into: per view (n, size, size, 3), where the views go; a picture that failed leaves its row.
    """
    failed: Failed = {}
    at_least = side_needed(order.crops)
    for number, items in enumerate(order.pictures):
        dice = generator_of(order.seed, VIEWS, order.step, order.first + number)
        try:
            pictures = [_pixels(item, limits, at_least, kept) for item in items]
        except DinoscopeError as error:
            failed[number] = str(error)
            continue
        for rows, view in zip(into, views_of(pictures, order.crops, dice), strict=True):
            rows[number] = view
    return failed


def _pixels(item: Item, limits: Limits, at_least: int, kept: Kept | None) -> Pixels:
    if kept is None or kept.side != at_least:  # the larger views of the last steps
        return item.read(limits, at_least).pixels
    pixels = kept.read(item)
    if pixels is None:
        pixels = item.read(limits, at_least).pixels
        kept.write(item, pixels)
    return pixels


def room_for(crops: Crops, count: int) -> list[Pixels]:
    """Per view (count, size, size, 3), not filled."""
    return [np.empty((count, size, size, 3), np.uint8) for size in sizes_of(crops)]


def rows_of(views: Sequence[Pixels], low: int, high: int) -> list[Pixels]:
    """The same rows of every view, not copied."""
    return [view[low:high] for view in views]
