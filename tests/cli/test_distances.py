"""``dinoscope distances`` in a process of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope, paint


def test_without_a_library_there_are_cosines(dinoscope: Dinoscope, tmp_path: Path) -> None:
    one, other = paint(tmp_path / "[1].png", 1), paint(tmp_path / "2.png", 2)
    ran = dinoscope("distances", one, other, "--json")
    assert ran.code == 0, ran.err
    (pair,) = ran.json["pairs"]
    assert (pair["here"], pair["there"], pair["percentile"]) == (str(one), str(other), None)
    assert "too few pictures" in pair["sentence"]
    assert not dinoscope.library.exists()
    missing = dinoscope("distances", one, "id:1")
    assert missing.code == 1
    assert "no library" in missing.err


def test_a_matrix_is_measured_with_the_library(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("distances", "id:1", "id:2", "id:3")
    assert ran.code == 0, ran.err
    assert ran.out.count("%") == 6
    assert "random pairs" in ran.err
    two = dinoscope("distances", "id:1", sorted(indexed.rglob("*.png"))[0])
    assert two.code == 0, two.err


def test_why_is_drawn(dinoscope: Dinoscope, tmp_path: Path) -> None:
    one, other = paint(tmp_path / "1.png", 1, (320, 240)), paint(tmp_path / "2.png", 2, (100, 300))
    sheet = tmp_path / "why.png"
    ran = dinoscope("distances", one, other, "--why", sheet)
    assert ran.code == 0, ran.err
    with Image.open(sheet) as drawn:
        assert len(np.unique(np.asarray(drawn.convert("L")))) > 50
        assert drawn.height > 1000, "both pictures, one above the other"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("1.png",), "between 2 and 200 pictures, and 1 was given"),
        (("1.png", "1.png", "1.png", "--why", "a.png"), "there are 3: give two"),
        (("1.png", "1.png", "--why", "a.txt"), "end it in .png"),
        (("1.png", "missing.png"), "does not exist: check the name"),
    ],
)
def test_what_makes_no_sense_is_told(
    dinoscope: Dinoscope, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    paint(tmp_path / "1.png", 1)
    ran = dinoscope("distances", *arguments, cwd=tmp_path)
    assert ran.code != 0
    assert sentence in ran.err
    assert "Traceback" not in ran.err
