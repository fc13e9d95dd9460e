"""Composes pictures with known objects in known places: cut-outs over photos. Development data, from a seed.

    apt-get download tuxpaint-stamps-default plasma-workspace-wallpapers mate-backgrounds gnome-backgrounds
    for package in *.deb; do dpkg -x $package packages; done
    python scripts/make_scenes.py packages scenes --count 12000 --size 64

Each scene is a random part of a wallpaper (with ``--photos``, of a photo) with one photographed object
from Tux Paint's stamps on it: scaled, turned, mirrored, lit and tinted at random. A kind of object is a
folder:

    scenes/train/<object>/<number>.jpg    unlabelled use for training, the bank of a k-NN probe
    scenes/test/<object>/<number>.jpg     other scenes of the same objects, on other backgrounds
    scenes/places.csv                     file, left, top, right, bottom of the object's visible pixels

The pictures belong to the packages' authors; their licences lie in packages/usr/share/doc.
"""

from __future__ import annotations

import argparse
import csv
import io
import math
import random
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from PIL import Image, ImageEnhance

LEFT_OUT = ("cartoon", "symbols", "seasonal", "space", "flags", "roadsigns", "faces", "medical", "military")
TEST_SHARE = 5  # every fifth background belongs to the test scenes alone
SIDE = 256  # stamps and backgrounds are kept at this size; a scene is composed at twice its own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("packages", type=Path, help="the unpacked Debian packages")
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=12_000, help="scenes in all")
    parser.add_argument("--objects", type=int, default=100, help="different objects")
    parser.add_argument("--size", type=int, default=64, help="side of a scene, pixels")
    parser.add_argument("--share", type=float, nargs=2, default=(0.4, 0.9), help="object's side / scene's")
    parser.add_argument("--plain", action="store_true", help="a plain grey ground, no wallpaper")
    parser.add_argument("--photos", type=Path, help="a .tar of photos: grounds in place of the wallpapers")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    stamps = sorted(stamp_files(arguments.packages), key=str)
    stamps = sorted(dice.sample(stamps, min(arguments.objects, len(stamps))), key=str)
    backgrounds = list(grounds(arguments.packages, arguments.photos))
    print(f"{len(stamps)} objects, {len(backgrounds)} backgrounds")
    rows = []
    for number in range(arguments.count):
        path, test = stamps[number % len(stamps)], number // len(stamps) % TEST_SHARE == 0
        mine = [each for place, each in enumerate(backgrounds) if (place % TEST_SHARE == 0) == test]
        ground = plain(dice) if arguments.plain else dice.choice(mine)
        scene, box = composed(cut_out(path), ground, arguments.size, arguments.share, dice)
        file = arguments.out / ("test" if test else "train") / path.stem / f"{number:06}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        scene.save(file, quality=92)
        rows.append((file.relative_to(arguments.out).as_posix(), *box))
    with (arguments.out / "places.csv").open("w", newline="") as places:
        csv.writer(places).writerows([("file", "left", "top", "right", "bottom"), *rows])


def stamp_files(packages: Path) -> Iterator[Path]:
    """Photographed objects with a mask: no drawings, letters or signs."""
    for path in (packages / "usr/share/tuxpaint/stamps").rglob("*.png"):
        if not any(word in part for part in path.parts for word in LEFT_OUT) and "_mirror" not in path.stem:
            with Image.open(path) as picture:
                if picture.mode == "RGBA" and min(picture.size) >= 100:
                    yield path


def background_files(packages: Path) -> Iterator[Path]:
    """Wallpapers, those with enough detail to be photos."""
    seen = set()
    for path in sorted((packages / "usr/share").rglob("*")):
        photo = path.suffix in {".jpg", ".png"} and {"wallpapers", "backgrounds"} & set(path.parts)
        if photo and path.is_file() and not path.is_symlink() and path.stat().st_size > 300_000:
            family = path.parts[path.parts.index("share") + 2 : -1][:2]  # one picture has files of many sizes
            key = family if "wallpapers" in path.parts else path.stem
            if key not in seen:
                seen.add(key)
                yield path


def grounds(packages: Path, photos: Path | None) -> Iterator[Image.Image]:
    if photos is None:
        yield from (smaller(path) for path in sorted(background_files(packages), key=str))
    else:
        with tarfile.open(photos) as archive:
            yield from (smaller(io.BytesIO(archive.extractfile(file).read())) for file in archive)  # type: ignore[union-attr]


def smaller(file: Path | io.BytesIO) -> Image.Image:
    with Image.open(file) as picture:
        picture.draft("RGB", (4 * SIDE, 4 * SIDE))
        picture.thumbnail((4 * SIDE, 4 * SIDE), reducing_gap=2.0)
        return picture.convert("RGB")


def plain(dice: random.Random) -> Image.Image:
    """One grey running into another: parts of a scene are to have the object in common, not the ground."""
    picture = Image.new("L", (2, 2), dice.randrange(256))
    picture.putpixel((dice.randrange(2), dice.randrange(2)), dice.randrange(256))
    return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR).convert("RGB")


@cache
def cut_out(path: Path) -> Image.Image:
    """The object alone, its longer side SIDE pixels."""
    with Image.open(path) as picture:
        thing = picture.crop(visible(picture.getchannel("A")))
    scale = SIDE / max(thing.size)
    return thing.resize([max(1, round(side * scale)) for side in thing.size], Image.Resampling.LANCZOS)


def visible(alpha: Image.Image) -> tuple[int, int, int, int]:
    return alpha.point(lambda a: 255 * (a > 40)).getbbox() or (0, 0, 1, 1)


def composed(
    thing: Image.Image, background: Image.Image, size: int, share: tuple[float, float], dice: random.Random
) -> tuple[Image.Image, tuple[int, int, int, int]]:
    """A scene of size x size pixels, and the object's box in it."""
    canvas = 2 * size  # composed at twice the size, so that edges come out smooth
    part = (
        dice.randint(canvas, min(background.size)) if min(background.size) > canvas else min(background.size)
    )
    x, y = (dice.randint(0, side - part) for side in background.size)
    scene = background.resize((canvas, canvas), Image.Resampling.BICUBIC, (x, y, x + part, y + part))
    if dice.random() < 0.5:
        thing = thing.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    thing = thing.rotate(dice.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True)
    side = math.exp(dice.uniform(math.log(share[0]), math.log(share[1]))) * canvas
    scale = side / max(thing.size)
    thing = thing.resize([max(1, round(each * scale)) for each in thing.size], Image.Resampling.LANCZOS)
    alpha = thing.getchannel("A")
    lit = ImageEnhance.Brightness(thing.convert("RGB")).enhance(dice.uniform(0.6, 1.4))
    lit = ImageEnhance.Color(ImageEnhance.Contrast(lit).enhance(dice.uniform(0.7, 1.3))).enhance(
        dice.uniform(0.5, 1.5)
    )
    left, top = (dice.randint(0, max(0, canvas - each)) for each in thing.size)
    scene.paste(lit, (left, top), alpha)
    box = visible(alpha)
    edges = tuple(
        min(size, round((offset + edge) / 2)) for offset, edge in zip((left, top) * 2, box, strict=True)
    )
    return scene.resize((size, size), Image.Resampling.LANCZOS), edges  # type: ignore[return-value]


if __name__ == "__main__":
    main()
