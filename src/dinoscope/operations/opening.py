"""Pictures without a library: ``dinoscope.encode`` and ``dinoscope.match``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dinoscope.features import Features
from dinoscope.operations.queries import PictureLike, decoded, on_original
from dinoscope.pictures.limits import Limits
from dinoscope.settings import load_settings

if TYPE_CHECKING:
    from dinoscope.operations.matching import Matches


def encode(picture: PictureLike, model: str | None = None) -> Features:
    """A picture as the model sees it; the model is loaded for this one call (0.1-1 s).

    To encode many, open a library once, or use ``models.loading.load_backbone``.
    """
    from dinoscope.models.loading import load_backbone  # costs the runtime's import

    settings = load_settings().with_overrides(model=model)
    pixels, size = decoded(picture, Limits.of(settings))
    return on_original(load_backbone(settings).encode([pixels])[0], size)


def match(
    here: PictureLike,
    there: PictureLike,
    *,
    model: str | None = None,
    patches: int | None = None,
    mirrored: bool | None = None,
    links: int | None = None,
    geometry: bool = False,
) -> Matches:
    """Find the parts of one picture in another; the model is loaded for this one call (0.1-1 s).

    Args:
        here, there: a path, bytes, an array or a PIL picture each.
        model: a ModelCard's name or a path to weights; None takes the configured one.
        patches: how closely the model looks, 16 to 1024 patches a picture; None: 576.
        mirrored: exchange left and right, or not; None tries both, and says how sure it is.
        links: lines wanted at most; None: 24.
        geometry: also tell whether it is the very same thing from another side (extra ``geometry``).

    Raises:
        Unreadable, NotAPicture, PictureTooLarge, BadRequest, MissingExtra.
    """
    from dinoscope.models.loading import load_backbone
    from dinoscope.operations.matching import LINKS  # no part of a search
    from dinoscope.operations.pairing import PATCHES, match_views, view_of

    settings = load_settings().with_overrides(model=model)
    limits, backbone = Limits.of(settings), load_backbone(settings)
    asked = PATCHES if patches is None else patches
    first, second = (view_of(picture, backbone, limits, asked) for picture in (here, there))
    return match_views(
        first,
        second,
        backbone,
        patches=asked,
        mirrored=mirrored,
        links=LINKS if links is None else links,
        geometry=geometry,
    )
