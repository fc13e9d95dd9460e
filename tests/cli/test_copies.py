"""``dinoscope copies`` from the shell: what it finds, writes, moves and brings back."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps
from tests.cli.conftest import Dinoscope, command

from dinoscope.sample import PICTURES


def opened(name: str) -> Image.Image:
    with Image.open(PICTURES / f"{name}.webp") as image:
        return image.convert("RGB")


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, cache: Path, tiny_model: Path) -> Path:
    """A home with pictures of which two are copies, indexed and compared."""
    home = tmp_path_factory.mktemp("copies")
    folder = home / "pictures"
    folder.mkdir()
    fish = opened("fishes/fish-01")
    fish.save(folder / "fish.png")
    ImageOps.mirror(fish).save(folder / "mirror.jpg", quality=80)
    opened("tools/hammer-05").save(folder / "hammer.png")
    run = command(home, cache, tiny_model)
    assert run("index", folder).code == 0
    ran = run("copies")
    assert ran.code == 0, ran.err
    return home


@pytest.fixture
def home(compared: Path, dinoscope: Dinoscope) -> Path:
    """The folder; in ``dinoscope.library`` a copy of its library, both the test's own."""
    shutil.copytree(compared / "library", dinoscope.library)
    return compared / "pictures"


def test_it_prints_groups_with_what_to_keep(dinoscope: Dinoscope, home: Path) -> None:
    ran = dinoscope("copies")
    assert ran.code == 0, ran.err
    assert "keep" in ran.out
    assert "fish.png" in ran.out
    assert "mirrored" in ran.out
    assert "hammer.png" not in ran.out
    assert "--trash" in ran.err


def test_json_has_every_pair_with_both_probabilities(dinoscope: Dinoscope, home: Path) -> None:
    report = dinoscope("copies", "--json").json
    pair = report["groups"][0]["pairs"][0]
    assert pair["found"]["copy"] > 0.95
    assert pair["found"]["edits"] == ["mirror"]
    assert len(pair["found"]["matrix"]) == 9
    assert len(report["groups"][0]["members"]) == 2


def test_a_table_and_a_report_are_written(dinoscope: Dinoscope, home: Path, tmp_path: Path) -> None:
    table, page = tmp_path / "copies.csv", tmp_path / "copies.html"
    assert dinoscope("copies", "--csv", table, "--out", page).code == 0
    with table.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {Path(rows[0][side]).name for side in ("here_path", "there_path")} == {"fish.png", "mirror.jpg"}
    assert rows[0]["edits"] == "mirror"
    text = page.read_text("utf-8")
    assert text.count("data:image/webp;base64,") == 2
    assert "<polygon" in text


def test_a_picture_is_asked_about(dinoscope: Dinoscope, home: Path, tmp_path: Path) -> None:
    opened("fishes/fish-01").crop((20, 20, 280, 190)).save(tmp_path / "crop.jpg")
    answer = dinoscope("copies", tmp_path / "crop.jpg", "--json").json[0]["answer"]
    assert Path(answer["copies"][0]["picture"]["path"]).name in {"fish.png", "mirror.jpg"}
    told = dinoscope("copies", tmp_path)
    assert "A copy" in told.out
    opened("renewable/windmill-01").save(tmp_path / "crop.jpg")
    assert "No copy" in dinoscope("copies", tmp_path / "crop.jpg").out


def test_the_trash_is_undone_and_new_pictures_are_compared_as_they_come(
    dinoscope: Dinoscope, tmp_path: Path
) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    fish = opened("fishes/fish-01")
    fish.save(folder / "fish.png")
    ImageOps.mirror(fish).save(folder / "mirror.jpg", quality=80)
    assert dinoscope("index", folder).code == 0
    moved = dinoscope("copies", "--trash")
    assert moved.code == 0, moved.err
    assert [path.name for path in folder.iterdir()] == ["fish.png"]
    assert dinoscope("copies", "--json").json["groups"] == []
    back = dinoscope("copies", "--undo")
    assert back.code == 0, back.err
    assert sorted(path.name for path in folder.iterdir()) == ["fish.png", "mirror.jpg"]
    assert len(dinoscope("copies", "--json").json["groups"]) == 1
    fish.convert("L").save(folder / "grey.png")
    told = dinoscope("index", folder)
    assert "Copies among the new pictures: 1" in told.err


def test_a_marked_pair_stays_apart(dinoscope: Dinoscope, home: Path) -> None:
    ids = [one["picture"]["id"] for one in dinoscope("copies", "--json").json["groups"][0]["members"]]
    pair = f"{ids[0]},{ids[1]}"
    assert dinoscope("copies", "--not-copy", pair, "--json").json["groups"] == []
    assert len(dinoscope("copies", "--copy-after-all", pair, "--json").json["groups"]) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--trash", "--undo"], "choose one"),
        (["picture.jpg", "--trash"], "leave the pictures away"),
        (["--out", "report.pdf"], ".html"),
        (["--not-copy", "12"], "no pair"),
        (["--not-copy", "998,999"], "no picture 998"),
    ],
)
def test_what_makes_no_sense_is_said(
    dinoscope: Dinoscope, home: Path, arguments: list[str], said: str
) -> None:
    ran = dinoscope("copies", *arguments)
    assert ran.code in {1, 2}
    assert said in ran.err
