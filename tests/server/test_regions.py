"""Searching for a part of a picture over HTTP: what is marked, where it is found, and what is refused."""

from __future__ import annotations

import io
import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import Colours, Server, paint, running
from tests.server.test_search import as_bytes, names, upload

from dinoscope.features import Features, Pixels
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

IdOf = Callable[[TestClient, str], int]
PATH = "/api/v1/search/region"
FIELD = [24, 16, 48, 32]  # the second field of the second row of a picture of 96 x 64 pixels


def ask(reader: TestClient, picture: int | str, query: str = "", **marked: Any) -> dict[str, Any]:
    answer = reader.post(f"{PATH}{query}", json={"picture": str(picture)} | marked)
    assert answer.status_code == 200, answer.text[:300]
    found: dict[str, Any] = answer.json()
    return found


def mask(size: tuple[int, int], box: tuple[int, int, int, int], mode: str = "L") -> str:
    """White in a box, as base64 of a PNG."""
    image = Image.new(mode, size)
    image.paste((255, 255, 255, 255) if mode == "RGBA" else 255, box)
    return b64encode(as_bytes(image)).decode()


def lies_in(box: list[float], field: list[int]) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return field[0] <= x < field[2] and field[1] <= y < field[3]


def test_a_part_is_found_in_the_copy_at_the_same_place(reader: TestClient, id_of: IdOf) -> None:
    answer = ask(reader, id_of(reader, "00.jpg"), "?k=5", boxes=[FIELD])
    assert names(answer)[0] == "copy of 00.jpg"
    assert "00.jpg" not in names(answer)
    best = answer["hits"][0]
    assert 0.9 < best["score"] <= 1.0001
    assert lies_in(best["places"][0]["box"], FIELD)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["searched"] == 24
    assert (answer["missing"], answer["note"]) == (0, None)
    assert answer["next_offset"] == 5


def test_maps_and_links_have_the_shape_they_say(reader: TestClient, id_of: IdOf) -> None:
    answer = ask(reader, id_of(reader, "00.jpg"), "?k=3", boxes=[FIELD])
    query = answer["query"]
    weights = np.frombuffer(b64decode(query["weights"]), np.uint8).reshape(query["rows"], query["columns"])
    assert (query["rows"], query["columns"]) == (8, 8)
    assert weights.max() == 255
    outside = weights.copy()
    outside[2:4, 2:4] = 0  # the box covers these four patches
    assert not outside.any()
    for hit in answer["hits"]:
        rows, columns = hit["grid"]
        heat = np.frombuffer(b64decode(hit["heat"]), np.uint8)
        assert len(heat) == rows * columns
        assert hit["places"]
        assert 1 <= len(hit["links"]) <= 16
        for here_row, here_column, row, column, similarity in hit["links"]:
            assert here_row in {2, 3}
            assert here_column in {2, 3}
            assert 0 <= row < rows
            assert 0 <= column < columns
            assert -1.001 <= similarity <= 1.001
    heat = np.frombuffer(b64decode(answer["hits"][0]["heat"]), np.uint8).reshape(answer["hits"][0]["grid"])
    assert heat[2:4, 2:4].min() >= 225


def test_coordinates_are_of_the_original_however_small_it_was_decoded(reader: TestClient) -> None:
    buffer = io.BytesIO()
    paint(7, 1800, 1200).save(buffer, "JPEG", quality=95)  # decoded at half the scale
    sent = reader.post("/api/v1/queries", content=buffer.getvalue()).json()
    assert (sent["width"], sent["height"]) == (1800, 1200)
    answer = ask(reader, sent["query"], boxes=[[900, 300, 1350, 600]])
    assert names(answer)[0] == "07.png"
    assert lies_in(answer["hits"][0]["places"][0]["box"], [48, 16, 72, 32])
    assert answer["encode_seconds"] > 0


def test_every_way_to_mark_a_field_finds_it(reader: TestClient) -> None:
    query = upload(reader, paint(7))
    left, top, right, bottom = FIELD
    ways: list[dict[str, Any]] = [
        {"boxes": [FIELD]},
        {"boxes": [[left, top, right, 24], [left, 24, right, bottom]]},
        {"polygons": [[[left, top], [right, top], [right, bottom], [left, bottom]]]},
        {"points": [[36, 24]]},
        {"points": [[36, 24]], "not_points": [[90, 60]]},
        {"points": [[36, 24]], "not_polygons": [[[72, 32], [96, 32], [96, 64], [72, 64]]]},
        {"boxes": [[left, top, 96, bottom]], "erased": [[[right, 0], [200, 0], [200, 64], [right, 64]]]},
        {"mask": mask((96, 64), (left, top, right, bottom))},
        {"mask": mask((48, 32), (12, 8, 24, 16))},  # as it was shown, half as large
        {"mask": mask((96, 64), (left, top, right, bottom), "RGBA")},  # transparent outside
    ]
    for way in ways:
        answer = ask(reader, query, "?k=3", **way)
        assert names(answer)[0] == "07.png", way
        assert lies_in(answer["hits"][0]["places"][0]["box"], FIELD), way


@pytest.mark.parametrize(
    "way",
    [
        {"boxes": [[0, 0, 96, 64]]},
        {"boxes": [[-50, -50, 500, 500]]},
        {"boxes": [[40, 30, 41, 31]]},
        {"points": [[0, 0]]},
        {"points": [[96, 64]]},
        {"polygons": [[[5, 5], [5, 5], [5, 5]]]},
    ],
    ids=["whole", "beyond", "one pixel", "corner", "last corner", "lasso without an area"],
)
def test_the_whole_picture_and_one_pixel_are_parts_too(reader: TestClient, way: dict[str, Any]) -> None:
    answer = ask(reader, upload(reader, paint(7)), "?k=1", **way)
    assert names(answer) == ["07.png"]


def test_filters_pages_and_copies_work_as_for_whole_pictures(reader: TestClient, id_of: IdOf) -> None:
    own = id_of(reader, "00.jpg")
    jpeg = ask(reader, own, "?where=kind=jpeg&k=100", boxes=[FIELD])
    assert all(hit["picture"]["kind"] == "jpeg" for hit in jpeg["hits"])
    assert jpeg["next_offset"] is None
    first = ask(reader, own, "?k=4", boxes=[FIELD])
    second = ask(reader, own, f"?k=4&offset={first['next_offset']}", boxes=[FIELD])
    both = ask(reader, own, "?k=8", boxes=[FIELD])
    assert names(first) + names(second) == names(both)
    query = upload(reader, Image.open(io.BytesIO(as_bytes(paint(0)))))
    collapsed = ask(reader, query, "?k=50&collapse=true", boxes=[FIELD])
    assert [len(hit["copies"]) for hit in collapsed["hits"]].count(1) == 1


def test_a_filter_that_nothing_passes_is_an_empty_answer(reader: TestClient) -> None:
    query = upload(reader, paint(7))
    for marked in ({}, {"also": 0.5}, {"refine": True}):
        answer = ask(reader, query, "?where=kind=gif", boxes=[FIELD], **marked)
        assert (answer["hits"], answer["searched"], answer["next_offset"]) == ([], 0, None)


def test_an_emptied_library_has_no_hits(client: TestClient) -> None:
    query = upload(client, paint(7))
    for one in client.get("/api/v1/pictures?limit=100").json()["pictures"]:
        client.delete(f"/api/v1/pictures/{one['id']}")
    answer = client.post(PATH, json={"picture": query, "boxes": [FIELD]})
    assert answer.status_code in {200, 404, 409}, answer.text[:300]
    assert answer.json().get("hits", []) == []


def test_the_whole_picture_can_have_a_say(reader: TestClient) -> None:
    query = upload(reader, paint(7))
    alone = ask(reader, query, "?k=5", boxes=[FIELD])
    also = ask(reader, query, "?k=5", boxes=[FIELD], also=0.5)
    assert {hit["whole"] for hit in alone["hits"]} == {None}
    assert also["hits"][0]["whole"] == pytest.approx(1, abs=0.02)
    assert all(-1.001 <= hit["whole"] <= 1.001 for hit in also["hits"])


def test_a_place_in_a_hit_brings_more_of_it_and_less(reader: TestClient, id_of: IdOf) -> None:
    query, other = upload(reader, paint(7)), id_of(reader, "16.png")
    plain = ask(reader, query, "?k=100", boxes=[FIELD])

    def score(answer: dict[str, Any], picture: int) -> float:
        return next((float(hit["score"]) for hit in answer["hits"] if hit["picture"]["id"] == picture), -1.0)

    unlike = {"picture": str(other), "box": FIELD}
    more = ask(reader, query, "?k=100", boxes=[FIELD], more=[unlike])
    assert score(more, other) > score(plain, other) + 0.1
    best = plain["hits"][1]
    like = {"picture": str(best["picture"]["id"]), "box": best["places"][0]["box"]}
    less = ask(reader, query, "?k=100", boxes=[FIELD], less=[like])
    assert score(less, best["picture"]["id"]) < best["score"] - 0.05


def test_another_part_of_the_same_picture_costs_no_encoding(reader: TestClient, id_of: IdOf) -> None:
    own = id_of(reader, "16.png")
    assert ask(reader, own, boxes=[FIELD])["encode_seconds"] > 0
    assert ask(reader, own, points=[[3, 3]])["encode_seconds"] == 0


def test_a_picture_whose_file_is_gone_is_asked_by_what_is_stored(
    client: TestClient, id_of: IdOf, settings: Settings, pictures: Path
) -> None:
    own = id_of(client, "07.png")
    path = Path(client.get(f"/api/v1/pictures/{own}").json()["path"])
    away = path.with_suffix(".away")
    path.rename(away)
    try:
        answer = ask(client, own, "?k=3", boxes=[FIELD])
    finally:
        away.rename(path)
    assert len(answer["hits"]) == 3
    assert "07.png" not in names(answer)


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({}, 422, "96 x 64"),
    ({"not_points": [[1, 1]]}, 422, "96 x 64"),
    ({"boxes": [[200, 200, 300, 300]]}, 422, "outside the picture, 96 x 64 pixels"),
    ({"boxes": [[96, 0, 120, 30]]}, 422, "outside the picture"),
    ({"boxes": [[-9, -9, 0, 0]]}, 422, "outside the picture"),
    ({"points": [[97, 3]]}, 422, "outside the picture"),
    ({"polygons": [[[200, 200], [300, 200], [300, 300]]]}, 422, "96 x 64"),
    ({"polygons": [[[5, 5], [50, 50]]]}, 422, "polygons.0"),
    ({"boxes": [[5, 5, 5, 50]]}, 422, "is empty"),
    ({"boxes": [[50, 5, 5, 50]]}, 422, "is empty"),
    ({"boxes": [[5, 5, 50]]}, 422, "boxes.0"),
    ({"boxes": [[True, 5, 50, 50]]}, 422, "boxes.0"),
    ({"boxes": [["5", 5, 50, 50]]}, 422, "boxes.0"),
    ({"boxes": [FIELD] * 65}, 422, "64"),
    ({"points": [[5, 5]], "also": 2}, 422, "also"),
    ({"points": [[5, 5]], "refine": "yes"}, 422, "refine"),
    ({"points": [[5, 5]], "colour": "red"}, 422, "colour"),
    ({"mask": "no base64!"}, 422, "base64"),
    ({"mask": ""}, 415, "mask"),
    ({"mask": b64encode(b"no picture").decode()}, 415, "the mask is not a picture"),
    ({"mask": mask((96, 64), (0, 0, 0, 0))}, 422, "marks nothing"),
    ({"mask": mask((64, 96), (0, 0, 9, 9))}, 422, "64 x 96 pixels does not fit a picture of 96 x 64"),
    ({"mask": b64encode(as_bytes(Image.new("1", (3000, 2000), 1))).decode()}, 413, "3000 x 2000"),
    ({"points": [[5, 5]], "more": [{"picture": "999", "box": FIELD}]}, 404, "999"),
    ({"points": [[5, 5]], "less": [{"picture": "q_aaaaaaaaaaaa", "box": FIELD}]}, 422, "of the library"),
    ({"points": [[5, 5]], "more": [{"picture": "1", "box": [1, 1, 1, 1]}]}, 422, "is empty"),
    ({"points": [[5, 5]], "more": [{"picture": "1", "box": [9999, 9999, 99999, 99999]}]}, 422, "outside"),
]


@pytest.mark.parametrize(("marked", "status", "words"), BAD, ids=[str(n) for n in range(len(BAD))])
def test_what_makes_no_sense_is_one_sentence(
    reader: TestClient, marked: dict[str, Any], status: int, words: str
) -> None:
    query = upload(reader, paint(7))
    answer = reader.post(PATH, json={"picture": query} | marked)
    assert answer.status_code == status, answer.text[:300]
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in problem["detail"]
    assert "\n" not in problem["detail"]
    assert len(problem["detail"]) < 300


@pytest.mark.parametrize(
    ("picture", "status"),
    [("0", 422), ("-1", 422), ("me", 422), ("", 422), ("999", 404), ("q_aaaaaaaaaaaa", 404), (7, 422)],
)
def test_a_picture_that_is_not_there_is_refused(reader: TestClient, picture: str | int, status: int) -> None:
    answer = reader.post(PATH, json={"picture": picture, "points": [[1, 1]]})
    assert answer.status_code == status
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe",
        b'{"picture": "1", "boxes": [[NaN, 0, 1, 1]]}',
        b'{"picture": "1", "points": [[1e999, 1]]}',
        b'{"picture": "1", "boxes": [[0, 0, 1e308, 1e308]]}',
        b'{"picture": "\\ud800", "points": [[1, 1]]}',
    ],
)  # fmt: skip
def test_bodies_from_hell_are_answered(reader: TestClient, body: bytes) -> None:
    answer = reader.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 422, 400}, answer.text[:300]


def test_a_body_larger_than_any_mask_is_refused(server: Server) -> None:
    """Over a socket, for what counts the bytes stands before the application."""
    path, kind = PATH, "Content-Type: application/json"
    answer = server.ask("POST", path, kind, body=b" " * (8 * 2**20 + 2**17))
    assert b" 413 " in answer.split(b"\r\n", 1)[0]
    assert b"8,388,608 bytes" in answer
    fits = server.ask("POST", path, kind, body=b" " * (2**20))
    assert b" 422 " in fits.split(b"\r\n", 1)[0]


def test_a_second_look_ends_when_nobody_waits_for_it(
    settings: Settings, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []
    plain = Colours.encode

    def slow(self: Colours, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        looks.append(len(pictures))
        time.sleep(0.25)
        return plain(self, pictures, budget)

    monkeypatch.setattr(Colours, "encode", slow)
    body = json.dumps({"picture": "1", "boxes": [FIELD], "refine": True}).encode()
    head = f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
    with running(settings, session) as server:
        with server.connect() as connection:
            connection.sendall(request)
            deadline = time.monotonic() + 20
            while len(looks) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
        left_at = len(looks)
        time.sleep(1.5)
        assert left_at >= 3, "it looked closer while somebody waited"
        assert len(looks) <= left_at + 3
        quick = server.ask("POST", PATH, "Content-Type: application/json", body=body)
        assert b" 200 " in quick.split(b"\r\n", 1)[0]
    assert len(looks) > left_at + 4, "a whole second look takes more of them, but for those known by now"


def test_what_was_sent_is_known_by_its_name(reader: TestClient) -> None:
    query = upload(reader, paint(7, 120, 80))
    assert reader.get(f"/api/v1/queries/{query}").json() == {
        "query": query, "width": 120, "height": 80, "kind": "png",
    }  # fmt: skip
    assert reader.get("/api/v1/queries/q_aaaaaaaaaaaa").status_code == 404


def test_the_document_names_the_shapes(reader: TestClient) -> None:
    app = reader.app
    assert isinstance(app, FastAPI)
    schemas = app.openapi()["components"]["schemas"]
    assert {"RegionQuery", "RegionAnswer", "RegionHit"} <= schemas.keys()


def test_the_same_places_are_not_looked_at_twice(reader: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    query, encoded, encode = upload(reader, paint(19)), list[int](), Colours.encode

    def counted(self: Colours, pictures: Sequence[Pixels], budget: int | None = None) -> list[Features]:
        encoded.append(len(pictures))
        return encode(self, pictures, budget)

    monkeypatch.setattr(Colours, "encode", counted)
    ask(reader, query, "?k=3", boxes=[[25.5, 17, 36.5, 23]], refine=True)
    assert sum(encoded) > 0
    encoded.clear()
    ask(reader, query, "?k=3", boxes=[[25.5, 17, 36.5, 23]], refine=True)
    assert sum(encoded) == 0
    ask(reader, query, "?k=3", boxes=[[61.5, 41, 72.5, 47]], refine=True)
    assert sum(encoded) > 0
