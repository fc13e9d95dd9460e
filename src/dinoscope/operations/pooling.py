"""From a picture's patches to its few region tokens, so that any part can be asked for later."""

from __future__ import annotations

import numpy as np

from dinoscope.features import Basis, Bytes, FloatArray, Levels, RegionTokens, normalise

TOKENS = 32  # K, tokens a picture; see docs/decisions/011-regions.md for the measurement
DIMENSION = 128  # P, numbers a token
FLAT = 1e-4  # share of the largest variance below which a component is noise, and stays as weak as it is
NEARNESS = 0.5  # squared distance that the whole longer side counts, beside 2 - 2 cos of two patches
ROUNDS = 5  # of k-means after farthest-point seeds; later ones move hardly a patch
SAY = 0.2  # power of a token's attention, beside the picture's strongest, in what its likeness counts
UNSEEN = 0.03  # added to that share: what the model attends to least still counts half
_ALIKE = 1e-3  # squared distance below which a patch needs no token of its own


def fit_basis(patches: FloatArray, dimension: int = DIMENSION) -> Basis:
    """The principal components of patch descriptors, each divided by its spread.

    The strongest components tell where in a scene a patch is, weaker ones what it shows. As equals they
    find the right picture half as often again (docs/decisions/011-regions.md).

    Args:
        patches: (n, D) unit descriptors of many pictures, at least one.
        dimension: P wanted; D where that is less.
    """
    mean = patches.mean(axis=0, dtype=np.float64)
    centred = patches - mean.astype(np.float32)
    variances, axes = np.linalg.eigh(centred.T @ centred / np.float32(len(patches)))  # ascending
    strongest = np.argsort(-variances, kind="stable")[:dimension]
    spread = np.sqrt(np.maximum(variances[strongest], FLAT * max(float(variances[-1]), 1e-12)))
    projection = axes.T[strongest] / spread[:, None]
    return Basis(mean.astype(np.float32), np.ascontiguousarray(projection, np.float32))


def pool(reduced: FloatArray, attention: FloatArray, tokens: int = TOKENS) -> RegionTokens:
    """Each patch gets a token, near and alike ones the same; at most 3 ms for 256 patches of 128 numbers.

    k-means over descriptors with a weak say of the place. The seeds are each the patch farthest from
    those before it, so that a small thing that looks like nothing else has a token to itself. The same
    patches always give the same tokens.

    Args:
        reduced: (rows, columns, P) unit vectors in the shelf's basis.
        attention: (heads, rows, columns) of the CLS token.
        tokens: K, 1 to 256.
    """
    rows, columns, dimension = reduced.shape
    first = int(attention.mean(axis=0).argmax())
    owners = grouped(placed(reduced).reshape(rows * columns, -1), first, tokens)
    count = int(owners.max()) + 1
    attended = _means(attention.mean(axis=0).reshape(-1, 1), owners, count)[:, 0]
    vectors = np.zeros((tokens, dimension), np.int8)
    vectors[:count] = levels(_means(reduced.reshape(-1, dimension), owners, count), say_of(attended))
    return RegionTokens(vectors, count, owners.reshape(rows, columns))


def say_of(attention: FloatArray) -> FloatArray:
    """Attention of a picture's parts, in any unit -> what a likeness to each counts, 0.5 to 1."""
    share = attention / max(float(attention.max()), 1e-12)
    return np.asarray(((share + UNSEEN) / (1 + UNSEEN)) ** SAY, np.float32)


def placed(reduced: FloatArray) -> FloatArray:
    """(rows, columns, P + 2): descriptor and place, so that a squared distance is the sum of both."""
    rows, columns, _ = reduced.shape
    down, across = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    places = np.stack([down, across], axis=-1) * (NEARNESS**0.5 / max(rows, columns))
    return np.concatenate([reduced, places], axis=-1, dtype=np.float32)


def grouped(points: FloatArray, first: int, most: int) -> Bytes:
    """(n,) the group of each point, numbered from 0 without gaps: k-means from farthest-point seeds.

    Args:
        points: (n, d), at least one.
        first: the point that is the first seed.
        most: groups, 1 to 256.
    """
    centres = points[_seeds(points, first, most)]
    for _ in range(ROUNDS):
        centres = _means(points, _nearest(points, centres), len(centres))
    _, owners = np.unique(_nearest(points, centres), return_inverse=True)
    return np.asarray(owners, np.uint8).reshape(-1)


def levels(vectors: FloatArray, say: FloatArray | float = 1.0) -> Levels:
    """(n, P) -> int8 of the same directions, the largest number of each 127 times its say.

    Args:
        say: (n,) in [0.5, 1], what a likeness to each counts.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.divide(vectors * 127, largest, where=largest > 0, out=np.zeros_like(vectors))
    return np.asarray(np.rint(scaled * np.broadcast_to(say, len(vectors))[:, None]), np.int8)


def directions(stored: Levels) -> FloatArray:
    """(..., P) int8 -> unit float32: what ``levels`` kept. Unused rows stay zero."""
    return normalise(stored.astype(np.float32))


def says(stored: Levels) -> FloatArray:
    """(...,) in [0, 1]: what a likeness to each token counts; of an unused row nothing."""
    return np.asarray(np.abs(stored.astype(np.int16)).max(axis=-1) / np.float32(127), np.float32)


def _seeds(points: FloatArray, first: int, most: int) -> list[int]:
    """Indices: ``first``, then always the point farthest from all so far, until none is far."""
    lengths = np.einsum("np,np->n", points, points)
    seeds = [first]
    distance = np.full(len(points), np.inf, np.float32)
    while len(seeds) < min(most, len(points)):
        newest = seeds[-1]
        np.minimum(distance, lengths + lengths[newest] - 2 * (points @ points[newest]), out=distance)
        farthest = int(distance.argmax())
        if distance[farthest] < _ALIKE:
            break
        seeds.append(farthest)
    return seeds


def _nearest(points: FloatArray, centres: FloatArray) -> Bytes:
    """(n,) the centre each point is nearest to."""
    halves = np.einsum("kp,kp->k", centres, centres) / 2
    return np.asarray((points @ centres.T - halves).argmax(axis=1), np.uint8)


def _means(points: FloatArray, owners: Bytes, count: int) -> FloatArray:
    """(count, d) mean of each centre's points; one that lost all stays out of reach of every point."""
    member = (owners[None, :] == np.arange(count)[:, None]).astype(np.float32)
    sizes = member.sum(axis=1, keepdims=True)
    return np.where(sizes > 0, (member @ points) / np.maximum(sizes, 1), np.float32(1e3))
