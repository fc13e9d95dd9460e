"""Listings over all shards: a cursor says after which picture to go on, and every shard finds its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dinoscope.cluster.numbering import STRIDE
from dinoscope.library import pages
from dinoscope.library.filters import Filter
from dinoscope.library.records import Page, Picture

Question = tuple[Filter | None, str | None, int, pages.Order, bool]


def questions(
    shards: int,
    where: Filter | None,
    after: str | None,
    *,
    limit: int,
    order: pages.Order,
    descending: bool,
) -> dict[int, Question]:
    """What to ask each shard for the page after a cursor of the whole listing.

    Raises: BadRequest: a cursor of another listing.
    """
    if after is None:
        return dict.fromkeys(range(shards), (where, None, limit, order, descending))
    value, last = pages.read(after, order, descending)
    asked: dict[int, Question] = {}
    for shard in range(shards):
        # the shard's first number beyond ``last``: its outer number is STRIDE times its own, plus the shard
        beyond = -((shard - last) // STRIDE) if descending else (last - shard) // STRIDE
        own = pages.written(order, descending, beyond if order == "added" else value, beyond)
        asked[shard] = (where, own, limit, order, descending)
    return asked


def merged(parts: Sequence[Page], limit: int, order: pages.Order, descending: bool) -> Page:
    """The first ``limit`` pictures of all; ids are those of the whole library."""

    def place(one: Picture) -> tuple[Any, int]:
        return pages.value_of(one, order), one.id

    every = [one for part in parts for one in part.pictures]
    dated = sorted((one for one in every if place(one)[0] is not None), key=place, reverse=descending)
    undated = [one for one in every if place(one)[0] is None]
    undated.sort(key=lambda one: one.id, reverse=descending)
    pictures = (*dated, *undated)
    more = len(pictures) > limit or any(part.next is not None for part in parts)
    following = None
    if more and pictures:
        value, id = place(pictures[:limit][-1])
        following = pages.written(order, descending, value, id)
    return Page(pictures[:limit], sum(part.total for part in parts), following)
