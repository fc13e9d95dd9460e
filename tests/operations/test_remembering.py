"""Things with a name: taught, found or not, corrected, forgotten, kept whole."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.operations.conftest import Colours, Index

from dinoscope.errors import BadRequest, NoSuchObject
from dinoscope.features import Features, Pixels, normalise
from dinoscope.geometry import Box, Mask
from dinoscope.library.library import Library
from dinoscope.operations.recognising import best_two
from dinoscope.operations.remembering import Objects
from dinoscope.operations.session import Session
from dinoscope.settings import Settings

SIDE = 48  # of the thing
OTHER = np.full((SIDE, SIDE, 3), (210, 40, 60), np.uint8)  # another thing


class Patterns(Colours):
    """Patches that know their pixels: 4 x 4 colours of each."""

    def _features(self, pixels: Pixels, budget: int | None) -> Features:
        seen = super()._features(pixels, budget)
        grid = seen.grid
        small = Image.fromarray(pixels).resize((4 * grid.columns, 4 * grid.rows), Image.Resampling.BOX)
        split = (np.asarray(small, np.float32) - 127.3).reshape(grid.rows, 4, grid.columns, 4, 3)
        patches = split.transpose(0, 2, 1, 3, 4).reshape(grid.rows, grid.columns, 48)
        return replace(seen, patches=normalise(patches))


@pytest.fixture
def colours() -> Patterns:
    return Patterns("patterns")


def thing(seed: int = 1) -> Pixels:
    """A patterned square, in colours of its own."""
    dice = np.random.default_rng(seed)
    small = dice.integers(0, 256, (5, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def scene(
    seed: int, place: tuple[int, int] | None, what: Pixels, size: tuple[int, int] = (200, 160)
) -> Pixels:
    """Soft greyish ground, and the thing with its top left corner at a place."""
    dice = np.random.default_rng(seed)
    ground = dice.integers(90, 150, (4, 5, 3), np.uint8)
    picture = np.array(Image.fromarray(ground).resize(size, Image.Resampling.BICUBIC))
    if place is not None:
        x, y = place
        picture[y : y + SIDE, x : x + SIDE] = what
    return picture


def box(x: int, y: int) -> Box:
    return Box(x, y, x + SIDE, y + SIDE)


@pytest.fixture
def objects(session: Session) -> Objects:
    return session.objects


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One thing, from two photos: teaching takes a second."""
    settings = Settings(
        library=tmp_path_factory.mktemp("taught"), cache=tmp_path_factory.getbasetemp() / "cache"
    )
    with Session(Library.open(settings.library, write=True), settings, Patterns("patterns")) as session:
        photos = [(scene(10, (30, 40), thing()), box(30, 40)), (scene(11, (110, 90), thing()), box(110, 90))]
        done = session.objects.remember("Car Keys", *photos)
        assert done.notes == ()
        assert [view.box for view in done.thing.views] == [box(30, 40), box(110, 90)]
        return session.objects.export("car keys")


@pytest.fixture
def taught(objects: Objects, exported: bytes) -> Objects:
    objects.import_(exported)
    return objects


def test_it_is_found_where_it_is_and_outlined(taught: Objects) -> None:
    found = taught.where("car keys", scene(20, (80, 20), thing()))
    assert len(found) == 1
    assert found[0].name == "Car Keys"
    assert found[0].box.overlap(box(80, 20)) > 0.6
    inside = found[0].mask_in_picture().pixels
    truth = np.zeros_like(inside)
    truth[20 : 20 + SIDE, 80 : 80 + SIDE] = True
    assert (inside & truth).sum() / (inside | truth).sum() > 0.7


def test_it_is_not_where_it_is_not(taught: Objects) -> None:
    assert taught.where("car keys", scene(21, None, thing())) == ()
    assert taught.where("car keys", scene(22, (80, 20), OTHER)) == ()


def test_two_of_it_are_two_sightings(taught: Objects) -> None:
    picture = scene(23, (10, 10), thing(), (300, 160))
    picture[90 : 90 + SIDE, 220 : 220 + SIDE] = thing()
    found = taught.where("car keys", picture)
    assert len(found) == 2
    assert max(one.box.overlap(box(10, 10)) for one in found) > 0.5
    assert max(one.box.overlap(box(220, 90)) for one in found) > 0.5


def test_names_are_one_whatever_their_case(taught: Objects) -> None:
    with pytest.raises(BadRequest, match=r"'CAR keys' is known already: add to it with --also"):
        taught.remember("CAR keys", (scene(12, (30, 40), thing()), box(30, 40)))
    more = taught.remember("CAR keys", (scene(12, (30, 40), thing()), box(30, 40)), also=True)
    assert (more.thing.name, len(more.thing.views)) == ("Car Keys", 3)


def test_a_box_on_nothing_is_refused(objects: Objects) -> None:
    plain = np.full((100, 100, 3), 128, np.uint8)
    with pytest.raises(BadRequest, match="there is nothing at 20,20,60,60 of the picture"):
        objects.remember("nothing", (plain, Box(20, 20, 60, 60)))
    with pytest.raises(BadRequest, match="lies outside the picture"):
        objects.remember("nothing", (plain, Box(200, 20, 260, 60)))
    assert objects.all() == []


def test_what_is_alike_in_itself_and_unlike_the_rest_is_proposed(objects: Objects) -> None:
    picture = np.full((160, 200, 3), (120, 140, 90), np.uint8)
    picture[50 : 50 + SIDE, 60 : 60 + SIDE] = OTHER
    (seen,) = objects.outlined((picture, None))
    assert seen.box.overlap(box(60, 50)) > 0.6
    with pytest.raises(BadRequest, match="nothing stands out in the picture"):
        objects.outlined((np.full((100, 100, 3), 128, np.uint8), None))


def test_a_wrong_photo_is_told(objects: Objects) -> None:
    photos = [(scene(seed, (60, 50), thing()), box(60, 50)) for seed in (10, 11)]
    done = objects.remember("keys", *photos, (scene(12, (60, 50), OTHER), box(60, 50)))
    assert len(done.notes) == 1
    assert "does not look like the other photos of 'keys'" in done.notes[0]


def test_two_names_for_one_thing_are_told_and_do_not_hide_it(taught: Objects) -> None:
    done = taught.remember("the keys", (scene(13, (60, 50), thing()), box(60, 50)))
    assert any("looks like 'Car Keys'" in note for note in done.notes)
    picture = scene(24, (100, 60), thing())
    assert taught.where("car keys", picture)
    assert taught.where("the keys", picture)


def test_what_it_is_not_is_learnt_and_stays_learnt(taught: Objects, session: Session) -> None:
    picture = scene(25, (80, 20), thing())
    found = taught.where("car keys", picture)
    taught.correct_sighting("car keys", picture, found[0], "no")
    assert taught.where("car keys", picture) == ()
    again = Objects(session)
    assert again.where("car keys", picture) == ()
    assert [view.kind for view in again.get("car keys").views] == ["taught", "taught", "no"]


def test_what_is_forgotten_is_nowhere(taught: Objects, session: Session) -> None:
    folder = session.library.folder / "objects"
    kept = [path for path in folder.iterdir() if path.suffix == ".npz"]
    handle = kept[0].open("rb")  # as a backup that still holds the file would
    taught.forget("CAR KEYS")
    with handle:
        assert set(handle.read()) <= {0}
    assert [path.name for path in folder.iterdir()] == ["writer.lock"]
    with pytest.raises(NoSuchObject, match="no object called 'car keys': nothing was taught yet"):
        taught.where("car keys", scene(20, (80, 20), thing()))
    with pytest.raises(NoSuchObject):
        taught.forget("car keys")


def test_a_thing_goes_through_a_file(taught: Objects) -> None:
    data = taught.export("car keys")
    with pytest.raises(BadRequest, match="'Car Keys' is known already"):
        taught.import_(data)
    taught.forget("car keys")
    assert taught.import_(data, "Mum's keys").name == "Mum's keys"
    assert taught.where("mum's keys", scene(20, (80, 20), thing()))


def test_a_file_that_is_none_is_refused(objects: Objects) -> None:
    for data in (b"", b"PK\x03\x04 nonsense", bytes(1000)):
        with pytest.raises(BadRequest, match="the file is no object that Dinoscope exported"):
            objects.import_(data)


def test_a_file_with_impossible_numbers_is_refused(objects: Objects, exported: bytes) -> None:
    with np.load(io.BytesIO(exported)) as kept:
        arrays = dict(kept)
    for name, value in (("0_poses", 255), ("0_weights", np.nan), ("1_null", 0)):
        spoilt = arrays | {name: np.full_like(arrays[name], value)}
        buffer = io.BytesIO()
        np.savez(buffer, **spoilt)
        with pytest.raises(BadRequest, match="the file is no object that Dinoscope exported"):
            objects.import_(buffer.getvalue())
    assert objects.all() == []


def test_a_mask_is_taken_as_it_is(objects: Objects) -> None:
    inside = np.zeros((160, 200), np.bool_)
    inside[50 : 50 + SIDE, 60 : 60 + SIDE] = True
    done = objects.remember("keys", (scene(10, (60, 50), thing()), Mask(inside)))
    view = done.thing.views[0]
    assert view.box == box(60, 50)
    assert abs(view.mask.mean() - (1 / 1.7) ** 2) < 0.02


def test_a_folder_is_looked_through(taught: Objects, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    Image.fromarray(scene(30, (20, 70), thing())).save(folder / "a.png")
    Image.fromarray(scene(31, None, thing())).save(folder / "b.png")
    (folder / "c.png").write_bytes(b"no picture")
    looked = {one.path.name: one for one in taught.where_in_folder("car keys", folder)}
    assert len(looked["a.png"].sightings) == 1
    assert looked["b.png"].sightings == ()
    assert looked["b.png"].refusal is None
    assert looked["c.png"].refusal is not None


def test_the_library_says_where_and_where_not(taught: Objects, tmp_path: Path, index: Index) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for seed in range(30, 36):
        place = (20, 70) if seed == 33 else None
        Image.fromarray(scene(seed, place, thing())).save(folder / f"{seed}.png")
    index(folder)
    answer = taught.where_in_library("car keys")
    assert [one.picture.path.name for one in answer.found] == ["33.png"]
    assert answer.found[0].sightings[0].box.overlap(box(20, 70)) > 0.5
    assert (answer.searched, answer.missing) == (6, 0)
    named = taught.where_in_library("car keys", look=False)
    assert named.likely[0].path.name == "33.png"
    assert len(named.likely) == answer.looked_at
    assert (named.found, named.looked_at) == ((), 0)
    assert "none seen from near" in named.sentence
    (folder / "33.png").unlink()
    assert taught.where_in_library("car keys").found == ()


def test_a_thing_has_another_name_afterwards(taught: Objects) -> None:
    assert taught.rename("CAR KEYS", "Mum's keys").name == "Mum's keys"
    assert [one.name for one in taught.all()] == ["Mum's keys"]
    assert taught.where("mum's keys", scene(20, (80, 20), thing()))
    assert taught.rename("mum's keys", "MUM'S KEYS").name == "MUM'S KEYS"
    taught.remember("cup", (scene(14, (60, 50), OTHER), box(60, 50)))
    with pytest.raises(BadRequest, match="'Cup' is known already"):
        taught.rename("mum's keys", "Cup")
    with pytest.raises(NoSuchObject):
        taught.rename("car keys", "my keys")
    assert [one.name for one in taught.all()] == ["cup", "MUM'S KEYS"]


def test_a_wrong_photo_and_a_wrong_word_are_taken_back(taught: Objects) -> None:
    picture = scene(25, (80, 20), thing())
    taught.correct("car keys", picture, box(80, 20), "no")
    assert taught.where("car keys", picture) == ()
    taught.drop("car keys", 2)
    assert taught.where("car keys", picture)
    assert [view.box for view in taught.drop("car keys", 0).views] == [box(110, 90)]
    with pytest.raises(BadRequest, match="the only photo of 'Car Keys'"):
        taught.drop("car keys", 0)
    with pytest.raises(BadRequest, match="has 1 views"):
        taught.drop("car keys", 1)


def test_what_would_be_remembered_is_shown_and_nothing_kept(objects: Objects) -> None:
    photo = scene(10, (60, 50), thing())
    (seen,) = objects.outlined((photo, box(60, 50)))
    assert seen.box == box(60, 50)
    assert abs(seen.mask.mean() - (1 / 1.7) ** 2) < 0.12
    assert objects.all() == []
    assert objects.remember("keys", (photo, box(60, 50))).thing.views[0].mask.mean() == seen.mask.mean()


def test_where_it_was_is_looked_at_first(taught: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    encode = Patterns.encode

    def counted(self: Patterns, pictures: list[Pixels], budget: int | None = None) -> list[Features]:
        asked.append(len(pictures))
        return encode(self, pictures, budget)

    monkeypatch.setattr(Patterns, "encode", counted)
    picture = scene(23, (84, 24), thing())
    (found,) = taught.where("car keys", picture, last=[box(80, 20)])
    assert found.box.overlap(box(84, 24)) > 0.6
    assert sum(asked) <= 4
    moved = scene(23, (10, 100), thing())
    (again,) = taught.where("car keys", moved, last=[found.box])
    assert again.box.overlap(box(10, 100)) > 0.6
    assert taught.where("car keys", scene(23, None, thing()), last=[found.box]) == ()


def test_two_photos_count_and_one_of_another_side_takes_little_away() -> None:
    assert best_two([0.9, 0.1, 0.7], 0.4) == pytest.approx(0.8)
    assert best_two([0.9, -5.0], 0.4) == pytest.approx(0.7)
    assert best_two([0.9], 0.4) == 0.9
