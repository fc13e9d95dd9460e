"""What a server does with human faces: it keeps them out, unless somebody decided otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from dinoscope.library import faces
from dinoscope.pictures import faces as detector
from dinoscope.settings import Settings


def faces_kept_out(settings: Settings, folder: Path) -> Settings:
    """The settings with what holds for everything a server of the library in ``folder`` takes in.

    Raises: FacesUnchecked: faces are not let in, and the detector cannot run.
    """
    mode = faces.mode_of(settings.faces, folder, "block")
    if mode != "allow":
        detector.ready()
    return replace(settings, faces=mode)
