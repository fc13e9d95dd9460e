"""From a selection to a few weighted query tokens, and the tokens that speak against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Basis, Features, FloatArray, RegionTokens, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations.pooling import directions, grouped, placed
from dinoscope.operations.selection import Selection

MOST = 16  # tokens of one selection
LEAST = 0.5  # coverage from which a patch has a say
FAINT = 0.1  # what a patch says at least that is all background
TWINS = 2  # patches outside the selection that a background patch is like
UNUSED_PATCH = 1  # side of a patch where only the shape of the grid is known; boxes do not depend on it


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture's patches in the basis of a shelf."""

    grid: PatchGrid
    reduced: FloatArray  # (rows, columns, P) unit vectors

    @classmethod
    def of(cls, features: Features, basis: Basis) -> Seen:
        return cls(features.grid, basis.reduced(features.patches))

    @classmethod
    def stored(cls, tokens: RegionTokens, picture: Size) -> Seen:
        """As its tokens remember it: each patch is the mean of its token."""
        grid = PatchGrid(tokens.rows, tokens.columns, UNUSED_PATCH, picture)
        return cls(grid, directions(tokens.vectors)[tokens.map])


@dataclass(frozen=True, slots=True, eq=False)
class RegionQuery:
    """What to look for. Several selections of different pictures may be joined into one."""

    tokens: FloatArray  # (q, P) unit
    weights: FloatArray  # (q,) their say in the score, sum 1
    strengths: FloatArray  # (q,) how little they are background, in (0, 1]
    places: FloatArray  # (q, 2) row and column of each in its own picture's grid
    pictures: FloatArray  # (q,) which selection each comes from: places compare only within one
    against: FloatArray  # (m, P) unit: what is not wanted
    patches: FloatArray  # (rows, columns) say of each patch of the first picture, the strongest 1

    def joined(self, more: list[RegionQuery], less: list[FloatArray]) -> RegionQuery:
        """Every selection has the same say; ``less`` are tokens (m, P) each of what is not wanted."""
        parts = [self, *more]
        return RegionQuery(
            np.concatenate([part.tokens for part in parts]),
            np.asarray(np.concatenate([part.weights for part in parts]) / len(parts), np.float32),
            np.concatenate([part.strengths for part in parts]),
            np.concatenate([part.places for part in parts]),
            np.concatenate([part.pictures + number for number, part in enumerate(parts)]),
            np.concatenate([self.against, *less]),
            self.patches,
        )


def region_query(seen: Seen, selection: Selection) -> RegionQuery:
    """The selected patches, those that look like the rest of the picture with less say.

    Raises:
        BadRequest: a selection that makes no sense on this picture, see ``Selection.on``, or of which
            the unwanted points leave nothing.
    """
    wanted, unwanted = selection.on(seen.grid)
    wanted = wanted * (1 - unwanted)
    if wanted.max() < LEAST:
        raise BadRequest("the unwanted points take back all that is selected: move one of them")
    foreground = foregrounds(seen.reduced, wanted)
    chosen = wanted >= LEAST
    tokens, weights, strengths, places = _merged(seen.reduced, np.where(chosen, wanted, 0), foreground)
    say = np.where(chosen, wanted * foreground, 0)
    return RegionQuery(
        tokens,
        weights,
        strengths,
        places,
        np.zeros(len(tokens), np.float32),
        seen.reduced[unwanted > 0],
        np.asarray(say / say.max(), np.float32),
    )


def foregrounds(reduced: FloatArray, wanted: FloatArray) -> FloatArray:
    """(rows, columns) in [FAINT, 1]: little where the picture outside the selection has the same.

    Sky in the corner of a box around a tower is what the sky outside is; the tower is not.
    """
    outside = reduced[wanted == 0]
    if len(outside) == 0:
        return np.ones(wanted.shape, np.float32)
    likeness = np.sort(reduced @ outside.T, axis=-1)[..., -TWINS:].mean(axis=-1)
    return np.asarray(np.clip(np.clip(1 - likeness, 0, 1) ** 2, FAINT, 1), np.float32)


def _merged(
    reduced: FloatArray, wanted: FloatArray, foreground: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """At most MOST tokens of the wanted patches: vectors, weights, strengths and places."""
    rows, columns = np.nonzero(wanted)
    vectors, says = reduced[rows, columns], (wanted * foreground)[rows, columns]
    owners = grouped(placed(reduced)[rows, columns], int(says.argmax()), MOST)
    member = (owners[None, :] == np.arange(owners.max() + 1)[:, None]) * says  # (q, n)
    sums = member.sum(axis=1, keepdims=True)
    places = np.stack([rows, columns], axis=1)
    strengths = sums[:, 0] / (member > 0).sum(axis=1)
    return (
        normalise(np.asarray(member @ vectors, np.float32)),
        np.asarray(sums[:, 0] / sums.sum(), np.float32),
        np.asarray(strengths / strengths.max(), np.float32),
        np.asarray(member @ places / sums, np.float32),
    )
