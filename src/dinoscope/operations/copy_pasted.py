"""Which pictures show a piece of another, however small a part of the whole that is: by points.

The points of all pictures are listed by the first bits of their codes. A point that is asked about is
compared with those of its list, and of the lists that come of its least certain bits turned over; it takes
the few it is likest to along. Two points of one picture and their counterparts in one other agree when the
shift, turn and scale told by the first brings the second to its place; who has three of a mind is proposed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.lib.recfunctions import repack_fields
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.operations.copy_points import KEYS, LISTED, MIRRORED, POINT, WEAK, Points

ALIKE = 9  # of 64 bits, by which a point and its counterpart differ at most
TAKEN = 4  # counterparts of a point: a library may hold several copies of one picture
VOTES = 3  # points of a mind
MOST = 12  # pictures proposed for one, those with most votes
_FILLED = 64  # points of a list, on average, as far as the bits of a key allow
_FEWEST = 8  # bits of a key
_TOGETHER = 1 << 20  # points compared at once: 40 MB
_LARGEST = 60  # counterparts in one picture that are compared with each other
_GROWTH, _TURN = 0.6, 0.9  # octaves, and cosine, by which the maps that two points tell differ at most
_LOOSE, _APART = 0.12, 5.0  # of the way between two points what a map may miss by; units they are apart

Found = dict[tuple[int, int], int]  # (asked, other) -> points of a mind
Rows = NDArray[np.int64]


class PointIndex:
    """The points of a library; 18 bytes each, of 96 a picture."""

    def __init__(self, pictures: Iterable[tuple[int, Points]], count: int) -> None:
        """Args:
        pictures: the number of each and its points, of which the first are listed.
        count: pictures at most.
        """
        points, owners = np.zeros(count * LISTED, POINT), np.zeros(count * LISTED, np.int32)
        end = 0
        for owner, all_of_them in pictures:
            listed = all_of_them[:LISTED]
            points[end : end + len(listed)], owners[end : end + len(listed)] = listed, owner
            end += len(listed)
        self._bits = int(np.clip(np.ceil(np.log2(max(end, 1) / _FILLED)), _FEWEST, KEYS))
        keys = (points["code"][:end] & np.uint64((1 << self._bits) - 1)).astype(np.uint16)
        order = np.argsort(keys, kind="stable")
        self._starts = np.searchsorted(keys[order], np.arange((1 << self._bits) + 1))
        self._codes = points["code"][order]
        self._points = repack_fields(points[["x", "y", "turn", "scale"]])[order]
        self._owners = owners[order]

    def __len__(self) -> int:
        return len(self._owners)

    def proposed(self, asked: list[tuple[int, Points]]) -> Found:
        """Pictures in which at least VOTES points of one asked about agree, at most MOST for each."""
        asked = [one for one in asked if len(one[1])]
        if not asked or not len(self):
            return {}
        points = np.concatenate([one[1] for one in asked])
        owners = np.repeat([one[0] for one in asked], [len(one[1]) for one in asked]).astype(np.int64)
        here, there = self._counterparts(points, owners)
        return _likest(
            _agreed(points[here], owners[here], self._points[there], self._owners[there].astype(np.int64))
        )

    def _counterparts(self, points: Points, owners: Rows) -> tuple[Rows, Rows]:
        """Points, and those of other pictures they are likest to."""
        found = [
            self._near(points, owners, rows[part], keys[part])
            for rows, keys in _keys(points, self._bits)
            for part in _parts(self._starts[keys + 1] - self._starts[keys])
        ]
        here, there, bits = (np.concatenate(part) for part in zip(*found, strict=True))
        order = np.lexsort((bits, here))
        here, there = here[order], there[order]
        first = np.arange(len(here)) - np.searchsorted(here, here)
        return here[first < TAKEN], there[first < TAKEN]

    def _near(self, points: Points, owners: Rows, rows: Rows, keys: Rows) -> tuple[Rows, Rows, Rows]:
        """Of some points all in their lists that differ by few bits, and by how many."""
        counts = self._starts[keys + 1] - self._starts[keys]
        ends = np.cumsum(counts)
        there = np.repeat((self._starts[keys] - ends + counts).astype(np.int32), counts)
        there += np.arange(len(there), dtype=np.int32)
        differing = self._codes[there]
        differing ^= np.repeat(points["code"][rows], counts)
        bits = np.bitwise_count(differing)
        near = np.flatnonzero(bits <= ALIKE)
        here, bits, there = rows[np.searchsorted(ends, near, "right")], bits[near], there[near]
        others = owners[here] != self._owners[there]
        return here[others], there[others].astype(np.int64), bits[others].astype(np.int64)


def _keys(points: Points, bits: int) -> Iterator[tuple[Rows, Rows]]:
    """Rows and the key of a list to look in: their own, then others by turning over uncertain bits."""
    own = (points["code"] & np.uint64((1 << bits) - 1)).astype(np.int64)
    weak = (points["weak"].astype(np.int64)[:, None] >> np.arange(0, 4 * WEAK, 4)) & (KEYS - 1)
    for flipped in ((), (0,), (1,), (2,), (3,), (0, 1), (0, 2)):
        rows = np.flatnonzero((weak[:, flipped] < bits).all(axis=1))
        yield rows, own[rows] ^ (1 << weak[rows][:, flipped]).sum(axis=1)


def _parts(counts: Rows) -> Iterator[slice]:
    """Slices whose counts come to _TOGETHER at most, or of one."""
    ends = np.cumsum(counts)
    start = 0
    while start < len(counts):
        done = ends[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(ends, done + _TOGETHER, "right")))
        yield slice(start, end)
        start = end


def _agreed(here: Points, asked: Rows, there: Points, other: Rows) -> Iterator[tuple[int, int, int]]:
    """(asked, other, points of a mind) of each pair of counterparts, as one of them sees it.

    Args:
        here, there: n counterparts.
        asked, other: (n,) the pictures they are of.
    """
    mirrored = (here["scale"] ^ there["scale"]) >= MIRRORED
    pair = (asked << 33) + (other.astype(np.int64) << 1) + mirrored
    order = np.argsort(pair, kind="stable")
    first, second = _couples(pair[order])
    first, second = order[first], order[second]
    (x, y, turn, scale), (u, v, turned, scaled) = _measured(here), _measured(there)
    u = np.where(mirrored, -u, u)
    turned = np.where(mirrored, np.pi - turned, turned)
    growth, turn = scaled - scale, turned - turn
    good = np.abs(growth[first] - growth[second]) < _GROWTH
    good &= np.cos(turn[first] - turn[second]) > _TURN
    first, second = first[good], second[good]
    grown = 2 ** growth[first]
    cos, sin = grown * np.cos(turn[first]), grown * np.sin(turn[first])
    across, down = x[second] - x[first], y[second] - y[first]
    right, under = u[second] - u[first], v[second] - v[first]
    way, there_way = np.hypot(across, down), np.hypot(right, under)
    missed = np.hypot(cos * across - sin * down - right, sin * across + cos * down - under)
    slack = 1.0 + 1.6 * np.maximum(2 ** scaled[second], 2 ** scale[second] * grown)
    good = (missed < _LOOSE * grown * way + slack) & (way > _APART) & (there_way > _APART)
    first, second = first[good], second[good]
    votes = 1 + np.minimum(
        _distinct(first, x[second], y[second], len(here)), _distinct(first, u[second], v[second], len(here))
    )
    for index in np.flatnonzero(votes >= VOTES).tolist():
        yield int(asked[index]), int(other[index]), int(votes[index])


def _couples(pair: Rows) -> tuple[Rows, Rows]:
    """Places of all couples within each run of equal numbers, both ways round, of at most _LARGEST each."""
    starts = np.flatnonzero(np.r_[True, np.diff(pair) > 0]) if len(pair) else np.zeros(0, np.int64)
    sizes = np.minimum(np.diff(np.r_[starts, len(pair)]), _LARGEST)
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for size in np.unique(sizes[sizes > 1]).tolist():
        here, there = np.nonzero(~np.eye(size, dtype=np.bool_))
        runs = starts[sizes == size][:, None]
        first.append((runs + here).ravel())
        second.append((runs + there).ravel())
    return np.concatenate(first), np.concatenate(second)


def _measured(points: Points) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """x and y in units, turn in radians, and the binary logarithm of a level's pixel in units."""
    scale = (points["scale"] & (MIRRORED - 1)).astype(np.float32) / np.float32(8) - np.float32(8)
    turn = points["turn"].astype(np.float32) * np.float32(2 * np.pi / 256)
    x, y = (points[name].astype(np.float32) for name in ("x", "y"))
    return x, y, turn, np.asarray(scale, np.float32)


def _distinct(seeds: Rows, x: FloatArray, y: FloatArray, count: int) -> Rows:
    """(count,) places each seed has, those within _APART counted once."""
    cells = np.floor(np.stack([x, y]) / _APART).astype(np.int64) & 255
    places = np.unique((seeds << 16) + (cells[0] << 8) + cells[1])
    return np.bincount(places >> 16, minlength=count)


def _likest(agreed: Iterable[tuple[int, int, int]]) -> Found:
    """The most votes of each pair, of those with most for each that was asked about."""
    best: dict[int, dict[int, int]] = defaultdict(dict)
    for asked, other, votes in agreed:
        best[asked][other] = max(votes, best[asked].get(other, 0))
    return {
        (asked, other): votes
        for asked, others in best.items()
        for other, votes in sorted(others.items(), key=lambda one: (-one[1], one[0]))[:MOST]
    }
