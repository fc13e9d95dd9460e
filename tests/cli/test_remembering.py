"""Things with a name, by the real command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from tests.cli.conftest import Dinoscope


def photo(path: Path, seed: int, place: tuple[int, int] | None) -> Path:
    """Soft ground, and a patterned square of 48 pixels at a place."""
    ground = np.random.default_rng(seed).integers(90, 150, (4, 5, 3), np.uint8)
    picture = Image.fromarray(ground).resize((200, 160), Image.Resampling.BICUBIC)
    if place is not None:
        pattern = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
        picture.paste(Image.fromarray(pattern).resize((48, 48), Image.Resampling.BICUBIC), place)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)
    return path


def test_a_thing_is_taught_listed_handed_on_and_forgotten(dinoscope: Dinoscope, tmp_path: Path) -> None:
    one, two = photo(tmp_path / "one.png", 1, (20, 30)), photo(tmp_path / "two.png", 2, (120, 90))
    boxes = ["--box", "20,30,68,78", "--box", "60%,56.25%,84%,86.25%"]
    ran = dinoscope("remember", "Keys", one, two, *boxes)
    assert (ran.code, ran.out.splitlines()[0]) == (0, "Keys is remembered from 2 views."), ran.err
    assert ran.out.splitlines()[1:] == ["  one.png: 20,30,68,78", "  two.png: 120,90,168,138"]
    file = tmp_path / "keys.npz"
    listed = dinoscope("objects", "--json", "--export", "keys", "--out", file)
    assert listed.code == 0, listed.err
    assert [(thing["name"], len(thing["views"])) for thing in listed.json] == [("Keys", 2)]
    assert dinoscope("forget", "KEYS").code == 0
    again = dinoscope("objects", "--json", "--import", file, "--as", "car keys")
    assert again.code == 0, again.err
    assert [thing["name"] for thing in again.json] == ["car keys"]
    renamed = dinoscope("objects", "--json", "--rename", "CAR keys", "--as", "Keys")
    assert [thing["name"] for thing in renamed.json] == ["Keys"], renamed.err
    assert dinoscope("forget", "keys", "--view", "0").out.strip() == "Keys is known from 1 view now."
    assert "the only photo of 'Keys'" in dinoscope("forget", "keys", "--view", "0").err
    for nonsense in (
        ["--as", "x"],
        ["--rename", "keys"],
        ["--rename", "keys", "--as", "x", "--import", file],
    ):
        ran = dinoscope("objects", *nonsense)
        assert (ran.code, "--as is the name for one thing" in ran.err) == (2, True)


def test_where_it_is_comes_as_json_and_as_a_drawing(dinoscope: Dinoscope, tmp_path: Path) -> None:
    taught = photo(tmp_path / "one.png", 1, (20, 30))
    assert dinoscope("remember", "keys", taught, "--box", "20,30,68,78").code == 0
    there, not_there = photo(tmp_path / "in/a.png", 3, (100, 40)), photo(tmp_path / "in/b.png", 4, None)
    drawn = tmp_path / "found.png"
    found = dinoscope("where", "keys", tmp_path / "in", "--json", "--out", drawn)
    assert found.code == 0, found.err
    assert {one["picture"] for one in found.json["sightings"]} == {str(there)}
    left, top, right, bottom = found.json["sightings"][0]["box"]
    assert (abs(left - 100) < 12, abs(top - 40) < 12, abs(right - 148) < 12, abs(bottom - 88) < 12) == (
        True,
    ) * 4
    with Image.open(drawn) as sheet:
        assert sheet.size[0] > 300
    nothing = dinoscope("where", "keys", not_there)
    assert nothing.out.strip() == "keys: not here."


def test_what_makes_no_sense_is_one_sentence(dinoscope: Dinoscope, tmp_path: Path) -> None:
    one = photo(tmp_path / "one.png", 1, (20, 30))
    ran = dinoscope("remember", "keys", one, one, one, "--box", "1,1,9,9", "--box", "1,1,9,9")
    assert (ran.code, "there are 3 pictures and 2 --box" in ran.err.lower()) == (2, True)
    ran = dinoscope("where", "keys", one)
    assert (ran.code, "no object called 'keys': nothing was taught yet" in ran.err) == (1, True)
