"""Descriptors nobody computed, with the statistics of real ones: as many as wanted, streamed from a seed.

A *world* has subjects (cluster centres). Each descriptor is normalise(mean + centre + offset): centres
are Gaussian with a share of the real covariance, and offsets Gaussian with the rest, in a spectrum
bent so that they have fewer directions, each subject with a width of its own (log-normal). How many
pictures a subject has follows a power law. Five numbers are fitted so that a sample as large as the
real one has its statistics: see ``statistics``. What grows a sample beyond that is an assumption,
as anybody's: the world stays the same and is seen more often.

Where real descriptors have fewer numbers than are wanted, all are turned into a subspace of the larger
space, which changes no distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dinoscope.features import FloatArray, Vectors, normalise

SUBJECTS = 65_536  # the power law makes most of them rare
BLOCK = 10_000  # descriptors drawn from one seed
NAMES = ("share", "bend", "spread", "law", "subjects")
LOWEST = (0.1, 0.5, 0.0, 0.2, 2.5)  # of each number, the range that is searched
HIGHEST = (0.9, 3.0, 1.0, 1.4, 4.8)
RELATED = 0.999  # quantile of random pairs beyond which two pictures count as of one subject


@dataclass(frozen=True, slots=True)
class World:
    """Where descriptors come from."""

    mean: FloatArray  # (wanted,)
    axes: FloatArray  # (D, wanted) principal directions of real descriptors, rows
    deviations: FloatArray  # (D,) along them
    numbers: tuple[float, ...]  # NAMES

    def parts(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """(centres (s, D) along the axes, offsets' deviations (D,), widths (s,), cumulated shares (s,))"""
        share, bend, spread, law, subjects = self.numbers
        random = np.random.default_rng(7)
        count = min(SUBJECTS, int(10**subjects))
        variances = self.deviations.astype(np.float64) ** 2
        bent = (variances / variances[0]) ** bend
        within = share * bent * variances.sum() / bent.sum()
        between = np.maximum(variances - within, 0.02 * variances)
        centres = random.standard_normal((count, len(variances)), np.float32) * np.sqrt(between)
        widths = np.exp(spread * random.standard_normal(count) - spread**2)
        weights = (1.0 + np.arange(count)) ** -law
        cumulated = np.cumsum(weights) / weights.sum()
        return centres.astype("f4"), np.sqrt(within).astype("f4"), widths.astype("f4"), cumulated


class Stream:
    """Descriptors by number: the same number is the same descriptor, however many are asked for."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._centres, self._within, self._widths, self._cumulated = world.parts()

    def block(self, number: int) -> Vectors:
        """(BLOCK, D) descriptors ``number * BLOCK`` and on; numbers below 0 are for queries."""
        random = np.random.default_rng((11, number % 2**32))
        subject = np.minimum(np.searchsorted(self._cumulated, random.random(BLOCK)), len(self._widths) - 1)
        offsets = random.standard_normal((BLOCK, len(self._within)), np.float32) * self._within
        along = self._centres[subject] + offsets * self._widths[subject][:, None]
        return normalise(along @ self._world.axes + self._world.mean)


def statistics(vectors: Vectors) -> dict[str, float]:
    """What is compared: of a sample of n descriptors (a matrix of n x n is made).

    Cosine distances of random pairs and to the 1st, 10th and 100th neighbour (quantiles); the intrinsic
    dimension (Levina and Bickel 2004, maximum likelihood over 20 neighbours, MacKay's mean); and, with
    pictures related that are nearer than 999 of 1,000 random pairs, how many relatives they have.
    """
    similar = vectors @ vectors.T
    np.fill_diagonal(similar, -2)
    random = np.random.default_rng(0)
    one, two = random.integers(0, len(vectors), (2, 200_000))
    pairs = 1 - similar[one, two][one != two]
    found = {f"pairs {q} %": float(np.percentile(pairs, q)) for q in (1, 10, 50, 90)}
    most = -np.partition(-similar, 100, axis=1)[:, :101]
    near = np.sqrt(np.maximum(2 - 2 * -np.sort(-most, axis=1), 1e-12))  # Euclidean
    for k in (1, 10, 100):
        distances = near[:, k - 1] ** 2 / 2
        found |= {f"neighbour {k}, {q} %": float(np.percentile(distances, q)) for q in (10, 50, 90)}
    logs = np.log(near[:, 19:20] / near[:, :19]).sum(axis=1)
    found["intrinsic dimension"] = float(18 / np.mean(logs))
    relatives = (similar > 1 - np.percentile(pairs, 100 * (1 - RELATED))).sum(axis=1)
    found |= {f"relatives {q} %": float(np.percentile(relatives, q)) for q in (50, 75, 90, 99)}
    return found


def fit(real: Vectors, dimension: int, rounds: int = 120) -> World:
    """By random search that narrows round the best numbers; the same real ones give the same world."""
    mean = real.mean(axis=0)
    _, lengths, axes = np.linalg.svd(real - mean, full_matrices=False)
    if len(lengths) < real.shape[1]:
        raise SystemExit(f"{len(real)} pictures are too few to fit {real.shape[1]} numbers to")
    deviations = lengths / np.sqrt(len(real))
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((dimension, real.shape[1])))[0].T
    mean, axes = (mean @ turn).astype("f4"), (axes @ turn).astype("f4")
    wanted = statistics(real)
    random = np.random.default_rng(3)
    low, high = np.array(LOWEST), np.array(HIGHEST)
    best, least = (low + high) / 2, np.inf
    for number in range(rounds):
        reach = (high - low) * 0.5 * 0.01 ** (number / rounds)
        tried = np.clip(best + random.uniform(-reach, reach), low, high) if number else best
        world = World(mean, axes, deviations, tuple(float(value) for value in tried))
        error = apart(wanted, statistics(drawn(world, len(real))))
        if error < least:
            best, least = tried, error
    return World(mean, axes, deviations, tuple(float(value) for value in best))


def drawn(world: World, count: int) -> Vectors:
    """(count, D) the first ones."""
    stream = Stream(world)
    return np.concatenate([stream.block(number) for number in range(-(-count // BLOCK))])[:count]


def apart(real: dict[str, float], made: dict[str, float]) -> float:
    """The mean square of the logarithms of all ratios."""
    return float(np.mean([np.log((made[name] + 0.01) / (value + 0.01)) ** 2 for name, value in real.items()]))
