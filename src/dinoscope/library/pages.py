"""Listings page by page, by keyset: a page costs the same at the start and the end, and never skips a row."""

from __future__ import annotations

import base64
import binascii
import json
import sqlite3
from typing import Literal

from dinoscope.errors import BadRequest
from dinoscope.library import files
from dinoscope.library.clocks import clock
from dinoscope.library.filters import Filter
from dinoscope.library.paths import to_text
from dinoscope.library.records import Page, Picture

Order = Literal["added", "taken", "path", "size"]
_COLUMNS = {"added": "id", "taken": "taken", "path": "path", "size": "bytes"}
MOST = 1000  # pictures a page
_Value = str | int | None


def page(
    db: sqlite3.Connection,
    where: Filter | None,
    after: str | None,
    *,
    limit: int,
    order: Order,
    descending: bool,
    total: int,
) -> Page:
    """The next ``limit`` pictures after a cursor. Pictures without a date come last in either direction.

    Raises:
        BadRequest: an unknown order, a limit out of range, or a cursor of another listing.
    """
    if order not in _COLUMNS:
        raise BadRequest(f"pictures cannot be ordered by {order!r}: use one of {', '.join(_COLUMNS)}")
    if not 1 <= limit <= MOST:
        raise BadRequest(f"a page of {limit} pictures is not possible: ask for 1 to {MOST}")
    column = _COLUMNS[order]
    conditions, parameters = files.sql_of(where)
    if after is not None:
        value, last = read(after, order, descending)
        condition, more = _beyond(column, value, last, descending)
        conditions, parameters = f"{conditions} AND {condition}", (*parameters, *more)
    way = "DESC" if descending else "ASC"
    nulls = " NULLS LAST" if order == "taken" else ""
    statement = (
        f"SELECT {files.columns(db)}, files.{column} FROM {files.JOINED} WHERE {conditions} "
        f"ORDER BY files.{column} {way}{nulls}, files.id {way} LIMIT ?"
    )
    rows = db.execute(statement, (*parameters, limit + 1)).fetchall()
    pictures = tuple(files.picture_of(row) for row in rows[:limit])
    following = None
    if len(rows) > limit:
        last_row = rows[limit - 1]
        following = written(order, descending, last_row[-1], last_row[0])
    return Page(pictures, total, following)


def _beyond(column: str, value: _Value, last: int, descending: bool) -> tuple[str, tuple[str | int, ...]]:
    """The rows that come after (value, id) in the listing."""
    sign = "<" if descending else ">"
    if value is None:
        return f"files.{column} IS NULL AND files.id {sign} ?", (last,)
    later = f"(files.{column}, files.id) {sign} (?, ?)"
    return (f"({later} OR files.taken IS NULL)" if column == "taken" else later), (value, last)


def value_of(picture: Picture, order: Order) -> _Value:
    """What a listing in that order is sorted by; pictures of the same value go by their ids."""
    values: dict[Order, _Value] = {
        "added": picture.id,
        "taken": clock(picture.metadata.taken_at)[0],
        "path": to_text(picture.path),
        "size": picture.bytes,
    }
    return values[order]


def written(order: str, descending: bool, value: _Value, last: int) -> str:
    """The cursor that goes on after a picture of that value and id."""
    text = json.dumps([order, descending, value, last], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read(cursor: str, order: str, descending: bool) -> tuple[_Value, int]:
    """(value, id) of the picture after which a cursor goes on. Raises: BadRequest."""
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        given_order, given_way, value, last = json.loads(text)
        expected = str if order in ("taken", "path") else int
        good = value is None if order == "taken" and value is None else isinstance(value, expected)
        if (given_order, given_way) != (order, descending) or not good or not isinstance(last, int):
            raise ValueError(cursor)
    except (ValueError, TypeError, binascii.Error, UnicodeError):
        raise BadRequest(
            "the place to go on from does not belong to this listing: start again from its first page"
        ) from None
    return value, last
