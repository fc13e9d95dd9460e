"""What a backbone makes of fixed pictures while it trains, without disturbing the training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from dinoscope.errors import DinoscopeError
from dinoscope.features import FloatArray, Pixels
from dinoscope.models.vit import Vit
from dinoscope.pictures.limits import Limits
from dinoscope.training.colours import normalised, unit
from dinoscope.training.items import Item, Items
from dinoscope.training.sampling import IndexArray, generator_of

_MARGIN = 8 / 7  # of the shorter side beyond what is cut out, as the paper evaluates: 256 for 224
_BATCH = 64
_CHOICE = 77  # dice of its own, see sampling.generator_of


def chosen(items: Items, count: int) -> Iterator[Item]:
    """All items in an order that depends on their number alone; take as many as can be read.

    The first ``count`` are spread over all of them.
    """
    order: IndexArray = generator_of(0, _CHOICE).permutation(len(items))
    first = np.linspace(0, len(items) - 1, min(count, len(items))).astype(np.int64)
    rest = order[~np.isin(order, first)]
    yield from (items[int(index)] for index in (*first, *rest))


def middle(item: Item, side: int, limits: Limits) -> Pixels | None:
    """(side, side, 3) bytes: the middle of a picture; None when it cannot be read."""
    shorter = math.ceil(side * _MARGIN)
    try:
        image = Image.fromarray(item.read(limits, shorter).pixels)
    except DinoscopeError:
        return None
    scale = shorter / min(image.size)
    size = max(side, round(image.width * scale)), max(side, round(image.height * scale))
    image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3.0)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))


@contextmanager
def looking(vit: Vit) -> Iterator[None]:
    """In the block, dropped paths are not dropped and no gradient is kept."""
    training = vit.training
    vit.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        vit.train(training)


def descriptors(vit: Vit, pictures: Sequence[Pixels] | Pixels, half: bool = False) -> FloatArray:
    """(n, D) CLS tokens of (n, side, side, 3) pictures; ``half`` computes them in bf16."""
    found = []
    with looking(vit), torch.autocast(vit.cls.device.type, torch.bfloat16, enabled=half):
        for at in range(0, len(pictures), _BATCH):
            found.append(vit(shown(vit, pictures[at : at + _BATCH])).cls.float().cpu().numpy())
    return np.concatenate(found)


def shown(vit: Vit, pictures: Sequence[Pixels] | Pixels) -> Tensor:
    """(n, 3, side, side) as the backbone takes them, on its device."""
    stacked = np.ascontiguousarray(np.stack(list(pictures)))
    return normalised(unit(torch.from_numpy(stacked).to(vit.cls.device)))
