"""Which pictures make up a step, and the dice for each of them: pure functions of the seed and the step.

Nothing is remembered between steps, so a run resumes at any step with exactly the pictures and views it
would have had, on any number of worker processes and on any number of ranks.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

IndexArray = NDArray[np.int64]

# Streams of dice that must not overlap: the first counter of ``generator_of``.
ORDER, VIEWS, COLOURS, REPLACEMENT, NEIGHBOUR = range(5)


def batch_indices(seed: int, step: int, batch: int, count: int) -> IndexArray:
    """(batch,) numbers of the pictures of a step, each in [0, count).

    Epoch e visits every picture once, in an order of its own. Batches are cut from the epochs laid end to
    end, so one may hold the end of an epoch and the beginning of the next, or several epochs.
    """
    first = step * batch
    taken, parts = 0, []
    while taken < batch:
        epoch, at = divmod(first + taken, count)
        part = _order(seed, epoch, count)[at : at + batch - taken]
        parts.append(part)
        taken += len(part)
    return np.concatenate(parts)


def generator_of(seed: int, *counters: int) -> np.random.Generator:
    """Dice of their own for up to three counters, by the counter-based Philox generator.

    Two different tuples of counters share no number (each has 2**64 blocks of the one sequence that
    ``seed`` keys), and starting anywhere costs the same few microseconds. See Salmon et al. 2011,
    "Parallel random numbers: as easy as 1, 2, 3".
    """
    words = [value % 2**64 for value in (*counters, *(0,) * (3 - len(counters)))]
    key = np.array([seed % 2**64, 0], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=np.array([0, *words], np.uint64)))


@lru_cache(maxsize=2)  # a batch touches two epochs at their border; 8 MB for a million pictures
def _order(seed: int, epoch: int, count: int) -> IndexArray:
    order = generator_of(seed, ORDER, epoch).permutation(count)
    order.setflags(write=False)
    return order
