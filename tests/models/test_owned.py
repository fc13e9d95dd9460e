"""Models trained here are found by name, appear whole, and never hide one another."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from errno import ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from dinoscope.errors import BadRequest, DiskFull, NoSuchModel, Unreadable, WeightsRefused
from dinoscope.models.card import LOCAL, ModelCard, Source
from dinoscope.models.cards import card_of
from dinoscope.models.config import VitConfig
from dinoscope.models.loading import load_backbone
from dinoscope.models.owned import (
    ABANDONED,
    CARD_FILE,
    WEIGHTS_FILE,
    Provenance,
    check_name,
    drafted,
    find_owned,
    list_owned,
    remove_owned,
    write_card,
)
from dinoscope.models.preprocess import Preprocess
from dinoscope.settings import Settings

CONFIG = VitConfig(32, 2, 2, 8, position_grid=(4, 4))
CARD = ModelCard(
    "mine", "ViT", "Dinoscope", "yours", Source(LOCAL, ""), CONFIG, 7, Preprocess(budget=16), sha256="0" * 64
)
PROVENANCE = Provenance(("/photos",), 12, 100, 5.0, {"batch": 8}, {"knn": 0.5}, "starter", "2026-11-25")


def kept(models: Path, tensors: dict[str, NDArray[Any]] | None = None, card: ModelCard = CARD) -> None:
    """Write a model as an export does."""
    with drafted(models, card.name) as folder:
        save_file(tensors or {"cls": np.zeros(3, np.float32)}, folder / WEIGHTS_FILE)
        write_card(folder, card, PROVENANCE)


def test_a_card_comes_back_as_it_was_written(tmp_path: Path) -> None:
    kept(tmp_path)
    found = find_owned(tmp_path, "mine")
    assert found is not None
    weights = (tmp_path / "mine" / WEIGHTS_FILE).resolve()
    assert found.card == replace(CARD, source=Source(LOCAL, str(weights)))
    assert found.provenance == PROVENANCE
    assert weights.stat().st_mode & 0o044 == 0o044


def test_a_model_trained_here_goes_by_its_name_everywhere(
    settings: Settings, tensors_of: Callable[[VitConfig], dict[str, NDArray[Any]]]
) -> None:
    kept(settings.models, tensors_of(CONFIG))
    assert card_of("mine", settings.models).preprocess.budget == 16
    backbone = load_backbone(settings, "mine")
    assert backbone.identity.name == "mine"
    assert backbone.identity.preprocessing == "fit16-bicubic"
    assert backbone.describe([np.zeros((30, 30, 3), np.uint8)]).shape == (1, 32)
    with pytest.raises(NoSuchModel, match="did you mean mine"):
        card_of("minne", settings.models)
    with pytest.raises(NoSuchModel, match="no model 'mine'"):
        card_of("mine")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", "Mine", "my model", "-x", "x.", "w.safetensors", "x" * 65, "é"]
)
def test_a_name_that_is_no_folder_everywhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot name a model"):
        check_name(name)
    assert find_owned(tmp_path, name) is None


def test_a_name_of_the_catalog_is_refused_and_any_other_is_not() -> None:
    with pytest.raises(BadRequest, match="my-starter"):
        check_name("starter")
    for name in ("mine", "a", "7", "my-model.v2_b", "x" * 64):
        assert check_name(name) == name


def test_a_draft_that_fails_leaves_the_model_there_as_it_was(tmp_path: Path) -> None:
    def refused() -> None:
        with drafted(tmp_path, "mine") as folder:
            (folder / CARD_FILE).write_text("half")
            raise WeightsRefused("reason")

    kept(tmp_path)
    with pytest.raises(WeightsRefused, match="reason"):
        refused()
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert find_owned(tmp_path, "mine")


def test_a_second_export_takes_the_place_of_the_first(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / "mine" / "left-over").touch()
    kept(tmp_path, card=replace(CARD, title="better"))
    (found,) = list_owned(tmp_path)
    assert found.card.title == "better"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert {path.name for path in found.folder.iterdir()} == {WEIGHTS_FILE, CARD_FILE}


def test_what_a_killed_export_left_is_put_back_or_cleared_away(tmp_path: Path) -> None:
    kept(tmp_path)
    (tmp_path / ".former-1").mkdir()
    (tmp_path / "mine").rename(tmp_path / ".former-1" / "mine")
    for name, age in ((".draft-old", 3 * ABANDONED), (".draft-new", 0)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    kept(tmp_path, card=replace(CARD, name="other"))
    assert [one.card.name for one in list_owned(tmp_path)] == ["mine", "other"]
    assert (tmp_path / ".draft-new").exists(), "another export may be writing it"
    assert not (tmp_path / ".draft-old").exists()


def test_a_full_disk_and_a_place_that_is_no_folder_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="mine"), drafted(tmp_path, "mine"):
        raise OSError(ENOSPC, "No space left on device")
    (tmp_path / "file").touch()
    with pytest.raises(Unreadable, match="another folder"), drafted(tmp_path / "file", "mine"):
        pass
    assert list_owned(tmp_path / "file") == []


def damaged(document: dict[str, Any]) -> list[object]:
    """The document with one thing wrong, in every way that was thought of."""
    see = document["preprocess"]
    return [
        [],
        document | {"format": 2},
        document | {"config": {}},
        document | {"config": document["config"] | {"position_grid": 4}},
        document | {"preprocess": see | {"mean": [1, 2]}},
        document | {"preprocess": see | {"budget": 0}},
        document | {"provenance": None},
        {key: value for key, value in document.items() if key != "licence"},
    ]


def test_a_card_that_cannot_be_read_is_named_and_hides_no_other(tmp_path: Path) -> None:
    kept(tmp_path)
    kept(tmp_path, card=replace(CARD, name="other"))
    path = tmp_path / "mine" / CARD_FILE
    for wrong in damaged(json.loads(path.read_text("utf-8"))):
        path.write_text(json.dumps(wrong), "utf-8")
        with pytest.raises(WeightsRefused, match=r"card\.json.*models remove mine"):
            card_of("mine", tmp_path)
        assert [one.card.name for one in list_owned(tmp_path)] == ["other"]


def test_what_a_later_version_adds_to_the_provenance_is_passed_over(tmp_path: Path) -> None:
    kept(tmp_path)
    path = tmp_path / "mine" / CARD_FILE
    document = json.loads(path.read_text("utf-8"))
    document["provenance"] = asdict(Provenance(steps=3)) | {"moon": "full"}
    path.write_text(json.dumps(document), "utf-8")
    found = find_owned(tmp_path, "mine")
    assert found is not None
    assert found.provenance == Provenance(steps=3)


def test_removing_frees_the_room_and_is_only_for_ones_own(tmp_path: Path) -> None:
    kept(tmp_path)
    size = sum(path.stat().st_size for path in (tmp_path / "mine").iterdir())
    assert remove_owned(tmp_path, "mine") == size
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(NoSuchModel, match="none yet"):
        remove_owned(tmp_path, "mine")
    with pytest.raises(BadRequest, match="only your own"):
        remove_owned(tmp_path, "starter")
    with pytest.raises(NoSuchModel):
        remove_owned(tmp_path / "a", "..")
