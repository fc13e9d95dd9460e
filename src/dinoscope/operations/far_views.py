"""A part that fills its picture, encoded again as small as it is in the pictures it is looked for in."""

from __future__ import annotations

import numpy as np

from dinoscope.features import Pixels
from dinoscope.geometry import PatchGrid
from dinoscope.models.backbone import Backbone
from dinoscope.operations.queries import at_least, on_original
from dinoscope.operations.refining import ReadQuery, View
from dinoscope.operations.selection import Selection

PATCHES = (36, 16)  # that the part has in a view: of one twelfth and one thirtieth of a picture
FILLED = 0.5  # share of the picture's patches from which a part fills it; a cut-out does anyhow
SMALLER = 0.6  # of the patches in place, at most: else a view says nothing new


def far_views(backbone: Backbone, grid: PatchGrid, selection: Selection, read: ReadQuery) -> list[View]:
    """The picture with few patches, for each of PATCHES; none for a part among other things.

    A thing that fills its picture has its patches many times as large as where it stands in a scene: an eye
    is sixteen patches there and a part of one here.

    Args:
        grid: of the query picture.

    Raises:
        BadRequest: see ``Selection.on``.
    """
    part = int(np.count_nonzero(selection.on(grid)[0] >= 0.5))
    patches = grid.rows * grid.columns
    budgets = [max(1, round(few * patches / part)) for few in PATCHES if few <= SMALLER * part]
    if not budgets or (selection.shown is None and part < FILLED * patches):
        return []
    pixels = read(at_least(backbone))
    return [] if pixels is None else [_seen(backbone, pixels, budget, grid, selection) for budget in budgets]


def _seen(backbone: Backbone, pixels: Pixels, budget: int, grid: PatchGrid, selection: Selection) -> View:
    return View(on_original(backbone.encode([pixels], budget)[0], grid.picture), selection)
