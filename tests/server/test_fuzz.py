"""Whatever is asked or sent, it is answered, and never with a 500."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import paint

WORDS = [
    "", "0", "1", "-1", "1e400", "99999999999999999999", "nan", "true", "null", "q_", "q_abcdefgh",
    "12.5", '\x00', "'", "\"", "%", "\\", "kind=jpeg", "kind=", "=", "width>", "width>=1e999",
    "bytes<99999999999999999999GB", "bytes>2MB", "taken=2021-13-45", "taken>=0000", "taken<9999-12-31",
    "added=99999", "near(1,2,3)", "near(nan,inf,1)", "near(91,400,-1)", "near(,,)", "has:place",
    "no:moon", "path~%_\\", "lat>1e308", "camera~'; DROP TABLE files; --", "and", "kind=jpeg and",
    "and and and", "((((((((((((((((((((((((((((((((((((((((",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "folder=/", "name=\"", '\u202e\U0001f996', '\ud7ff', "İ", "WzFd", "WyJhZGRlZCIsZmFsc2UsMSwxXQ",
    "WyJhZGRlZCIsZmFsc2UsOTk5OTk5OTk5OTk5OTk5OTk5OTksMV0", "WyJhZGRlZCIsZmFsc2UsMSwxZTQwMF0", "added",
    "taken",
]  # fmt: skip
PATHS = {
    "/api/v1/pictures": ["where", "after", "limit", "order", "descending"],
    "/api/v1/facets": ["where"],
    "/api/v1/search": ["like", "unlike", "k", "offset", "where", "collapse"],
    "/api/v1/compare": ["first", "second", "queries", "examples", "seed"],
    "/api/v1/compare/{}": ["first", "second"],
    "/api/v1/folders": ["path"],
    "/api/v1/pictures/1/thumbnail": ["side", "v"],
    "/api/v1/pictures/2/image": ["side", "v"],
    "/api/v1/pictures/{}": [],
    "/api/v1/jobs/{}": [],
    "/api/v1/jobs/{}/events": [],
    "/api/v1/queries/{}": [],
    "/api/v1/queries/{}/image": ["side"],
    "/api/v1/runs/{}": [],
    "/api/v1/runs/{}/measures": ["since", "most"],
    "/api/v1/runs/{}/events": ["since"],
    "/api/v1/runs/{}/samples/{}": [],
    "/{}": [],
}


def asked(rng: np.random.Generator) -> Iterator[tuple[str, dict[str, list[str]]]]:
    paths = list(PATHS)
    for _ in range(1500):
        path = paths[rng.integers(len(paths))]
        names = PATHS[path]
        query: dict[str, list[str]] = {"like": [str(rng.integers(1, 25))]} if "search" in path else {}
        for _ in range(rng.integers(0, 5)) if names else ():
            query.setdefault(names[rng.integers(len(names))], []).append(word(rng))
        segment = word(rng).replace("\0", "%00").replace("?", "%3F").replace("#", "%23")
        yield path.replace("{}", segment), query


def word(rng: np.random.Generator) -> str:
    one, other = (WORDS[rng.integers(len(WORDS))] for _ in range(2))
    return [one, one + other, f"{one} and {other}"][rng.integers(3)]


def test_no_question_is_a_500(
    reader: TestClient, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = set()
    for path, query in asked(rng):
        answer = reader.get(path, params=query)
        statuses.add(answer.status_code)
        assert answer.status_code < 500 or answer.status_code == 503, (path, query, caplog.text)
    assert {200, 404, 422} <= statuses


ODD: list[object] = [
    None, True, 0, -1, 1, 0.5, 1e308, -1e308, 10**30, "", "1", "q_abcdefgh", [], {}, [[]], [[0, 0]],
    [[1, 1, 1, 1]], [[-1e9, -1e9, 1e9, 1e9]], [[0, 0, 1e-300, 1e-300]], [[95.9, 63.9, 96, 64]], [[96, 64]],
    [[[0, 0], [0, 0], [0, 0]]], [[[0, 0], [96, 64], [96, 0], [0, 64]]], [[[1e300, 0], [0, 1e300], [5, 5]]],
    [[0, 0]] * 64, [[0, 0]] * 65, "AAAA", "iVBORw0KGgo=", "\u202e", [{"picture": "1", "box": [0, 0, 9, 9]}],
    [{"picture": "999", "box": [0, 0, 9, 9]}], [{"picture": "1", "box": [500, 0, 900, 9]}],
]  # fmt: skip
FIELDS = [
    "picture",
    "boxes",
    "polygons",
    "points",
    "not_points",
    "not_polygons",
    "erased",
    "mask",
    "also",
    "more",
    "less",
    "refine",
    "x",
]


def test_no_part_is_a_500(
    reader: TestClient, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    statuses = set()
    for _ in range(400):
        body: dict[str, object] = {"picture": str(rng.integers(1, 25)), "refine": False}
        if rng.random() < 0.5:
            body["points"] = [[float(rng.uniform(0, 96)), float(rng.uniform(0, 64))]]
        for _ in range(rng.integers(0, 3)):
            body[FIELDS[rng.integers(len(FIELDS))]] = ODD[rng.integers(len(ODD))]
        answer = reader.post("/api/v1/search/region?k=1", json=body)
        statuses.add(answer.status_code)
        assert answer.status_code in {200, 404, 413, 415, 422}, (body, caplog.text)
        if answer.status_code == 200:
            best = answer.json()["hits"][0]
            size = best["picture"]["width"], best["picture"]["height"]
            for place in best["places"]:
                left, top, right, bottom = place["box"]
                assert -0.01 <= left < right <= size[0] + 0.01, body
                assert -0.01 <= top < bottom <= size[1] + 0.01, body
    assert {200, 422} <= statuses


def seeds() -> list[bytes]:
    """One small picture of every kind Pillow can write here."""
    made = []
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"):
        buffer = io.BytesIO()
        try:
            paint(1, 48, 32).save(buffer, kind)
        except (KeyError, OSError):
            continue
        made.append(buffer.getvalue())
    exif = Image.Exif()
    exif[0x0112] = 7
    buffer = io.BytesIO()
    paint(2, 48, 32).convert("CMYK").save(buffer, "JPEG", exif=exif)
    return [*made, buffer.getvalue()]


def broken(picture: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(picture)
    for at in rng.integers(0, len(data), rng.integers(0, 8)):
        data[at] = rng.integers(0, 256)
    if rng.random() < 0.3:
        del data[rng.integers(1, len(data)) :]
    if rng.random() < 0.1:
        at = int(rng.integers(0, len(data)))
        data[at:at] = bytes(rng.integers(0, 256, rng.integers(1, 40), np.uint8))
    return bytes(data)


def test_no_picture_is_a_500(
    reader: TestClient, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    statuses: list[int] = []
    for picture in seeds():
        for _ in range(50):
            answer = reader.post("/api/v1/queries", content=broken(picture, rng))
            statuses.append(answer.status_code)
            assert answer.status_code in {201, 413, 415, 422}, (answer.text, caplog.text)
    assert 201 in statuses
    assert 415 in statuses
