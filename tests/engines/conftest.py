"""Vectors with the structure of real descriptors, and the engines over them."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.engines import ENGINES
from dinoscope.engines.engine import Engine, Rows
from dinoscope.features import FloatArray, Vectors, normalise


class Held:
    """A VectorSource over an array in memory, which counts how it is read."""

    def __init__(self, vectors: FloatArray) -> None:
        self._vectors = vectors
        self.largest_read = 0

    @property
    def dimension(self) -> int:
        return int(self._vectors.shape[1])

    def __len__(self) -> int:
        return len(self._vectors)

    def read(self, rows: Rows | slice) -> Vectors:
        found = self._vectors[rows]
        self.largest_read = max(self.largest_read, len(found))
        return found


def clustered(count: int, dimension: int, clusters: int, seed: int = 0) -> Vectors:
    """(count, dimension) unit vectors around so many centres, rows of one cluster spread over the file."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(clusters, dimension))
    chosen = random.integers(0, clusters, count)
    return normalise((centres[chosen] + 0.6 * random.normal(size=(count, dimension))).astype(np.float32))


@pytest.fixture(scope="session")
def many() -> Vectors:
    """Enough that an approximate engine approximates."""
    return clustered(24_000, 48, 300)


@pytest.fixture(scope="session")
def questions(many: Vectors) -> Vectors:
    random = np.random.default_rng(1)
    near = many[random.choice(len(many), 40, replace=False)]
    return normalise(near + 0.05 * random.normal(size=near.shape).astype(np.float32))


@pytest.fixture(scope="session", params=sorted(ENGINES))
def kind(request: pytest.FixtureRequest) -> type[Engine]:
    return ENGINES[str(request.param)]


@pytest.fixture(scope="session")
def engine(kind: type[Engine], many: Vectors) -> Engine:
    return kind.build(Held(many), threads=1)
