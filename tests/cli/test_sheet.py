"""Places are drawn where they are."""

from __future__ import annotations

import errno
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dinoscope.cli import sheet
from dinoscope.errors import BadRequest, DiskFull, Unreadable
from dinoscope.geometry import Box, Mask, Size
from dinoscope.library.records import Picture
from dinoscope.operations.region_answers import Place, RegionHit
from dinoscope.operations.selection import Selection
from dinoscope.pictures.metadata import Metadata

SIZE = Size(800, 600)
GREY = np.full((300, 400, 3), 90, np.uint8)  # decoded at half the scale
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def hit(number: int = 1, places: tuple[Place, ...] = (), name: str = "x.jpg", size: Size = SIZE) -> RegionHit:
    picture = Picture(number, Path("/p") / name, "ab" * 20, "jpeg", size, 1, NOW, NOW, Metadata())
    heat = np.full((6, 8), 255, np.uint8)
    return RegionHit(picture, 0.5, None, places or (Place(Box(400, 300, 600, 450), 0.5),), heat, ())


def is_colour(pixel: tuple[int, ...], colour: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= 2


def at(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place in original pixels."""
    found = image.getpixel((round(x * image.width / SIZE.width), round(y * image.height / SIZE.height)))
    assert isinstance(found, tuple)
    return found


def test_the_best_place_is_framed_at_its_edges_and_open_inside() -> None:
    places = (Place(Box(400, 300, 600, 450), 0.9), Place(Box(80, 60, 200, 160), 0.4))
    image = sheet.drawn(GREY, hit(places=places), (400, 300))
    assert image.size == (400, 300)
    assert is_colour(at(image, 402, 370), sheet.WANTED)
    assert is_colour(at(image, 500, 302), sheet.WANTED)
    assert is_colour(at(image, 82, 100), sheet.OTHER)
    assert is_colour(at(image, 500, 370), (90, 90, 90))
    assert is_colour(at(image, 700, 100), (90, 90, 90))


def test_what_is_not_alike_is_darker() -> None:
    found = hit()
    found.heat[:, :4] = 0
    image = sheet.drawn(GREY, found, (400, 300))
    dark, light = at(image, 40, 550), at(image, 760, 550)
    assert dark[0] == pytest.approx(90 * sheet.DIM, abs=2)
    assert light[0] == pytest.approx(90, abs=2)


def test_a_place_of_less_than_a_pixel_is_still_seen() -> None:
    image = sheet.drawn(GREY, hit(places=(Place(Box(799.2, 599.2, 799.9, 599.9), 0.9),)), (400, 300))
    changed = np.any(np.asarray(image) != 90, axis=2)
    assert changed[-4:, -4:].any()
    assert not changed[:-6, :-6].any()


def test_a_hit_whose_file_is_gone_still_shows_its_places() -> None:
    image = sheet.drawn(None, hit(), (400, 300))
    assert is_colour(at(image, 402, 370), sheet.WANTED)


def test_what_is_marked_is_drawn_on_the_query() -> None:
    inside = np.zeros((600, 800), np.bool_)
    inside[400:500, 100:200] = True
    selection = Selection(
        boxes=(Box(400, 300, 600, 450),),
        polygons=(((40, 40), (200, 40), (200, 200)),),
        masks=(Mask(inside),),
        points=((700, 100),),
        not_points=((700, 500),),
        not_polygons=(((40, 560), (300, 560), (300, 590)),),
        erased=(((420, 320), (580, 320), (580, 430)),),
    )
    image = sheet.marked(GREY, SIZE, selection, (400, 300))
    assert is_colour(at(image, 402, 370), sheet.WANTED)
    assert is_colour(at(image, 120, 40), sheet.WANTED)
    assert is_colour(at(image, 700, 100), sheet.WANTED)
    assert is_colour(at(image, 700, 500), sheet.UNWANTED)
    assert is_colour(at(image, 120, 560), sheet.UNWANTED)
    assert is_colour(at(image, 500, 320), sheet.ERASED)
    assert at(image, 150, 450)[0] > at(image, 150, 450)[2] + 30
    assert is_colour(at(image, 300, 250), (90, 90, 90))


@pytest.mark.parametrize("size", [Size(1, 1), Size(3000, 40), Size(40, 3000), Size(65000, 1)])
def test_every_shape_stays_in_its_cell(size: Size) -> None:
    pixels = np.zeros((min(size.height, 60), min(size.width, 60), 3), np.uint8)
    image = sheet.drawn(
        pixels, hit(places=(Place(Box(0, 0, size.width, size.height), 1.0),), size=size), (300, 225)
    )
    assert image.width <= 300
    assert image.height <= 225


def test_a_sheet_has_a_cell_for_the_query_and_each_hit(tmp_path: Path) -> None:
    hits = [hit(number, name="n" * 200 + "\n.jpg") for number in range(5)]
    path = tmp_path / "found.png"
    written = sheet.write(path, GREY, SIZE, Selection(points=((1, 1),)), hits=hits, load=lambda *_: GREY)
    assert written == 1
    with Image.open(path) as image:
        assert image.width == 4 * (300 + 12) + 12
        assert image.height == 2 * (225 + 24 + 12) + 12


def test_a_row_is_as_high_as_its_highest_picture_which_all_stand_beside(tmp_path: Path) -> None:
    wide, path = Size(600, 200), tmp_path / "found.png"
    place = (Place(Box(0, 0, 90, 90), 0.5),)
    hits = [hit(number, place, size=wide) for number in range(5)]
    sheet.write(path, GREY, SIZE, Selection(points=((1, 1),)), hits=hits, load=lambda *_: GREY)
    with Image.open(path) as image:
        assert image.height == (225 + 24 + 12) + (100 + 24 + 12) + 12
        pixels = np.asarray(image)
    beside = 12 + 300 + 12 + 150  # in the middle of the query's neighbour
    assert is_colour(tuple(pixels[12 + 225 - 102, beside]), sheet.GROUND)
    assert not is_colour(tuple(pixels[12 + 225 - 98, beside]), sheet.GROUND)
    assert not is_colour(tuple(pixels[12 + 225 + 24 + 12 + 2, 150]), sheet.GROUND)


def test_a_folder_gets_the_query_and_each_hit(tmp_path: Path) -> None:
    path = tmp_path / "found"
    asked = []

    def load(one: RegionHit, side: int) -> np.ndarray:
        asked.append(side)
        return GREY

    assert sheet.write(path, GREY, SIZE, Selection(points=((1, 1),)), hits=[hit(), hit(2)], load=load) == 3
    assert sorted(one.name for one in path.iterdir()) == ["00-query.jpg", "01-x.jpg", "02-x.jpg"]
    assert min(asked) >= 600
    with Image.open(path / "01-x.jpg") as image:
        assert image.size == (800, 600)


def test_where_nothing_can_be_written_is_told_before_the_search(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.png").mkdir()
    sheet.check_place(tmp_path / "new.png")
    sheet.check_place(tmp_path / "new folder")
    with pytest.raises(Unreadable, match=r"is no folder to write x\.png into"):
        sheet.check_place(tmp_path / "nowhere" / "x.png")
    with pytest.raises(BadRequest, match="is a file, no folder"):
        sheet.check_place(tmp_path / "file")
    with pytest.raises(BadRequest, match="is a folder: name the picture to write"):
        sheet.check_place(tmp_path / "folder.png")


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DiskFull, match="the disk is full"):
        sheet.write(tmp_path / "a.png", GREY, SIZE, Selection(), hits=[], load=lambda *_: None)
    monkeypatch.setattr(
        Image.Image, "save", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "No"))
    )
    with pytest.raises(Unreadable, match=r"cannot be written \(No\)"):
        sheet.write(tmp_path / "a.png", GREY, SIZE, Selection(), hits=[], load=lambda *_: None)
