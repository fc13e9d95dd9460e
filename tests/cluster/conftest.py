"""One library of generated pictures, and the same pictures in shards."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.hues import Hues

from dinoscope.cluster.asking import LocalShards
from dinoscope.cluster.manifest import Manifest, claimed, demand_shard
from dinoscope.cluster.numbering import shard_of
from dinoscope.cluster.sharded_library import ShardedLibrary
from dinoscope.features import Features, Pixels
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

SHARDS = 3
PICTURES = 60


class Other(Hues):
    """Another model."""

    identity = ModelIdentity("other", "1" * 16, "fit256-bicubic", "fp32")


class Slow(Hues):
    """A twentieth of a second a picture, so that there is time to kill something."""

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        time.sleep(0.05 * len(pictures))
        return super().encode(pictures, budget)


class Signing(Hues):
    """Leaves the name of each machine that encodes in the library's folder; one waits there for a second."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self._folder = settings.library

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        import ray

        here = ray.get_runtime_context()
        if here.get_actor_id() is None:  # whoever asks for it all, too, has the model
            return super().encode(pictures, budget)
        (self._folder / f"by {here.get_node_id()}").touch()
        until = time.monotonic() + 60
        while len(signatures(self._folder)) < 2 and time.monotonic() < until:
            time.sleep(0.1)
        return super().encode(pictures, budget)


def signatures(folder: Path) -> list[Path]:
    return list(folder.glob("by *"))


def paint(folder: Path, count: int = PICTURES, first: int = 0) -> Path:
    """Pictures of coloured fields in two folders; every tenth has a copy of another name."""
    for seed in range(first, first + count):
        rng = np.random.default_rng(seed)
        fields = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
        picture = fields.resize((64 + 16 * (seed % 3), 64), Image.Resampling.NEAREST)
        path = folder / ("a" if seed % 2 else "b") / f"{seed:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
        if seed % 10 == 0:
            (folder / "a" / f"copy of {seed:03}.png").parent.mkdir(exist_ok=True)
            (folder / "a" / f"copy of {seed:03}.png").write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return paint(tmp_path_factory.mktemp("painted") / "pictures")


@pytest.fixture(scope="session")
def one_folder(painted: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of one machine with all of them. Only to be read."""
    folder = tmp_path_factory.mktemp("one") / "library"
    settings = Settings(library=folder, cache=tmp_path_factory.getbasetemp() / "cache")
    with Library.open(folder, write=True) as library:
        assert list(index_folders([painted], library, Hues(), settings))[-1].finished
    return folder


def split(
    one: Library, root: Path, shards: int = SHARDS, identity: ModelIdentity = Hues.identity
) -> Manifest:
    """The pictures of a library as one in shards."""
    key, dimension = identity.key, one.shelf(identity.key).dimension
    manifest = claimed(root, shards=shards, model=key, name=identity.name, dimension=dimension)
    pictures = one.page(limit=1000).pictures
    for number in range(shards):
        own = [picture for picture in pictures if shard_of(picture.content, shards) == number]
        with (
            Library.open(demand_shard(root, manifest, number), write=True) as shard,
            one.shelf(key).tokens() as view,
        ):
            contents = list(dict.fromkeys(picture.content for picture in own))
            rows = [view.row_of(content) for content in contents]
            table = view.read(np.array(rows, np.int64))
            tokens = {content: table[index] for index, content in enumerate(contents)}
            shard.commit(
                identity,
                dimension,
                [_row(picture) for picture in own],
                {content: one.shelf(key).vector(content) for content in contents},
                NewRegions(view.basis, tokens),
            )
    return manifest


def _row(picture: object) -> NewFile:
    from dinoscope.library.records import Picture

    assert isinstance(picture, Picture)
    return NewFile(
        path=picture.path,
        root=picture.path.parent.parent,
        content=picture.content,
        kind=picture.kind,
        size=picture.size,
        bytes=picture.bytes,
        modified_ns=picture.path.stat().st_mtime_ns,
        metadata=picture.metadata,
    )


@pytest.fixture(scope="session")
def shards_folder(one_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same pictures in shards. Only to be read."""
    root = tmp_path_factory.mktemp("many") / "library"
    with Library.open(one_folder) as one:
        split(one, root)
    return root


@pytest.fixture
def one(one_folder: Path, settings: Settings) -> Iterator[Session]:
    with Session(Library.open(one_folder), replace(settings, library=one_folder), Hues()) as session:
        yield session


@pytest.fixture
def many(shards_folder: Path, settings: Settings) -> Iterator[Session]:
    manifest = Manifest.read(shards_folder)
    library = ShardedLibrary(shards_folder, manifest, LocalShards(shards_folder, manifest))
    with Session(library, replace(settings, library=shards_folder), Hues()) as session:
        yield session
