"""From a selection to a few weighted query tokens, and the tokens that speak against."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Basis, Features, FloatArray, RegionTokens, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations.pooling import SAY, directions, grouped, placed, say_of, says
from dinoscope.operations.selection import Selection

MOST = 16  # tokens of one selection
LEAST = 0.5  # coverage from which a patch has a say
FAINT = 0.01  # what a patch says at least that is all background
TWINS = 3  # patches outside the selection that a background patch is like
SHARPNESS = 4  # power of how unlike its twins a patch is; measured: 1 < 2 < 4
ATTENDED = 0.5 / SAY  # power of a patch's say, so that the root of its attention counts; measured
UNUSED_PATCH = 1  # side of a patch where only the shape of the grid is known; boxes do not depend on it


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture's patches in the basis of a shelf."""

    grid: PatchGrid
    reduced: FloatArray  # (rows, columns, P) unit vectors
    says: FloatArray | None = None  # (rows, columns) what a likeness to each counts; None: all alike

    @classmethod
    def of(cls, features: Features, basis: Basis) -> Seen:
        return cls(features.grid, basis.reduced(features.patches), say_of(features.attention.mean(axis=0)))

    @classmethod
    def stored(cls, tokens: RegionTokens, picture: Size) -> Seen:
        """As its tokens remember it: each patch is the mean of its token."""
        grid = PatchGrid(tokens.rows, tokens.columns, UNUSED_PATCH, picture)
        return cls(grid, directions(tokens.vectors)[tokens.map], says(tokens.vectors)[tokens.map])


@dataclass(frozen=True, slots=True, eq=False)
class RegionQuery:
    """What to look for. Several selections of different pictures may be joined into one."""

    tokens: FloatArray  # (q, P) unit
    weights: FloatArray  # (q,) their say in the score, sum 1
    places: FloatArray  # (q, 2) row and column of each in its own picture's grid
    views: FloatArray  # (q,) which view of a selection each comes from: places compare only within one
    against: FloatArray  # (m, P) unit: what is not wanted
    patches: FloatArray  # (rows, columns) say of each patch of the first picture, the strongest 1

    def counting(self, say: float) -> RegionQuery:
        """With so many times its say among others it is joined with."""
        return replace(self, weights=self.weights * np.float32(say))

    def joined(self, more: list[RegionQuery], less: list[FloatArray]) -> RegionQuery:
        """Every query has the same say; ``less`` are tokens (m, P) each of what is not wanted.

        A part of the query that is itself like them has hardly a say any more.
        """
        parts = [self, *more]
        firsts = np.cumsum([0, *(part.views.max() + 1 for part in parts[:-1])])
        tokens = np.concatenate([part.tokens for part in parts])
        weights = np.concatenate([part.weights for part in parts])
        rivals = np.concatenate([tokens[:0], *less])
        if len(rivals):
            weights = weights * np.clip(1 - (tokens @ rivals.T).max(axis=1), FAINT, 1)
        return RegionQuery(
            tokens,
            np.asarray(weights / weights.sum(), np.float32),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.views + first for part, first in zip(parts, firsts, strict=True)]),
            np.concatenate([*(part.against for part in parts), rivals]),
            self.patches,
        )


def region_query(seen: Seen, selection: Selection) -> RegionQuery:
    """The selected patches, those that look like the rest of the picture with less say.

    Raises:
        BadRequest: a selection that makes no sense on this picture, see ``Selection.on``, or of which
            what is unwanted leaves nothing.
    """
    wanted, unwanted = selection.on(seen.grid)
    wanted = wanted * (1 - unwanted)
    if wanted.max() < LEAST:
        raise BadRequest("what is not meant takes back all that is selected: leave some of it")
    chosen = wanted >= LEAST
    say = np.where(chosen, wanted * foregrounds(seen, wanted), 0)
    tokens, weights, places = _merged(seen.reduced, np.asarray(say, np.float32))
    return RegionQuery(
        tokens,
        weights,
        places,
        np.zeros(len(tokens), np.float32),
        _against(seen.reduced, unwanted),
        np.asarray(say / say.max(), np.float32),
    )


def foregrounds(seen: Seen, wanted: FloatArray) -> FloatArray:
    """(rows, columns) above 0: little where the picture outside the selection has the same.

    Sky in the corner of a box around a tower is what the sky outside is; the tower is not. And what the
    model attends to says more than what it does not.
    """
    outside = seen.reduced[wanted == 0]
    say = np.ones(wanted.shape, np.float32)
    if len(outside):
        twins = np.sort(seen.reduced @ outside.T, axis=-1)[..., -TWINS:].mean(axis=-1)
        say = np.maximum(np.clip(1 - twins, 0, 1) ** SHARPNESS, FAINT)
    return say if seen.says is None else np.asarray(say * seen.says**ATTENDED, np.float32)


def _against(reduced: FloatArray, unwanted: FloatArray) -> FloatArray:
    """(m, P) at most MOST tokens of the unwanted patches: a few points stay as they are."""
    chosen = np.where(unwanted >= LEAST, unwanted, 0)
    return _merged(reduced, np.asarray(chosen, np.float32))[0] if chosen.any() else reduced[:0, 0]


def _merged(reduced: FloatArray, say: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """At most MOST tokens of the patches that have a say: vectors, weights and places."""
    rows, columns = np.nonzero(say)
    vectors, says = reduced[rows, columns], say[rows, columns]
    owners = grouped(placed(reduced)[rows, columns], int(says.argmax()), MOST)
    member = (owners[None, :] == np.arange(owners.max() + 1)[:, None]) * says  # (q, n)
    sums = member.sum(axis=1, keepdims=True)
    return (
        normalise(np.asarray(member @ vectors, np.float32)),
        np.asarray(sums[:, 0] / sums.sum(), np.float32),
        np.asarray(member @ np.stack([rows, columns], axis=1) / sums, np.float32),
    )
