"""Multi-crop (Caron et al. 2020, https://arxiv.org/abs/2006.09882): two large views, several small ones.

Geometry only: where a view lies, its size, whether it is mirrored. Colours follow later, in batches on
the training device (``training.colours``), so that the processes that do this need no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from dinoscope.features import Pixels
from dinoscope.training.recipe import Crops, Recipe, Span

RATIOS: Span = (3 / 4, 4 / 3)  # width : height of what is cut out
Box = tuple[int, int, int, int]  # left, top, right, bottom; the end is not included

_TRIES = 10
_ENLARGED = 1.2


def crops_at(recipe: Recipe, step: int) -> Crops:
    """The crops of one step: larger ones in the last ``finish_steps``, still whole patches."""
    if step < recipe.steps - recipe.finish_steps or recipe.finish_scale == 1.0:
        return recipe.crops
    patch = recipe.model.patch

    def scaled(size: int) -> int:
        return max(1, round(size * recipe.finish_scale / patch)) * patch

    sizes = recipe.crops.global_size, recipe.crops.local_size
    return replace(recipe.crops, global_size=scaled(sizes[0]), local_size=scaled(sizes[1]))


def sizes_of(crops: Crops) -> list[int]:
    """The sides of a picture's views in pixels, in their order: two global ones, then the local ones."""
    return [crops.global_size] * 2 + [crops.local_size] * crops.locals


def side_needed(crops: Crops) -> int:
    """Pixels the shorter side of a picture must have so that hardly any crop is enlarged, and none by much.

    What is larger may be decoded at a reduced scale: a 12-megapixel photograph then takes a tenth of the
    time. One local crop in ten is enlarged, by a fifth at most; exactness there would double the cost of
    cutting all the others.
    """
    needed = crops.global_size / math.sqrt(crops.global_scale[0])
    if crops.locals:
        needed = max(needed, crops.local_size / math.sqrt(crops.local_scale[0]))
    return math.ceil(needed / _ENLARGED)


def draw_box(width: int, height: int, scale: Span, dice: np.random.Generator) -> Box:
    """A box of random area and shape at a random place, distributed as torchvision's RandomResizedCrop.

    Args:
        width, height: of the picture, pixels.
        scale: smallest and largest share of the picture's area, drawn evenly between them.
        dice: three to 40 numbers are taken from it.
    """
    low, high = (math.log(ratio) for ratio in RATIOS)
    for _ in range(_TRIES):
        area = width * height * dice.uniform(*scale)
        ratio = math.exp(dice.uniform(low, high))
        across, down = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < across <= width and 0 < down <= height:
            left = int(dice.integers(0, width - across, endpoint=True))
            top = int(dice.integers(0, height - down, endpoint=True))
            return left, top, left + across, top + down
    return _middle(width, height)


def views_of(pictures: Sequence[Pixels], crops: Crops, dice: np.random.Generator) -> list[Pixels]:
    """The views of a picture, (size, size, 3) each, in the order of ``sizes_of``; colours untouched.

    Args:
        pictures: one picture, or two of the same thing at different moments; the second gives the
            second global view and every other local one.
        crops: how many views, how large, from how much of the picture.
        dice: the picture's own; the same dice give the same views.
    """
    images = [Image.fromarray(pixels) for pixels in pictures]
    views = []
    for number, size in enumerate(sizes_of(crops)):
        scale = crops.global_scale if number < 2 else crops.local_scale
        image = images[number % len(images)]
        box = draw_box(*image.size, scale, dice)
        mirrored = dice.random() < crops.flip_chance
        view = np.asarray(cut(image, box, size))
        views.append(view[:, ::-1] if mirrored else view)
    return views


def cut(image: Image.Image, box: Box, size: int) -> Image.Image:
    """The box at (size, size) pixels, bicubic with antialiasing.

    Cropped first: ``resize(box=...)`` lets pixels from outside the box bleed in, up to 42/255.
    """
    return image.crop(box).resize((size, size), Image.Resampling.BICUBIC)


def _middle(width: int, height: int) -> Box:
    """As much of the middle as the ratios allow: for pictures too long for any drawn box."""
    across, down = width, height
    if width < RATIOS[0] * height:
        down = round(width / RATIOS[0])
    elif width > RATIOS[1] * height:
        across = round(height * RATIOS[1])
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down
