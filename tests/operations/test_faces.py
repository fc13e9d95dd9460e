"""What a library does with faces: every door, what it keeps, and the proof that nothing is left."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.operations.conftest import Colours

import dinoscope
from dinoscope.errors import FaceRefused, FacesUnchecked
from dinoscope.features import Features
from dinoscope.geometry import Box, PatchGrid, Size
from dinoscope.library import faces
from dinoscope.library.library import Library
from dinoscope.operations.hiding import without_faces
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.opening import encode
from dinoscope.operations.progress import Progress
from dinoscope.operations.rechecking import recheck, take_out
from dinoscope.operations.session import Session
from dinoscope.operations.traces import traces_of
from dinoscope.pictures import faces as detector
from dinoscope.pictures.gate import gate
from dinoscope.settings import Settings

FACES = Path(__file__).parent.parent / "faces"
Left = Callable[[str], list[str]]


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A person and a cat."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("astronaut.jpg", "chelsea.jpg"):
        shutil.copy(FACES / name, folder / name)
    return folder


def indexed(settings: Settings, folder: Path, mode: str) -> Progress:
    settings = replace(settings, faces=mode, regions=False)
    with Library.open(settings.library, write=True) as library:
        return list(index_folders([folder], library, Colours(), settings))[-1]


def names(settings: Settings) -> list[str]:
    with Library.open(settings.library) as library:
        return sorted(one.path.name for one in library.page().pictures)


@pytest.fixture
def left(settings: Settings, pictures: Path) -> Left:
    """What is left of a picture, by its name."""

    def found(name: str) -> list[str]:
        with Library.open(settings.library) as library:
            places = [settings.library]
            traces = traces_of(
                (FACES / name).read_bytes(), library, Colours(), settings, places=places, where=name
            )
            return sorted({trace.what.partition(" (")[0] for trace in traces})

    return found


def test_block_leaves_no_trace_and_the_cat_leaves_every_one(
    settings: Settings, pictures: Path, left: Left
) -> None:
    last = indexed(settings, pictures, "block")
    assert (last.added, last.refused) == (1, 1)
    assert names(settings) == ["chelsea.jpg"]
    assert left("astronaut.jpg") == []
    assert left("chelsea.jpg") == [
        "a picture the model cannot tell from it",
        "its content's name",
        "its descriptor",
        "its thumbnail",
    ]
    with Library.open(settings.library) as library:
        (refusal,) = library.refusals()
    assert refusal.path.name == "astronaut.jpg"
    assert "looks like a human face" in refusal.sentence


def test_a_private_library_lets_them_in_until_it_is_told_otherwise(
    settings: Settings, pictures: Path, left: Left
) -> None:
    assert indexed(settings, pictures, "auto").added == 2
    assert faces.kept(settings.library) == "allow"
    assert "its descriptor" in left("astronaut.jpg")
    with Library.open(settings.library, write=True) as library:
        steps = list(recheck(library, settings))
        assert [step.done for step in steps] == [1, 2]
        (found,) = [step.face for step in steps if step.face]
        assert found.path.name == "astronaut.jpg"
        assert take_out(library, [found.id]) == 1
    assert left("astronaut.jpg") == [], "neither row nor vector nor thumbnail is left"
    assert names(settings) == ["chelsea.jpg"]


def test_one_whose_file_is_gone_is_judged_by_its_thumbnail(settings: Settings, pictures: Path) -> None:
    indexed(settings, pictures, "allow")
    (pictures / "astronaut.jpg").unlink()
    (pictures / "chelsea.jpg").unlink()
    with Library.open(settings.library) as library:
        assert [step.face.path.name for step in recheck(library, settings) if step.face] == ["astronaut.jpg"]


def test_a_library_keeps_the_stricter_mode(settings: Settings, pictures: Path) -> None:
    (pictures / "astronaut.jpg").rename(pictures.parent / "later.jpg")
    indexed(settings, pictures, "block")
    (pictures.parent / "later.jpg").rename(pictures / "later.jpg")
    assert indexed(settings, pictures, "allow").refused == 1, "it is not filled because a flag says so"
    assert indexed(settings, pictures, "auto").refused == 1
    faces.keep(settings.library, "allow")
    assert indexed(settings, pictures, "auto").added == 1, "whoever owns it may change it"
    assert indexed(settings, pictures, "block").refused == 0, "what is there stays"
    assert faces.kept(settings.library) == "allow", "one run's flag is one run's"


def test_a_library_with_pictures_from_before_lets_faces_in(settings: Settings, pictures: Path) -> None:
    indexed(settings, pictures, "allow")
    (settings.library / faces.FILE).unlink()
    indexed(settings, pictures, "block")
    assert faces.kept(settings.library) == "allow"


@pytest.mark.parametrize("said", ["", "{", "[]", '{"faces": "maybe"}', '{"faces": 1}', "{}"])
def test_a_word_nobody_understands_keeps_faces_out(said: str, tmp_path: Path) -> None:
    (tmp_path / faces.FILE).write_text(said)
    assert faces.kept(tmp_path) == "block"
    assert faces.mode_of("allow", tmp_path) == "block"


def test_a_shard_keeps_what_its_library_keeps(tmp_path: Path) -> None:
    shard = tmp_path / "shard-0000"
    shard.mkdir()
    (shard / "shard.json").write_text("{}")
    faces.keep(tmp_path, "blur")
    assert faces.kept(shard) == "blur"


def test_what_the_model_knows_of_a_blurred_face(settings: Settings, pictures: Path) -> None:
    for mode, seen in (("blur", False), ("drop-patches", True)):
        own = replace(settings, library=settings.library / mode, faces=mode, regions=False)
        with Library.open(own.library, write=True) as library:
            list(index_folders([pictures], library, Colours(), own))
            person = library.find(pictures / "astronaut.jpg")
            assert person is not None
            kept = library.thumbnail(person.content)
            vector = library.shelf(library.models()[0]).vector(person.content)
        assert kept is not None
        path = own.library.parent / f"{mode}.webp"
        path.write_bytes(kept)
        assert gate(np.asarray(Image.open(path).convert("RGB"))).face is seen
        plain = Colours().describe([np.asarray(Image.open(FACES / "astronaut.jpg").convert("RGB"))])[0]
        assert float(vector @ plain) < 0.9999


def test_every_way_to_ask_with_a_picture_passes_the_gate(settings: Settings, pictures: Path) -> None:
    indexed(settings, pictures, "block")
    path = pictures / "astronaut.jpg"
    image = Image.open(path)
    with Session(Library.open(settings.library), settings, Colours()) as session:
        assert session.settings.faces == "block", "as the library keeps it"
        for like in (path, str(path), path.read_bytes(), image, np.asarray(image)):
            with pytest.raises(FaceRefused):
                session.search(like)
            with pytest.raises(FaceRefused):
                session.encode(like)
        assert session.search(pictures / "chelsea.jpg").hits


def test_a_broken_detector_stops_an_indexing_before_it_begins(
    settings: Settings, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detector, "CHECKSUM", "0")
    detector._session.cache_clear()
    try:
        with pytest.raises(FacesUnchecked, match="so none is taken in"):
            indexed(settings, pictures, "block")
    finally:
        detector._session.cache_clear()
    with Library.open(settings.library) as library:
        assert library.count() == 0


def test_encoding_without_a_library_obeys_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DINOSCOPE_FACES", "block")
    for ask in (encode, lambda picture: dinoscope.match(picture, picture)):
        with pytest.raises(FaceRefused):
            ask(FACES / "astronaut.jpg")


def test_patches_under_a_face_become_their_neighbours() -> None:
    rng = np.random.default_rng(0)
    patches = rng.normal(size=(4, 5, 8)).astype(np.float32)
    features = Features(
        "m",
        PatchGrid(4, 5, 10, Size(50, 40)),
        np.ones(8, np.float32),
        patches,
        np.ones((1, 4, 5), np.float32),
    )
    dropped = without_faces(features, [Box(12, 12, 28, 18)])  # rows 1, columns 1 and 2
    changed = (dropped.patches != patches).any(axis=2)
    assert np.argwhere(changed).tolist() == [[1, 1], [1, 2]]
    beside = {
        tuple(patches[row, column]) for row in range(4) for column in range(5) if not changed[row, column]
    }
    assert all(tuple(dropped.patches[row, column]) in beside for row, column in ((1, 1), (1, 2)))
    assert without_faces(features, []) is features
    nothing_left = without_faces(features, [Box(0, 0, 50, 40)])
    assert (nothing_left.patches == 1).all()


def test_the_file_says_it_plainly(settings: Settings, pictures: Path) -> None:
    indexed(settings, pictures, "blur")
    assert json.loads((settings.library / "faces.json").read_text()) == {"faces": "blur"}
