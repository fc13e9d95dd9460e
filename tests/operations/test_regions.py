"""A part is asked for and found, through a real library of pictures with coloured squares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.hues import Hues

from dinoscope.errors import BadRequest, NoRegions, NoSuchModel, NoSuchPicture
from dinoscope.geometry import Box, Mask
from dinoscope.library.library import Library
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.region_answers import RegionHit
from dinoscope.operations.regions import Example
from dinoscope.operations.selection import Part, Selection
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

RED, GREEN, BLUE = (220, 30, 30), (30, 200, 40), (40, 50, 220)
SAND, SLATE = (200, 180, 120), (90, 100, 110)
HERE = (40, 60)  # where the square asked for lies in asked.png
Square = tuple[tuple[int, int, int], int, int, int]  # colour, left, top, side


def paint(path: Path, ground: tuple[int, int, int], *squares: Square, size: int = 640) -> Path:
    """A PNG of one ground with squares on it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((size, size, 3), ground, np.uint8)
    for colour, left, top, side in squares:
        pixels[top : top + side, left : left + side] = colour
    Image.fromarray(pixels).save(path)
    return path


def painted(root: Path) -> Path:
    """Two pictures with a red square, one with two, and others; grounds tell nothing."""
    paint(root / "asked.png", SAND, (RED, *HERE, 120))
    paint(root / "red.png", SLATE, (RED, 400, 320, 120), (GREEN, 80, 80, 120))
    paint(root / "reds.png", SAND, (RED, 40, 400, 120), (RED, 440, 80, 120))
    paint(root / "green.png", SAND, (GREEN, 40, 60, 120))
    paint(root / "blue.png", SLATE, (BLUE, 240, 240, 120))
    paint(root / "empty.png", SAND)
    return root


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A library of these pictures that no test changes: indexing starts processes, which takes a second."""
    root = tmp_path_factory.mktemp("shared")
    settings = Settings(library=root / "library", threads=1)
    with Session(Library.open(settings.library, write=True), settings, Hues()) as opened:
        list(opened.index(painted(root / "pictures")))
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return painted(tmp_path / "pictures")


@pytest.fixture
def session(settings: Settings, folder: Path) -> Iterator[Session]:
    """A library of a test's own, with pictures it may change."""
    with Session(Library.open(settings.library, write=True), settings, Hues()) as opened:
        list(opened.index(folder))
        yield opened


def id_of(session: Session, name: str) -> int:
    (found,) = [one for one in session.library.page().pictures if one.path.name == name]
    return found.id


def names(hits: Sequence[RegionHit]) -> list[str]:
    return [hit.picture.path.name for hit in hits]


def square(left: int, top: int, side: int = 120) -> Box:
    return Box(left, top, left + side, top + side)


def test_a_part_is_found_in_every_picture_that_has_it_with_its_place(shared: Session) -> None:
    answer = shared.search_region(id_of(shared, "asked.png"), square(*HERE))
    assert set(names(answer.hits[:2])) == {"red.png", "reds.png"}
    assert answer.hits[1].score > answer.hits[2].score + 0.3
    by_name = {hit.picture.path.name: hit for hit in answer.hits}
    assert "asked.png" not in by_name
    (place,) = by_name["red.png"].places
    assert place.box.overlap(square(400, 320)) > 0.7
    boxes = [place.box for place in by_name["reds.png"].places]
    assert len(boxes) == 2
    for box in (square(40, 400), square(440, 80)):
        assert max(one.overlap(box) for one in boxes) > 0.7
    assert (answer.searched, answer.missing, answer.note, answer.exact) == (6, 0, None, True)
    assert answer.weights.max() == 1
    assert answer.weights.shape == (answer.grid.rows, answer.grid.columns)


def test_heat_and_links_lie_on_the_part(shared: Session) -> None:
    (hit,) = shared.search_region(id_of(shared, "asked.png"), square(*HERE), k=1, where="name = red.png").hits
    assert hit.heat.dtype == np.uint8
    assert max(hit.heat[link.there] for link in hit.links) == hit.heat.max()
    for link in hit.links:
        assert shared.encode(hit.picture.path).grid.box_of(*link.there).overlap(square(400, 320)) > 0


def test_box_mask_lasso_and_point_find_the_same(shared: Session) -> None:
    pixels = np.zeros((640, 640), np.bool_)
    pixels[60:180, 40:160] = True
    parts: list[Part] = [
        Mask(pixels),
        (100.0, 120.0),
        Selection(polygons=(((40, 60), (160, 60), (160, 180), (40, 180)),)),
    ]
    for part in parts:
        hits = shared.search_region(id_of(shared, "asked.png"), part).hits
        assert set(names(hits[:2])) == {"red.png", "reds.png"}


def test_a_path_an_array_and_an_id_ask_the_same(shared: Session) -> None:
    own = id_of(shared, "asked.png")
    path, by_id = shared.library.picture(own).path, shared.search_region(own, square(*HERE)).hits
    for asked in (path, np.asarray(Image.open(path))):
        hits = [hit for hit in shared.search_region(asked, square(*HERE)).hits if hit.picture.id != own]
        assert names(hits) == names(by_id)
        assert [hit.score for hit in hits] == pytest.approx([hit.score for hit in by_id], abs=0.02)


def test_a_picture_whose_file_is_gone_is_asked_by_its_tokens(session: Session, folder: Path) -> None:
    (folder / "asked.png").unlink()
    assert isinstance(session.backbone, Hues)
    encoded = session.backbone.described
    answer = session.search_region(id_of(session, "asked.png"), square(*HERE), refine=False)
    assert session.backbone.described == encoded
    assert set(names(answer.hits[:2])) == {"red.png", "reds.png"}


def test_filters_and_k_hold(shared: Session) -> None:
    answer = shared.search_region(id_of(shared, "asked.png"), square(*HERE), where="name = red.png")
    assert names(answer.hits) == ["red.png"]
    assert answer.searched == 1
    nothing = shared.search_region(
        id_of(shared, "asked.png"), square(*HERE), where="name = none.png", also=0.5
    )
    assert (nothing.hits, nothing.searched) == ((), 0)
    assert len(shared.search_region(id_of(shared, "asked.png"), square(*HERE), k=3).hits) == 3


def test_the_whole_picture_has_the_say_it_is_given(shared: Session) -> None:
    asked = id_of(shared, "asked.png")
    whole = shared.search_region(asked, square(*HERE), also=1.0)
    assert names(whole.hits) == [hit.picture.path.name for hit in shared.search(asked).hits]
    assert whole.hits[0].score == pytest.approx(shared.search(asked).hits[0].score, abs=1e-5)
    half = shared.search_region(asked, square(*HERE), also=0.5)
    assert names(half.hits)[0] == "reds.png"  # red on sand, as the query is
    for hit in half.hits:
        assert hit.whole is not None
    assert shared.search_region(asked, square(*HERE)).hits[0].whole is None


def test_less_like_this_sinks_it_and_more_like_that_raises_it(shared: Session) -> None:
    asked = id_of(shared, "red.png")
    both = Box(80, 80, 520, 440)  # a red and a green square
    plain = {hit.picture.path.name: hit.score for hit in shared.search_region(asked, both).hits}
    green = [Example(id_of(shared, "green.png"), square(40, 60))]
    less = {h.picture.path.name: h.score for h in shared.search_region(asked, both, less=green).hits}
    more = {h.picture.path.name: h.score for h in shared.search_region(asked, both, more=green).hits}
    assert less["green.png"] < plain["green.png"] - 0.2 < more["green.png"]
    assert less["reds.png"] > plain["reds.png"] - 0.15
    assert more["green.png"] > more["reds.png"]


def test_files_of_equal_bytes_are_one_hit_when_collapsed(session: Session, folder: Path) -> None:
    (folder / "same.png").write_bytes((folder / "red.png").read_bytes())
    list(session.index(folder))
    asked = id_of(session, "asked.png")
    plain = names(session.search_region(asked, square(*HERE)).hits[:3])
    assert sorted(plain) == ["red.png", "reds.png", "same.png"]
    collapsed = session.search_region(asked, square(*HERE), collapse=True).hits
    assert [len(hit.copies) for hit in collapsed if hit.picture.path.name in {"red.png", "same.png"}] == [1]


def test_a_second_look_tightens_the_box_of_a_small_part(session: Session, folder: Path) -> None:
    paint(folder / "tiny.png", SLATE, (RED, 413, 331, 44))
    list(session.index(folder))
    asked = folder / "query.png"
    paint(asked, SAND, (RED, 100, 100, 44))
    box = square(100, 100, 44)

    def place(refine: bool | None) -> Box:
        hits = session.search_region(asked, box, refine=refine, where="name = tiny.png").hits
        return hits[0].places[0].box

    near, far = (place(refine).overlap(square(413, 331, 44)) for refine in (True, False))
    assert near > max(0.55, far + 0.2)
    assert place(None) == place(True)  # the part is small


def test_a_second_look_passes_over_files_that_have_changed(session: Session, folder: Path) -> None:
    before = session.search_region(id_of(session, "asked.png"), square(*HERE), refine=False).hits
    paint(folder / "red.png", SAND)
    (folder / "reds.png").unlink()
    after = session.search_region(id_of(session, "asked.png"), square(*HERE), refine=True).hits
    assert names(after[:2]) == names(before[:2])
    assert [hit.places for hit in after[:2]] == [hit.places for hit in before[:2]]


def test_what_cannot_be_asked_is_refused(shared: Session, tmp_path: Path) -> None:
    asked, session = id_of(shared, "asked.png"), shared
    with pytest.raises(BadRequest, match="choose 1 to"):
        session.search_region(asked, square(*HERE), k=0)
    with pytest.raises(BadRequest, match="choose 0 to 1"):
        session.search_region(asked, square(*HERE), also=1.5)
    with pytest.raises(BadRequest, match="640 x 640"):
        session.search_region(asked, square(900, 900))
    with pytest.raises(BadRequest, match="takes back all"):
        session.search_region(asked, Selection(points=((50, 70),), not_points=((50, 70),)))
    with pytest.raises(NoSuchPicture):
        session.search_region(9999, square(*HERE))
    with pytest.raises(NoSuchPicture):
        session.search_region(asked, square(*HERE), more=[Example(9999, square(0, 0))])
    huge = tmp_path / "wide.png"
    Image.new("RGB", (3000, 1500), RED).save(huge)
    with pytest.raises(BadRequest, match="3000 x 1500"):  # not the size it was decoded at
        session.search_region(huge, Box(3001, 0, 3002, 10))


def test_a_library_without_tokens_says_so_and_one_that_lacks_some_counts_them(
    settings: Settings, folder: Path
) -> None:
    with Session(Library.open(settings.library, write=True), settings, Hues()) as session:
        with pytest.raises(NoSuchModel):
            session.search_region(folder / "asked.png", square(*HERE))
        list(index_folders([folder], session.library, session.backbone, replace(settings, regions=False)))
        with pytest.raises(NoRegions):
            session.search_region(folder / "asked.png", square(*HERE))


def test_pictures_whose_parts_are_not_known_yet_are_counted_and_said(
    session: Session, tmp_path: Path
) -> None:
    new = tmp_path / "new"
    for name in ("late.png", "later.png"):
        paint(new / name, SLATE, (RED, 20 if name == "late.png" else 200, 200, 120))
    plain = replace(session.settings, regions=False)
    list(index_folders([new], session.library, session.backbone, plain))
    asked = id_of(session, "asked.png")
    answer = session.search_region(asked, square(*HERE))
    assert (answer.searched, answer.missing) == (6, 2)
    assert (
        answer.note == "2 pictures are not searched by parts yet: index their folders again to complete them"
    )
    assert not {"late.png", "later.png"} & set(names(answer.hits))
    one = session.search_region(asked, square(*HERE), where="name = late.png")
    assert (one.hits, one.searched, one.missing) == ((), 0, 1)
    assert one.note == "1 picture is not searched by parts yet: index its folder again to complete it"
    list(session.index(new))
    completed = session.search_region(asked, square(*HERE))
    assert (completed.searched, completed.missing, completed.note) == (8, 0, None)
    assert {"late.png", "later.png"} < set(names(completed.hits[:4]))


def test_the_transparent_ground_of_a_picture_is_not_searched(shared: Session, tmp_path: Path) -> None:
    """A cut-out green square: its ground is nothing, though the model sees it laid on white."""
    ground = Image.new("RGBA", (640, 640), (*RED, 0))
    ground.paste((*GREEN, 255), (260, 260, 380, 380))
    path = tmp_path / "cut.png"
    ground.save(path)
    answer = shared.search_region(path, Box(0, 0, 640, 640), refine=False)
    assert set(names(answer.hits[:2])) == {"green.png", "red.png"}  # the two with a green square
    rows, columns = np.nonzero(answer.weights)
    assert (rows.min(), columns.min()) == (6, 6)
    assert (rows.max(), columns.max()) == (9, 9)
    with pytest.raises(BadRequest, match="transparent where it was marked"):
        shared.search_region(path, (20.0, 20.0))


def test_a_picture_of_the_library_is_asked_without_its_transparent_ground(
    session: Session, folder: Path
) -> None:
    ground = Image.new("RGBA", (640, 640), (0, 0, 0, 0))
    ground.paste((*RED, 255), (260, 260, 380, 380))
    ground.save(folder / "cut.png")
    list(session.index(folder))
    answer = session.search_region(id_of(session, "cut.png"), Box(200, 200, 440, 440))
    assert np.count_nonzero(answer.weights) == 12  # of 16 patches; its corners fill a quarter of theirs
    assert set(names(answer.hits[:3])) == {"asked.png", "red.png", "reds.png"}


def test_what_is_erased_is_not_looked_for_and_what_is_unwanted_sinks(shared: Session) -> None:
    asked = id_of(shared, "red.png")
    both, green = Box(80, 80, 520, 440), ((70, 70), (210, 70), (210, 210), (70, 210))

    def scores(selection: Selection) -> dict[str, float]:
        answer = shared.search_region(asked, selection)
        return {hit.picture.path.name: hit.score for hit in answer.hits}

    plain = scores(Selection(boxes=(both,)))
    erased = scores(Selection(boxes=(both,), erased=(green,)))
    unwanted = scores(Selection(boxes=(both,), not_polygons=(green,)))
    assert plain["green.png"] > erased["green.png"] + 0.1
    assert erased["green.png"] >= unwanted["green.png"]
    assert erased["reds.png"] > plain["reds.png"] + 0.1
    assert min(erased["reds.png"], unwanted["reds.png"]) > unwanted["green.png"] + 0.3


def test_a_thing_that_fills_its_picture_is_found_where_it_is_small(session: Session, folder: Path) -> None:
    """Red with a green core, asked whole: in a scene its core is a patch or two."""
    paint(folder / "scene.png", SLATE, (RED, 300, 360, 120), (GREEN, 340, 400, 40))
    list(session.index(folder))
    asked = paint(folder.parent / "thing.png", RED, (GREEN, 213, 213, 213))
    answer = session.search_region(asked, Box(0, 0, 640, 640))
    assert names(answer.hits[:1]) == ["scene.png"]
    assert square(300, 360).holds(*answer.hits[0].places[0].box.centre)


def test_what_looks_the_same_as_a_picture_asked_whole_comes_first(shared: Session) -> None:
    for name in ("red.png", "green.png", "blue.png"):
        pixels = np.asarray(Image.open(shared.library.picture(id_of(shared, name)).path))
        assert names(shared.search_region(pixels, Box(0, 0, 640, 640)).hits[:1]) == [name]


def test_the_very_picture_has_the_part_where_it_was_marked(shared: Session) -> None:
    ground = Box(300, 35, 390, 120)  # sand, which others have more of
    for name in ("asked.png", "reds.png", "green.png", "empty.png"):
        path = shared.library.picture(id_of(shared, name)).path
        for asked in (path, path.read_bytes()):
            best = shared.search_region(asked, ground).hits[0]
            assert best.picture.path.name == name
            assert best.score == 1.0
            assert (best.places[0].box, best.places[0].score) == (ground, 1.0)
    assert shared.search_region(np.asarray(Image.open(path)), ground).hits[0].score < 1
    assert names(shared.search_region(path, ground, k=1, where="name = red.png").hits) == ["red.png"]


def test_a_copy_of_the_picture_has_the_part_and_other_places_as_well(session: Session, folder: Path) -> None:
    (folder / "again.png").write_bytes((folder / "reds.png").read_bytes())
    list(session.index(folder))
    best, second = session.search_region(id_of(session, "reds.png"), square(440, 80)).hits[:2]
    assert (best.picture.path.name, best.score, best.places[0].box) == ("again.png", 1.0, square(440, 80))
    assert best.places[1].box.overlap(square(40, 400)) > 0.7
    assert 0.5 < best.places[1].score < 1
    assert all(440 <= 640 * (link.there[1] + 0.5) / best.heat.shape[1] <= 560 for link in best.links)
    assert second.score < 1
