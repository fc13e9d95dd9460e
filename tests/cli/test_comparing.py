"""``dinoscope compare`` in a process of its own: a table, JSON, a report, and refusals in a sentence."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tests.cli.conftest import CONFIG, Dinoscope


@pytest.fixture(scope="session")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another tiny vision transformer."""
    rng = np.random.default_rng(1)
    tensors = {
        name: (0.2 * rng.standard_normal(shape) + (".norm" in name)).astype(np.float32)
        for name, shape in CONFIG.shapes().items()
    }
    path = tmp_path_factory.mktemp("model") / "other.safetensors"
    save_file(tensors, path, {"config": json.dumps(asdict(CONFIG))})
    return path


def test_two_models_are_compared_in_a_table_in_json_and_in_a_report(
    dinoscope: Dinoscope, indexed: Path, tiny_model: Path, other_model: Path, tmp_path: Path
) -> None:
    models = tiny_model, other_model
    report = tmp_path / "report.html"
    ran = dinoscope("compare", *models, "--edits", "2", "--examples", "2", "--out", report)
    assert ran.code == 0, ran.err
    for part in ("tiny", "other", "Time a picture", "Nearest in the same folder", "mirrored", "in common."):
        assert part in ran.out
    assert report.read_text("utf-8").count("<section>") == 2
    assert f"Side by side: {report}" in ran.err
    found = dinoscope("compare", *models, "--edits", "0", "--json")
    assert found.code == 0
    comparison = found.json["comparison"]
    assert (comparison["first"]["name"], comparison["second"]["name"]) == ("tiny", "other")
    assert comparison["pictures"] == comparison["queries"] == 8
    assert comparison["first"]["weights_bytes"] == tiny_model.stat().st_size
    assert len(comparison["examples"]) == 8
    assert found.json["sentences"][-1].endswith("in common")


def test_what_cannot_be_compared_is_said_in_a_sentence(
    dinoscope: Dinoscope, tiny_model: Path, other_model: Path, folder: Path
) -> None:
    nothing = dinoscope("compare", tiny_model, other_model)
    assert nothing.code == 1
    assert "There is no library" in nothing.err
    assert not dinoscope.library.exists()
    assert dinoscope("index", folder).code == 0
    same = dinoscope("compare", tiny_model, tiny_model)
    assert same.code == 2
    assert "cannot be compared with itself" in same.err
    away = dinoscope("compare", tiny_model, other_model, "--out", folder / "no" / "report.html")
    assert away.code == 1
    assert "choose another place" in away.err
