"""The colours of views, changed in batches on the device that trains: jitter, grey, blur, solarise.

As DINO does it (Caron et al. 2021; Grill et al. 2020, https://arxiv.org/abs/2006.07733, table 6), in
floating point where Pillow rounds to eight bits after every stage. Single operations agree with
torchvision and Pillow to 1.5/255, blur to 3/255, hue (which Pillow turns in steps of 1/255 and stores in
eight bits together with saturation) to 12/255 at worst and 1/255 on average.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dinoscope.models.preprocess import IMAGENET_MEAN, IMAGENET_STD
from dinoscope.training.loader import Batch
from dinoscope.training.recipe import Recipe, Span
from dinoscope.training.sampling import COLOURS, generator_of

BLUR: Span = (0.1, 2.0)  # standard deviations of the blur, pixels
SOLARISE = 128 / 255  # what is at least this bright is inverted

_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's "L"
_BRIGHTNESS, _CONTRAST, _SATURATION, _HUE = range(4)
_NEAR = 150_000  # pixels changed at once on a processor: 1.8 MB stays near it, 7 MB costs twice the time
_PASSES = 3  # box blurs that stand for a Gaussian, as in Pillow (Gwosdek et al. 2011)


@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """The dice of n views, on the processor or a device; n rows each."""

    order: Tensor  # (n, 4) which of brightness, contrast, saturation, hue comes when
    factors: Tensor  # (n, 4) of each; 1, 1, 1, 0 change nothing
    grey: Tensor  # (n,) bool
    blur: Tensor  # (n,) standard deviation, pixels; 0: none
    solarise: Tensor  # (n,) bool

    def to(self, device: torch.device | str) -> Draws:
        """A copy on another device."""
        return Draws(*(getattr(self, each.name).to(device) for each in fields(self)))

    def split(self, rows: int) -> list[Draws]:
        """Cut into pieces of ``rows`` views; the last may be shorter."""
        columns = (getattr(self, each.name).split(rows) for each in fields(self))
        return [Draws(*parts) for parts in zip(*columns, strict=True)]


def coloured(batch: Batch, recipe: Recipe, device: torch.device | str = "cpu") -> list[Tensor]:
    """What the networks are shown: (n, 3, size, size) float32 normalised views, in the order of ``batch``.

    Equal on any number of ranks: the dice belong to the step, the view and the place in the whole batch.
    """
    shown = []
    for number, view in enumerate(batch.views):
        draws = draw(recipe, batch.step, number, batch.positions).to(device)
        pixels = torch.from_numpy(view).to(device, non_blocking=True)
        rows = len(view) if pixels.is_cuda else max(1, _NEAR // (view.shape[1] * view.shape[2]))
        parts = zip(pixels.split(rows), draws.split(rows), strict=True)
        shown.append(torch.cat([normalised(changed(unit(part), dice)) for part, dice in parts]))
    return shown


def unit(pixels: Tensor) -> Tensor:
    """(n, height, width, 3) bytes -> (n, 3, height, width) float32 in [0, 1]."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def normalised(views: Tensor) -> Tensor:
    """(n, 3, …) in [0, 1] -> mean 0, deviation 1 over ImageNet, as the released models expect."""
    mean, std = (views.new_tensor(each)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (views - mean).div_(std)


def draw(recipe: Recipe, step: int, view: int, positions: NDArray[np.int64]) -> Draws:
    """The dice of view number ``view`` of the pictures at ``positions`` of a batch."""
    dice, crops, batch = generator_of(recipe.seed, COLOURS, step, view), recipe.crops, recipe.batch
    light, hue = crops.jitter
    widths = np.array([light, light, light / 2, hue])
    jittered = dice.random(batch) < crops.jitter_chance
    spread = widths * dice.uniform(-1, 1, (batch, 4)) * jittered[:, None]
    factors = np.maximum(spread + np.array([1, 1, 1, 0]), [0, 0, 0, -0.5])
    order = np.argsort(dice.random((batch, 4)), axis=1)
    grey = dice.random(batch) < crops.grey_chance
    blurred = dice.random(batch) < crops.blur_chances[min(view, 2)]
    radius = dice.uniform(*BLUR, batch) * blurred
    solarised = (dice.random(batch) < crops.solarise_chance) & (view == 1)

    def taken(column: NDArray[np.generic], kind: torch.dtype) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(column[positions])).to(kind)

    return Draws(
        order=taken(order, torch.int64),
        factors=taken(factors, torch.float32),
        grey=taken(grey, torch.bool),
        blur=taken(radius, torch.float32),
        solarise=taken(solarised, torch.bool),
    )


def changed(views: Tensor, draws: Draws) -> Tensor:
    """(n, 3, height, width) in [0, 1] with every change its dice ask for, in DINO's order."""
    with torch.no_grad(), torch.autocast(views.device.type, enabled=False):
        views = jittered(views, draws.order, draws.factors)
        if len(rows := _where(draws.grey)):
            views[rows] = grey_of(views[rows]).expand(-1, 3, -1, -1)
        views = blurred(views, draws.blur)
        if len(rows := _where(draws.solarise)):
            views[rows] = solarised(views[rows])
        return views


def jittered(views: Tensor, order: Tensor, factors: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue, each view in its own order.

    The first three are one blend, towards black, the mean grey and each pixel's grey. ``order`` and
    ``factors`` are (n, 4).
    """
    for turn in range(4):
        which = _rows(order[:, turn])
        factor = _rows(factors.gather(1, order[:, turn, None])[:, 0])
        grey = grey_of(views)
        other = torch.addcmul(
            grey.mean((2, 3), keepdim=True) * (which == _CONTRAST), grey, which == _SATURATION
        )
        views = torch.lerp(other, views, torch.where(which == _HUE, 1.0, factor)).clamp_(0, 1)
        if len(rows := _where((which == _HUE).flatten() & (factors[:, _HUE] != 0))):
            views[rows] = hue_turned(views[rows], factors[rows, _HUE])
    return views


def grey_of(views: Tensor) -> Tensor:
    """(n, 3, height, width) -> (n, 1, height, width) brightness."""
    red, green, blue = views.unbind(1)
    return (_LUMA[0] * red).add_(green, alpha=_LUMA[1]).add_(blue, alpha=_LUMA[2]).unsqueeze(1)


def hue_turned(views: Tensor, turns: Tensor) -> Tensor:
    """The hue moved by ``turns`` (n,) of the whole circle, in [-0.5, 0.5]; value and saturation stay.

    HSV without its divisions by value: channel c of a pixel of hue h is
    max - chroma * clip(min(k, 4 - k), 0, 1), k = (5, 3, 1)[c] + 6 h (mod 6).
    """
    red, green, blue = views.unbind(1)
    most, least = views.amax(1), views.amin(1)
    chroma = most - least
    safe = torch.where(chroma > 0, chroma, 1)
    sixths = torch.where(
        most == red,
        (green - blue) / safe,
        torch.where(most == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    sixths = sixths + 6 * turns[:, None, None]
    k = (sixths[:, None] + views.new_tensor([5.0, 3.0, 1.0])[:, None, None]).remainder_(6)
    return most[:, None] - chroma[:, None] * torch.minimum(k, 4 - k).clamp_(0, 1)


def solarised(views: Tensor) -> Tensor:
    """Views with their bright values inverted."""
    return torch.where(views >= SOLARISE, 1 - views, views)


def blurred(views: Tensor, radius: Tensor) -> Tensor:
    """Gaussian blur of ``radius`` (n,) pixels, views with 0 as they were.

    Three box blurs along a side of S pixels are one S x S matrix, edges included; two batched products
    are faster than convolutions with a kernel per view, on processors and GPUs alike.
    """
    rows = _where(radius > 0)
    if not len(rows):
        return views
    height, width = views.shape[2:]
    down = _blur_matrix(radius[rows], height)[:, None]
    across = down if width == height else _blur_matrix(radius[rows], width)[:, None]
    views = views.clone()
    views[rows] = down @ views[rows] @ across.mT
    return views


def _blur_matrix(radius: Tensor, side: int) -> Tensor:
    """(n, side, side): a row per output pixel, its weights of the input pixels.

    A box of fractional width: weight 1 within ``whole`` pixels, ``rest`` for the next one, so that three
    of them have the variance asked for. Pixels beyond the edge repeat it.
    """
    variance = radius.square() / _PASSES
    whole = (((12 * variance + 1).sqrt() - 1) / 2).floor()
    rest = (2 * whole + 1) * (whole * (whole + 1) - 3 * variance) / (6 * (variance - (whole + 1).square()))
    reach = int((BLUR[1] ** 2 * 4) ** 0.5) + 1
    offsets = torch.arange(-reach, reach + 1, device=radius.device)
    distance = offsets.abs()
    weights = (whole[:, None] - distance + 1).clamp(0, 1) + rest[:, None] * (distance == whole[:, None] + 1)
    weights = weights / (2 * (whole + rest) + 1)[:, None]
    places = torch.arange(side, device=radius.device)
    sources = (places[:, None] + offsets).clamp(0, side - 1).expand(len(radius), -1, -1)
    box = torch.zeros(len(radius), side, side, device=radius.device)
    box.scatter_add_(2, sources, weights[:, None, :].expand_as(sources))
    return box @ box @ box


def _where(rows: Tensor) -> Tensor:
    """(n,) bool -> the numbers of those that hold."""
    return torch.nonzero(rows)[:, 0]


def _rows(values: Tensor) -> Tensor:
    """(n,) -> (n, 1, 1, 1)"""
    return values[:, None, None, None]
