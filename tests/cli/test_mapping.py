"""``dinoscope map`` in a process of its own."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image
from tests.cli.conftest import Dinoscope


def test_a_map_is_drawn_and_written(dinoscope: Dinoscope, indexed: Path, tmp_path: Path) -> None:
    sheet, table = tmp_path / "map.png", tmp_path / "map.csv"
    ran = dinoscope("map", "--out", sheet, "--side", "512")
    assert ran.code == 0, ran.err
    assert "A map of 8 pictures" in ran.out
    with Image.open(sheet) as drawn:
        assert max(drawn.size) in range(500, 514)
        assert len(np.unique(np.asarray(drawn).reshape(-1, 3), axis=0)) > 30, "thumbnails"
    ran = dinoscope("map", "--out", table, "--json")
    assert ran.code == 0, ran.err
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == [one["id"] for one in ran.json["pictures"]]
    assert all(Path(row["path"]).is_file() for row in rows)
    assert all(0 <= float(row["x"]) <= 1 for row in rows)


def test_what_makes_no_sense_is_told(dinoscope: Dinoscope, tmp_path: Path) -> None:
    for arguments, sentence in (((), "no library"), (("--out", tmp_path / "map.doc"), "end it in .png")):
        ran = dinoscope("map", *arguments)
        assert ran.code != 0
        assert sentence in ran.err
        assert "Traceback" not in ran.err
