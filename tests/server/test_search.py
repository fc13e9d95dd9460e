"""Searching by ids and by pictures that are sent."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import paint

from dinoscope.settings import Settings

IdOf = Callable[[TestClient, str], int]


def as_bytes(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upload(reader: TestClient, image: Image.Image) -> str:
    answer = reader.post("/api/v1/queries", content=as_bytes(image))
    assert answer.status_code == 201
    return str(answer.json()["query"])


def names(answer: dict[str, list[dict[str, dict[str, str]]]]) -> list[str]:
    return [hit["picture"]["name"] for hit in answer["hits"]]


def test_a_picture_of_the_library_finds_its_copy_first(reader: TestClient, id_of: IdOf) -> None:
    answer = reader.get(f"/api/v1/search?like={id_of(reader, '00.jpg')}&k=5").json()
    assert names(answer)[0] == "copy of 00.jpg"
    assert "00.jpg" not in names(answer)
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(1, abs=1e-3)
    assert all(0 <= hit["percentile"] <= 100 for hit in answer["hits"])
    assert answer["encode_seconds"] == 0
    assert answer["model"].startswith("colours@")
    assert answer["verdict"]["sentence"]


def test_a_sent_picture_finds_itself_and_keeps_its_name_for_other_questions(reader: TestClient) -> None:
    query = upload(reader, paint(7))
    assert query.startswith("q_")
    first = reader.get(f"/api/v1/search?like={query}&k=3").json()
    assert names(first)[0] == "07.png"
    assert first["encode_seconds"] > 0
    filtered = reader.get(f"/api/v1/search?like={query}&k=3&where=kind=jpeg").json()
    assert all(name.endswith(".jpg") for name in names(filtered))


def test_one_request_searches_too(reader: TestClient) -> None:
    body = as_bytes(paint(7))
    raw = reader.post("/api/v1/search?k=3", content=body).json()
    form = reader.post("/api/v1/search?k=3", files={"file": ("me.png", body, "image/png")}).json()
    assert names(raw) == names(form)
    assert names(raw)[0] == "07.png"
    assert len(raw["hits"]) == 3
    assert raw["next_offset"] == 3


def test_several_likes_and_an_unlike_change_the_answer(reader: TestClient, id_of: IdOf) -> None:
    a, b = id_of(reader, "01.png"), id_of(reader, "04.png")
    both = reader.get(f"/api/v1/search?like={a}&like={b}").json()
    assert not {"01.png", "04.png"} & set(names(both))
    pushed = reader.get(f"/api/v1/search?like={a}&unlike={b}").json()
    assert not {"01.png", "04.png"} & set(names(pushed))
    assert names(both) != names(pushed)


def test_pages_of_hits_join_without_a_gap(reader: TestClient, id_of: IdOf) -> None:
    ask = f"/api/v1/search?like={id_of(reader, '03.jpg')}"
    whole = reader.get(f"{ask}&k=100").json()
    assert whole["next_offset"] is None
    assert len(whole["hits"]) == 23
    pieces: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = reader.get(f"{ask}&k=4&offset={offset}").json()
        pieces += names(page)
        offset = page["next_offset"]
    assert pieces == names(whole)


def test_copies_collapse_on_request(reader: TestClient) -> None:
    query = upload(reader, paint(0))
    loose = reader.get(f"/api/v1/search?like={query}&k=100").json()
    tight = reader.get(f"/api/v1/search?like={query}&k=100&collapse=true").json()
    assert (len(loose["hits"]), len(tight["hits"])) == (24, 23)
    assert len(tight["hits"][0]["copies"]) == 1


def test_nothing_passes_a_filter_that_nothing_passes(reader: TestClient) -> None:
    answer = reader.get("/api/v1/search?like=1&where=width>5000")
    assert answer.status_code == 200
    assert answer.json()["hits"] == []
    assert answer.json()["next_offset"] is None


def test_a_sent_picture_is_shown_without_what_its_camera_wrote(reader: TestClient) -> None:
    exif = Image.Exif()
    exif[0x0110], exif[0x0112] = "Secret camera", 6  # on its side
    body = as_bytes(paint(3, 2000, 1000), "JPEG", exif=exif)
    made = reader.post("/api/v1/queries", content=body, headers={"Content-Type": "image/jpeg"}).json()
    assert (made["width"], made["height"], made["kind"]) == (1000, 2000, "jpeg")
    for side, height in ((None, 1600), (320, 320)):
        answer = reader.get(f"/api/v1/queries/{made['query']}/image", params={"side": side} if side else {})
        assert answer.headers["content-type"] == "image/webp"
        assert b"Secret" not in answer.content
        assert Image.open(io.BytesIO(answer.content)).size == (height // 2, height)


def test_a_sent_picture_leaves_no_file(client: TestClient, settings: Settings) -> None:
    before = sorted(settings.library.rglob("*.webp"))
    upload(client, paint(55))
    client.get("/api/v1/search?like=1")
    assert sorted(settings.library.rglob("*.webp")) == before
    assert client.get("/api/v1/about").json()["library"]["pictures"] == 24


@pytest.mark.parametrize(
    "body", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 50, b"GIF89a", b"<svg/>", b"\xff\xd8\xff"]
)
@pytest.mark.parametrize("path", ["/api/v1/queries", "/api/v1/search"])
def test_what_is_no_picture_is_refused_with_a_sentence(reader: TestClient, path: str, body: bytes) -> None:
    answer = reader.post(path, content=body)
    assert answer.status_code in {415, 422}
    assert answer.json()["detail"]


def test_a_picture_of_too_many_pixels_is_refused(reader: TestClient) -> None:
    answer = reader.post("/api/v1/queries", content=as_bytes(Image.new("1", (3000, 2000))))
    assert answer.status_code == 413


def test_too_many_examples_are_refused(reader: TestClient) -> None:
    assert reader.get("/api/v1/search?" + "like=1&" * 17).status_code == 422


def test_an_empty_library_answers_a_search(client: TestClient) -> None:
    query = upload(client, paint(7))
    for one in client.get("/api/v1/pictures?limit=100").json()["pictures"]:
        client.delete(f"/api/v1/pictures/{one['id']}")
    answer = client.get(f"/api/v1/search?like={query}")
    assert answer.status_code == 200
    assert answer.json()["hits"] == []
