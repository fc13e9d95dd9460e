"""The two functions a Python user starts with: ``dinoscope.open`` and ``dinoscope.encode``."""

from __future__ import annotations

from pathlib import Path

from dinoscope.features import Features
from dinoscope.library.library import Library
from dinoscope.operations.queries import PictureLike, decoded, on_original
from dinoscope.operations.session import Session
from dinoscope.pictures.limits import Limits
from dinoscope.settings import load_settings


def open(
    folder: Path | str | None = None, *, model: str | None = None, write: bool = False, **settings: object
) -> Session:
    """Open a library.

    Args:
        folder: the library's own folder (not the pictures'); None takes the configured one.
        model: ModelCard name or path to weights; None takes the configured one.
        write: make the library when it is missing, and hold its writer's lock until closed.
        settings: any other field of ``Settings``, e.g. ``precision="fp32"``.

    Raises:
        NoLibrary: there is none and ``write`` is False.
        LibraryBusy: ``write``, and another process is writing.
        LibraryReadOnly, LibraryDamaged, BadRequest.
    """
    chosen = load_settings().with_overrides(library=folder, model=model, **settings)
    return Session(Library.open(chosen.library, write=write), chosen)


def encode(picture: PictureLike, model: str | None = None) -> Features:
    """A picture as the model sees it; the model is loaded for this one call (0.1-1 s).

    To encode many, open a library once, or use ``models.loading.load_backbone``.
    """
    from dinoscope.models.loading import load_backbone  # costs the runtime's import

    settings = load_settings().with_overrides(model=model)
    pixels, size = decoded(picture, Limits.of(settings))
    return on_original(load_backbone(settings).encode([pixels])[0], size)
