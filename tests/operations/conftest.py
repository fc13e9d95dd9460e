"""A backbone that needs no weights, and folders of real picture files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels, normalise
from dinoscope.geometry import Size, fit_grid
from dinoscope.library.library import Library
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.progress import Progress
from dinoscope.operations.session import Session
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings


def sample_picture(name: str, side: int) -> Image.Image:
    """One of the sample, ``monuments/berlin_cathedral``, brought to so many pixels a side at most."""
    with Image.open(PICTURES / f"{name}.webp") as image:
        small = image.convert("RGB")
    small.thumbnail((side, side))
    return small


class Colours:
    """A stand-in for the Backbone seam: a picture is its colours on a 4 x 4 grid, centred on grey."""

    def __init__(self, name: str = "colours") -> None:
        self._identity = ModelIdentity(name, "0" * 16, "fit256-bicubic", "fp32")
        self.described = 0  # pictures
        self.batches: list[int] = []

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    @property
    def dimension(self) -> int:
        return 48

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        self.see(pictures)
        return np.stack([self._colours(pixels) for pixels in pictures])

    @property
    def layers(self) -> int:
        return 3

    @property
    def batch(self) -> int:
        return 8

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        self.see(pictures)
        return [self._features(pixels, budget) for pixels in pictures]

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """The same in every layer and facet."""
        seen = self._features(picture, budget)
        return Inside(seen.model, layer or self.layers, facet, seen.grid, seen.patches, seen.attention)

    def see(self, pictures: Sequence[Pixels]) -> None:
        """Count what was asked for, in whichever way."""
        self.described += len(pictures)
        self.batches.append(len(pictures))

    def _colours(self, pixels: Pixels) -> FloatArray:
        small = Image.fromarray(pixels).resize((4, 4), Image.Resampling.BOX)
        return normalise((np.asarray(small, np.float32) - 127.3).reshape(-1))

    def _features(self, pixels: Pixels, budget: int | None) -> Features:
        identity = self._identity.at(budget)
        grid = fit_grid(Size(pixels.shape[1], pixels.shape[0]), 16, identity.budget)
        small = Image.fromarray(pixels).resize((grid.columns, grid.rows), Image.Resampling.BOX)
        patches = np.zeros((grid.rows, grid.columns, 48), np.float32)
        patches[..., :3] = np.asarray(small, np.float32) - 127.3
        attention = np.zeros((1, grid.rows, grid.columns), np.float32)
        return Features(identity.key, grid, self._colours(pixels), normalise(patches), attention)


def paint(path: Path, seed: int, size: tuple[int, int] = (48, 36)) -> Path:
    """A picture file of random coloured fields; its ending chooses the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    Image.fromarray(fields).resize(size, Image.Resampling.NEAREST).save(path)
    return path


@pytest.fixture
def colours() -> Colours:
    return Colours()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of three shapes in two folders."""
    root = tmp_path / "pictures"
    for seed in range(12):
        shape = [(48, 36), (36, 48), (90, 30)][seed % 3]
        paint(root / ("a" if seed < 6 else "b") / f"{seed:02}.png", seed, shape)
    return root


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    with Library.open(settings.library, write=True) as opened:
        yield opened


Index = Callable[..., list[Progress]]


@pytest.fixture
def index(library: Library, colours: Colours, settings: Settings) -> Index:
    """Index folders to the end and return every snapshot."""

    def run(*folders: Path) -> list[Progress]:
        return list(index_folders(folders, library, colours, settings))

    return run


@pytest.fixture
def session(library: Library, colours: Colours, settings: Settings) -> Session:
    return Session(library, settings, colours)
