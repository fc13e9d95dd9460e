"""A listing is walked whole, once each, in order, whatever happens between two pages."""

from __future__ import annotations

import pytest
from tests.library.conftest import file, plant

from dinoscope.errors import BadRequest
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.pages import Order


def walked(library: Library, limit: int, order: Order, descending: bool) -> list[int]:
    ids, after = [], None
    while True:
        page = library.page(None, after, limit, order, descending)
        ids += [picture.id for picture in page.pictures]
        after = page.next
        if after is None:
            return ids


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
@pytest.mark.parametrize(
    ("order", "descending", "expected"),
    [
        ("added", False, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("added", True, [8, 7, 6, 5, 4, 3, 2, 1]),
        ("taken", False, [1, 2, 3, 4, 5, 6, 7, 8]),
        ("taken", True, [4, 3, 2, 1, 8, 7, 6, 5]),
        ("path", False, [4, 3, 1, 2, 5, 8, 7, 6]),
        ("path", True, [6, 7, 8, 5, 2, 1, 3, 4]),
        ("size", False, [1, 8, 2, 4, 5, 6, 7, 3]),
        ("size", True, [3, 7, 6, 5, 4, 2, 8, 1]),
    ],
)
def test_pages_of_any_size_list_everything_once_in_order(
    album: Library, limit: int, order: Order, descending: bool, expected: list[int]
) -> None:
    assert walked(album, limit, order, descending) == expected


def test_a_page_counts_all_that_pass(album: Library) -> None:
    page = album.page(parse_filter("kind=jpeg"), limit=2)
    assert (len(page.pictures), page.total) == (2, 6)


def test_a_listing_neither_skips_nor_repeats_when_rows_come_and_go(album: Library) -> None:
    first = album.page(limit=3)
    album.remove(ids=[1, 2, 3])
    plant(album, [file(50)])
    rest = album.page(after=first.next, limit=100)
    assert [picture.id for picture in rest.pictures] == [4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("cursor", ["", "nonsense", "é", "WzEsMl0", "bnVsbA"])
def test_a_foreign_cursor_is_refused(album: Library, cursor: str) -> None:
    with pytest.raises(BadRequest, match="start again from its first page"):
        album.page(after=cursor)


def test_a_cursor_belongs_to_one_order(album: Library) -> None:
    cursor = album.page(limit=1, order="path").next
    for order, descending in (("added", False), ("path", True)):
        with pytest.raises(BadRequest, match="does not belong"):
            album.page(after=cursor, order=order, descending=descending)  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_page_has_a_sensible_length(album: Library, limit: int) -> None:
    with pytest.raises(BadRequest, match="1 to 1000"):
        album.page(limit=limit)


def test_an_unknown_order_is_refused(album: Library) -> None:
    with pytest.raises(BadRequest, match="added, taken, path, size"):
        album.page(order="colour")  # type: ignore[arg-type]
