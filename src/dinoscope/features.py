"""What a backbone says of a picture: one global descriptor and a grid of patch descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dinoscope.geometry import PatchGrid

Pixels = Annotated[NDArray[np.uint8], "(height, width, 3) sRGB, upright"]
Vectors = Annotated[NDArray[np.float32], "(n, D) unit vectors"]
FloatArray = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Facet = Literal["tokens", "keys", "queries", "values"]  # of a layer's patches
FACETS: tuple[Facet, ...] = get_args(Facet)
TELLING: Facet = "values"  # which tells parts apart best, see docs/decisions/013-looking-inside.md
Levels = NDArray[np.int8]  # directions; how long a vector is says what a likeness to it counts

_SIGN_AND_HALF = np.int32(-0x80000000 | 0x0FFFE000)  # where a float16's 16 bits lie once moved by 13
_BIAS = np.float32(2.0**112)


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A picture as the model sees it. Cosine similarity of two unit vectors is their dot product."""

    model: str  # key of the ModelIdentity the vectors belong to; identities never mix
    grid: PatchGrid
    descriptor: FloatArray  # (D,) unit vector of the whole picture
    patches: FloatArray  # (rows, columns, P) unit vectors
    attention: FloatArray  # (heads, rows, columns) last block's CLS -> patch attention, in [0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Inside:
    """A facet of a picture's patches in one layer of the model, for those who want to know how it sees."""

    model: str  # as in Features
    layer: int  # 1 is the first
    facet: Facet
    grid: PatchGrid
    vectors: FloatArray  # (rows, columns, D) unit vectors
    attention: FloatArray  # (heads, rows, columns) CLS -> patch attention in this layer, in [0, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """A shelf's own short coordinates for patch descriptors; fitted once and never changed afterwards."""

    mean: FloatArray  # (D,)
    projection: FloatArray  # (P, D)

    @property
    def dimension(self) -> int:
        """P, the numbers a token has."""
        return int(self.projection.shape[0])

    def reduced(self, patches: FloatArray) -> FloatArray:
        """(..., D) unit patch descriptors -> (..., P) unit vectors, comparable by their dot product."""
        return normalise(np.asarray((patches - self.mean) @ self.projection.T, np.float32))


@dataclass(frozen=True, slots=True, eq=False)
class RegionTokens:
    """A picture's parts in brief: each patch belongs to one of a few tokens, the mean of its patches."""

    vectors: Levels  # (K, P) the more attended the longer; rows from ``count`` on are zero
    count: int  # tokens in use, 1 to K
    map: Bytes  # (rows, columns) the token of each patch, below ``count``

    @property
    def rows(self) -> int:
        return int(self.map.shape[0])

    @property
    def columns(self) -> int:
        return int(self.map.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class TokenTable:
    """The RegionTokens of n pictures in arrays, as they are stored."""

    vectors: Levels  # (n, K, P); of picture i the first counts[i] are in use
    counts: NDArray[np.int64]  # (n,)
    maps: Bytes  # (n, M) row by row, the first grids[i].prod() in use, the rest 0
    grids: NDArray[np.int64]  # (n, 2) rows, columns

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, index: int) -> RegionTokens:
        rows, columns = (int(side) for side in self.grids[index])
        drawn = self.maps[index, : rows * columns].reshape(rows, columns)
        return RegionTokens(self.vectors[index], int(self.counts[index]), drawn)


def normalise(vectors: FloatArray) -> FloatArray:
    """(…, D) -> each vector scaled to length 1; one shorter than 1e-12 has no direction and stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)


def widened(halves: NDArray[np.float16]) -> FloatArray:
    """Finite float16 as float32, which is exact: seven times as fast as numpy's own conversion.

    The bits are moved to where float32 has them, and 2^112 makes up for its larger bias of the exponent
    (127 - 15). 115,000 numbers: 26 us instead of 200, one core of an AMD EPYC, numpy 2.4.
    """
    bits = halves.view(np.int16).astype(np.int32)  # with the sign
    bits <<= 13
    bits &= _SIGN_AND_HALF
    floats = bits.view(np.float32)
    floats *= _BIAS
    return floats
