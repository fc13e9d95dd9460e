"""Scenes with known things in known places, for ``memory.py``: cut-outs over photos, from a seed.

Every second cut-out (by its name) is for development, the others for the report.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from math import exp, log, sqrt
from pathlib import Path
from tarfile import TarFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter

from dinoscope.geometry import Box
from dinoscope.sample import details, samples

LEFT_OUT = ("cartoon", "symbols", "seasonal", "space", "flags", "roadsigns", "faces", "medical", "military")
SIDE = 512  # longer side of a scene, and of a cut-out as it is kept
OPAQUE = 128
BANDS = (0.005, 0.02, 0.05, 0.15, 0.4)  # of the picture that a thing covers
BEND = 0.06  # a corner is moved by this share of the side at most


@dataclass(frozen=True, slots=True)
class Thing:
    """A cut-out, and what is of its kind."""

    name: str
    path: Path
    kin: tuple[Path, ...]  # lookalikes


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture composed, and where the thing is in it."""

    pixels: NDArray[np.uint8]  # (height, width, 3)
    mask: NDArray[np.bool_] | None  # (height, width) what is seen of the thing; None: it is not there
    hidden: float = 0.0  # share of the thing that something covers

    @property
    def box(self) -> Box | None:
        if self.mask is None:
            return None
        rows, columns = np.flatnonzero(self.mask.any(axis=1)), np.flatnonzero(self.mask.any(axis=0))
        return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))

    @property
    def share(self) -> float:
        """Of the picture that is the thing."""
        return 0.0 if self.mask is None else float(self.mask.mean())


def things(packages: Path | None, half: str) -> list[Thing]:
    """The photographed stamps of one half, "development" or "test", or the sample's details.

    Kin come from the same half.
    """
    stamps = (one.path for one in details()) if packages is None else _stamps(packages)
    files = sorted(stamps, key=str)[half == "test" :: 2]
    found = []
    for path in files:
        near = [other for other in files if other.parent == path.parent and other != path]
        above = [other for other in files if other.parent.parent == path.parent.parent and other != path]
        found.append(Thing(path.stem, path, tuple(near or above or files[:1])))
    return found


def _stamps(packages: Path) -> Iterator[Path]:
    for path in (packages / "usr/share/tuxpaint/stamps").rglob("*.png"):
        if not any(word in part for part in path.parts for word in LEFT_OUT) and "_mirror" not in path.stem:
            with Image.open(path) as picture:
                if picture.mode == "RGBA" and min(picture.size) >= 100:
                    yield path


class Grounds:
    """Photos to lay things on; every second one is for development, the others for the report."""

    def __init__(self, packages: Path | None, photos: Path | None, half: str) -> None:
        every = [one.path for one in samples()] if packages is None else list(_wallpapers(packages))
        self._files: list[Path | tuple[Path, str]] = [*every[half == "test" :: 2]]
        if photos is not None:
            with TarFile.open(photos) as archive:
                names = sorted(file.name for file in archive if file.isfile())
            self._files = [*self._files, *((photos, name) for name in names[half == "test" :: 40])]

    def __len__(self) -> int:
        return len(self._files)

    def draw(self, dice: random.Random) -> Image.Image:
        """A random part of one of them, SIDE pixels long."""
        picture = _opened(self._files[dice.randrange(len(self._files))])
        shape = dice.choice([(4, 3), (3, 4), (1, 1), (3, 2)])
        wide, high = (round(SIDE * side / max(shape)) for side in shape)
        most = min(picture.width / wide, picture.height / high)
        scale = most if most < 1 else exp(dice.uniform(log(min(1.0, most)), log(most)))
        room = max(0.0, picture.width - wide * scale), max(0.0, picture.height - high * scale)
        x, y = (dice.uniform(0, each) for each in room)
        part = (x, y, min(x + wide * scale, picture.width), min(y + high * scale, picture.height))
        return picture.resize((wide, high), Image.Resampling.BICUBIC, part, reducing_gap=2.0)


def _wallpapers(packages: Path) -> Iterator[Path]:
    seen = set()
    for path in sorted((packages / "usr/share").rglob("*"), key=str):
        photo = path.suffix in {".jpg", ".png"} and {"wallpapers", "backgrounds"} & set(path.parts)
        if photo and path.is_file() and not path.is_symlink() and path.stat().st_size > 300_000:
            family = path.parts[path.parts.index("share") + 2 : -1][:2]
            key = family if "wallpapers" in path.parts else path.stem
            if key not in seen:
                seen.add(key)
                yield path


@lru_cache(64)
def _opened(file: Path | tuple[Path, str]) -> Image.Image:
    if isinstance(file, tuple):
        with TarFile.open(file[0]) as archive:
            inside = archive.extractfile(file[1])
            assert inside is not None
            return Image.open(BytesIO(inside.read())).convert("RGB")
    with Image.open(file) as picture:
        picture.draft("RGB", (1600, 1600))
        picture.thumbnail((1600, 1600), reducing_gap=2.0)
        return picture.convert("RGB")


@lru_cache(256)
def cut_out(path: Path) -> Image.Image:
    """The thing alone, SIDE pixels long at most."""
    with Image.open(path) as picture:
        image = picture.convert("RGBA")
    thing = image.crop(image.getchannel("A").point(lambda a: 255 * (a > OPAQUE)).getbbox())
    thing.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return thing


@dataclass(frozen=True, slots=True)
class View:
    """How a thing is laid into a scene."""

    share: float  # of the picture, before anything hides it
    hard: bool = True  # turned, bent, lit, blurred, mirrored, and at times partly hidden


def composed(
    thing: Path | None, others: Sequence[Path], grounds: Grounds, view: View, dice: random.Random
) -> Scene:
    """A scene with the thing (None: without) and other things beside it, as large as it would be."""
    scene = grounds.draw(dice)
    for other in others:
        _lay(scene, _seen(other, replace(view, share=view.share * dice.uniform(0.7, 1.4)), scene, dice), dice)
    if thing is None:
        return Scene(_finished(scene, view, dice), None)
    seen = _seen(thing, view, scene, dice)
    place = _lay(scene, seen, dice)
    mask = np.zeros((scene.height, scene.width), np.bool_)
    alpha = Image.new("L", scene.size)
    alpha.paste(seen.getchannel("A"), place)
    mask = np.asarray(alpha) >= OPAQUE
    whole = mask.sum()
    if view.hard and others and dice.random() < 0.3:
        mask = _hide(scene, mask, others[0], dice)
    return Scene(_finished(scene, view, dice), mask, 1 - float(mask.sum() / max(whole, 1)))


def _seen(path: Path, view: View, scene: Image.Image, dice: random.Random) -> Image.Image:
    """A thing as one view shows it, in the size it has there."""
    thing = cut_out(path)
    if view.hard:
        if dice.random() < 0.3:
            thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        thing = _bent(thing, dice).rotate(dice.uniform(-30, 30), Image.Resampling.BICUBIC, expand=True)
        thing = thing.crop(thing.getchannel("A").point(lambda a: 255 * (a > OPAQUE)).getbbox())
    solid = float((np.asarray(thing.getchannel("A")) >= OPAQUE).mean())
    scale = sqrt(view.share * scene.width * scene.height / (solid * thing.width * thing.height))
    scale = min(scale, 0.95 * scene.width / thing.width, 0.95 * scene.height / thing.height)
    size = max(4, round(thing.width * scale)), max(4, round(thing.height * scale))
    thing = thing.resize(size, Image.Resampling.LANCZOS)
    if view.hard:
        alpha, lit = thing.getchannel("A"), thing.convert("RGB")
        for kind, most in ((ImageEnhance.Brightness, 0.35), (ImageEnhance.Contrast, 0.25)):
            lit = kind(lit).enhance(dice.uniform(1 - most, 1 + most))
        lit = ImageEnhance.Color(lit).enhance(dice.uniform(0.6, 1.4))
        lit.putalpha(alpha)
        thing = lit
    return thing


def _bent(thing: Image.Image, dice: random.Random) -> Image.Image:
    """As seen a little from the side: its four corners moved."""
    wide, high = thing.size

    def off() -> float:
        return dice.uniform(-BEND, BEND)

    corners = [
        (off() * wide, off() * high),
        (off() * wide, (1 + off()) * high),
        ((1 + off()) * wide, (1 + off()) * high),
        ((1 + off()) * wide, off() * high),
    ]
    data = [value for corner in corners for value in corner]
    return thing.transform(thing.size, Image.Transform.QUAD, data, Image.Resampling.BICUBIC)


def _lay(scene: Image.Image, thing: Image.Image, dice: random.Random) -> tuple[int, int]:
    place = (
        dice.randint(0, max(0, scene.width - thing.width)),
        dice.randint(0, max(0, scene.height - thing.height)),
    )
    scene.paste(thing.convert("RGB"), place, thing.getchannel("A"))
    return place


def _hide(scene: Image.Image, mask: NDArray[np.bool_], by: Path, dice: random.Random) -> NDArray[np.bool_]:
    """Lay another thing over a sixth to a half of it."""
    box = Scene(np.empty(0, np.uint8), mask).box
    assert box is not None
    cover = cut_out(by).rotate(dice.uniform(0, 360), expand=True)
    side = max(4, round(dice.uniform(0.4, 0.7) * max(box.right - box.left, box.bottom - box.top)))
    cover.thumbnail((side, side))
    for _ in range(10):
        x = round(dice.uniform(box.left - cover.width / 2, box.right - cover.width / 2))
        y = round(dice.uniform(box.top - cover.height / 2, box.bottom - cover.height / 2))
        alpha = Image.new("L", scene.size)
        alpha.paste(cover.getchannel("A"), (x, y))
        left = mask & (np.asarray(alpha) < OPAQUE)
        if 0.5 <= left.sum() / mask.sum() <= 0.85:
            scene.paste(cover.convert("RGB"), (x, y), cover.getchannel("A"))
            return left
    return mask


def _finished(scene: Image.Image, view: View, dice: random.Random) -> NDArray[np.uint8]:
    """Blurred as a whole at times, and through JPEG."""
    if view.hard and dice.random() < 0.4:
        scene = scene.filter(ImageFilter.GaussianBlur(dice.uniform(0.3, 1.5)))
    buffer = BytesIO()
    scene.save(buffer, "JPEG", quality=dice.randint(70, 95) if view.hard else 95)
    with Image.open(buffer) as again:
        return np.asarray(again.convert("RGB"))
