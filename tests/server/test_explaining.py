"""Looking inside over HTTP: compact grids, files, and one sentence for what makes no sense."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import Colours, asking, paint

from dinoscope.features import Bytes
from dinoscope.library.library import Library
from dinoscope.operations.session import Session
from dinoscope.server.app import create_app
from dinoscope.settings import Settings

IdOf = Callable[[TestClient, str], int]
Params = dict[str, str | int | float]


def unpacked(data: bytes) -> tuple[dict[str, int], Bytes, Bytes]:
    """Header, attention and cosines as docs/api.md has them."""
    names = ("rows", "columns", "heads", "layer", "layers", "flags", "width", "height")
    magic, *numbers = struct.unpack_from("<4s6H2I", data)
    assert magic == b"DLK1"
    header = dict(zip(names, numbers, strict=True))
    patches, at = header["rows"] * header["columns"], 32 + 4 * header["heads"]
    grids = np.frombuffer(data, np.uint8, offset=at)
    attention, matrix = np.split(grids, [header["heads"] * patches])
    return (
        header,
        attention.reshape(header["heads"], header["rows"], header["columns"]),
        matrix.reshape(patches, patches),
    )


def test_attention_and_cosines_come_as_bytes(reader: TestClient, id_of: IdOf) -> None:
    picture = id_of(reader, "large.jpg")
    answer = reader.get("/api/v1/look", params={"picture": picture})
    assert answer.headers["content-type"] == "application/octet-stream"
    header, attention, matrix = unpacked(answer.content)
    assert header == {
        "rows": 8, "columns": 8, "heads": 1, "layer": 2, "layers": 3, "flags": 0, "width": 900, "height": 700,
    }  # fmt: skip
    assert (attention == 255).all(), "the test model looks everywhere alike"
    assert (np.diag(matrix) >= 254).all()
    np.testing.assert_array_equal(matrix, matrix.T)
    fields = matrix[0].reshape(8, 8)  # 4 x 4 fields: a patch is like its neighbours in the same one
    assert fields[:2, :2].min() > 250 > fields[2:, 2:].min()


def test_more_patches_and_other_layers_are_had(reader: TestClient, id_of: IdOf) -> None:
    asked: Params = {"picture": id_of(reader, "00.jpg"), "patches": 256, "layer": 3, "facet": "keys"}
    header, _, matrix = unpacked(reader.get("/api/v1/look", params=asked).content)
    assert (header["rows"], header["columns"], header["layer"]) == (16, 16, 3)
    assert matrix.shape == (256, 256)


def test_what_was_seen_is_not_looked_at_again(reader: TestClient, id_of: IdOf) -> None:
    asked: Params = {"picture": id_of(reader, "05.webp"), "facet": "queries"}
    first, again = (reader.get("/api/v1/look", params=asked).content for _ in range(2))
    assert struct.unpack_from("<f", first, 24)[0] > 0
    assert struct.unpack_from("<f", again, 24)[0] == 0
    assert first[32:] == again[32:]


def test_an_upload_is_looked_into_like_a_picture_of_the_library(reader: TestClient, id_of: IdOf) -> None:
    stored = BytesIO()
    paint(31, 900, 700).save(stored, "PNG")
    query = reader.post("/api/v1/queries", content=stored.getvalue()).json()["query"]
    header, _, mine = unpacked(reader.get("/api/v1/look", params={"picture": query}).content)
    assert (header["width"], header["height"]) == (900, 700)
    _, _, theirs = unpacked(
        reader.get("/api/v1/look", params={"picture": id_of(reader, "large.jpg")}).content
    )
    assert np.abs(mine.astype(int) - theirs).mean() < 3


def test_colours_come_as_rgba_and_are_the_same_each_time(reader: TestClient, id_of: IdOf) -> None:
    asked: Params = {"picture": id_of(reader, "large.jpg")}
    first, again = (reader.get("/api/v1/look/colours", params=asked).content for _ in range(2))
    assert first == again
    assert struct.unpack_from("<4s2H", first) == (b"DLC1", 8, 8)
    pixels = np.frombuffer(first, np.uint8, offset=8).reshape(8, 8, 4)
    assert pixels[..., :3].std() > 10
    equal = pixels[2:4, 2:4].reshape(4, 4).astype(int)
    assert np.ptp(equal, axis=0).max() <= 6, "patches of one field have one colour"


@pytest.mark.parametrize(
    "drawing",
    [
        {"show": "attention"},
        {"show": "attention", "mass": 0.6},
        {"show": "colours", "cut": "true"},
        {"show": "likeness", "x": 30, "y": 20},
    ],
)
def test_pictures_and_figures_are_files(reader: TestClient, id_of: IdOf, drawing: Params) -> None:
    asked: Params = {"picture": id_of(reader, "00.jpg"), **drawing}
    answer = reader.get("/api/v1/look/export", params=asked)
    assert answer.headers["content-type"] == "image/png"
    assert f'filename="{drawing["show"]}.png"' in answer.headers["content-disposition"]
    assert Image.open(BytesIO(answer.content)).size[0] > 1000
    figure = reader.get("/api/v1/look/export", params={**asked, "format": "svg"})
    assert figure.headers["content-type"].startswith("image/svg+xml")
    assert figure.text.startswith("<svg")


def test_everything_comes_as_arrays(reader: TestClient, id_of: IdOf) -> None:
    asked: Params = {"picture": id_of(reader, "00.jpg"), "format": "npz", "facet": "keys"}
    with np.load(BytesIO(reader.get("/api/v1/look/export", params=asked).content)) as stored:
        assert stored["vectors"].shape == (8, 8, 48)
        assert str(stored["facet"]) == "keys"


@pytest.mark.parametrize(
    ("asked", "status", "sentence"),
    [
        ({"picture": "999999"}, 404, "no picture 999999"),
        ({"picture": "../etc"}, 422, "names no picture"),
        ({"picture": "q_0123456789abcdef"}, 404, "send it again"),
        ({"picture": "1", "patches": "1025"}, 422, "patches"),
        ({"picture": "1", "facet": "souls"}, 422, "facet"),
        ({"picture": "1", "layer": "0"}, 422, "layer"),
        ({}, 422, "picture"),
    ],
)
@pytest.mark.parametrize("path", ["look", "look/colours", "look/export"])
def test_what_makes_no_sense_is_told(
    reader: TestClient, path: str, asked: dict[str, str], status: int, sentence: str
) -> None:
    answer = reader.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == status
    assert sentence in answer.text


@pytest.mark.parametrize(
    ("drawing", "sentence"),
    [({}, "likeness to what?"), ({"x": 3}, "likeness to what?"), ({"x": 9999, "y": 1}, "96 x 64 pixels")],
)
def test_likeness_needs_a_point_in_the_picture(
    reader: TestClient, id_of: IdOf, drawing: Params, sentence: str
) -> None:
    asked: Params = {"picture": id_of(reader, "00.jpg"), "show": "likeness", **drawing}
    answer = reader.get("/api/v1/look/export", params=asked)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"].lower()


def test_a_picture_that_is_gone_is_told(settings: Settings, pictures: Path, tmp_path: Path) -> None:
    from dinoscope.operations.indexing import index_folders

    own = tmp_path / "own"
    own.mkdir()
    paint(77).save(own / "gone.png")
    fresh = replace(settings, library=tmp_path / "fresh")
    with Library.open(fresh.library, write=True) as library:
        list(index_folders([own], library, Colours(), fresh))
    (own / "gone.png").unlink()
    with (
        Session(Library.open(fresh.library), fresh, Colours()) as session,
        asking(create_app(fresh, session)) as it,
    ):
        answer = it.get("/api/v1/look", params={"picture": 1})
    assert answer.status_code in (404, 410, 422)
    assert "index its folder again" in answer.json()["detail"]
