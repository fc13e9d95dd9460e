"""``dinoscope match`` in a process of its own: links, drawings, a part carried over, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps
from tests.cli.conftest import Dinoscope, paint


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return paint(tmp_path / "fields [1].png", 3, (320, 240))


@pytest.fixture
def mirrored(picture: Path, tmp_path: Path) -> Path:
    """Of another size and kind, left and right exchanged."""
    path = tmp_path / "mirrored.jpg"
    ImageOps.mirror(Image.open(picture)).resize((640, 480)).save(path)
    return path


def test_links_are_printed_as_json_in_each_originals_pixels(
    dinoscope: Dinoscope, picture: Path, tmp_path: Path
) -> None:
    large = tmp_path / "large.png"
    Image.open(picture).resize((640, 480), Image.Resampling.NEAREST).save(large)
    ran = dinoscope("match", picture, large, "--json", "--links", "8", "--no-flip")
    assert ran.code == 0, ran.err
    found = ran.json
    assert (found["here"]["width"], found["there"]["width"]) == (320, 640)
    assert 3 <= len(found["links"]) <= 8
    for link in found["links"]:
        assert link["there"] == pytest.approx([2 * value for value in link["here"]], abs=30)
        assert 0 <= link["confidence"] <= 1
    assert found["orientation"]["chosen"]
    assert not found["orientation"]["mirrored"]
    assert found["geometry"] is None
    assert not dinoscope.library.exists(), "two files need no library"


def test_it_is_drawn_and_said(dinoscope: Dinoscope, picture: Path, mirrored: Path, tmp_path: Path) -> None:
    links, dense = tmp_path / "links.png", tmp_path / "dense.webp"
    ran = dinoscope("match", picture, mirrored, "--flip", "--out", links)
    assert ran.code == 0, ran.err
    assert f"Drawn: {links}" in ran.err
    assert "mirrored, as you asked" not in ran.err
    assert "matched mirrored: left answers to right, as you asked" in ran.out
    assert dinoscope("match", picture, mirrored, "--flip", "--dense", "--out", dense).code == 0
    with Image.open(links) as one, Image.open(dense) as other:
        assert one.size == other.size
        assert one.width > 1500
        apart = np.abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int))
        assert (apart.max(axis=2) > 20).mean() > 0.2


def test_a_part_is_carried_over_and_drawn(dinoscope: Dinoscope, picture: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "part.png"
    ran = dinoscope("match", picture, picture, "--box", "0,0,50%,50%", "--out", sheet, "--json")
    assert ran.code == 0, ran.err
    assert "one and the same picture" in ran.json["note"]
    part = ran.json["part"]
    assert part["found"]
    assert part["box"] == pytest.approx([0, 0, 160, 120], abs=30)
    with Image.open(sheet) as drawn:
        pixels = np.asarray(drawn.convert("RGB"), int)
    saturated = (np.ptp(pixels, axis=2) > 60).mean()
    assert 0.1 < saturated < 0.6, "a quarter is in its colours, the rest in the dark"
    said = dinoscope("match", picture, picture, "--point", "10,10").out
    assert "The part lies at" in said


def test_a_picture_of_the_library_is_named_by_its_id(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("match", "id:1", "id:1", "--json")
    assert ran.code == 0, ran.err
    assert ran.json["here"]["picture"] == "id:1"
    assert "no picture 99" in dinoscope("match", "id:1", "id:99").err


def test_a_picture_may_come_from_stdin(dinoscope: Dinoscope, picture: Path) -> None:
    ran = dinoscope("match", "-", picture, "--json", stdin=picture.read_bytes())
    assert ran.code == 0, ran.err
    assert "one and the same picture" in ran.json["note"]


@pytest.mark.parametrize("size", [(900, 6), (6, 900)])
def test_a_very_long_picture_is_matched_and_drawn(
    dinoscope: Dinoscope, picture: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    strip, sheet = paint(tmp_path / "strip.png", 5, size), tmp_path / "sheet.png"
    ran = dinoscope("match", strip, picture, "--out", sheet)
    assert ran.code == 0, ran.err
    with Image.open(sheet) as drawn:
        assert max(drawn.size) < 2200


def test_a_blank_picture_has_no_links_but_a_sentence(
    dinoscope: Dinoscope, picture: Path, tmp_path: Path
) -> None:
    blank = tmp_path / "blank.jpg"
    Image.new("RGB", (300, 200), (90, 120, 200)).save(blank, quality=60)
    ran = dinoscope("match", picture, blank, "--json", "--out", tmp_path / "sheet.png")
    assert ran.code == 0, ran.err
    assert ran.json["links"] == []
    assert "the second picture is blank" in ran.json["note"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--dense",), "--dense is a way to draw: say where to with --out FILE.png"),
        (("--dense", "--box", "1,1,9,9", "--out", "x.png"), "leave one of them out"),
        (("--not-point", "1,1"), "--not-point needs a part of the picture"),
        (("--box", "1,2,3"), "is no box: write left,top,right,bottom"),
        (("--point", "999,1"), "lies outside the picture, 320 x 240 pixels"),
        (("--patches", "2000"), "cannot be matched at 2000 patches: choose 16 to 1024"),
        (("--patches", "-4"), "choose 16 to 1024"),
        (("--links", "1000"), "--links"),
        (("--out", "links.gif"), "end it in .png, .jpg or .webp"),
        (("--out", "nowhere/links.png"), "is no folder"),
    ],
)
def test_what_makes_no_sense_is_said_in_a_sentence(
    dinoscope: Dinoscope, picture: Path, options: tuple[str, ...], sentence: str
) -> None:
    ran = dinoscope("match", picture, picture, *options)
    assert ran.code != 0
    assert sentence in " ".join(ran.err.split())
    assert "Traceback" not in ran.err


def test_both_pictures_cannot_come_from_stdin(dinoscope: Dinoscope) -> None:
    ran = dinoscope("match", "-", "-", stdin=b"")
    assert ran.code != 0
    assert "give a file for the other" in ran.err


def test_what_is_no_picture_is_named(dinoscope: Dinoscope, picture: Path, tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no picture")
    for pair in ((picture, text), (text, picture)):
        ran = dinoscope("match", *pair)
        assert ran.code != 0
        assert "notes.txt is not a picture" in ran.err
