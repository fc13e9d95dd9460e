"""Write edited pictures for ``benchmarks/copies.py``: what people do to pictures, at three strengths.

    pip install augly pillow                       # in a virtual environment of its own
    python benchmarks/_copy_edits.py OUT ORIGINALS... --backgrounds FOLDER --each 6

AugLy (Papakipos and Bitton 2022) edits where it can; Pillow where it fails (memes, perspective) or has
nothing (collages, frames, quarter turns). OUT gets the pictures and ``queries.json``: for each the
original, the edit, its strength, and the map of the original's unit square to the edited picture's pixels,
null where it is not known.
"""

from __future__ import annotations

import argparse
import json
import random
import warnings
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, ImageOps

Map = NDArray[np.float64]  # (3, 3) homography from the original's unit square to the edited picture's pixels
Edited: TypeAlias = "tuple[Image.Image, Map]"
LONGEST = 1024  # pixels of an original before it is edited


def whole(image: Image.Image) -> Map:
    """The original fills the picture."""
    return np.diag([float(image.width), float(image.height), 1.0])


def placed(left: float, top: float, width: float, height: float) -> Map:
    return np.asarray([[width, 0, left], [0, height, top], [0, 0, 1]], np.float64)


class Editor:
    """The edits; strength 0, 1 or 2."""

    def __init__(self, backgrounds: list[Path], seed: int) -> None:
        import augly.image as augly

        self.augly: Any = augly
        self.backgrounds = backgrounds
        self.random = random.Random(seed)

    def other(self) -> Image.Image:
        """Some other picture."""
        return opened(self.random.choice(self.backgrounds))

    # geometry

    def crop(self, image: Image.Image, strength: int) -> Edited:
        side = (0.8, 0.6, 0.4)[strength]
        x, y = (self.random.uniform(0, 1 - side) for _ in range(2))
        made = self.augly.crop(image, x1=x, y1=y, x2=x + side, y2=y + side)
        return made, placed(-x * image.width, -y * image.height, image.width, image.height)

    def mirror(self, image: Image.Image, strength: int) -> Edited:
        made, place = (image, whole(image)) if strength == 0 else self.crop(image, strength - 1)
        return self.augly.hflip(made), np.asarray([[-1, 0, made.width], [0, 1, 0], [0, 0, 1]]) @ place

    def quarter_turn(self, image: Image.Image, strength: int) -> Edited:
        way = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)[strength]
        w, h = image.size
        maps = ([[0, 1, 0], [-1, 0, w], [0, 0, 1]], [[-1, 0, w], [0, -1, h], [0, 0, 1]],
                [[0, -1, h], [1, 0, 0], [0, 0, 1]])  # fmt: skip
        return image.transpose(way), np.asarray(maps[strength], np.float64) @ whole(image)

    def rotate(self, image: Image.Image, strength: int) -> Edited:
        degrees = (5, 15, 35)[strength] * self.random.choice((-1, 1))
        made = self.augly.rotate(image, degrees=degrees)  # cut so that no corner is empty
        angle = np.radians(-degrees)
        turn = np.asarray([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        centre = np.asarray([[1, 0, -image.width / 2], [0, 1, -image.height / 2], [0, 0, 1]])
        back = np.asarray([[1, 0, made.width / 2], [0, 1, made.height / 2], [0, 0, 1]])
        return made, back @ turn @ centre @ whole(image)

    def stretch(self, image: Image.Image, strength: int) -> Edited:
        ratio = image.width / image.height * (1.2, 1.5, 2.0)[strength]
        made = self.augly.change_aspect_ratio(image, ratio=ratio)
        return made, whole(made)

    def perspective(self, image: Image.Image, strength: int) -> Edited:
        bend = (0.08, 0.15, 0.25)[strength]
        w, h = image.size
        corners = [(0, 0), (w, 0), (w, h), (0, h)]
        moved = [
            (x + bend * w * self.random.uniform(0, 1) * (1 if x == 0 else -1),
             y + bend * h * self.random.uniform(0, 1) * (1 if y == 0 else -1)) for x, y in corners
        ]  # fmt: skip
        back = homography(moved, corners)
        made = image.transform(image.size, Image.Transform.PERSPECTIVE, list((back / back[2, 2]).ravel()[:8]),
                               Image.Resampling.BICUBIC)  # fmt: skip
        return made, np.linalg.inv(back) @ whole(image)

    def tiny(self, image: Image.Image, strength: int) -> Edited:
        made = self.augly.scale(image, factor=(256, 128, 72)[strength] / max(image.size))
        return made, whole(made)

    # something added

    def pad(self, image: Image.Image, strength: int) -> Edited:
        share = (0.1, 0.25, 0.5)[strength]
        colour = self.random.choice(((0, 0, 0), (255, 255, 255), (40, 90, 160)))
        made = self.augly.pad(image, w_factor=share, h_factor=share, color=colour)
        left, top = (made.width - image.width) / 2, (made.height - image.height) / 2
        return made, placed(left, top, *image.size)

    def letterbox(self, image: Image.Image, strength: int) -> Edited:
        shape = ((image.width, round(image.width * 1.5)), (1080, 1080), (608, 1080))[strength]
        made = ImageOps.pad(image, shape, color=(0, 0, 0))
        scale = min(shape[0] / image.width, shape[1] / image.height)
        wide, high = image.width * scale, image.height * scale
        return made, placed((shape[0] - wide) / 2, (shape[1] - high) / 2, wide, high)

    def frame(self, image: Image.Image, strength: int) -> Edited:
        edge = round(max(image.size) * (0.02, 0.06, 0.15)[strength])
        made = ImageOps.expand(ImageOps.expand(image, edge, (250, 246, 236)), max(2, edge // 3), (90, 60, 30))
        side = (made.width - image.width) // 2
        return made, placed(side, side, *image.size)

    def text(self, image: Image.Image, strength: int) -> Edited:
        count = (1, 3, 6)[strength]
        made = image
        for line in range(count):
            words = [self.random.randrange(40, 400) for _ in range(6)]
            made = self.augly.overlay_text(
                made, text=words, font_size=(0.08, 0.1, 0.13)[strength], x_pos=self.random.uniform(0, 0.4),
                y_pos=(line + 0.3) / count * 0.9, color=self.random.choice(((255, 255, 255), (230, 30, 30))),
            )  # fmt: skip
        return made, whole(made)

    def emoji(self, image: Image.Image, strength: int) -> Edited:
        made = image
        for _ in range((1, 2, 4)[strength]):
            made = self.augly.overlay_emoji(
                made, emoji_size=(0.2, 0.3, 0.4)[strength], x_pos=self.random.uniform(0, 0.7),
                y_pos=self.random.uniform(0, 0.6),
            )  # fmt: skip
        return made, whole(made)

    def stripes(self, image: Image.Image, strength: int) -> Edited:
        made = self.augly.overlay_stripes(
            image, line_width=(0.1, 0.2, 0.35)[strength], line_angle=self.random.uniform(-60, 60),
            line_density=0.4, line_opacity=(0.6, 0.8, 1.0)[strength],
        )  # fmt: skip
        return made, whole(made)

    def overlay(self, image: Image.Image, strength: int) -> Edited:
        """Another picture is pasted into the original."""
        made = self.augly.overlay_image(
            image, self.other(), overlay_size=(0.3, 0.45, 0.6)[strength], max_visible_opacity=1.0,
            x_pos=self.random.uniform(0, 0.4), y_pos=self.random.uniform(0, 0.4),
        )  # fmt: skip
        return made, whole(made)

    def blend(self, image: Image.Image, strength: int) -> Edited:
        """Another picture shines through."""
        veil = self.other().resize(image.size)
        return Image.blend(image, veil, (0.2, 0.35, 0.5)[strength]), whole(image)

    def meme(self, image: Image.Image, strength: int) -> Edited:
        band = round(image.height * (0.15, 0.25, 0.4)[strength])
        made = Image.new("RGB", (image.width, image.height + 2 * band), "white")
        made.paste(image, (0, band))
        draw, font = ImageDraw.Draw(made), ImageFont.load_default(band * 0.5)
        for y, words in ((band * 0.2, "WHEN YOU FIND"), (band * 1.2 + image.height, "YOUR OWN PICTURE")):
            draw.text((image.width / 2, y), words, "black", font, anchor="ma")
        return made, placed(0, band, *image.size)

    def paste(self, image: Image.Image, strength: int) -> Edited:
        """The original is pasted into another picture."""
        back = self.other()
        share = (0.7, 0.5, 0.35)[strength]
        scale = min(back.width * share / image.width, back.height * share / image.height)
        small = image.resize((max(8, round(image.width * scale)), max(8, round(image.height * scale))))
        x = self.random.randrange(0, back.width - small.width + 1)
        y = self.random.randrange(0, back.height - small.height + 1)
        made = self.augly.overlay_image(
            back, small, overlay_size=small.height / back.height, x_pos=x / back.width, y_pos=y / back.height,
            max_visible_opacity=1.0,
        )  # fmt: skip
        return made, placed(x, y, *small.size)

    def collage(self, image: Image.Image, strength: int) -> Edited:
        across, down = ((2, 1), (2, 2), (3, 3))[strength]
        cell = 360
        made = Image.new("RGB", (across * cell, down * cell), "white")
        mine = self.random.randrange(across * down)
        for place in range(across * down):
            part = ImageOps.fit(image if place == mine else self.other(), (cell - 8, cell - 8))
            made.paste(part, (place % across * cell + 4, place // across * cell + 4))
        scale = (cell - 8) / min(image.size)
        cut = ((image.width * scale - cell + 8) / 2, (image.height * scale - cell + 8) / 2)
        left, top = mine % across * cell + 4 - cut[0], mine // across * cell + 4 - cut[1]
        return made, placed(left, top, image.width * scale, image.height * scale)

    def screenshot(self, image: Image.Image, strength: int) -> tuple[Image.Image, None]:
        folder = Path(self.augly.__file__).parent.parent / "assets" / "screenshot_templates"
        template = folder / ("web.png", "mobile.png", "mobile.png")[strength]
        made = self.augly.overlay_onto_screenshot(
            image, template_filepath=str(template), max_image_size_pixels=900_000
        ).convert("RGB")
        if strength == 2:
            made = made.resize((made.width // 3, made.height // 3))
        return made, None  # AugLy does not say where the picture went

    # colours and quality

    def jpeg(self, image: Image.Image, strength: int) -> Edited:
        return self.augly.encoding_quality(image, quality=(30, 12, 5)[strength]), whole(image)

    def blur(self, image: Image.Image, strength: int) -> Edited:
        return self.augly.blur(image, radius=max(image.size) * (0.003, 0.008, 0.016)[strength]), whole(image)

    def pixels(self, image: Image.Image, strength: int) -> Edited:
        return self.augly.pixelization(image, ratio=(0.25, 0.12, 0.06)[strength]), whole(image)

    def noise(self, image: Image.Image, strength: int) -> Edited:
        made = self.augly.random_noise(image, var=(0.01, 0.04, 0.12)[strength])
        return made, whole(image)

    def grey(self, image: Image.Image, strength: int) -> Edited:
        made = self.augly.grayscale(image).convert("RGB")
        return (made if strength == 0 else self.augly.contrast(made, factor=(2.0, 4.0)[strength - 1])), whole(
            image
        )

    def light(self, image: Image.Image, strength: int) -> Edited:
        factor = ((0.6, 1.5), (0.4, 2.0), (0.2, 3.0))[strength]
        return self.augly.brightness(image, factor=self.random.choice(factor)), whole(image)

    def jitter(self, image: Image.Image, strength: int) -> Edited:
        more = (0.2, 0.5, 0.8)[strength]
        made = self.augly.color_jitter(
            image, brightness_factor=1 + self.random.uniform(-more, more) * 0.6,
            contrast_factor=1 + more, saturation_factor=1 + 3 * more,
        )  # fmt: skip
        hue = np.array(made.convert("HSV"))
        hue[..., 0] += np.uint8((10, 40, 100)[strength])
        return Image.fromarray(hue, "HSV").convert("RGB"), whole(image)

    def palette(self, image: Image.Image, strength: int) -> Edited:
        made = self.augly.convert_color(image, mode="P", colors=(32, 8, 3)[strength], palette=1)
        return made.convert("RGB"), whole(image)

    def sharpen(self, image: Image.Image, strength: int) -> Edited:
        return self.augly.sharpen(image, factor=(5.0, 15.0, 40.0)[strength]), whole(image)

    # all at once

    def sent_on(self, image: Image.Image, strength: int) -> Edited:
        """Cropped, smaller, text on it, JPEG: as it comes back after a year."""
        made, place = self.crop(image, min(strength, 1))
        made, _ = self.text(made, strength)
        small = made.resize((made.width // (strength + 1), made.height // (strength + 1)))
        shrunk = np.diag([small.width / made.width, small.height / made.height, 1.0])
        made = self.augly.encoding_quality(small, quality=(50, 30, 15)[strength])
        return made, shrunk @ place

    def mirrored_paste(self, image: Image.Image, strength: int) -> Edited:
        made, place = self.paste(ImageOps.mirror(image), min(strength, 1))
        flip = np.asarray([[-1, 0, 1], [0, 1, 0], [0, 0, 1]], np.float64)
        return made, place @ flip


EDITS = tuple(
    name for name, value in vars(Editor).items()
    if not name.startswith("_") and callable(value) and name != "other"
)  # fmt: skip


def homography(start: Sequence[tuple[float, float]], end: Sequence[tuple[float, float]]) -> Map:
    rows = []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y, -u], [0, 0, 0, x, y, 1, -v * x, -v * y, -v]]
    return np.asarray(np.linalg.svd(np.asarray(rows))[2][-1].reshape(3, 3))


def opened(path: Path) -> Image.Image:
    image = Image.open(path).convert("RGB")
    image.thumbnail((LONGEST, LONGEST))
    return image


def main() -> None:
    """Write them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("originals", type=Path, nargs="+")
    parser.add_argument("--backgrounds", type=Path, required=True, help="a folder of other pictures")
    parser.add_argument("--each", type=int, default=6, help="originals of each edit and strength")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    arguments.out.mkdir(parents=True, exist_ok=True)
    backgrounds = sorted(path for path in arguments.backgrounds.rglob("*") if path.is_file())
    editor = Editor(backgrounds, arguments.seed)
    chosen = random.Random(arguments.seed)
    written: list[dict[str, Any]] = []
    for name in EDITS:
        edit: Callable[[Image.Image, int], tuple[Image.Image, Map | None]] = getattr(editor, name)
        for strength in range(3):
            for source in chosen.sample(arguments.originals, min(arguments.each, len(arguments.originals))):
                made, place = edit(opened(source), strength)
                at = None if place is None else np.round(place, 4).tolist()
                file = f"{name}-{strength}-{source.stem}-{len(written):05d}.jpg"
                buffer = BytesIO()
                made.convert("RGB").save(buffer, "JPEG", quality=90)
                (arguments.out / file).write_bytes(buffer.getvalue())
                written.append({"file": file, "original": str(source), "edit": name, "strength": strength,
                                "size": made.size, "map": at})  # fmt: skip
    (arguments.out / "queries.json").write_text(json.dumps(written), "utf-8")
    print(f"{len(written)} pictures, {len(EDITS)} edits at 3 strengths")


if __name__ == "__main__":
    main()
