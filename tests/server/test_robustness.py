"""The robustness lab over HTTP: what is shown is what is measured, and the original is found or it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import Colours

from dinoscope.operations.edit_kinds import KINDS, parsed

IdOf = Callable[[TestClient, str], int]


def test_the_page_is_told_what_may_be_done(reader: TestClient) -> None:
    found = reader.get("/api/v1/robustness/edits").json()
    assert [kind["name"] for kind in found["kinds"]] == list(KINDS)
    for kind in found["kinds"]:
        assert len(kind["amounts"]) == (201 if kind["least"] else 101)
    (brightness,) = (kind for kind in found["kinds"] if kind["name"] == "brightness")
    assert brightness["amounts"][100] == "×1.00"
    assert brightness["amounts"][0] == "×0.10"
    assert {preset["name"] for preset in found["presets"]} >= {"shadow", "messenger"}


def test_unedited_it_is_itself(reader: TestClient, id_of: IdOf) -> None:
    picture = id_of(reader, "05.webp")
    found = reader.get("/api/v1/robustness", params={"of": picture}).json()
    assert found["cosine"] == pytest.approx(1, abs=1e-4)
    assert (found["rank"], found["among"], found["beyond"], found["edits"]) == (1, 23, False, [])
    assert found["sentence"].startswith("the original is still the first of 23")
    assert found["hits"][0]["picture"]["id"] == picture


def test_what_is_shown_is_what_is_measured(reader: TestClient, id_of: IdOf) -> None:
    params = {"of": str(id_of(reader, "large.jpg")), "edits": "brightness:-0.5,crop:0.5"}
    whole = reader.get("/api/v1/robustness/picture", params={"of": params["of"]})
    shown = reader.get("/api/v1/robustness/picture", params=params)
    assert shown.headers["content-type"] == "image/jpeg"
    original, edited = (
        np.asarray(Image.open(BytesIO(answer.content)).convert("RGB")) for answer in (whole, shown)
    )
    assert min(original.shape[:2]) == 512
    assert edited.shape[0] == pytest.approx(0.55 * original.shape[0], abs=1)
    assert edited.mean() < 0.5 * original.mean()
    one, other = Colours().describe([original, edited])
    cosine = reader.get("/api/v1/robustness", params=params).json()["cosine"]
    assert cosine == pytest.approx(float(one @ other), abs=0.01)


def test_an_upload_is_looked_for_among_the_others(reader: TestClient, pictures: Path, id_of: IdOf) -> None:
    data = next(pictures.rglob("00.jpg")).read_bytes()
    upload = reader.post("/api/v1/queries", content=data).json()["query"]
    found = reader.get("/api/v1/robustness", params={"of": upload, "edits": "blur:0.2"}).json()
    assert (found["rank"], found["among"]) == (1, 23), "the library has this picture: it is not counted twice"
    strange = BytesIO()
    Image.fromarray(np.random.default_rng(77).integers(0, 256, (4, 4, 3), np.uint8)).resize((80, 80), 0).save(
        strange, "PNG"
    )
    upload = reader.post("/api/v1/queries", content=strange.getvalue()).json()["query"]
    found = reader.get("/api/v1/robustness", params={"of": upload}).json()
    assert (found["rank"], found["among"]) == (1, 24)
    assert found["hits"][0]["score"] < 0.9


def test_a_curve_tells_where_the_original_is_lost(reader: TestClient, id_of: IdOf) -> None:
    params = {"of": str(id_of(reader, "05.webp")), "kind": "rotation"}
    found = reader.get("/api/v1/robustness/curve", params=params).json()
    strengths = [point["strength"] for point in found["points"]]
    assert strengths == sorted(strengths)
    assert (strengths[0], strengths[-1]) == (-1, 1)
    by_strength = dict(zip(strengths, found["points"], strict=True))
    assert by_strength[0]["rank"] == 1
    assert by_strength[0]["cosine"] == pytest.approx(1, abs=1e-4)
    assert len(found["limits"]) == 2
    for limit in found["limits"]:
        assert limit["strength"] * limit["direction"] > 0
        assert by_strength[limit["strength"]]["rank"] > 1, "a picture turned far enough has other colours"
        assert limit["sentence"] == f"lost beyond rotation {limit['amount']}"
        inner = [s for s in strengths if 0 <= s * limit["direction"] < abs(limit["strength"])]
        assert all(by_strength[strength]["rank"] == 1 for strength in inner)
        assert abs(limit["strength"]) - max(map(abs, inner)) <= 0.02


def test_the_weakest_edit_is_the_weakest_of_the_curves(reader: TestClient, id_of: IdOf) -> None:
    picture = id_of(reader, "05.webp")
    kinds = ["rotation", "crop", "blur"]
    found = reader.get("/api/v1/robustness/weakest", params={"of": picture, "kind": kinds}).json()
    limits = []
    for kind in kinds:
        curve = reader.get("/api/v1/robustness/curve", params={"of": picture, "kind": kind}).json()
        limits += [abs(limit["strength"]) for limit in curve["limits"] if limit["strength"] is not None]
    assert abs(found["limit"]["strength"]) == min(limits)
    assert found["sentence"] == found["limit"]["sentence"]
    assert found["trials"] > 5
    among_all = reader.get("/api/v1/robustness/weakest", params={"of": picture}).json()
    assert abs(among_all["limit"]["strength"]) <= min(limits)
    kept = reader.get("/api/v1/robustness/weakest", params={"of": picture, "kind": "jpeg"}).json()
    assert kept == {"limit": None, "sentence": "no edit loses it", "trials": 6}


def test_the_search_tells_how_far_it_is(reader: TestClient, id_of: IdOf) -> None:
    params = {"of": str(id_of(reader, "05.webp")), "kind": "rotation"}
    answer = reader.get("/api/v1/robustness/weakest/events", params=params)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [event.split("\ndata: ") for event in answer.text.strip().split("\n\n")]
    assert [name for name, _ in events] == ["event: step"] * (len(events) - 1) + ["event: end"]
    steps = [json.loads(data) for _, data in events]
    assert steps[-1] == reader.get("/api/v1/robustness/weakest", params=params).json()
    tried = [step["trials"] for step in steps]
    assert tried == sorted(tried)
    assert steps[-2]["strength"] <= abs(steps[-1]["limit"]["strength"])
    wrong = reader.get("/api/v1/robustness/weakest/events", params=params | {"kind": "x"})
    assert wrong.status_code == 422


def test_the_seed_decides_what_is_covered(reader: TestClient, id_of: IdOf) -> None:
    params = {"of": str(id_of(reader, "large.jpg")), "edits": "occlusion:0.3"}
    shown = [
        reader.get("/api/v1/robustness/picture", params=params | {"seed": str(seed)}).content
        for seed in (0, 0, 1)
    ]
    assert shown[0] == shown[1] != shown[2]


@pytest.mark.parametrize(
    ("path", "params", "status", "sentence"),
    [
        ("", {"of": "1", "edits": "brightnes:1"}, 422, "is no edit: choose from"),
        ("", {"of": "1", "edits": "blur:7"}, 422, "out of range: 0 to 1"),
        ("/picture", {"of": "999"}, 404, "999"),
        ("", {"of": "q_0123456789abcdef"}, 404, "send it again"),
        ("/curve", {"of": "1", "kind": "x"}, 422, "'x' is no edit"),
        ("/weakest", {"of": "1", "kind": "x"}, 422, "'x' is no edit"),
        ("", {"of": "../1"}, 422, "names no picture"),
        ("/weakest", {"of": "1", "until": "ever"}, 422, "until"),
    ],
)
def test_what_makes_no_sense_is_told(
    reader: TestClient, path: str, params: dict[str, str], status: int, sentence: str
) -> None:
    answer = reader.get(f"/api/v1/robustness{path}", params=params)
    assert answer.status_code == status, answer.text
    assert sentence in answer.json()["detail"]


def test_equal_edits_are_written_alike() -> None:
    assert parsed("blur:0.2,mirror") == parsed("mirror:1, blur:.2")
