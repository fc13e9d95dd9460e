"""Videos, by the real command: indexed, searched, taught from and asked."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope
from tests.films import RATE, film, sound

from dinoscope.features import Pixels
from dinoscope.sample import PICTURES

pytestmark = pytest.mark.extra
pytest.importorskip("av")

SIDE = 120  # of the thing, a photo of a tape measure
STAYS = 2 * RATE  # frames


def frames() -> list[Pixels]:
    """A second of a room, then the thing for two that goes across it, then the room again."""
    with Image.open(PICTURES / "renewable/windmill-01.webp") as image:
        room = image.convert("RGB").resize((480, 320))
    with Image.open(PICTURES / "tools/measuring_tape-02.webp") as image:
        thing = image.convert("RGB").resize((SIDE, SIDE))
    found = [np.asarray(room)] * RATE
    for number in range(STAYS):
        there = room.copy()
        there.paste(thing, (20 + 12 * number, 90))
        found.append(np.asarray(there))
    return found + [np.asarray(room)] * RATE


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    (tmp_path / "album").mkdir()
    return film(tmp_path / "album" / "kitchen.mp4", frames(), started="2026-11-25T13:32:00Z")


def test_a_video_is_indexed_searched_taught_from_and_asked(dinoscope: Dinoscope, kitchen: Path) -> None:
    sound(kitchen.with_name("song.mp4"))
    ran = dinoscope("index", kitchen.parent)
    assert ran.code == 0, ran.err
    assert "only sound" in ran.out + ran.err
    found = dinoscope("search", kitchen / "1.5", "-k", "4")
    told = " ".join(found.out.split())
    assert all(f"{kitchen} at 0:0{second}" in told for second in range(4)), found.out

    marked = ["--from", "1.25", "--to", "2.25", "--box", "44,90,164,210"]
    taught = dinoscope("remember", "tape", "--video", kitchen, *marked)
    assert re.fullmatch(r"tape is remembered from [2-5] views\.", taught.out.splitlines()[0]), taught.err
    assert "  kitchen.mp4 0:01: " in taught.out

    asked = dinoscope("where", "tape", kitchen, "--json")
    (seen,) = asked.json["sightings"]
    assert seen["moment"]["first"] == pytest.approx(1, abs=0.6)
    assert seen["moment"]["last"] == pytest.approx(3, abs=0.6)
    number = round((seen["moment"]["second"] - 1) * RATE)
    assert seen["box"][0] == pytest.approx(20 + 12 * number, abs=25)
    assert any("kitchen.mp4: tape is seen at 0:0" in note for note in asked.json["notes"])


def test_what_makes_no_sense_is_one_sentence(dinoscope: Dinoscope, kitchen: Path, tmp_path: Path) -> None:
    photo = tmp_path / "one.png"
    Image.fromarray(frames()[RATE]).save(photo)
    for words, sentence in {
        ("remember", "tape"): "name photos, or one --video",
        ("remember", "tape", photo, "--video", kitchen): "name photos, or one --video",
        ("remember", "tape", photo, "--from", "3"): "name photos, or one --video",
        ("remember", "tape", "--video", kitchen, "--from", "60", "--to", "61"): "it ends before",
        ("remember", "tape", "--video", photo): "is no video dinoscope knows",
        ("search", kitchen): "is a video, and a picture is wanted: name a moment of it",
    }.items():
        ran = dinoscope(*words)
        assert ran.code in {1, 2}, words
        assert sentence in " ".join(ran.err.lower().split()), (words, ran.err)
        assert len(ran.err.strip().splitlines()) <= 4
