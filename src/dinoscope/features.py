"""What a backbone says of a picture: one global descriptor and a grid of patch descriptors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from dinoscope.geometry import PatchGrid

Pixels = Annotated[NDArray[np.uint8], "(height, width, 3) sRGB, upright"]
Vectors = Annotated[NDArray[np.float32], "(n, D) unit vectors"]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """A picture as the model sees it. Cosine similarity of two unit vectors is their dot product."""

    model: str  # key of the ModelIdentity the vectors belong to; identities never mix
    grid: PatchGrid
    descriptor: FloatArray  # (D,) unit vector of the whole picture
    patches: FloatArray  # (rows, columns, P) unit vectors
    attention: FloatArray  # (heads, rows, columns) last block's CLS -> patch attention, in [0, 1]


def normalise(vectors: FloatArray) -> FloatArray:
    """(…, D) -> each vector scaled to length 1; one shorter than 1e-12 has no direction and stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.float32(1e-12)), np.float32)
