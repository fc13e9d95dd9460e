"""The models a server knows: the catalog's, and those trained here."""

from __future__ import annotations

from starlette.testclient import TestClient

from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.config import VitConfig
from dinoscope.models.owned import WEIGHTS_FILE, Provenance, drafted, write_card
from dinoscope.settings import Settings

CONFIG = VitConfig(32, 2, 2, 8, position_grid=(4, 4))


def test_models_trained_here_stand_after_those_of_the_catalog(client: TestClient, settings: Settings) -> None:
    before = client.get("/api/v1/models").json()["models"]
    assert not any(model["own"] for model in before)
    with drafted(settings.models, "mine") as folder:
        (folder / WEIGHTS_FILE).write_bytes(b"1")
        card = ModelCard("mine", "Mine", "Dinoscope", "yours", Source(LOCAL, ""), CONFIG, 1, sha256="0" * 64)
        write_card(folder, card, Provenance())
    *rest, last = client.get("/api/v1/models").json()["models"]
    assert rest == before
    assert last["own"] is True
    assert last["available"] is True
    assert (last["name"], last["title"]) == ("mine", "Mine")
