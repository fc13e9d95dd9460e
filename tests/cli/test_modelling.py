"""``dinoscope models`` over a model trained here: it is listed, told of, used and deleted."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from tests.cli.conftest import Dinoscope

from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.cards import card_of
from dinoscope.models.owned import WEIGHTS_FILE, Provenance, drafted, write_card
from dinoscope.models.preprocess import Preprocess

PROVENANCE = Provenance(("/photos",), 12, 100, 5.0, {"batch": 8}, {"knn": 0.5}, made="2026-11-25T10:00:00")


@pytest.fixture
def mine(dinoscope: Dinoscope, tiny_model: Path) -> Path:
    """A folder of a model called mine, as an export makes it."""
    config, models = card_of(str(tiny_model)).config, dinoscope.library.parent / "models"
    with drafted(models, "mine") as folder:
        shutil.copy(tiny_model, folder / WEIGHTS_FILE)
        digest = sha256(tiny_model.read_bytes()).hexdigest()
        size = tiny_model.stat().st_size
        see = Preprocess(budget=16)
        card = ModelCard(
            "mine", "A tiny one", "Dinoscope", "yours", Source(LOCAL, ""), config, size, see, digest
        )
        write_card(folder, card, PROVENANCE)
    return models / "mine"


def test_a_model_of_ones_own_is_listed_and_told_of(dinoscope: Dinoscope, mine: Path) -> None:
    listed = dinoscope("models", "list")
    assert "A tiny one" in listed.out.splitlines()[-1]
    shown = dinoscope("models", "info", "mine")
    for fact in ("A tiny one", "/photos", "knn 0.5", "2026-11-25"):
        assert fact in shown.out
    facts = dinoscope("models", "info", "mine", "--json").json
    assert isinstance(facts, dict)
    assert facts["provenance"]["recipe"] == {"batch": 8}
    assert facts["source"] == f"local: {mine / WEIGHTS_FILE}"
    assert "provenance" not in dinoscope("models", "info", "starter").out


def test_a_model_of_ones_own_indexes_and_searches_beside_another(
    dinoscope: Dinoscope, mine: Path, folder: Path
) -> None:
    assert dinoscope("index", folder).code == 0
    assert dinoscope("index", folder, "--model", "mine").code == 0
    info = dinoscope("library", "info")
    assert "mine@" in info.out
    assert "tiny@" in info.out
    found = dinoscope("search", folder / "a" / "1.png", "--model", "mine", "--json")
    assert found.code == 0
    assert "fit16-bicubic" in found.out


def test_only_ones_own_models_are_deleted_and_only_when_asked(dinoscope: Dinoscope, mine: Path) -> None:
    asked = dinoscope("models", "remove", "mine", stdin=b"n\n")
    assert asked.code == 1
    assert mine.exists()
    removed = dinoscope("models", "remove", "mine", "--yes")
    assert removed.code == 0
    assert not mine.exists()
    assert dinoscope("models", "remove", "mine", "--yes").code == 1
    refused = dinoscope("models", "remove", "starter", "--yes")
    assert refused.code == 2
    assert "only your own" in refused.err
