"""Points of a picture and what surrounds them, in numpy: what two copies of one photo have in common.

Corners (Harris and Stephens 1988) on a pyramid, each with the direction its surroundings lean to and a
histogram of their edges (Lowe 2004, normed as Arandjelovic and Zisserman 2012 do). A copy's points are
the original's, moved by whatever was done to it; another picture of the same kind has other points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import Bytes, FloatArray, Pixels

SIDE = 320  # pixels: the longest side at which points are looked for, which is a thumbnail's
STEP = 1.3  # between two levels of the pyramid
SMALLEST = 40  # pixels: the shorter side of the last level
POINTS = 500  # of one picture at most
_EDGE = 10  # pixels from a level's edge that no point is nearer to
_SPREAD = 4  # pixels around a point without another
_FLAT = 2e-5  # cornerness below which there is nothing but noise
_CELLS, _WAYS = 4, 8  # of a descriptor: cells a side, directions a cell
_PITCH = 1.2  # pixels between two of the 16 x 16 samples of a descriptor
_HALF = 16 * _PITCH / 2
_LEANS = 36  # directions tried for a point


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """The points of one picture, the strongest of each level first."""

    places: FloatArray  # (n, 2) (x, y) as shares of width and height
    scales: FloatArray  # (n,) pixels of the picture that one of the point's level is
    angles: FloatArray  # (n,) radians, clockwise from the right
    descriptors: FloatArray  # (n, 128) unit vectors
    width: int  # pixels of the picture the points are in
    height: int

    def __len__(self) -> int:
        return len(self.scales)

    def mirrored(self) -> Keypoints:
        """Those of the picture with left and right exchanged."""
        cells = self.descriptors.reshape(-1, _CELLS, _CELLS, _WAYS)[:, ::-1]
        ways = -np.arange(_WAYS) % _WAYS
        return Keypoints(
            np.asarray(self.places * [-1, 1] + [1, 0], np.float32),
            self.scales,
            np.asarray(np.pi - self.angles, np.float32),
            np.ascontiguousarray(cells[..., ways]).reshape(-1, _CELLS * _CELLS * _WAYS),
            self.width,
            self.height,
        )


def grey_of(pixels: Pixels, side: int = SIDE) -> FloatArray:
    """(height, width) luminance in [0, 1], the longest side at most ``side``."""
    from PIL import Image

    image = Image.fromarray(pixels).convert("L")
    if max(image.size) > side:
        image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=2.0)
    return np.asarray(image, np.float32) / np.float32(255)


def keypoints(grey: FloatArray, most: int = POINTS) -> Keypoints:
    """Look for points; some 25 ms at 320 pixels.

    Args:
        grey: (height, width) in [0, 1].
        most: points wanted; each level of the pyramid gives its share.
    """
    height, width = grey.shape
    places, scales, angles, descriptors = [], [], [], []
    for level, share in _pyramid(grey):
        across, down = _edges(level)
        rows, columns = _corners(across, down, max(8, round(most * share)))
        if not len(rows):
            continue
        edges = np.stack([np.sqrt(across * across + down * down), np.arctan2(down, across)], axis=-1)
        lean = _leaning(edges, rows, columns)
        places.append((np.stack([columns, rows], axis=1) + 0.5) / [level.shape[1], level.shape[0]])
        scales.append(np.full(len(rows), width / level.shape[1]))
        angles.append(lean)
        descriptors.append(_described(edges, rows, columns, lean))
    if not places:
        empty = np.zeros((0, _CELLS * _CELLS * _WAYS), np.float32)
        return Keypoints(empty[:, :2], empty[:, 0], empty[:, 0], empty, width, height)
    return Keypoints(
        np.concatenate(places).astype(np.float32),
        np.concatenate(scales).astype(np.float32),
        np.concatenate(angles).astype(np.float32),
        np.concatenate(descriptors),
        width,
        height,
    )


def _pyramid(grey: FloatArray) -> Iterator[tuple[FloatArray, float]]:
    """Levels, each with its share of the points: in proportion to its width, so small levels have some."""
    from PIL import Image

    image = Image.fromarray(grey)
    sizes: list[tuple[int, int]] = []
    scale = 1.0
    while min(grey.shape) / scale >= SMALLEST or not sizes:
        sizes.append((max(1, round(grey.shape[1] / scale)), max(1, round(grey.shape[0] / scale))))
        scale *= STEP
    total = sum(size[0] for size in sizes)
    for size in sizes:
        level = np.asarray(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0), np.float32)
        yield level, size[0] / total


def _blurred(values: FloatArray) -> FloatArray:
    """[1 4 6 4 1] / 16 both ways: a Gaussian of one pixel, as [1 1] eight times over."""
    rows, columns = values.shape
    tall = np.empty((rows + 4, columns), np.float32)
    tall[2:-2], tall[:2], tall[-2:] = values, values[0], values[-1]
    for _ in range(4):
        tall = tall[1:] + tall[:-1]
    wide = np.empty((rows, columns + 4), np.float32)
    wide[:, 2:-2], wide[:, :2], wide[:, -2:] = tall, tall[:, :1], tall[:, -1:]
    for _ in range(4):
        wide = wide[:, 1:] + wide[:, :-1]
    wide *= np.float32(1 / 256)
    return wide


def _edges(level: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slopes to the right and downwards of a level, (rows, columns) each."""
    smooth = _blurred(level)
    across, down = np.zeros_like(smooth), np.zeros_like(smooth)
    across[:, 1:-1] = smooth[:, 2:] - smooth[:, :-2]
    down[1:-1] = smooth[2:] - smooth[:-2]
    return across, down


def _corners(across: FloatArray, down: FloatArray, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the strongest corners that are the strongest around."""
    rows, columns = across.shape
    if min(rows, columns) <= 2 * _EDGE:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    xx, yy, xy = _blurred(across * across), _blurred(down * down), _blurred(across * down)
    strength = xx * yy - xy * xy - np.float32(0.05) * (xx + yy) ** 2
    strength[:_EDGE] = strength[-_EDGE:] = 0
    strength[:, :_EDGE] = strength[:, -_EDGE:] = 0
    strength = np.sign(strength) * np.sqrt(np.abs(strength))
    peak = (strength == _largest_around(strength)) & (strength > _FLAT)
    found = np.flatnonzero(peak)
    best = found[np.argsort(-strength.reshape(-1)[found], kind="stable")[:most]]
    return best // columns, best % columns


def _largest_around(values: FloatArray) -> FloatArray:
    """The largest value within _SPREAD // 2 of each, both ways."""
    reach = _SPREAD // 2
    for axis in (0, 1):
        wide = np.copy(values)
        for shift in range(1, reach + 1):
            ahead = [slice(None)] * 2
            behind = [slice(None)] * 2
            ahead[axis], behind[axis] = slice(shift, None), slice(None, -shift)
            np.maximum(wide[tuple(behind)], values[tuple(ahead)], out=wide[tuple(behind)])
            np.maximum(wide[tuple(ahead)], values[tuple(behind)], out=wide[tuple(ahead)])
        values = wide
    return values


def _leaning(edges: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> FloatArray:
    """(n,) the direction most edges around a point have, radians.

    Args:
        edges: (height, width, 2) strength and direction of each.
    """
    reach = 6
    offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
    weights = np.exp(-(offsets**2).sum(axis=0) / (2 * 3.0**2)).astype(np.float32)
    r = np.clip(rows[:, None] + offsets[0], 0, edges.shape[0] - 1)
    c = np.clip(columns[:, None] + offsets[1], 0, edges.shape[1] - 1)
    strong, way = _taken(edges, r, c)
    strong *= weights
    way *= _LEANS / (2 * np.pi)
    lower = np.floor(way)
    part = way - lower
    half, wide = _LEANS // 2, _LEANS + 2  # bins from -half on, of which the last two are the first two again
    bins = (lower + half).astype(np.int32)
    bins += np.arange(len(rows), dtype=np.int32)[:, None] * wide
    votes: NDArray[np.float64] = np.zeros(len(rows) * wide)
    votes += np.bincount(bins.ravel(), (strong * (1 - part)).ravel(), len(votes))
    votes += np.bincount(bins.ravel() + 1, (strong * part).ravel(), len(votes))
    open_ended = votes.reshape(-1, wide)
    open_ended[:, :2] += open_ended[:, _LEANS:]
    histogram = np.roll(open_ended[:, :_LEANS], -half, 1)
    for _ in range(3):
        histogram = (np.roll(histogram, 1, 1) + histogram + np.roll(histogram, -1, 1)) / 3
    best = histogram.argmax(axis=1)
    here = np.arange(len(rows))
    left, top, right = (histogram[here, (best + shift) % _LEANS] for shift in (-1, 0, 1))
    bend = left - 2 * top + right
    shift = np.where(bend < -1e-12, 0.5 * (left - right) / np.where(bend < -1e-12, bend, 1), 0)
    return np.asarray((best + shift) * (2 * np.pi / _LEANS), np.float32)


def _described(
    edges: FloatArray, rows: NDArray[np.int64], columns: NDArray[np.int64], lean: FloatArray
) -> FloatArray:
    """(n, 128) histograms of the edges in 4 x 4 cells around each point, turned by its direction."""
    u, v, fall, cells = _samples()
    cos, sin = np.cos(lean)[:, None], np.sin(lean)[:, None]
    r = np.clip(np.rint(rows[:, None].astype(np.float32) + sin * u + cos * v), 0, edges.shape[0] - 1)
    c = np.clip(np.rint(columns[:, None].astype(np.float32) + cos * u - sin * v), 0, edges.shape[1] - 1)
    strong, way = _taken(edges, r.astype(np.int32), c.astype(np.int32))
    strong *= fall
    way -= lean[:, None]  # in the point's own directions
    way *= _WAYS / (2 * np.pi)
    lower = np.floor(way)
    part = way - lower
    first = lower.astype(np.int32)
    count = len(rows)
    samples = np.arange(strong.shape[1], dtype=np.int32) * np.int32(count * _WAYS)
    places = samples + np.arange(count, dtype=np.int32)[:, None] * _WAYS
    votes = np.zeros((strong.shape[1], count * _WAYS), np.float32)  # one product with the cells for all
    flat = votes.reshape(-1)
    flat[places + (first & _WAYS - 1)] = strong * (1 - part)
    flat[places + (first + 1 & _WAYS - 1)] = strong * part
    found = (cells @ votes).reshape(-1, count, _WAYS).swapaxes(0, 1).reshape(count, -1)
    found = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
    found = np.sqrt(np.minimum(found, 0.2))
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9), np.float32)


def _taken(
    edges: FloatArray, rows: NDArray[np.integer], columns: NDArray[np.integer]
) -> tuple[FloatArray, FloatArray]:
    """Strength and direction of the edges at these pixels."""
    found = edges.reshape(-1, 2)[rows * edges.shape[1] + columns]
    return np.ascontiguousarray(found[..., 0]), np.ascontiguousarray(found[..., 1])


@cache
def _samples() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """(256,) steps right and down to a descriptor's samples, what each counts; (16, 256) in each cell."""
    ticks = (np.arange(16) - 7.5) * _PITCH
    v, u = (grid.reshape(-1).astype(np.float32) for grid in np.meshgrid(ticks, ticks, indexing="ij"))
    fall = np.exp(-(u**2 + v**2) / (2 * _HALF**2)).astype(np.float32)
    return u, v, fall, np.ascontiguousarray(_cells().T)


def _cells() -> FloatArray:
    """(256, 16) how much of each sample goes to each cell, v before u, bilinear."""
    at = (np.arange(16) + 0.5) / 4 - 0.5
    share = np.maximum(1 - np.abs(at[:, None] - np.arange(_CELLS)), 0)  # (16, 4)
    return np.asarray(np.einsum("va,ub->vuab", share, share).reshape(256, 16), np.float32)


def as_bytes(grey: FloatArray) -> Bytes:
    """[0, 1] -> 0 to 255."""
    return np.asarray(np.rint(np.clip(grey, 0, 1) * 255), np.uint8)
