"""``dinoscope search`` with a part of a picture, in a real process: places, drawings, and mistakes."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.cli.conftest import Dinoscope, command

from dinoscope.sample import PICTURES

PART = ("--box", "12,9,24,18")  # of 48 x 36 pixels: the second field of the second row


def saved_mask(path: Path, size: tuple[int, int], box: tuple[int, int, int, int]) -> Path:
    image = Image.new("L", size)
    image.paste(255, box)
    image.save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> tuple[Dinoscope, Path]:
    """The command with the model that ships, and real photos it has indexed. Only to be read."""
    home = tmp_path_factory.mktemp("photos")
    folder = home / "pictures"
    folder.mkdir()
    for name in (
        "animals/cat",
        "animals/kitten",
        "monuments/eilean_donan",
        "tools/hammer-05",
        "fishes/fish-04",
    ):
        shutil.copy(PICTURES / f"{name}.webp", folder)
    run = command(home, cache, Path("starter"))
    indexed = run("index", folder)
    assert indexed.code == 0, indexed.err
    return run, folder


@pytest.mark.slow  # once: the model's graph is built and its basis fitted
def test_a_head_is_found_on_heads_and_where_they_are(photos: tuple[Dinoscope, Path]) -> None:
    run, folder = photos
    ran = run("search", folder / "cat.webp", "--box", "250,90,460,330", "-k", "3", "--json")
    assert ran.code == 0, ran.err
    hits = ran.json["hits"]
    assert [Path(hit["picture"]["path"]).stem for hit in hits[:2]] == ["cat", "kitten"]
    assert inside(hits[0]["places"][0]["box"], (200, 60, 500, 380))
    assert inside(hits[1]["places"][0]["box"], (250, 50, 800, 500))  # the kitten's head


def inside(box: list[float], around: tuple[int, int, int, int]) -> bool:
    """Does the box's centre lie in the other?"""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return around[0] <= x < around[2] and around[1] <= y < around[3]


def test_the_answer_as_json(dinoscope: Dinoscope, indexed: Path) -> None:
    ran = dinoscope("search", indexed / "a" / "3.png", *PART, "-k", "8", "--json")
    assert ran.code == 0, ran.err
    answer = ran.json
    for hit in answer["hits"]:
        assert hit.keys() == {"picture", "score", "whole", "places", "near", "doubtful", "copies"}
        for place in hit["places"]:
            left, top, right, bottom = place["box"]
            assert 0 <= left < right <= 48
            assert 0 <= top < bottom <= 36
    scores = [hit["score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert (answer["searched"], answer["missing"], answer["note"]) == (8, 0, None)
    assert answer["encode_seconds"] > 0


@pytest.mark.slow
def test_the_table_shows_places_that_can_be_given_back(photos: tuple[Dinoscope, Path]) -> None:
    run, folder = photos
    part = (folder / "cat.webp", "--box", "250,90,460,330", "--no-refine")
    ran = run("search", *part)
    assert ran.code == 0, ran.err
    lines = [line.split() for line in ran.out.splitlines() if ".webp" in line]
    assert [line[0] for line in lines] == ["1", "2", "3", "4", "5"]
    assert "5 pictures searched for the part in" in ran.err
    place = next(line[2] for line in lines if line[3].endswith("kitten.webp"))

    def score(*more: str) -> float:
        hits = run("search", *part, *more, "--json").json["hits"]
        return float(next(hit["score"] for hit in hits if hit["picture"]["path"].endswith("kitten.webp")))

    assert score("--more", place) > score() > score("--less", place)


@pytest.mark.slow
def test_what_is_little_like_the_part_from_near_has_a_question_mark(
    photos: tuple[Dinoscope, Path], tmp_path: Path
) -> None:
    run, folder = photos
    with Image.open(folder / "kitten.webp") as image:
        image.resize((image.width * 4 // 5, image.height * 4 // 5)).save(tmp_path / "smaller.png")
    ran = run("search", tmp_path / "smaller.png", "--box", "30%,25%,50%,55%")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].split() == ["Score", "Near", "Place", "Picture"]
    near = {Path(line.split()[-1]).stem: line.split()[2] for line in lines if ".webp" in line}
    assert float(near["kitten"]) > 0.65
    assert near["hammer-05"].endswith("?")
    assert near["eilean_donan"].endswith("?")
    assert float(near["hammer-05"].rstrip("?")) < 0.5
    assert lines[-1].startswith("Seen from near, ")
    hits = {
        Path(hit["picture"]["path"]).stem: hit
        for hit in run("search", tmp_path / "smaller.png", "--box", "30%,25%,50%,55%", "--json").json["hits"]
    }
    assert (hits["kitten"]["doubtful"], hits["hammer-05"]["doubtful"]) == (False, True)


def test_the_whole_pictures_say_has_a_column_of_its_own(dinoscope: Dinoscope, indexed: Path) -> None:
    picture = indexed / "a" / "3.png"
    ran = dinoscope("search", picture, *PART, "--also", "1", "-k", "2", "--no-refine")
    assert ran.code == 0, ran.err
    assert ran.out.split("\n")[0].split() == ["Score", "Whole", "Place", "Picture"]
    lines = [line.split() for line in ran.out.splitlines() if ".png" in line]
    assert lines[0][1:3] == ["1.000", "1.000"]
    assert lines[0][-1] == str(picture)
    assert "Whole" not in dinoscope("search", picture, *PART, "-k", "2").out


def test_percent_points_masks_outlines_and_ids_mark_the_same(dinoscope: Dinoscope, indexed: Path) -> None:
    picture = indexed / "a" / "3.png"
    mask = saved_mask(dinoscope.library.parent / "mask.png", (48, 36), (12, 9, 24, 18))
    plain = dinoscope("search", picture, *PART, "--json").json["hits"]
    for way in (
        ["--box", "25%,25%,50%,50%"],
        ["--mask", str(mask)],
        ["--polygon", "12,9,24,9,24,18,12,18"],
    ):
        hits = dinoscope("search", picture, *way, "--json").json["hits"]
        found, asked = ([hit["picture"]["id"] for hit in some[:5]] for some in (hits, plain))
        assert found == asked, (
            way
        )  # an outline covers a patch to about a hundredth: the unlike may change places
    by_file = dinoscope("search", picture, "--point", "18,13.5", "--json").json["hits"]
    stdin = picture.read_bytes()
    assert dinoscope("search", "-", "--point", "37.5%,37.5%", "--json", stdin=stdin).json["hits"] == by_file
    own = plain[0]["picture"]["id"]
    by_id = dinoscope("search", f"id:{own}", *PART, "--where", "folder~b", "--json").json
    assert own not in [hit["picture"]["id"] for hit in by_id["hits"]]
    assert {Path(hit["picture"]["path"]).parent.name for hit in by_id["hits"]} == {"b"}


def test_hits_are_drawn_as_a_sheet_and_as_a_folder(
    dinoscope: Dinoscope, indexed: Path, tmp_path: Path
) -> None:
    sheet, folder = tmp_path / "found.png", tmp_path / "found"
    ran = dinoscope("search", indexed / "a" / "3.png", *PART, "-k", "5", "--out", sheet)
    assert ran.code == 0, ran.err
    assert f"Drawn: {sheet}" in ran.err
    with Image.open(sheet) as image:
        pixels = np.asarray(image.convert("RGB"), np.int16)
    assert (np.abs(pixels - (255, 196, 0)).max(axis=2) < 3).sum() > 6 * 50, "six frames in the marking colour"
    ran = dinoscope("search", "id:1", *PART, "-k", "2", "--out", folder, "--json")
    assert ran.code == 0, ran.err
    assert len(ran.json["hits"]) == 2
    assert len(list(folder.iterdir())) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--box", "1,2,3"], 2, "'1,2,3' is no box: write left,top,right,bottom"),
        (["--box", "9,9,9,12"], 2, "--box 9,9,9,12 is empty"),
        (["--box", "100,100,120,120"], 2, "outside the picture, 48 x 36 pixels"),
        (["--box", "110%,0,120%,9"], 2, "outside the picture, 48 x 36 pixels"),
        (["--point", "5"], 2, "is no point"),
        (["--point", "49,5"], 2, "outside the picture, 48 x 36 pixels"),
        (["--polygon", "1,2,3,4"], 2, "is no outline"),
        (["--polygon", "50,50,60,50,60,60"], 2, "48 x 36"),
        (["--mask", "{folder}/nowhere.png"], 1, "nowhere.png does not exist"),
        (["--mask", "{text}"], 1, "The mask {text} is not a picture"),
        (["--mask", "{black}"], 2, "marks nothing: paint the part white on black"),
        (["--mask", "{tall}"], 2, "36 x 48 pixels does not fit a picture of 48 x 36"),
        (["--not-point", "5,5"], 2, "--not-point needs a part"),
        (["--also", "0.5"], 2, "--also needs a part"),
        (["--box", "1,2,9,9", "--unlike", "id:1"], 2, "--unlike compares whole pictures"),
        (["id:1", "--box", "1,2,9,9"], 2, "2 are given"),
        (["--box", "1,2,9,9", "--more", "somewhere"], 2, "names no place"),
        (["--box", "1,2,9,9", "--more", "999:1,2,9,9"], 1, "no picture 999"),
        (["--box", "1,2,9,9", "--less", "1:100,100,120,120"], 2, "outside the picture, 48 x 36"),
        (["--box", "1,2,9,9", "--out", "{folder}/nowhere/x.png"], 1, "is no folder to write x.png into"),
        (["--box", "1,2,9,9", "--where", "colour=red"], 2, "write clauses like"),
    ],
)
def test_each_mistake_is_one_sentence(
    dinoscope: Dinoscope, indexed: Path, arguments: list[str], code: int, words: str
) -> None:
    home = dinoscope.library.parent
    (home / "text.png").write_text("hello")
    names = {
        "folder": home,
        "text": home / "text.png",
        "black": saved_mask(home / "black.png", (48, 36), (0, 0, 0, 0)),
        "tall": saved_mask(home / "tall.png", (36, 48), (1, 1, 9, 9)),
    }
    picture = indexed / "a" / "0.png"
    ran = dinoscope("search", picture, *(argument.format(**names) for argument in arguments))
    assert ran.code == code, ran.err
    assert ran.out == ""
    assert words.format(**names) in ran.err
    assert ran.err.startswith("Error: ")
    assert ran.err.count("\n") == 1


def test_a_picture_smaller_than_a_patch_and_one_pixel_are_searched(
    dinoscope: Dinoscope, indexed: Path, tmp_path: Path
) -> None:
    tiny = tmp_path / "tiny.png"
    Image.new("RGB", (1, 1), (200, 30, 30)).save(tiny)
    for picture, part in (
        (tiny, ("--box", "0,0,1,1")),
        (tiny, ("--point", "0,0")),
        (indexed / "a" / "0.png", ("--box", "5,5,6,6")),
        (indexed / "a" / "0.png", ("--box", "0,0,48,36")),
        (indexed / "a" / "0.png", ("--box", "-100,-100,5000,5000")),
        (indexed / "a" / "0.png", ("--polygon", "5,5,5,5,5,5")),
    ):
        ran = dinoscope("search", picture, *part, "-k", "2", "--json")
        assert ran.code == 0, (part, ran.err)
        assert len(ran.json["hits"]) == 2, part
