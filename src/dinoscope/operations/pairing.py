"""From two pictures to their Matches: how closely the model looks, and in which of its layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Inside, Pixels, normalise
from dinoscope.geometry import Size
from dinoscope.models.backbone import Backbone
from dinoscope.operations.matching import LINKS, Matches, match
from dinoscope.operations.queries import PictureLike, at_least, decoded
from dinoscope.pictures.limits import Limits

PATCHES = 576  # of a picture: a third more points than with 256 come to lie within a twentieth of the thing
FEWEST, MOST = 16, 1024  # that may be asked for; with 1024 the matrix of all pairs has a million numbers
EMPTY = 8  # levels of grey within which a picture holds nothing; JPEG adds two or three


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A picture to be matched."""

    pixels: Pixels  # at any scale
    size: Size  # of the original, in whose pixels the answer is


def view_of(picture: PictureLike, backbone: Backbone, limits: Limits, patches: int = PATCHES) -> View:
    """Decode a picture with as many pixels as ``patches`` need, FEWEST to MOST.

    Raises:
        Unreadable, NotAPicture, PictureTooLarge, BadRequest: as ``queries.decoded``; more or fewer patches.
    """
    _demand(patches)
    return View(*decoded(picture, limits, at_least(backbone, patches)))


def layer_of(backbone: Backbone) -> int:
    """The last layer but one: the last gives up what the parts are for what the whole is."""
    return max(1, backbone.layers - 1)


def look(view: View, backbone: Backbone, patches: int = PATCHES) -> Inside:
    """What the model sees of a picture that is to be matched, its grid on the original.

    It sees the picture as it is and mirrored, and the mean of both is kept: a part that faces left, or is
    seen aslant, then looks like one that faces right. It takes twice as long.

    Where a picture is empty the model sees its own positions only; they are levelled, so that nothing
    can be matched with them.

    Args:
        patches: at most, FEWEST to MOST.

    Raises:
        BadRequest: more or fewer patches.
    """
    _demand(patches)
    layer = layer_of(backbone)
    seen = backbone.inside(view.pixels, layer, "tokens", patches)
    mirror = backbone.inside(np.ascontiguousarray(view.pixels[:, ::-1]), layer, "tokens", patches)
    vectors = normalise(seen.vectors + mirror.vectors[:, ::-1])
    return replace(
        seen,
        vectors=_levelled(vectors) if _empty(view.pixels) else vectors,
        attention=np.asarray((seen.attention + mirror.attention[:, :, ::-1]) / 2, np.float32),
        grid=replace(seen.grid, picture=view.size),
    )


def match_views(
    here: View,
    there: View,
    backbone: Backbone,
    *,
    patches: int = PATCHES,
    mirrored: bool | None = None,
    links: int = LINKS,
    geometry: bool = False,
) -> Matches:
    """Match two decoded pictures; the arguments are those of ``opening.match``."""
    seen = look(here, backbone, patches), look(there, backbone, patches)
    found = match(*seen, mirrored=mirrored, links=links)
    return with_geometry(found, here, there) if geometry else found


def with_geometry(matches: Matches, here: View, there: View) -> Matches:
    """The same, with the verdict on whether it is the very same thing.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    from dinoscope.operations.geometric import geometry_of

    return replace(matches, geometry=geometry_of(here.pixels, there.pixels, here.size, there.size))


def _demand(patches: int) -> None:
    if not FEWEST <= patches <= MOST:
        raise BadRequest(f"pictures cannot be matched at {patches} patches: choose {FEWEST} to {MOST}")


def _empty(pixels: Pixels) -> bool:
    """One colour all over, but for what compression adds."""
    step = max(1, min(pixels.shape[:2]) // 256)
    thinned = pixels[::step, ::step].reshape(-1, 3)
    return bool((np.quantile(thinned, 0.999, axis=0) - np.quantile(thinned, 0.001, axis=0)).max() < EMPTY)


def _levelled(vectors: FloatArray) -> FloatArray:
    return np.ascontiguousarray(np.broadcast_to(vectors[:1, :1], vectors.shape))
