"""Distances over HTTP: pairs with what they mean, and maps of what carries a likeness as bytes."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

IdOf = Callable[[TestClient, str], int]


def test_each_pair_comes_once_with_its_meaning(reader: TestClient, id_of: IdOf) -> None:
    names = [str(id_of(reader, name)) for name in ("00.jpg", "05.webp", "large.jpg")]
    found = reader.get("/api/v1/distances", params={"picture": names}).json()
    assert found["pictures"] == names
    assert sorted(found["order"]) == [0, 1, 2]
    assert [(pair["here"], pair["there"]) for pair in found["pairs"]] == [
        (names[0], names[1]), (names[0], names[2]), (names[1], names[2]),
    ]  # fmt: skip
    for pair in found["pairs"]:
        assert -1 <= pair["cosine"] <= 1
        assert 0 <= pair["percentile"] <= 100
        assert "of the library's pairs" in pair["sentence"]
    by_cosine = sorted(found["pairs"], key=lambda pair: pair["cosine"])
    assert by_cosine == sorted(found["pairs"], key=lambda pair: pair["percentile"])


def test_an_upload_is_the_same_as_its_file(reader: TestClient, id_of: IdOf, pictures: Path) -> None:
    picture = id_of(reader, "00.jpg")
    data = next(pictures.rglob("00.jpg")).read_bytes()
    upload = reader.post("/api/v1/queries", content=data).json()["query"]
    (pair,) = reader.get("/api/v1/distances", params={"picture": [picture, upload]}).json()["pairs"]
    assert pair["cosine"] > 0.99
    assert pair["sentence"] == "to the model they are one and the same picture"


def test_why_comes_as_bytes(reader: TestClient, id_of: IdOf) -> None:
    here, there = id_of(reader, "00.jpg"), id_of(reader, "large.jpg")
    answer = reader.get("/api/v1/distances/why", params={"here": here, "there": there})
    assert answer.headers["content-type"] == "application/octet-stream"
    magic, *shape, cosine, most_here, most_there = struct.unpack_from("<4s4H3f", answer.content)
    assert magic == b"DWY1"
    grids = np.frombuffer(answer.content, np.uint8, offset=24)
    first, second = np.split(grids, [shape[0] * shape[1]])
    assert len(second) == shape[2] * shape[3]
    assert first.max() == second.max() == 255
    for grid, most in ((first, most_here), (second, most_there)):
        assert float(grid.sum()) / 255 * most == pytest.approx(1, abs=0.02), "shares of one whole"
    (pair,) = reader.get("/api/v1/distances", params={"picture": [here, there]}).json()["pairs"]
    assert cosine == pytest.approx(pair["cosine"], abs=0.01)


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/distances", {"picture": ["1"]}, 422),
        ("/distances", {"picture": ["1"] * 101}, 422),
        ("/distances", {"picture": ["1", "cat"]}, 422),
        ("/distances", {"picture": ["1", "99999"]}, 404),
        ("/distances", {"picture": ["1", "q_nothingofthatname"]}, 404),
        ("/distances/why", {"here": "1"}, 422),
        ("/distances/why", {"here": "1", "there": "99999"}, 404),
    ],
)
def test_what_makes_no_sense_is_told(
    reader: TestClient, path: str, params: dict[str, list[str] | str], status: int
) -> None:
    answer = reader.get(f"/api/v1{path}", params=params)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]
