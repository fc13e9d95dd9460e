"""Two pictures matched over HTTP: links, grids, a part carried over; one sentence for nonsense."""

from __future__ import annotations

import struct
from collections.abc import Callable
from importlib.util import find_spec
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageOps
from starlette.testclient import TestClient
from tests.server.conftest import paint

from dinoscope.features import Bytes

IdOf = Callable[[TestClient, str], int]
Params = dict[str, str | int | float | bool]
PATHS = ("match", "match/cosines", "match/dense")


def sent(reader: TestClient, picture: Image.Image) -> str:
    """The name an upload gets."""
    stored = BytesIO()
    picture.save(stored, "PNG")
    return str(reader.post("/api/v1/queries", content=stored.getvalue()).json()["query"])


@pytest.fixture(scope="module")
def pair(reader: TestClient) -> Params:
    """A picture, and the same mirrored and larger."""
    picture = paint(44, 320, 240)
    return {
        "here": sent(reader, picture),
        "there": sent(reader, ImageOps.mirror(picture).resize((640, 480), Image.Resampling.NEAREST)),
        "patches": 144,
    }


def grids(data: bytes, header: str, magic: bytes) -> tuple[list[float], Bytes]:
    """The header's numbers and the bytes behind it."""
    found, *numbers = struct.unpack_from(header, data)
    assert found == magic
    return numbers, np.frombuffer(data, np.uint8, offset=struct.calcsize(header))


def test_links_come_in_each_originals_pixels(reader: TestClient, pair: Params) -> None:
    found = reader.get("/api/v1/match", params=pair).json()
    assert found["here"] == {"width": 320, "height": 240, "rows": 12, "columns": 12}
    assert (found["there"]["width"], found["there"]["height"]) == (640, 480)
    assert found["orientation"]["mirrored"]
    assert not found["orientation"]["chosen"]
    assert found["note"] is None
    assert len(found["links"]) >= 8
    for link in found["links"]:
        x, y = link["here"]
        assert link["there"] == pytest.approx([640 - 2 * x, 2 * y], abs=110), "within its field, 160 x 120"
    assert reader.get("/api/v1/match", params={**pair, "links": 3}).json()["links"].__len__() == 3


def test_left_and_right_are_exchanged_as_asked(reader: TestClient, pair: Params) -> None:
    for asked in (True, False):
        way = reader.get("/api/v1/match", params={**pair, "mirrored": asked}).json()["orientation"]
        assert (way["mirrored"], way["chosen"]) == (asked, True)


def test_the_match_is_made_once(reader: TestClient, pair: Params) -> None:
    asked = {**pair, "patches": 100}
    first, again = (reader.get("/api/v1/match", params=asked).json() for _ in range(2))
    assert first["encode_seconds"] > 0
    assert (again["seconds"], again["encode_seconds"]) == (0, 0)
    assert first["links"] == again["links"]


def test_cosines_are_a_byte_a_pair(reader: TestClient, pair: Params) -> None:
    tables = []
    for votes in (True, False):
        data = reader.get("/api/v1/match/cosines", params={**pair, "votes": votes}).content
        numbers, levels = grids(data, "<4s6H2f", b"DMC1")
        assert numbers[:6] == [12, 12, 12, 12, 1, 0]
        low, high = numbers[6:]
        tables.append(low + (high - low) * levels.reshape(144, 144) / 255)
    voted, plain = tables
    assert plain.min() >= -1.01
    assert plain.max() <= 1.01
    assert (voted <= plain + 0.02).all(), "votes only speak against"
    best = plain.argmax(axis=1)
    rows, columns = np.divmod(np.arange(144), 12)
    # three patches a field: the counterpart lies in the mirrored field
    assert np.mean((best // 12 // 3 == rows // 3) & (best % 12 // 3 == 3 - columns // 3)) > 0.9


def test_where_every_patch_lies(reader: TestClient, pair: Params) -> None:
    data = reader.get("/api/v1/match/dense", params=pair).content
    numbers, rest = grids(data, "<4s6H", b"DMD1")
    assert numbers == [12, 12, 12, 12, 1, 0]
    assert len(rest) == 2 * 144 * (4 + 1 + 1)
    forth, back = np.frombuffer(data, "<u2", offset=16, count=4 * 144).reshape(2, 12, 12, 2) / 65535
    x = (np.arange(12) + 0.5) / 12
    assert np.abs(forth[..., 0] - (1 - x)).mean() < 0.1
    assert np.abs(forth[..., 1] - x[:, None]).mean() < 0.1
    assert np.abs(back[..., 0] - (1 - x)).mean() < 0.1
    sure = rest[2 * 144 * 4 : 2 * 144 * 5]
    assert sure.mean() > 100


def test_a_part_is_carried_over(reader: TestClient, pair: Params) -> None:
    part = {"boxes": [[0, 0, 80, 60]]}  # the first field; mirrored and doubled it is at the right
    answer = reader.post("/api/v1/match/transfer", params=pair, json=part)
    assert answer.headers["content-type"] == "application/octet-stream"
    (rows, columns, sure, *box), heat = grids(answer.content, "<4s2H5f", b"DMT1")
    assert (rows, columns) == (12, 12)
    assert sure > 0.5
    assert box == pytest.approx([480, 0, 640, 120], abs=60)
    inside = heat.reshape(12, 12) >= 128
    assert inside[:3, 9:].mean() > 0.7
    assert inside.sum() <= 16


def test_pictures_of_the_library_are_matched_too(reader: TestClient, id_of: IdOf) -> None:
    asked: Params = {"here": id_of(reader, "00.jpg"), "there": id_of(reader, "00.jpg")}
    found = reader.get("/api/v1/match", params=asked).json()
    assert "one and the same picture" in found["note"]
    assert found["links"]


def test_a_blank_picture_is_told(reader: TestClient, pair: Params) -> None:
    blank = sent(reader, Image.new("RGB", (200, 100), (3, 60, 90)))
    found = reader.get("/api/v1/match", params={"here": pair["here"], "there": blank}).json()
    assert found["links"] == []
    assert "second picture is blank" in found["note"]


@pytest.mark.extra
@pytest.mark.skipif(find_spec("cv2") is None, reason="needs the extra geometry")
def test_the_very_same_thing_is_told(reader: TestClient, rng: np.random.Generator) -> None:
    spots = Image.fromarray(rng.integers(0, 256, (30, 40, 3), np.uint8)).resize((400, 300))
    both = {"here": sent(reader, spots), "there": sent(reader, ImageOps.mirror(spots.resize((600, 450))))}
    found = reader.get("/api/v1/match/geometry", params=both).json()
    assert (found["relation"], found["mirrored"]) == ("plane", True)
    assert "same thing or view" in found["sentence"]
    assert 50 <= len(found["points"]) <= min(200, found["agreeing"])
    for x, y, there_x, there_y in found["points"]:
        assert (there_x, there_y) == pytest.approx((600 - 1.5 * x, 1.5 * y), abs=6)
    assert reader.get("/api/v1/match/geometry", params=both).json()["seconds"] == 0


@pytest.mark.skipif(find_spec("cv2") is not None, reason="with the extra geometry there is an answer")
def test_without_the_extra_it_is_said_how_to_get_it(reader: TestClient, pair: Params) -> None:
    both = {name: pair[name] for name in ("here", "there")}
    answer = reader.get("/api/v1/match/geometry", params=both)
    assert answer.status_code == 501
    assert "pip install 'dinoscope[geometry]'" in answer.json()["detail"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("asked", "status", "sentence"),
    [
        ({"here": "1"}, 422, "there"),
        ({"here": "1", "there": "999999"}, 404, "no picture 999999"),
        ({"here": "../etc", "there": "1"}, 422, "names no picture"),
        ({"here": "1", "there": "q_0123456789abcdef"}, 404, "send it again"),
        ({"here": "1", "there": "2", "patches": "15"}, 422, "patches"),
        ({"here": "1", "there": "2", "patches": "1025"}, 422, "patches"),
        ({"here": "1", "there": "2", "links": "201"}, 422, "links"),
        ({"here": "1", "there": "2", "links": "-1"}, 422, "links"),
        ({"here": "1", "there": "2", "mirrored": "perhaps"}, 422, "mirrored"),
    ],
)
def test_what_makes_no_sense_is_told(
    reader: TestClient, path: str, asked: dict[str, str], status: int, sentence: str
) -> None:
    answer = reader.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == status
    assert sentence in answer.json()["detail"]


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        ({}, "nothing is selected"),
        ({"boxes": [[5, 5, 5, 9]]}, "is empty"),
        ({"boxes": [[900, 900, 950, 950]]}, "lies outside the picture, 320 x 240 pixels"),
        ({"points": [[1, 2, 3]]}, "points"),
        ({"mask": "%%%"}, "no base64"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_part_that_makes_no_sense_is_told(
    reader: TestClient, pair: Params, part: dict[str, object], sentence: str
) -> None:
    answer = reader.post("/api/v1/match/transfer", params=pair, json=part)
    assert answer.status_code == 422
    assert sentence in answer.json()["detail"]
