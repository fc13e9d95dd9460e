"""What student and teacher disagree on, and what keeps the teacher from saying one thing of everything.

The student's scores of every view are to predict the teacher's of the global ones (Caron et al. 2021,
https://arxiv.org/abs/2104.14294, eq. 1-4). The teacher's scores are centred, by a moving average as in DINO
or by Sinkhorn-Knopp as in SwAV and DINOv2, and sharpened by a low temperature. Everything here works in
single precision at least, also under autocast.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from dinoscope.training.distributed import largest, summed
from dinoscope.training.heads import at_least_single


class Centre(nn.Module):  # type: ignore[misc]  # torch is not there when types are checked
    """The moving average of the teacher's scores, taken off them so that no prototype wins everywhere.

    A batch may come in several windows and on several processes: all of them see the centre from before the
    batch, and it moves once, by the mean of them all.

    Args:
        prototypes: K.
        momentum: share of the old centre that stays, per batch.
    """

    def __init__(self, prototypes: int, momentum: float = 0.9) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("value", torch.zeros(prototypes))
        self.register_buffer("_seen", torch.zeros(prototypes), persistent=False)  # sum over the batch so far
        self.register_buffer("_count", torch.zeros(()), persistent=False)

    def targets(self, scores: Tensor, temperature: float) -> Tensor:
        """(n, K) teacher scores -> probabilities; the scores count towards the next centre."""
        scores = at_least_single(scores.detach())
        self._seen += scores.sum(0)
        self._count += len(scores)
        return ((scores - self.value) / temperature).softmax(-1)

    def move(self) -> None:
        """The batch is over: towards the mean of what was seen, by every process."""
        count = summed(self._count)
        mean = summed(self._seen) / count.clamp(min=1)
        moved = self.value * self.momentum + mean * (1 - self.momentum)
        self.value.copy_(torch.where(count > 0, moved, self.value))
        self.forget()

    def forget(self) -> None:
        """The batch is given up: what was seen of it does not count."""
        self._seen.zero_()
        self._count.zero_()


def dino_loss(scores: Tensor, targets: Tensor, temperature: float = 0.1) -> Tensor:
    """Mean cross-entropy between each global view's target and the scores of every *other* view.

    Args:
        scores: (views, batch, K) of the student, global views first, in the targets' order.
        targets: (globals, batch, K) probabilities of the teacher.
        temperature: of the student.

    Returns:
        A number, nats.
    """
    said = (at_least_single(scores) / temperature).log_softmax(-1)
    everything = said.sum(0)
    pairs = len(targets) * (len(scores) - 1)
    total = sum(
        (target * (everything - own)).sum(-1).mean() for target, own in zip(targets, said, strict=False)
    )
    return -total / pairs


def entropy(targets: Tensor) -> Tensor:
    """(…, K) probabilities -> their mean entropy, nats: 0 when one prototype takes all, ln K when uniform."""
    return -torch.xlogy(targets, targets).sum(-1).mean()


def sinkhorn(scores: Tensor, temperature: float, rounds: int = 3) -> Tensor:
    """Targets that use every prototype equally over all the samples of all processes.

    Sinkhorn-Knopp (Cuturi 2013; Caron et al. 2020, https://arxiv.org/abs/2006.09882), in logarithms, where no
    score is too far from the largest for the range of numbers.

    Args:
        scores: (n, K) of the teacher.
        temperature: of the teacher.
        rounds: of scaling prototypes, then samples.

    Returns:
        (n, K) probabilities.
    """
    logs = at_least_single(scores.detach()) / temperature
    for _ in range(rounds):
        logs = logs - _log_of_sum(logs)  # each prototype the same in total, up to a factor all share
        logs = logs.log_softmax(-1)  # each sample one in total
    return logs.exp()


def _log_of_sum(logs: Tensor) -> Tensor:
    """(n, K) -> (K,): log of the sum of exponentials over the samples of all processes."""
    top = largest(logs.amax(0) if len(logs) else logs.new_full(logs.shape[1:], -torch.inf))
    return top + summed((logs - top).exp().sum(0)).log()
