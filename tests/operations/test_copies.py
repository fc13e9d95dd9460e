"""Copies are found whatever was done, told from what is only alike, and never lost by tidying up."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageOps
from tests.operations.conftest import Colours, sample_picture

from dinoscope.errors import BadRequest, LibraryReadOnly
from dinoscope.geometry import Box, Size
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile, NewVideo
from dinoscope.operations.copies import GLANCE, METHOD
from dinoscope.operations.copy_answers import CopyReport
from dinoscope.operations.copy_evidence import Evidence, Seen, examine, probability
from dinoscope.operations.copy_naming import name_edits
from dinoscope.operations.copy_proposals import _above, _exceeded
from dinoscope.operations.copy_query import likest, views
from dinoscope.operations.copying import Copies
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.session import Session
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.moments import moment_path
from dinoscope.sample import PICTURES
from dinoscope.settings import Settings

FISH, CASTLE, HAMMER = "fishes/fish-01", "monuments/neuschwanstein-02", "tools/hammer-05"


def opened(name: str) -> Image.Image:
    return sample_picture(name, 480)


def seen(image: Image.Image) -> Seen:
    return Seen.of(np.asarray(image.convert("RGB")), Size(*image.size))


def inset(image: Image.Image) -> Image.Image:
    """Pasted into another picture, at half its width."""
    back = opened("fishes/fish-04").resize((640, 480))
    back.paste(image.resize((300, round(300 * image.height / image.width))), (200, 90))
    return back


EDITS = {
    "crop": lambda image: image.crop((60, 40, image.width - 90, image.height - 50)),
    "mirror": ImageOps.mirror,
    "rotation": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "stretch": lambda image: image.resize((image.width, round(image.height * 0.7))),
    "border": lambda image: ImageOps.expand(image, 60, "white"),
    "grey": lambda image: image.convert("L"),
    "blur": lambda image: image.filter(ImageFilter.GaussianBlur(5)),
    "inset": inset,
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_seen_through_and_named(edit: str) -> None:
    castle = opened(CASTLE)
    here, there = seen(EDITS[edit](castle)), seen(castle)
    found = examine(here, there)
    assert found is not None
    assert probability(found.score) > 0.95
    naming = name_edits(found, here, there)
    assert edit in naming.edits
    if edit not in {"mirror", "rotation", "stretch"}:  # either may be the other's
        assert naming.copy == "here"


@pytest.mark.parametrize("other", [HAMMER, FISH, "fishes/fish-04", "monuments/bran-castle-01"])
def test_another_picture_is_no_copy(other: str) -> None:
    name = other if (PICTURES / f"{other}.webp").is_file() else "tools/hammer-06"
    found = examine(seen(opened(CASTLE)), seen(opened(name)))
    assert found is None or probability(found.score) < 0.2


def test_what_is_shared_is_drawn_where_it_lies() -> None:
    castle = opened(CASTLE)
    box = (60, 40, castle.width - 90, castle.height - 50)
    found = examine(seen(castle.crop(box)), seen(castle))
    assert found is not None
    corners = np.asarray([[0, 0, 1], [box[2] - box[0], box[3] - box[1], 1]]) @ found.matrix.T
    (left, top), (right, bottom) = corners[:, :2] / corners[:, 2:]
    assert Box(*map(float, (left, top, right, bottom))).overlap(Box(*map(float, box))) > 0.97


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Two pictures with copies, one with a file of equal bytes, and three alone."""
    folder = tmp_path / "album"
    folder.mkdir()
    castle, fish = opened(CASTLE), opened(FISH)
    castle.save(folder / "castle.png")
    EDITS["crop"](castle).save(folder / "castle-crop.jpg", quality=85)
    ImageOps.mirror(fish).save(folder / "fish-mirror.jpg", quality=90)
    fish.save(folder / "fish.png")
    shutil.copy(folder / "fish.png", folder / "fish-again.png")
    for name in ("tools/hammer-05", "fishes/fish-04", "tools/hammer-06"):
        opened(name).save(folder / f"{Path(name).stem}-alone.png")
    return folder


@pytest.fixture
def copies(album: Path, library: Library, colours: Colours, settings: Settings) -> Iterator[Copies]:
    list(index_folders([album], library, colours, settings))
    with Session(library, settings, colours) as session, session.copies() as found:
        yield found


def look(copies: Copies) -> None:
    assert list(copies.look())[-1].stage == "Comparing"


def names(report: CopyReport) -> list[set[str]]:
    return [{member.picture.path.name for member in group.members} for group in report.groups]


def ids(copies: Copies) -> dict[str, int]:
    page = copies._session.library.page()
    return {picture.path.name: picture.id for picture in page.pictures}


TWO_GROUPS = [{"fish.png", "fish-again.png", "fish-mirror.jpg"}, {"castle.png", "castle-crop.jpg"}]


def test_the_library_against_itself_gives_groups_with_the_one_to_keep(copies: Copies) -> None:
    look(copies)
    report = copies.report()
    assert names(report) == TWO_GROUPS
    kept = [group.members[0] for group in report.groups]
    assert [one.picture.path.name for one in kept][1] == "castle.png"
    assert kept[0].picture.path.suffix == ".png"
    assert all(one.spare for group in report.groups for one in group.members[1:])
    assert report.unchecked == 0
    crop = report.groups[1].pairs[0]
    assert crop.found.edits[0] == "crop"
    assert len(crop.found.here) >= 4
    assert len(crop.found.there) >= 4


def test_a_large_library_is_looked_at_at_a_glance_first_with_the_same_outcome(
    copies: Copies, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("copies", "copy_proposals"):
        monkeypatch.setattr(f"dinoscope.operations.{module}.FEW", 3)
    monkeypatch.setattr("dinoscope.operations.copy_proposals.NEAR", -1.0)
    sides: list[int] = []

    def counted(here: Seen, there: Seen) -> Evidence | None:
        sides.append(max(here.grey.shape))
        return examine(here, there)

    monkeypatch.setattr("dinoscope.operations.copies.examine", counted)
    look(copies)
    assert names(copies.report()) == TWO_GROUPS
    small, large = (sum(side == wanted for side in sides) for wanted in (GLANCE, 320))
    assert small > 2 * large > 0, "most pairs were no more than glanced at"
    assert small + large == len(sides)


def test_only_the_likest_pairs_of_many_are_looked_at() -> None:
    lead = np.asarray([[1.0, 0.5, 0.3], [1.0, 0.4, 0.2], [1.0, 0.1, 0.0], [1.0, 0.1, -0.2]], np.float32)
    near = np.asarray([[0, 1, 2], [1, 0, 3], [2, 0, 1], [3, 1, 2]])
    least = _exceeded(np.arange(4), near, lead, 0.5)
    pairs = dict(_above(np.arange(4), near, lead, least))
    assert pairs == {(0, 1): pytest.approx(0.4)}, "two of eight leads, and no picture beside itself"


def test_moments_of_a_video_are_no_copies_of_each_other(copies: Copies, library: Library) -> None:
    first = library.page().pictures[0]
    key = copies._session.backbone.identity.key
    vectors = library.shelf(key).vectors_of([first.content])
    facts = FilmFacts("f" * 40, 999, 5, Size(64, 48), 9.5, datetime(2026, 11, 25, tzinfo=UTC), "file")
    video = NewVideo(first.path.parent / "film.mp4", facts)
    frames = [
        NewFile(
            path=moment_path(video.path, second), root=video.path.parent, content=letter * 40, kind="video",
            size=Size(64, 48), bytes=9, modified_ns=5, metadata=Metadata(), video=video, second=float(second),
        )
        for second, letter in ((1, "a"), (2, "b"))
    ]  # fmt: skip
    named = {frame.content: vectors[first.content] for frame in frames}
    library.commit(copies._session.backbone.identity, len(vectors[first.content]), frames, named)
    look(copies)
    report = copies.report()
    assert names(report) == TWO_GROUPS
    assert (report.checked, report.unchecked) == (7, 0)


def test_another_threshold_looks_at_nothing_again(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    look(copies)
    monkeypatch.setattr("dinoscope.operations.copies.examine", lambda *_: pytest.fail("it looked"))
    assert names(copies.report(at_least=0.9)) == TWO_GROUPS
    assert {"fish.png", "fish-again.png"} in names(copies.report(at_least=1.0))  # equal bytes
    look(copies)  # nothing is new


def test_only_new_pictures_are_compared(
    copies: Copies, album: Path, library: Library, colours: Colours, settings: Settings
) -> None:
    look(copies)
    ImageOps.grayscale(opened("tools/hammer-06")).save(album / "hammer-grey.jpg")
    list(index_folders([album], library, colours, settings))
    assert copies.report().unchecked == 1
    steps = [step for step in copies.look() if step.stage == "Comparing"]
    assert steps[-1].total == 1
    assert {"hammer-grey.jpg", "hammer-06-alone.png"} in names(copies.report())


def test_a_good_part_of_whatever_is_pasted_small_lies_in_one_tile() -> None:
    places = np.zeros((200, 200, 3), np.uint8)
    places[..., 0], places[..., 1] = np.mgrid[:200, :200]
    (tiles,) = [group for group in views(places) if len(group) > 1]
    spans = [(tile[0, 0, :2], tile[-1, -1, :2]) for tile in tiles]
    for side in (50, 70):  # a sixteenth of the picture, and an eighth
        for top, left in itertools.product(range(0, 201 - side, 5), repeat=2):
            start = np.asarray([top, left])
            common = [
                np.minimum(start + side, last + 1.0) - np.maximum(start, first) for first, last in spans
            ]
            shared = max(float(np.prod(np.maximum(one, 0))) for one in common)
            assert shared >= 0.4 * side**2, (top, left, side)


def test_the_likest_of_several_views_come_first() -> None:
    assert likest([{7: 0.1, 3: 0.3}, {7: 0.4, 5: 0.2}]) == [7, 3, 5]


def test_what_was_made_to_look_is_let_go_of(copies: Copies) -> None:
    steps = copies.look()
    while next(steps).stage != "Comparing":
        pass
    finder = copies._current()
    assert len(finder.gallery), "the pictures of this block are ready"
    steps.close()  # type: ignore[attr-defined]  # whoever looked has gone
    assert not len(finder.gallery)
    assert not finder.proposer.ready
    look(copies)
    assert names(copies.report()) == TWO_GROUPS
    assert not len(finder.gallery)


def test_one_picture_is_asked_about(copies: Copies) -> None:
    list(copies.fingerprint())
    castle = opened(CASTLE)
    answer = copies.find(np.asarray(inset(ImageOps.mirror(castle))), thorough=True)
    assert "castle.png" in [hit.picture.path.name for hit in answer.copies]
    stranger = copies.find(np.asarray(opened("renewable/windmill-01")))
    assert not stranger.copies
    assert stranger.sentence.startswith("No copy")


def test_a_file_of_equal_bytes_is_known_at_once(copies: Copies, album: Path) -> None:
    answer = copies.find(album / "fish.png")
    assert {hit.picture.path.name for hit in answer.copies if hit.found.edits == ("identical",)} == {
        "fish.png",
        "fish-again.png",
    }


def test_a_pair_marked_as_no_copy_stays_so(copies: Copies) -> None:
    look(copies)
    known = ids(copies)
    copies.mark(known["castle.png"], known["castle-crop.jpg"])
    copies.again()
    look(copies)
    report = copies.report()
    assert names(report) == TWO_GROUPS[:1]
    assert [pair.marked for pair in report.marked] == [True]
    copies.mark(known["castle-crop.jpg"], known["castle.png"], copies=True)
    assert names(copies.report()) == TWO_GROUPS
    with pytest.raises(BadRequest):
        copies.mark(known["fish.png"], known["fish-again.png"])


def test_a_threshold_that_is_none_is_refused(copies: Copies) -> None:
    with pytest.raises(BadRequest):
        copies.report(at_least=1.5)


def test_the_trash_gives_everything_back(copies: Copies, album: Path, library: Library) -> None:
    look(copies)
    before = {path.name: path.read_bytes() for path in album.iterdir()}
    known = ids(copies)
    spare = [one.picture.id for group in copies.report().groups for one in group.members if one.spare]
    moved = copies.trash(spare)
    assert len(moved.paths) == 3
    assert not moved.refused
    assert library.count() == 5
    assert not copies.report().groups
    assert len(copies.held()) == 3
    back = copies.undo()
    assert set(back.paths) == set(moved.paths)
    assert {path.name: path.read_bytes() for path in album.iterdir()} == before
    assert ids(copies).keys() == known.keys()
    assert names(copies.report()) == TWO_GROUPS
    assert not copies.undo().paths


def test_a_file_that_has_changed_is_not_moved(copies: Copies, album: Path) -> None:
    look(copies)
    opened(HAMMER).save(album / "fish-mirror.jpg")
    moved = copies.trash([ids(copies)["fish-mirror.jpg"]])
    assert not moved.paths
    assert "has changed" in moved.refused[0]
    assert (album / "fish-mirror.jpg").is_file()


def test_undo_never_overwrites(copies: Copies, album: Path) -> None:
    copies.trash([ids(copies)["castle-crop.jpg"]])
    (album / "castle-crop.jpg").write_bytes(b"mine")
    back = copies.undo()
    assert not back.paths
    assert back.refused
    assert (album / "castle-crop.jpg").read_bytes() == b"mine"
    (album / "castle-crop.jpg").unlink()
    assert copies.undo().paths == (album / "castle-crop.jpg",)


@pytest.mark.parametrize("step", ["linked", "renamed", "written down"])
def test_what_a_killed_process_left_half_done_is_put_right(
    copies: Copies, album: Path, library: Library, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Killed before the file moved, between its two names, and after it moved but before the row was gone."""
    victim = album / "castle-crop.jpg"
    data = victim.read_bytes()

    class Killed(BaseException):
        pass

    def die(start: Path, end: Path) -> None:
        if step == "linked":
            end.hardlink_to(start)
        if step == "renamed":
            start.rename(end)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("dinoscope.library.trash._moved", die)
        with pytest.raises(Killed):
            copies.trash([ids(copies)["castle-crop.jpg"]])
    copies.undo()  # opens the trash, which mends it
    if step == "renamed":
        assert victim.read_bytes() == data
    assert victim.read_bytes() == data
    assert not copies.held()
    assert library.find(victim) is not None


def test_a_library_open_for_reading_looks_but_moves_nothing(
    copies: Copies, settings: Settings, colours: Colours
) -> None:
    with (
        Session(Library.open(settings.library), settings, colours) as session,
        session.copies() as reading,
    ):
        look(reading)
        assert names(reading.report()) == TWO_GROUPS
        with pytest.raises(LibraryReadOnly):
            reading.trash([ids(reading)["castle-crop.jpg"]])


def test_a_stop_keeps_what_was_compared(copies: Copies, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dinoscope.operations.copies._BLOCK", 2)
    steps = copies.look()
    for step in steps:
        if step.stage == "Comparing":
            break
    steps.close()  # type: ignore[attr-defined]
    key = f"{METHOD} {copies._session.backbone.identity.key}"
    assert len(copies._book.checked(key)) == 2
    look(copies)
    assert names(copies.report()) == TWO_GROUPS
