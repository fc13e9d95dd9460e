"""The Backbone of every runtime: pictures are prepared, grouped by shape, and run through a Network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Protocol

import numpy as np

from dinoscope.errors import BadRequest
from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels, Vectors, normalise
from dinoscope.geometry import PatchGrid
from dinoscope.models.backbone import ModelIdentity
from dinoscope.models.card import ModelCard
from dinoscope.models.config import Tensors, dense
from dinoscope.models.positions import rotary, stretched
from dinoscope.models.preprocess import Preprocess, prepared

GRIDS_KEPT = 64  # stretched positions kept, at 0.4 MB each for ViT-S; folders of photos have about ten shapes


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a network reads: pictures of one grid."""

    grid: tuple[int, int]  # rows, columns; N = rows * columns
    patches: FloatArray  # (batch, N, 3 * patch * patch)
    places: dict[str, FloatArray]  # "positions" (N, D), or "cosines" and "sines" (prefix + N, head dimension)


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a network says of each picture, after the final norm."""

    cls: FloatArray  # (batch, D)
    patch_tokens: FloatArray  # (batch, N, D)
    attention: FloatArray  # (batch, heads, N)


class Network(Protocol):
    """A transformer in some runtime. Safe to call from several threads."""

    def full(self, inputs: Inputs) -> Outputs: ...

    def cls(self, inputs: Inputs) -> FloatArray:
        """(batch, D): what ``full`` gives as cls, cheaper where the runtime can skip the rest."""
        ...

    def inside(self, inputs: Inputs, layer: int, facet: Facet) -> tuple[FloatArray, FloatArray]:
        """(batch, N, D) a facet of the patches and (batch, heads, N) attention of CLS in a layer."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Tables:
    """The tensors that are used outside the network."""

    positions: FloatArray | None  # (1 + rows * columns, D); None with rotary positions
    mean: FloatArray | None  # (D,)
    projection: FloatArray | None  # (E, D)

    @classmethod
    def of(cls, tensors: Tensors) -> Tables:
        """Taken from canonical tensors."""
        names = ("positions", "descriptor.mean", "descriptor.projection")
        return cls(*(dense(tensors, name) if name in tensors else None for name in names))


class VitBackbone:
    """A Backbone over a Network; implements the seam in ``models.backbone``."""

    def __init__(
        self,
        identity: ModelIdentity,
        card: ModelCard,
        tables: Tables,
        network: Network,
        batch: int,
        *,
        hands: int = 1,
    ) -> None:
        """Put the parts together.

        Args:
            batch: most pictures of ``card``'s number of patches that are run at once.
            hands: threads that prepare pictures, the next ones while the network runs.
        """
        self._identity = identity
        self._config = card.config
        self._preprocess = card.preprocess
        self._tables = tables
        self._network = network
        self._batch = batch
        self._hands = hands
        self._places = lru_cache(GRIDS_KEPT)(self._places_of)

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def dimension(self) -> int:
        """Length of a global descriptor: E of the projection where there is one, else D."""
        projection = self._tables.projection
        return self._config.dimension if projection is None else projection.shape[0]

    @property
    def layers(self) -> int:
        """Blocks that are run."""
        return self._config.blocks

    @property
    def batch(self) -> int:
        """Most pictures that are run at once."""
        return self._batch

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        """Pictures of any sizes -> their Features, in the same order; see ``Backbone.encode``."""
        identity = self._identity.at(budget)
        found: dict[int, Features] = {}
        for order, grids, inputs in self._batches(pictures, self._preprocess_of(identity)):
            outputs = self._network.full(inputs)
            descriptors = self._descriptors(outputs.cls)
            patches = normalise(outputs.patch_tokens)
            for row, (index, grid) in enumerate(zip(order, grids, strict=True)):
                found[index] = Features(
                    identity.key,
                    grid,
                    descriptors[row],
                    patches[row].reshape(grid.rows, grid.columns, -1),
                    outputs.attention[row].reshape(-1, grid.rows, grid.columns),
                )
        return [found[index] for index in range(len(pictures))]

    def describe(self, pictures: Sequence[Pixels]) -> Vectors:
        """Pictures of any sizes -> (n, D) unit global descriptors, in the same order."""
        vectors = np.empty((len(pictures), self.dimension), np.float32)
        for order, _, inputs in self._batches(pictures, self._preprocess):
            vectors[order] = self._descriptors(self._network.cls(inputs))
        return vectors

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """A facet of a picture's patches in one layer; see ``Backbone.inside``."""
        layer = self.layers if layer is None else layer
        if not 1 <= layer <= self.layers:
            raise BadRequest(f"the model has no layer {layer}: choose 1 to {self.layers}")
        identity = self._identity.at(budget)
        ((_, (grid,), inputs),) = self._batches([picture], self._preprocess_of(identity))
        (vectors,), (attention,) = self._network.inside(inputs, layer, facet)
        shape = grid.rows, grid.columns
        return Inside(
            identity.key,
            layer,
            facet,
            grid,
            normalise(vectors).reshape(*shape, -1),
            attention.reshape(-1, *shape),
        )

    def _preprocess_of(self, identity: ModelIdentity) -> Preprocess:
        return replace(self._preprocess, budget=identity.budget)

    def _descriptors(self, cls: FloatArray) -> Vectors:
        mean, projection = self._tables.mean, self._tables.projection
        if projection is None:
            return normalise(cls)
        centred = cls if mean is None else np.asarray(cls - mean, np.float32)
        return normalise(np.asarray(centred @ projection.T, np.float32))

    def _batches(
        self, pictures: Sequence[Pixels], preprocess: Preprocess
    ) -> Iterator[tuple[list[int], list[PatchGrid], Inputs]]:
        """Batches of one shape: the pictures' indices, their grids, and the input."""
        most = max(1, min(self._batch, self._batch * self._preprocess.budget // preprocess.budget))
        groups: dict[tuple[int, int], list[tuple[int, PatchGrid, FloatArray]]] = defaultdict(list)
        for index, (grid, patches) in enumerate(self._prepared(pictures, preprocess)):
            shape = grid.rows, grid.columns
            groups[shape].append((index, grid, patches))
            if len(groups[shape]) == most:
                yield self._together(shape, groups.pop(shape))
        for shape, group in groups.items():
            yield self._together(shape, group)

    def _prepared(
        self, pictures: Sequence[Pixels], preprocess: Preprocess
    ) -> Iterator[tuple[PatchGrid, FloatArray]]:
        """Each picture's grid and patches, in order; a few are made ahead."""
        make = partial(prepared, preprocess=preprocess, patch=self._config.patch)
        if self._hands == 1 or len(pictures) == 1:
            yield from map(make, pictures)
            return
        for start in range(0, len(pictures), self._batch):  # what is ahead is bounded
            yield from self._preparing.map(make, pictures[start : start + self._batch])

    @cached_property
    def _preparing(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._hands, thread_name_prefix="dinoscope-prepare")

    def _together(
        self, shape: tuple[int, int], group: list[tuple[int, PatchGrid, FloatArray]]
    ) -> tuple[list[int], list[PatchGrid], Inputs]:
        order, grids, patches = zip(*group, strict=True)
        return list(order), list(grids), Inputs(shape, np.stack(patches), self._places(*shape))

    def _places_of(self, rows: int, columns: int) -> dict[str, FloatArray]:
        config = self._config
        if self._tables.positions is None:
            cosines, sines = rotary((rows, columns), config.prefix, config.head_dimension, config.rope_theta)
            return {"cosines": cosines, "sines": sines}
        positions = self._tables.positions
        return {"positions": stretched(positions, config.position_grid, (rows, columns), config.positions)}
