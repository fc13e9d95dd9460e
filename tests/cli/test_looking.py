"""``dinoscope look`` in a process of its own: files, facts, and refusals in a sentence."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope, paint


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return paint(tmp_path / "fields [1].png", 3, (320, 240))


def test_a_sheet_a_figure_and_numbers_are_written_without_a_library(
    dinoscope: Dinoscope, picture: Path, tmp_path: Path
) -> None:
    other = paint(tmp_path / "tall.png", 4, (100, 300))
    sheet = tmp_path / "sheet.png"
    ran = dinoscope("look", picture, other, "--heat", "10,20", "--attention", "--mass", "0.6", "--out", sheet)
    assert ran.code == 0, ran.err
    assert f"Drawn: {sheet}" in ran.err
    with Image.open(sheet) as drawn:
        width, height = drawn.size
    assert width > 1000
    assert height > 1200, "both pictures, one above the other"
    figure = tmp_path / "figure.svg"
    ran = dinoscope("look", picture, "--pca", "--patches", "64", "--out", figure, "--json")
    assert ran.code == 0, ran.err
    (facts,) = ran.json
    squares = [one for one in ElementTree.parse(figure).iter() if one.tag.endswith("rect")]
    assert len(squares) == 1 + facts["rows"] * facts["columns"]
    assert (facts["size"], facts["panels"], facts["layer"]) == ([320, 240], ["parts"], 1)
    numbers = tmp_path / "numbers.npz"
    assert dinoscope("look", picture, "--facet", "keys", "--heat", "1,1", "--out", numbers).code == 0
    with np.load(numbers) as stored:
        assert str(stored["facet"]) == "keys"
        assert stored["colours"].shape == (*stored["foreground"].shape, 3)
    assert not dinoscope.library.exists()


def test_a_picture_of_the_library_is_named_by_its_id(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("look", "id:1", "--heat", "5,5", "--json")
    assert ran.code == 0, ran.err
    assert ran.json[0]["picture"] == "id:1"
    assert "--out FILE.png" in dinoscope("look", "id:1").err, "a pipe shows no maps"
    missing = dinoscope("look", "id:99")
    assert missing.code != 0
    assert "no picture 99" in missing.err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--heat", "here"), "'here' is no place in a picture: give x,y"),
        (("--heat", "320,10"), "not in the picture of 320 x 240 pixels"),
        (("--facet", "souls"), "choose tokens, keys, queries, values"),
        (("--layer", "9"), "no layer 9: choose 1 to 1"),
        (("--patches", "5000"), "choose 1 to 4096"),
        (("--attention", "--mass", "1.5"), "choose more than 0, up to 1"),
        (("--out", "look.gif"), "end it in .png, .svg, .npz"),
        (("--out", "nowhere/look.png"), "is no folder"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(
    dinoscope: Dinoscope, picture: Path, options: tuple[str, ...], sentence: str
) -> None:
    ran = dinoscope("look", picture, *options)
    assert ran.code != 0
    assert sentence in ran.err
    assert "Traceback" not in ran.err
