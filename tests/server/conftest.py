"""A small real library of generated pictures, and two ways to ask: in this process and over a socket."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import isqrt
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from dinoscope.features import Facet, Features, FloatArray, Inside, Pixels, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.library.library import Library
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.server.run import Serving, guarded, serve
from dinoscope.settings import Settings

ORIGIN = "http://127.0.0.1:7766"
WEIRD = 'ein "Bild" ž蛙; a=b.png'  # a name that must survive headers and JSON


class Colours:
    """A backbone that sees only where which colour is: quick, and easy to foresee."""

    identity = ModelIdentity("colours", "0" * 16, "fit64-box", "fp32")
    dimension = 48
    layers = 3
    batch = 8

    def describe(self, pictures: Sequence[Pixels]) -> FloatArray:
        return normalise(np.stack([self._seen(picture) for picture in pictures]))

    def encode(self, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        return [self._features(picture, budget) for picture in pictures]

    def inside(
        self, picture: Pixels, layer: int | None = None, facet: Facet = "tokens", budget: int | None = None
    ) -> Inside:
        """The same in every layer and facet."""
        seen = self._features(picture, budget)
        return Inside(seen.model, layer or self.layers, facet, seen.grid, seen.patches, seen.attention)

    def _features(self, picture: Pixels, budget: int | None) -> Features:
        """Square patches, each of the colour under it: waves of it, so that other colours are far apart."""
        identity = self.identity.at(budget)
        side = isqrt(identity.budget)
        small = Image.fromarray(picture).resize((side, side), Image.Resampling.BOX)
        waves = np.random.default_rng(0).normal(0, 8, (4, self.dimension))  # the last line: phases
        patches = np.cos(np.asarray(small) / 255 @ waves[:3] + waves[3]).astype(np.float32)
        grid = PatchGrid(side, side, 16, Size(picture.shape[1], picture.shape[0]))
        attention = np.ones((1, side, side), np.float32)
        return Features(identity.key, grid, normalise(self._seen(picture)), normalise(patches), attention)

    def _seen(self, picture: Pixels) -> FloatArray:
        small = Image.fromarray(picture).resize((4, 4), Image.Resampling.BOX)
        return np.asarray(np.asarray(small, np.float32).ravel() / 255 - 0.45, np.float32)


def paint(seed: int, width: int = 96, height: int = 64) -> Image.Image:
    """A picture of 4 x 4 coloured fields, of which no two seeds are alike."""
    fields = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return Image.fromarray(fields).resize((width, height), Image.Resampling.NEAREST)


def fill(folder: Path) -> None:
    """24 pictures of three kinds in two folders, two of them equal, one with EXIF, one with a weird name."""
    for name in ("one", "two"):
        (folder / name).mkdir(parents=True)
    for seed in range(20):
        ending = ("jpg", "png", "webp")[seed % 3]
        paint(seed).save(folder / ("one" if seed < 10 else "two") / f"{seed:02}.{ending}")
    shutil.copy(folder / "one" / "00.jpg", folder / "two" / "copy of 00.jpg")
    paint(30).save(folder / "two" / WEIRD)
    paint(31, 900, 700).save(folder / "one" / "large.jpg")
    exif = Image.Exif()
    exif[0x0110], exif[0x0132] = "Nikon D40", "2021:07:04 12:00:00"
    exif.get_ifd(0x8769)[0x9003] = "2021:07:04 12:00:00"
    paint(32).save(folder / "two" / "dated.jpg", exif=exif)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of generated pictures. Only to be read."""
    folder = tmp_path_factory.mktemp("served") / "pictures"
    fill(folder)
    return folder


@pytest.fixture(scope="session")
def indexed(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of them, to be copied."""
    folder = tmp_path_factory.mktemp("served") / "library"
    own = Settings(library=folder, cache=folder.parent / "cache")  # what is fitted is fitted for this encoder
    with Library.open(folder, write=True) as library:
        last = list(index_folders([pictures], library, Colours(), own))[-1]
    assert last.finished
    assert last.added + last.known == 24
    return folder


@pytest.fixture
def settings(settings: Settings, indexed: Path) -> Settings:
    """Settings whose library holds the generated pictures."""
    shutil.copytree(indexed, settings.library)
    return bounded(settings)


def bounded(settings: Settings) -> Settings:
    """Limits that a test can exceed; no detector of faces is started but by the tests about it."""
    return replace(settings, max_bytes=2**20, max_pixels=4_000_000, port=0, faces="allow")


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    with Session(Library.open(settings.library), settings, Colours()) as session:
        yield session


@contextmanager
def asking(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(settings: Settings, session: Session) -> Iterator[TestClient]:
    """Asks the application in this process."""
    with asking(create_app(settings, session)) as client:
        yield client


@pytest.fixture(scope="module")
def reader(indexed: Path) -> Iterator[TestClient]:
    """The same over the shared library, for tests that change nothing."""
    home = indexed.parent
    own = Settings(library=indexed, cache=home / "cache", runs=home / "runs", models=home / "models")
    settings = bounded(own)
    with (
        Session(Library.open(indexed), settings, Colours()) as session,
        asking(create_app(settings, session)) as client,
    ):
        yield client


@pytest.fixture
def guarded_client(settings: Settings, session: Session) -> Iterator[TestClient]:
    """The same, of a server that the network can reach and that has the token ``a long secret``."""
    known = guarded(replace(settings, host="0.0.0.0", token="a long secret"))
    with asking(create_app(known, session)) as client:
        yield client


@dataclass(frozen=True)
class Server:
    """A real server in a thread."""

    serving: Serving

    @property
    def port(self) -> int:
        return int(self.serving.url.rstrip("/").rpartition(":")[2])

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; everything that comes back until the server closes."""
        with self.connect() as connection:
            connection.sendall(request)
            return read_all(connection)

    def ask(self, method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
        """One request with the right Host, and the whole response."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close", *headers]
        if body or method in {"POST", "DELETE"}:
            lines.append(f"Content-Length: {len(body)}")
        return self.raw("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def read_all(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@contextmanager
def running(settings: Settings, session: Session) -> Iterator[Server]:
    """A real server on a free port, stopped gracefully at the end."""
    ready = threading.Event()
    where: list[Serving] = []
    failure: list[BaseException] = []

    def note(serving: Serving) -> None:
        where.append(serving)
        ready.set()

    def run() -> None:
        try:
            serve(settings, note, session)
        except BaseException as error:  # noqa: BLE001  told in the test's own thread
            failure.append(error)
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(30)
    if failure:
        raise failure[0]
    try:
        yield Server(where[0])
    finally:
        where[0].stop()
        thread.join(30)
        assert not thread.is_alive()


@pytest.fixture
def server(settings: Settings, session: Session) -> Iterator[Server]:
    with running(settings, session) as server:
        yield server


@pytest.fixture
def id_of() -> Callable[[TestClient, str], int]:
    """The id of the picture with a file name."""

    def find(client: TestClient, name: str) -> int:
        everything = client.get("/api/v1/pictures?limit=1000").json()["pictures"]
        return int(next(one["id"] for one in everything if one["name"] == name))

    return find
