"""Descriptors that keep apart: the Kozachenko-Leonenko term of DINOv2, off unless asked for.

Sablayrolles et al. 2019 (https://arxiv.org/abs/1806.03198); weight 0.1 in Oquab et al. 2023.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dinoscope.training.heads import at_least_single

NEAREST = 1e-4  # closer is the same picture twice: nothing to push apart, and its logarithm would be huge


def koleo_loss(descriptors: Tensor) -> Tensor:
    """Minus the mean logarithm of each descriptor's distance to the nearest other one.

    Args:
        descriptors: (n, D), of different pictures; fewer than two give 0.
    """
    if len(descriptors) < 2:
        return descriptors.sum() * 0.0
    with torch.autocast(descriptors.device.type, enabled=False):
        points = functional.normalize(at_least_single(descriptors), dim=-1)
        with torch.no_grad():
            nearest = (points @ points.T).fill_diagonal_(-torch.inf).argmax(1)
        # the norm of the difference, not what follows from the product: that loses half the digits
        distances = functional.pairwise_distance(points, points[nearest], eps=1e-8)
        return -distances.clamp(min=NEAREST).log().mean()
