"""Planted pictures: what the indexer would commit, without any picture."""

from __future__ import annotations

import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from dinoscope.features import Basis, FloatArray, RegionTokens, normalise
from dinoscope.geometry import Size
from dinoscope.library import schema
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile, NewRegions
from dinoscope.models.backbone import ModelIdentity
from dinoscope.pictures.metadata import Metadata

MODEL = ModelIdentity("planted", "0123456789abcdef", "fit256", "fp32")
OTHER = ModelIdentity("other", "fedcba9876543210", "fit256", "fp32")
DIMENSION = 16
TOKENS, SHORT = 4, 8  # region tokens a planted picture has at most, numbers each
BASIS = Basis(np.zeros(DIMENSION, np.float32), np.eye(SHORT, DIMENSION, dtype=np.float32))
ROOT = Path("/pictures")


def content(number: int) -> str:
    return f"{number:040x}"


def vector(number: int, dimension: int = DIMENSION) -> FloatArray:
    """(dimension,) unit vector of a content: the same in every test."""
    return normalise(np.random.default_rng(number).normal(size=dimension).astype(np.float32))


def file(
    number: int, path: str | None = None, metadata: Metadata | None = None, **changes: object
) -> NewFile:
    values: dict[str, object] = {
        "path": ROOT / (path or f"{number}.jpg"),
        "root": ROOT,
        "content": content(number),
        "kind": "jpeg",
        "size": Size(640, 480),
        "bytes": 1000 + number,
        "modified_ns": 1_600_000_000_000_000_000 + number,
        "metadata": metadata or Metadata(),
    }
    return NewFile(**(values | changes))  # type: ignore[arg-type]


def parts(number: int) -> RegionTokens:
    """The region tokens of a content: from 2 to 4 of them, on a grid of 2 to 5 columns."""
    rng = np.random.default_rng(1000 + number)
    count = 2 + number % 3
    vectors = np.zeros((TOKENS, SHORT), np.int8)
    vectors[:count] = rng.integers(-127, 128, (count, SHORT), np.int8, endpoint=False)
    owners = rng.permuted(np.arange(3 * (2 + number % 4)) % count).reshape(3, -1)
    return RegionTokens(vectors, count, owners.astype(np.uint8))


def unit(number: int) -> FloatArray:
    """(count, SHORT) what the tokens of a content mean."""
    tokens = parts(number)
    return normalise(tokens.vectors[: tokens.count].astype(np.float32))


def plant(
    library: Library, files: Sequence[NewFile], model: ModelIdentity = MODEL, *, regions: bool = False
) -> None:
    """Commit files with the vectors, and maybe the region tokens, of their contents."""
    numbers = {one.content: int(one.content, 16) for one in files}
    vectors = {content: vector(number) for content, number in numbers.items()}
    tokens = {content: parts(number) for content, number in numbers.items()}
    library.commit(model, DIMENSION, files, vectors, NewRegions(BASIS, tokens) if regions else None)


def plant_regions(library: Library, numbers: Sequence[int]) -> None:
    """Commit the region tokens of contents whose vectors are there."""
    tokens = {content(number): parts(number) for number in numbers}
    library.commit(MODEL, DIMENSION, [], {}, NewRegions(BASIS, tokens))


def aged(folder: Path, version: int) -> None:
    """The library as it would be in an older format, which has fewer tables and columns."""
    path, older = folder / "library.sqlite", folder / "older.sqlite"
    with closing(sqlite3.connect(older, isolation_level=None)) as db:
        for statement in (one for step in schema.MIGRATIONS[:version] for one in step):
            db.execute(statement)
        triggers = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            db.execute(f"DROP TRIGGER {name}")  # what they count is copied
        db.execute(f"ATTACH '{path}' AS newer")
        tables = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            columns = ", ".join(row[1] for row in db.execute(f"PRAGMA main.table_info({table})"))
            db.execute(f"DELETE FROM main.{table}")
            db.execute(f"INSERT INTO main.{table} ({columns}) SELECT {columns} FROM newer.{table}")
        for _, statement in triggers:
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
    for end in ("-wal", "-shm"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    older.replace(path)


def found(library: Library, number: int, k: int = 1, model: ModelIdentity = MODEL) -> list[int]:
    """The contents nearest to one's vector, as numbers."""
    (answer,) = library.shelf(model.key).search(vector(number)[None], k)
    return [int(one, 16) for one, _ in answer]


def forked(act: Callable[[], int]) -> int:
    """What ``act`` returns in a forked child, whose exit code it becomes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of threads; none run here
        child = os.fork()
    if child == 0:
        try:
            os._exit(act())
        finally:
            os._exit(99)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def library(folder: Path) -> Iterator[Library]:
    with Library.open(folder, write=True) as opened:
        yield opened


@pytest.fixture
def album(library: Library) -> Library:
    """Eight pictures that differ in everything there is to filter by; number 8 is a copy of number 1."""
    plant(
        library,
        [
            file(
                1,
                "a/one.jpg",
                Metadata(datetime(2020, 1, 31, 23, 59, 59), "Canon EOS 5D", "EF 50mm", 48.2, 16.4),
            ),
            file(
                2, "a/two.png", Metadata(datetime(2021, 7, 1), "Nikon Z6"), kind="png", size=Size(4000, 3000)
            ),
            file(
                3,
                "a/b/three.jpg",
                Metadata(datetime(2021, 7, 31, 23, 59, 59), "Canon EOS R5"),
                bytes=2_000_000,
            ),
            file(4, "a/b/Four.JPG", Metadata(datetime(2021, 8, 1), latitude=48.3, longitude=16.5)),
            file(5, "ab/five.webp", kind="webp", size=Size(100, 900)),
            file(6, "Ünïcode/sechs 100%.jpg", Metadata(camera="Ælfred's Kamera")),
            file(7, "far/seven.jpg", Metadata(latitude=-36.8, longitude=174.8)),
            file(1, "copies/eight.jpg"),
        ],
    )
    return library
