"""A part marked in one picture, as it lies in the other.

Each patch of the other picture is asked two things: does it answer to the part rather than to what was left
unmarked, and is it among the places that the part itself answers to best? The first alone would take in
ground that is merely no less like the part than like the rest; the second alone leaves holes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray
from dinoscope.geometry import Box, Mask, PatchGrid
from dinoscope.operations.correspondence import SHARPNESS
from dinoscope.operations.matching import Matches
from dinoscope.operations.selection import Part, Selection

# Confidence from which a part is found. Of heads marked on animals of the sample 7 of 10 are found on another
# of the kind, and 1 of 25 on things; many patches agree, so it is less than a link needs.
ENOUGH = 0.22
INSIDE = 0.5  # heat from which a patch belongs to the part
WANTED = 0.5  # share of a patch that must be marked, and left by what is not meant
LARGE = 12  # patches from which a part is seen as a whole, and not patch by patch
FADING = 4 * SHARPNESS  # cosine by which a place may fall short of the best for heat to fall to 1/e


@dataclass(frozen=True, eq=False)
class Transfer:
    """Where a part of one picture lies in the other."""

    grid: PatchGrid  # of the other picture
    heat: FloatArray  # (rows, columns) how much each patch belongs to the part, in [0, 1]
    confidence: float  # in [0, 1], as a link's: it orders, it is no chance of being right

    @property
    def found(self) -> bool:
        """The other picture shows the part, as far as can be told."""
        return self.confidence >= ENOUGH and bool((self.heat >= INSIDE).any())

    @property
    def box(self) -> Box | None:
        """Around the part, in original pixels; None when it is not found."""
        return self.grid.box_around(self.heat >= INSIDE) if self.found else None

    @cached_property
    def mask(self) -> Mask | None:
        """The part in original pixels, its outline smooth between the patches; None when it is not found."""
        from PIL import Image

        if not self.found:
            return None
        size = self.grid.picture.width, self.grid.picture.height
        levels = Image.fromarray(np.asarray(np.rint(self.heat * 255), np.uint8))
        inside = np.asarray(levels.resize(size, Image.Resampling.BILINEAR)) >= INSIDE * 255
        return Mask(inside) if inside.any() else None


def transfer(matches: Matches, part: Part) -> Transfer:
    """Find a part that is marked in ``matches.here`` on ``matches.there``.

    Args:
        part: a Selection, a Box, a Mask or a point (x, y), in original pixels.

    Raises:
        BadRequest: nothing is marked, what is marked lies outside the picture, or none of it is left by what
            is not meant.
    """
    wanted, unwanted = Selection.of(part).on(matches.here)
    wanted = np.asarray(wanted * (1 - unwanted), np.float32)
    if wanted.max() < WANTED:
        raise BadRequest("what is not meant takes back all that is marked: leave some of it")
    marked = (wanted >= WANTED * float(wanted.max())).ravel()
    table = matches.evidence.total.reshape(marked.size, -1)
    ours = table[marked]
    claim = ours.max(axis=0)
    rest = table[~marked].max(axis=0) if not marked.all() else np.full_like(claim, -np.inf)
    rather = 1 / (1 + np.exp(np.clip((rest - claim) / SHARPNESS, -30, 30)))
    reach = np.exp((ours - ours.max(axis=1, keepdims=True)) / FADING).max(axis=0)
    heat = np.asarray((rather * reach).reshape(matches.there.rows, matches.there.columns), np.float32)
    weights = (wanted * matches.standing[0]).ravel()[marked]  # a box holds ground, too, which is not meant
    sure = float(np.average(matches.confidence.ravel()[marked], weights=weights))
    return Transfer(matches.there, _smooth(heat) if np.count_nonzero(marked) >= LARGE else heat, sure)


def _smooth(heat: FloatArray) -> FloatArray:
    """A mean over a patch and its neighbours, the nearer the more: single patches err."""
    for axis in (0, 1):
        heat = np.moveaxis(heat, axis, 0)
        before, after = heat[np.r_[0, : len(heat) - 1]], heat[np.r_[1 : len(heat), len(heat) - 1]]
        heat = np.moveaxis(np.asarray((before + 2 * heat + after) / 4, np.float32), 0, axis)
    return heat
