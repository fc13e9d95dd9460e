"""From picture files to views: the work of a loader, done in this process or in one of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dinoscope.errors import DinoscopeError
from dinoscope.features import Pixels
from dinoscope.pictures.limits import Limits
from dinoscope.training.crops import side_needed, sizes_of, views_of
from dinoscope.training.items import Item
from dinoscope.training.recipe import Crops
from dinoscope.training.sampling import VIEWS, generator_of


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


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """An order carried out."""

    pixels: list[Pixels]  # per view (n, size, size, 3); zeros where the picture failed
    failed: dict[int, str]  # number within the order -> the sentence


def view_all(order: Order, limits: Limits) -> Views:
    """Decode each picture once and cut all its views; one that cannot be read fails alone."""
    count = len(order.pictures)
    views = Views(empty_views(order.crops, count), {})
    at_least = side_needed(order.crops)
    for number, items in enumerate(order.pictures):
        dice = generator_of(order.seed, VIEWS, order.step, order.first + number)
        try:
            pictures = [item.read(limits, at_least).pixels for item in items]
        except DinoscopeError as error:
            views.failed[number] = str(error)
            continue
        for kind, view in zip(views.pixels, views_of(pictures, order.crops, dice), strict=True):
            kind[number] = view
    return views


def empty_views(crops: Crops, count: int) -> list[Pixels]:
    """Per view (count, size, size, 3) of zeros."""
    return [np.zeros((count, size, size, 3), np.uint8) for size in sizes_of(crops)]
