"""The tokens file: the region tokens of one picture a record, 4.3 KB each at 32 x 128 numbers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dinoscope.engines.engine import Mask, Rows
from dinoscope.engines.readahead import Pages
from dinoscope.errors import BadRequest
from dinoscope.features import Basis, RegionTokens, TokenTable, Vectors, normalise
from dinoscope.library.recordfile import Records, mapped


def layout(tokens: int, dimension: int, patches: int) -> np.dtype[Any]:
    """The record of a picture: most tokens, their numbers each, most patches."""
    return np.dtype(
        [
            ("vectors", np.int8, (tokens, dimension)),
            ("map", np.uint8, (patches,)),  # row by row, the rest 0
            ("rows", "<u2"),  # a panorama has 1 x 256 patches: too many for a byte
            ("columns", "<u2"),
            ("count", "<u2"),  # tokens in use, the rest of ``vectors`` is 0
            ("spare", "<u2"),
        ]
    )


class TokenFile:
    """The committed records of a tokens file; a RecordFile, whose vector ``i`` is token ``i % K`` of
    picture ``i // K``. A token that its picture does not use reads as zeros."""

    def __init__(self, path: Path, record: np.dtype[Any], count: int) -> None:
        """Map the records.

        Raises:
            LibraryDamaged: the file is shorter than its committed records.
            FileNotFoundError: it is gone (a compaction has replaced it).
        """
        self.each, self._dimension = (int(side) for side in record["vectors"].shape)
        self._records = mapped(path, record, count, "pictures' region tokens")
        self._ahead = Pages(self._records)

    @property
    def dimension(self) -> int:
        return self._dimension

    def __len__(self) -> int:
        return len(self._records) * self.each

    def read(self, rows: Rows | slice) -> Vectors:
        """(n, P) unit float32."""
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            first, last = start // self.each, -(-stop // self.each)
            self._ahead.items(slice(first, last), len(self._records))
            near = self._records["vectors"][first:last].reshape(-1, self._dimension)
            found = near[start - first * self.each : stop - first * self.each : step]
        else:
            self._ahead.rows(rows // self.each)
            found = self._records["vectors"][rows // self.each, rows % self.each]
        return normalise(found.astype(np.float32))

    def table(self, records: Rows) -> TokenTable:
        """The tokens of n pictures."""
        self._ahead.rows(records)
        found = self._records[records]
        grids = np.stack([found["rows"], found["columns"]], axis=1).astype(np.int64)
        return TokenTable(found["vectors"], found["count"].astype(np.int64), found["map"], grids)

    def used(self, rows: Rows) -> Mask:
        """Of each vector: is there one, and does its picture use that token?"""
        there = np.flatnonzero(rows >= 0)
        useful = np.zeros(rows.size, np.bool_)
        pictures, tokens = np.divmod(rows.reshape(-1)[there], self.each)
        self._ahead.rows(pictures)
        useful[there] = tokens < self._records["count"][pictures]
        return useful.reshape(rows.shape)

    def raw(self, records: Rows | slice) -> Records:
        """(n,) as stored."""
        self._ahead.items(records, len(self._records))
        return np.asarray(self._records[records])

    def spoilt(self, records: slice) -> int:
        found = self.raw(records)
        counts, sides = found["count"].astype(int), (found["rows"].astype(int), found["columns"].astype(int))
        patches = sides[0] * sides[1]
        good = (counts >= 1) & (counts <= self.each) & (patches >= 1) & (patches <= found["map"].shape[1])
        good &= found["map"].max(axis=1) < counts
        unused = np.arange(self.each) >= counts[:, None]
        good &= ~(found["vectors"].any(axis=2) & unused).any(axis=1)
        return int(np.count_nonzero(~good))


def records_of(tokens: Sequence[RegionTokens], record: np.dtype[Any]) -> Records:
    """(n,) as they will be stored.

    Raises:
        BadRequest: tokens or maps that do not fit the record, or contradict each other.
    """
    filled = np.zeros(len(tokens), record)
    for line, one in zip(filled, tokens, strict=True):
        fits = one.vectors.shape == record["vectors"].shape and one.map.size <= record["map"].shape[0]
        if (
            not fits
            or not 1 <= one.count <= len(one.vectors)
            or not one.map.size
            or one.map.max() >= one.count
        ):
            raise BadRequest(
                f"region tokens of shape {one.vectors.shape}, {one.count} in use, for {one.rows} x "
                f"{one.columns} patches do not fit records of shape {record['vectors'].shape} "
                f"for {record['map'].shape[0]} patches"
            )
        line["vectors"][: one.count] = one.vectors[: one.count]
        line["map"][: one.map.size] = one.map.reshape(-1)
        line["rows"], line["columns"], line["count"] = one.rows, one.columns, one.count
    return filled


def same_basis(one: Basis, other: Basis) -> bool:
    """Are tokens reduced with the one comparable with those of the other?"""
    return np.array_equal(one.mean, other.mean) and np.array_equal(one.projection, other.projection)
