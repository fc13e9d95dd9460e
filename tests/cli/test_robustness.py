"""``dinoscope robustness`` in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope, paint


def test_a_picture_is_looked_for_in_the_library(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("robustness", "id:3", "--kind", "rotation", "--kind", "jpeg", "--steps", "2")
    assert ran.code == 0, ran.err
    assert "among 8 pictures" in ran.err
    assert "Rotation, to the left" in ran.out
    found = dinoscope(
        "robustness", "id:3", "--kind", "rotation", "--kind", "jpeg", "--steps", "2", "--json"
    ).json
    assert found["among"] == 8
    assert len(found["limits"]) == 3
    strengths = [abs(one["strength"]) for one in found["limits"] if one["strength"] is not None]
    assert strengths == sorted(strengths)


def test_a_library_that_another_model_has_seen_is_named(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("robustness", indexed / "a" / "0.png", "--precision", "int8", "--kind", "mirror")
    assert ran.code == 0, ran.err
    assert "choose --model tiny --precision fp32, or index its folders with this one" in ran.err


def test_edits_are_told_and_drawn(dinoscope: Dinoscope, tmp_path: Path) -> None:
    picture, to = paint(tmp_path / "[1].png", 1, (80, 60)), tmp_path / "edited.png"
    ran = dinoscope("robustness", picture, "--edits", "brightness:-1,crop:0.5", "--out", to, "--json")
    assert ran.code == 0, ran.err
    assert [edit["amount"] for edit in ran.json["edits"]] == ["55 % of each side", "×0.10"]
    assert (ran.json["rank"], ran.json["percentile"]) == (None, None), "no library"
    with Image.open(to) as edited:
        assert edited.size == (44, 33)
        assert np.asarray(edited).max() <= 26
    said = dinoscope("robustness", picture, "--edits", "")
    assert said.out.startswith("1.000  cosine 1.000")


def test_a_folder_compares_models(dinoscope: Dinoscope, folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    ran = dinoscope(
        "robustness", folder, "--originals", "2", "--steps", "1", "--kind", "mirror", "--kind", "crop",
        "--out", report,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "Mirror" in ran.out
    assert "2 pictures edited and looked for among 8" in ran.err
    assert report.read_text("utf-8").startswith("# Robustness on pictures\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((".", "--edits", "blur:0.2"), "is for one picture"),
        (("1.png", "--models", "starter"), "--models compares models on a folder"),
        (("1.png", "--edits", "blurr:0.2"), "'blurr' is no edit"),
        (("1.png", "--kind", "x"), "'x' is no edit"),
        (("1.png", "--out", "a.png"), "end it in .md"),
        (("1.png", "--edits", "mirror", "--out", "a.md"), "end it in .png"),
        (("missing.png",), "does not exist"),
        (("id:1",), "no library"),
    ],
)
def test_what_makes_no_sense_is_told(
    dinoscope: Dinoscope, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    paint(tmp_path / "1.png", 1)
    ran = dinoscope("robustness", *arguments, cwd=tmp_path)
    assert ran.code != 0
    assert sentence.lower() in ran.err.lower()
