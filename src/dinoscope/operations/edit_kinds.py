"""What may be done to a picture to see whether a model still knows it: edits with a strength, composable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

from dinoscope.errors import BadRequest
from dinoscope.features import Pixels
from dinoscope.operations import reshaping, toning

SIDE = 512  # pixels: an edited picture's shorter side; twice what the models see, and grain, blocks and blur
# then mean the same in every picture
LONGEST = 4096  # pixels of the longer side: a strip is still a picture, and JPEG ends at 65,500

Apply: TypeAlias = "Callable[[Image.Image, float, np.random.Generator], Image.Image]"


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the things that may be done."""

    name: str
    title: str  # for a person
    less: str  # what a negative strength does, in a word or two; empty: there is none
    more: str  # what a positive one does
    amount: Callable[[float], str]  # a strength in a person's units
    apply: Apply
    switch: bool = False  # done or not: any strength but 0 is 1

    @property
    def least(self) -> float:
        """The lowest strength; the highest is 1."""
        return -1.0 if self.less else 0.0

    @property
    def directions(self) -> tuple[float, ...]:
        """(-1, 1), or (1,) where there is but one way."""
        return (-1.0, 1.0) if self.less else (1.0,)

    def way(self, direction: float) -> str:
        """What a strength of this sign does, in a word or two."""
        return self.less if direction < 0 else self.more


@dataclass(frozen=True, slots=True)
class Edit:
    """One thing done, so much of it."""

    kind: str  # of KINDS
    strength: (
        float  # 0 leaves the picture as it is, 1 is the utmost; negative the other way, where there is one
    )

    @property
    def amount(self) -> str:
        """In a person's units: "×0.21", "quality 24"."""
        return KINDS[self.kind].amount(self.strength)

    @property
    def words(self) -> str:
        """For a sentence: "brightness ×0.21"."""
        kind = KINDS[self.kind]
        return kind.title.lower() if kind.switch else f"{kind.title.lower()} {self.amount}"


@dataclass(frozen=True, slots=True)
class Preset:
    """Edits that happen together."""

    name: str
    title: str
    edits: tuple[Edit, ...]


def _times(factor: Callable[[float], float]) -> Callable[[float], str]:
    def shown(strength: float) -> str:
        value = factor(strength)
        return f"×{value:.2f}" if value < 3 else f"×{value:.1f}"

    return shown


def _share(share: Callable[[float], float], what: str, digits: int = 0) -> Callable[[float], str]:
    return lambda strength: f"{100 * share(strength):.{digits}f} % {what}"


def _degrees(degrees: Callable[[float], float]) -> Callable[[float], str]:
    return lambda strength: f"{degrees(strength):+.0f}°" if strength else "0°"


def _on_or_off(strength: float) -> str:
    return "on" if strength else "off"


def _jpeg_quality(strength: float) -> str:
    return f"quality {toning.quality(strength)}" if strength else "off"


def _same(change: Callable[[Image.Image, float], Image.Image]) -> Apply:
    """An edit that takes no dice."""
    return lambda image, strength, dice: change(image, strength)


# In the order in which they happen to a picture: to what the camera sees, in editing, in sending.
KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("perspective", "Perspective", "from the left", "from the right",
             _degrees(reshaping.tilt_degrees), _same(reshaping.perspective)),
        Kind("rotation", "Rotation", "to the left", "to the right",
             _degrees(reshaping.turn_degrees), _same(reshaping.rotation)),
        Kind("crop", "Crop", "", "cropped",
             _share(reshaping.crop_share, "of each side"), _same(reshaping.crop)),
        Kind("mirror", "Mirror", "", "mirrored",
             _on_or_off, lambda image, *_: reshaping.mirror(image), switch=True),
        Kind("occlusion", "Occlusion", "", "covered",
             _share(reshaping.covered_share, "covered"), reshaping.occlusion),
        Kind("brightness", "Brightness", "darker", "brighter",
             _times(toning.factor), _same(toning.brightness)),
        Kind("contrast", "Contrast", "flatter", "harder",
             _times(toning.factor), _same(toning.contrast)),
        Kind("saturation", "Saturation", "paler", "more vivid",
             _times(toning.saturation_factor), _same(toning.saturation)),
        Kind("hue", "Hue", "turned back", "turned on",
             _degrees(toning.hue_degrees), _same(toning.hue)),
        Kind("grey", "Grey", "", "black and white",
             _on_or_off, lambda image, *_: toning.grey(image), switch=True),
        Kind("blur", "Blur", "", "blurred",
             _share(toning.blur_share, "of a side", 1), _same(toning.blur)),
        Kind("noise", "Noise", "", "noisy",
             lambda strength: f"±{toning.noise_levels(strength):.0f} levels", toning.noise),
        Kind("jpeg", "JPEG", "", "squeezed",
             _jpeg_quality, _same(toning.jpeg)),
    )
}  # fmt: skip

PRESETS = (
    Preset("shadow", "In the shadow", (Edit("brightness", -0.55), Edit("contrast", -0.15))),
    Preset(
        "sun", "Into the sun", (Edit("brightness", 0.35), Edit("contrast", -0.3), Edit("saturation", -0.4))
    ),
    Preset("night", "At night", (Edit("brightness", -0.6), Edit("saturation", -0.5), Edit("noise", 0.25))),
    Preset("messenger", "Sent on and on", (Edit("crop", 0.1), Edit("blur", 0.25), Edit("jpeg", 0.8))),
    Preset("old", "An old print", (Edit("grey", 1.0), Edit("contrast", -0.25), Edit("noise", 0.15))),
    Preset("wall", "Off a wall", (Edit("perspective", 0.6), Edit("brightness", -0.15), Edit("blur", 0.15))),
    Preset("hidden", "Half hidden", (Edit("occlusion", 0.55),)),
    Preset("detail", "Only a detail", (Edit("crop", 0.6),)),
    Preset("upside", "Upside down", (Edit("rotation", 1.0),)),
    Preset("mirrored", "In a mirror", (Edit("mirror", 1.0),)),
)


def working(pixels: Pixels) -> Pixels:
    """The picture at the size at which it is edited: SIDE by LONGEST at most, or as small as it is."""
    height, width = pixels.shape[:2]
    scale = min(SIDE / min(height, width), LONGEST / max(height, width))
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC, reducing_gap=3))


def checked(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """The edits that do something, in the order of KINDS; of a switch, any strength but 0 is 1.

    Raises:
        BadRequest: an unknown kind, one named twice, or a strength out of range.
    """
    known: dict[str, Edit] = {}
    for edit in edits:
        kind = KINDS.get(edit.kind)
        if kind is None:
            raise BadRequest(f"{edit.kind!r} is no edit: choose from {', '.join(KINDS)}")
        if edit.kind in known:
            raise BadRequest(f"{edit.kind} is asked for twice: give it one strength")
        if not kind.least <= edit.strength <= 1:
            raise BadRequest(f"{edit.kind} {edit.strength:g} is out of range: {kind.least:g} to 1")
        known[edit.kind] = Edit(edit.kind, 1.0) if kind.switch and edit.strength else edit
    return tuple(known[name] for name in KINDS if name in known and known[name].strength)


def parsed(text: str) -> tuple[Edit, ...]:
    """``brightness:-0.5,blur:0.2,mirror`` -> edits, as ``checked``; a switch needs no strength.

    Raises:
        BadRequest: as ``checked``, or it is not written like that.
    """
    made = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, strength = part.partition(":")
        try:
            made.append(Edit(name.strip(), float(strength) if strength else _on(name.strip())))
        except ValueError:
            raise BadRequest(f"{part!r} is no edit: write it as brightness:-0.5") from None
    return checked(made)


def written(edits: Iterable[Edit]) -> str:
    """What ``parsed`` reads."""
    return ",".join(f"{edit.kind}:{edit.strength:g}" for edit in edits)


def edited(pixels: Pixels, edits: Iterable[Edit], seed: int = 0) -> Pixels:
    """The picture with the edits done, one after the other in the order of KINDS.

    Args:
        seed: draws the noise and the place that is covered; the same seed draws the same.

    Raises:
        BadRequest: as ``checked``.
    """
    image = Image.fromarray(pixels)
    for edit in checked(edits):
        dice = np.random.Generator(np.random.Philox(key=[seed, list(KINDS).index(edit.kind)]))
        image = KINDS[edit.kind].apply(image, edit.strength, dice)
    return np.asarray(image)


def _on(name: str) -> float:
    """The strength of an edit that was named without one."""
    if name in KINDS and not KINDS[name].switch:
        raise ValueError(name)
    return 1.0
