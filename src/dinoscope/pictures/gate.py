"""The gate: the one place that every picture passes on its way in, right after it was decoded.

What it does depends on the mode, which travels in ``Limits``. Frames of videos, which no decoder of files
gives, pass it as ``admitted_frame``; whoever only wants to know asks ``gate``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from dinoscope.errors import FaceRefused
from dinoscope.features import Pixels
from dinoscope.geometry import Box
from dinoscope.pictures.faces import Face, find

if TYPE_CHECKING:
    from dinoscope.pictures.decoding import Decoded

Nearer: TypeAlias = Callable[["Decoded"], Pixels]
Mode: TypeAlias = Literal["allow", "drop-patches", "blur", "block"]
MODES: tuple[Mode, ...] = ("allow", "drop-patches", "blur", "block")  # each stricter than those before it


def stricter(first: str, second: str) -> Mode:
    """The one of two modes that lets less in. One that nobody knows lets nothing in."""
    return MODES[max(MODES.index(one) if one in MODES else len(MODES) - 1 for one in (first, second))]


# Whose bytes these are. "stranger": anybody's. "known": a file of the library, unchanged since it passed:
# block does not look at it again. "own": made by this program of a picture that passed, or its own sample.
Trust: TypeAlias = Literal["stranger", "known", "own"]

MARGIN = 0.25  # of a face's sides, hidden with it: hair, chin and ears
MOST = 0.6  # share of a picture under faces from which hiding them leaves nothing to look for
_COARSE = 3  # squares a face is averaged to, along its shorter side: of 4 a detector took some for a face


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate thinks of a picture."""

    faces: tuple[Face, ...]  # the surest first

    @property
    def face(self) -> bool:
        """Does it look like a human face, or like several?"""
        return bool(self.faces)


def gate(picture: Pixels) -> Verdict:
    """Look for faces, and do nothing about them.

    Args:
        picture: (height, width, 3) sRGB, upright.

    Raises:
        FacesUnchecked: the detector cannot run. Take nothing in then.
    """
    return Verdict(find(picture))


def admitted(decoded: Decoded, mode: str, trust: Trust, where: str, nearer: Nearer | None = None) -> Decoded:
    """A picture as the mode lets it in.

    ``blur`` hides faces from everything and everybody. ``drop-patches`` hides them from the model alone:
    people see the picture as it is, and ``faces`` says which patches no token may be made of.

    Args:
        nearer: gives the same picture's pixels, more of them where it was reduced, for small faces.

    Raises:
        FaceRefused: the mode is ``block`` and there is a face, or hiding the faces leaves nothing.
        FacesUnchecked: the detector cannot run.
    """
    if mode == "allow" or trust == "own" or (trust == "known" and mode == "block"):
        return decoded
    seen = decoded.pixels if nearer is None else nearer(decoded)
    faces = to_hide(decoded.pixels, mode, where, seen)
    if not faces:
        return decoded
    hidden = replace(decoded, pixels=hide(decoded.pixels, faces))
    return hidden if mode == "blur" else replace(hidden, plain=decoded.pixels, faces=tuple(faces))


def admitted_frame(frame: Pixels, mode: str, where: str) -> Pixels:
    """``admitted`` for a frame of a video, faces hidden unless they are let in."""
    return frame if mode == "allow" else hide(frame, to_hide(frame, mode, where))


def to_hide(pixels: Pixels, mode: str, where: str, nearer: Pixels | None = None) -> list[Box]:
    """The faces of a picture with their surroundings, which a mode other than ``allow`` does not let in.

    Args:
        nearer: the same picture with more pixels, to look at in its place.

    Raises: as ``admitted``.
    """
    seen = pixels if nearer is None else nearer
    scale = pixels.shape[1] / seen.shape[1], pixels.shape[0] / seen.shape[0]
    faces = [_widened(face.box.scaled(*scale), pixels) for face in gate(seen).faces]
    if faces and mode not in {"blur", "drop-patches"}:  # a mode nobody knows keeps them out
        raise FaceRefused(
            f"{where} looks like a human face, and faces are kept out here, so nothing of it was kept: "
            "choose another picture"
        )
    if faces and covered(faces, pixels) > MOST:
        raise FaceRefused(
            f"{where} shows little more than a human face, which is hidden here, so nothing of it was kept: "
            "choose another picture"
        )
    return faces


def covered(boxes: list[Box], pixels: Pixels) -> float:
    """The share of a picture under boxes, 0 to 1."""
    under = np.zeros(pixels.shape[:2], np.bool_)
    for box in boxes:
        under[_slices(box)] = True
    return float(under.mean())


def hide(pixels: Pixels, boxes: list[Box]) -> Pixels:
    """A copy with each box averaged to a few squares and blurred: nothing of a face is left to recognise."""
    from PIL import Image

    hidden = pixels.copy()
    for box in boxes:
        where = _slices(box)
        part = Image.fromarray(hidden[where])
        least = max(1, min(part.size) / _COARSE)
        few = (max(1, round(part.width / least)), max(1, round(part.height / least)))
        coarse = part.resize(few, Image.Resampling.BOX)
        hidden[where] = np.asarray(coarse.resize(part.size, Image.Resampling.BICUBIC))
    return hidden


def _widened(box: Box, pixels: Pixels) -> Box:
    height, width = pixels.shape[:2]
    across, down = MARGIN * (box.right - box.left), MARGIN * (box.bottom - box.top)
    left, top = (
        min(max(0, round(box.left - across)), width - 1),
        min(max(0, round(box.top - down)), height - 1),
    )
    right, bottom = min(width, round(box.right + across)), min(height, round(box.bottom + down))
    return Box(left, top, max(right, left + 1), max(bottom, top + 1))


def _slices(box: Box) -> tuple[slice, slice]:
    return slice(int(box.top), int(box.bottom)), slice(int(box.left), int(box.right))
