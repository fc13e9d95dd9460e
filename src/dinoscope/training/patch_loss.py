"""Patches guessed from their surroundings: iBOT's loss, off unless asked for.

Zhou et al. 2021 (https://arxiv.org/abs/2111.07832), with the masking and weighting of DINOv2 (Oquab et al.
2023): of some global views the student does not see some blocks of patches, and is to say of each hidden
patch what the teacher, who sees it, says.
"""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dinoscope.training.heads import at_least_single
from dinoscope.training.recipe import Span

Mask = NDArray[np.bool_]  # (rows, columns) True where hidden

_STREAM = 0x6D61736B  # masks draw from numbers of their own, whatever else the seed decides
_SMALLEST = 4  # patches of a block, as BEiT (Bao et al. 2021)
_FLATTEST = 0.3  # of a block, height : width and the other way round
_TRIES = 10  # at placing a block that hides something new, before single patches fill up


def view_masks(
    seed: int, step: int, samples: range, grid: tuple[int, int], *, share: float, ratio: Span
) -> NDArray[np.bool_]:
    """What is hidden of a batch's views: a function of the seed, the step and each view's place in the batch.

    So a batch is masked the same in one window or four, on one process or eight.

    Args:
        samples: places in the batch.
        grid: (rows, columns) of patches.
        share: of the views that have anything hidden.
        ratio: the least and the most of a view that is hidden, evenly drawn.

    Returns:
        (len(samples), rows * columns).
    """
    rows, columns = grid
    masks = np.zeros((len(samples), rows * columns), np.bool_)
    for mask, sample in zip(masks, samples, strict=True):
        generator = np.random.Generator(np.random.Philox(key=[seed, _STREAM], counter=[0, 0, step, sample]))
        if generator.random() < share:
            count = round(rows * columns * generator.uniform(*ratio))
            mask[:] = block_mask(generator, grid, count).ravel()
    return masks


def block_mask(generator: np.random.Generator, grid: tuple[int, int], count: int) -> Mask:
    """Exactly ``count`` hidden patches, in rectangles as long as they fit, then one by one."""
    mask = np.zeros(grid, np.bool_)
    tries = 0
    while tries < _TRIES and (left := count - int(mask.sum())) >= _SMALLEST:
        top, bottom, first, last = _rectangle(generator, grid, left)
        new = int((~mask[top:bottom, first:last]).sum())
        tries = 0 if 0 < new <= left else tries + 1
        if tries == 0:
            mask[top:bottom, first:last] = True
    visible = np.flatnonzero(~mask)
    mask.flat[generator.choice(visible, count - int(mask.sum()), replace=False)] = True
    return mask


def _rectangle(generator: np.random.Generator, grid: tuple[int, int], most: int) -> tuple[int, int, int, int]:
    """(top, bottom, first column, last column), ends excluded."""
    area = generator.uniform(_SMALLEST, max(most, _SMALLEST))
    aspect = exp(generator.uniform(log(_FLATTEST), -log(_FLATTEST)))
    height = min(max(round(sqrt(area * aspect)), 1), grid[0])
    width = min(max(round(sqrt(area / aspect)), 1), grid[1])
    top = int(generator.integers(grid[0] - height + 1))
    first = int(generator.integers(grid[1] - width + 1))
    return top, top + height, first, first + width


def patch_loss(scores: Tensor, targets: Tensor, masked: Tensor, temperature: float = 0.1) -> Tensor:
    """Mean over the views of each one's mean cross-entropy at its hidden patches; a view with none counts 0.

    Args:
        scores: (M, K) of the student at the hidden patches, view by view, row by row.
        targets: (M, K) probabilities of the teacher at the same ones.
        masked: (views, N) bool, M of them True.
        temperature: of the student.

    Returns:
        A number, nats.
    """
    said = (at_least_single(scores) / temperature).log_softmax(-1)
    hidden = masked.sum(1, keepdim=True).clamp(min=1)
    weights = (1 / hidden.to(said.dtype)).expand_as(masked)[masked]
    return -((targets * said).sum(-1) * weights).sum() / len(masked)


def mask_tensor(masks: NDArray[np.bool_], device: torch.device) -> Tensor:
    """(views, N) bool on the device."""
    return torch.from_numpy(masks).to(device)
