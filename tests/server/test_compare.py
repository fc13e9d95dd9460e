"""Comparing models over HTTP: the library's shelves side by side, and what is wrong in a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient
from tests.server.conftest import Colours

from dinoscope.features import FloatArray, Pixels
from dinoscope.library.library import Library
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations.indexing import index_folders
from dinoscope.settings import Settings


class Grey(Colours):
    """Sees brightness only."""

    identity = ModelIdentity("grey", "1" * 16, "fit4-box", "fp32")
    dimension = 4

    def _seen(self, picture: Pixels) -> FloatArray:
        small = Image.fromarray(picture).convert("L").resize((2, 2), Image.Resampling.BOX)
        return np.asarray(np.asarray(small, np.float32).ravel() - 120, np.float32)


@pytest.fixture
def two(settings: Settings, pictures: Path) -> tuple[str, str]:
    """The keys of two models that have seen the library."""
    with Library.open(settings.library, write=True) as library:
        list(index_folders([pictures], library, Grey(), settings))
    return Colours.identity.key, Grey.identity.key


def test_two_models_are_compared_and_examples_come_along(two: tuple[str, str], client: TestClient) -> None:
    found = client.get("/api/v1/compare", params={"examples": 3}).json()
    assert (found["first"]["key"], found["second"]["key"]) == two
    assert found["pictures"] == found["queries"] == 23
    assert found["agreement"]["low"] <= found["agreement"]["value"] <= found["agreement"]["high"]
    assert {score["name"] for score in found["scores"]} == {
        "nearest in the same folder",
        "share of the 10 nearest in the same folder",
    }
    assert len(found["examples"]) == 3
    assert len(found["sentences"]) >= 1
    example = found["examples"][0]
    ids = [{one["picture"]["id"] for one in example[side]} for side in ("first", "second")]
    assert {one["picture"]["id"] for one in example["first"] if one["shared"]} == ids[0] & ids[1]
    one = client.get(f"/api/v1/compare/{example['query']['id']}").json()
    assert one == example


def test_the_order_is_as_asked_for(two: tuple[str, str], client: TestClient) -> None:
    colours, grey = two
    for asked, order in (
        ({"first": grey}, (grey, colours)),
        ({"second": colours}, (grey, colours)),
        ({"second": grey}, (colours, grey)),
        ({"first": grey, "second": colours}, (grey, colours)),
    ):
        found = client.get("/api/v1/compare", params=asked).json()
        assert (found["first"]["key"], found["second"]["key"]) == order
    forward = client.get("/api/v1/compare", params={"first": colours, "second": grey}).json()
    back = client.get("/api/v1/compare", params={"first": grey, "second": colours}).json()
    assert forward["scores"][0]["first"] == pytest.approx(back["scores"][0]["second"])
    assert forward["scores"][0]["difference"]["value"] == pytest.approx(
        -back["scores"][0]["difference"]["value"]
    )


def test_what_cannot_be_compared_is_a_sentence(two: tuple[str, str], client: TestClient) -> None:
    same = client.get("/api/v1/compare", params={"first": two[0], "second": two[0]})
    assert same.status_code == 422
    assert "itself" in same.json()["detail"]
    gone = client.get("/api/v1/compare", params={"first": two[0], "second": "gone"})
    assert gone.status_code == 404
    assert "no vectors of gone" in gone.json()["detail"]
    assert client.get("/api/v1/compare/999999").status_code == 404


def test_one_model_alone_has_nothing_beside_it(reader: TestClient) -> None:
    answer = reader.get("/api/v1/compare")
    assert answer.status_code == 404
    assert "dinoscope index --model NAME" in answer.json()["detail"]
