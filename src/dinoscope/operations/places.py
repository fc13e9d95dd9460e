"""Where in a picture a part is: likeness of its tokens, connected patches, boxes finer than a patch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dinoscope.features import FloatArray
from dinoscope.geometry import Bools, Box, PatchGrid
from dinoscope.operations.region_answers import Link, Place
from dinoscope.operations.region_query import RegionQuery, Seen

EDGE = 0.55  # of the way from a picture's usual likeness to its best: less is outside a place
WORTH = 0.75  # of the best place's score that another place of the same picture must reach
MOST_PLACES = 8
MOST_LINKS = 16
ARRANGED = 0.1  # of a score is lost when the parts lie to each other in no way as in the query


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What a query finds in one picture."""

    score: float  # of the picture: parts of the query may be in several places, so at least the best's
    places: tuple[Place, ...]  # best first, at least one
    heat: FloatArray  # (rows, columns) likeness of each patch, in [-1, 1]
    patches: Bools  # (rows, columns) those of the best place


def likeness(query: RegionQuery, vectors: FloatArray) -> FloatArray:
    """(q, n) cosines of query tokens to unit vectors (n, P), less what speaks against.

    What is more like something unwanted than like the query loses by as much as it is.
    """
    cosines = query.tokens @ vectors.T
    if len(query.against):
        rival = (query.against @ vectors.T).max(axis=0)
        cosines = cosines - np.maximum(rival - cosines, 0)
    return np.asarray(cosines, np.float32)


def sighting(query: RegionQuery, seen: Seen) -> Sighting:
    """The places of a picture where the query's tokens are, at least one be it ever so unlike."""
    rows, columns, dimension = seen.reduced.shape
    similar = likeness(query, seen.reduced.reshape(-1, dimension)).reshape(-1, rows, columns)
    if seen.says is not None:
        similar = similar * seen.says
    heat = np.tensordot(query.weights, similar, 1)
    rise = risen(heat)
    labels = connected(rise >= EDGE)
    found = []
    for label in np.unique(labels[labels >= 0]):
        patches = labels == label
        found.append((_score(query, similar, patches), patches))
    found.sort(key=lambda one: -one[0])
    best, around = found[0]
    places = tuple(
        Place(finer_box(seen.grid, patches, rise), score)
        for score, patches in found[:MOST_PLACES]
        if score >= WORTH * best
    )
    score = max(_score(query, similar, np.ones_like(around)), best)
    return Sighting(score, places or (Place(finer_box(seen.grid, around, rise), best),), heat, around)


def itself(seen: Seen, found: Sighting, part: Box) -> Sighting:
    """In the very picture that is asked about: the part is where it was marked, and as like as can be."""
    within = seen.grid.coverage(part)
    others = tuple(place for place in found.places if place.box.common(part) is None)
    return replace(
        found, score=1.0, places=(Place(part, 1.0), *others), patches=within >= min(0.5, float(within.max()))
    )


def risen(heat: FloatArray) -> FloatArray:
    """(rows, columns) likeness from the picture's usual, 0, to its best, 1; a flat picture is 1 all over.

    What is not alike at all has a cosine of 0, so a picture full of the part is usual at 0, too.
    """
    usual = min(float(np.sort(heat, axis=None)[heat.size // 2]), 0.5 * float(heat.max()))
    span = float(heat.max()) - usual
    return np.asarray((heat - usual) / span if span > 1e-6 else np.ones_like(heat), np.float32)


def connected(inside: Bools) -> NDArray[np.int64]:
    """(rows, columns) -1 outside; patches that touch, be it at a corner, share a number from 0 on."""
    rows, columns = inside.shape
    outside = rows * columns
    padded = np.full((rows + 2, columns + 2), outside)
    labels = padded[1:-1, 1:-1]  # a view
    labels[inside] = np.flatnonzero(inside)
    while True:
        lowest = np.minimum.reduce(
            [
                padded[down : down + rows, across : across + columns]
                for down in range(3)
                for across in range(3)
            ]
        )
        lowest[~inside] = outside
        if (lowest == labels).all():
            break
        labels[:] = lowest
    return np.where(inside, labels, -1)


def finer_box(grid: PatchGrid, patches: Bools, rise: FloatArray) -> Box:
    """The box around patches, its edges moved by how far the likeness of the outermost lines has risen.

    A patch that is half covered by a thing looks half like it.
    """
    down, across = np.flatnonzero(patches.any(axis=1)), np.flatnonzero(patches.any(axis=0))
    lines = rise[:, across].max(axis=1), rise[down].max(axis=0)
    top, bottom = _edges(lines[0], int(down[0]), int(down[-1]))
    left, right = _edges(lines[1], int(across[0]), int(across[-1]))
    wide, high = grid.picture.width / grid.columns, grid.picture.height / grid.rows
    return Box(left * wide, top * high, right * wide, bottom * high)


def links(query: RegionQuery, seen: Seen, found: Sighting, there: Seen) -> tuple[Link, ...]:
    """From the strongest query patches to the patch of the best place each is most like.

    Args:
        seen: the query picture, whose patches ``query.patches`` weighs.
        there: the hit.
    """
    strongest = np.argsort(-query.patches, axis=None, kind="stable")[:MOST_LINKS]
    own = [divmod(int(one), seen.grid.columns) for one in strongest if query.patches.flat[one] > 0]
    within = np.argwhere(found.patches)
    cosines = np.stack([seen.reduced[here] for here in own]) @ there.reduced[found.patches].T
    start, end = _spread(np.array(own), np.array(own)), _spread(within, within)
    apart = np.abs(start[:, None] - end[None]).sum(axis=2)  # patches of a token are equally like: the nearest
    chosen = (cosines - 1e-3 * apart).argmax(axis=1)
    return tuple(
        Link(here, (int(within[one][0]), int(within[one][1])), float(cosines[number, one]))
        for number, (here, one) in enumerate(zip(own, chosen, strict=True))
    )


def _score(query: RegionQuery, similar: FloatArray, patches: Bools) -> float:
    """MaxSim within a place, a little less when its parts do not lie to each other as in the query."""
    within = similar[:, patches]  # (q, n)
    best = within.argmax(axis=1)
    alike = float(query.weights @ within[np.arange(len(best)), best])
    return alike * (1 - ARRANGED * (1 - arranged(query, np.argwhere(patches)[best])))


def arranged(query: RegionQuery, found: NDArray[np.int64]) -> float:
    """In [0, 1]: do the parts lie in the same directions from each other, or all mirrored?

    Parts that look the same may be exchanged, and two found at one patch tell half.

    Args:
        found: (q, 2) row and column of what each query token is most like.
    """
    start = query.places[:, None] - query.places[None]
    end = (found[:, None] - found[None]).astype(np.float32)
    say = query.weights[:, None] * query.weights[None] * (query.views[:, None] == query.views[None])
    np.fill_diagonal(say, 0)
    unlike = np.clip(1 - query.tokens @ query.tokens.T, 0, 1)
    lengths = np.linalg.norm(start, axis=2) * np.linalg.norm(end, axis=2)
    down, across = np.moveaxis(start * end, 2, 0) / np.maximum(lengths, 1e-6)
    cosines = [np.where(lengths > 0, down + sign * across, 0.5) for sign in (1, -1)]
    lost = min(float((say * unlike * (1 - np.maximum(cosine, 0))).sum()) for cosine in cosines)
    return 1 - lost / max(float(say.sum()), 1e-6)


def _edges(line: FloatArray, first: int, last: int) -> tuple[float, float]:
    """Where a run of patches first..last begins and ends, by its ends and what is next to them."""
    covered = [0.0, *np.clip((line - 0.25) / 0.5, 0, 1).tolist(), 0.0]  # of each patch, by the thing
    start = first + 1 - max(covered[first + 1], 0.5) - covered[first]
    end = last + max(covered[last + 1], 0.5) + covered[last + 2]
    return start, end


def _spread(points: NDArray[np.int64], among: NDArray[np.int64]) -> FloatArray:
    """(n, 2) points of a grid as shares of the extent of a set of points, in [0, 1]."""
    low, high = among.min(axis=0), among.max(axis=0)
    return np.asarray((points - low) / np.maximum(high - low, 1), np.float32)
