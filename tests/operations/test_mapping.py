"""The library's map: alike by alike, kept, grown without moving anything, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from dinoscope.errors import BadRequest, NoSuchModel
from dinoscope.features import FloatArray, normalise
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import NewFile
from dinoscope.models.backbone import ModelIdentity
from dinoscope.operations import mapping, projecting
from dinoscope.operations.mapping import LibraryMap, kept_map, lay_out, passing
from dinoscope.operations.projecting import APART, SCATTER, place, project

MODEL = ModelIdentity("planted", "0123456789abcdef", "fit256", "fp32")
DIMENSION = 24


def kinds(count: int, seed: int = 0) -> FloatArray:
    """(count, D) unit vectors of four kinds in turn, far apart."""
    rng = np.random.default_rng(seed)
    middles = np.eye(4, DIMENSION, dtype=np.float32)
    return normalise(
        middles[np.arange(count) % 4] + 0.15 * rng.standard_normal((count, DIMENSION)).astype(np.float32)
    )


def plant(library: Library, vectors: FloatArray, first: int = 0) -> None:
    from tests.library.conftest import content, file

    numbers = range(first, first + len(vectors))
    files: list[NewFile] = [
        file(number, f"{'even' if number % 2 == 0 else 'odd'}/{number}.jpg") for number in numbers
    ]
    library.commit(
        MODEL,
        DIMENSION,
        files,
        {content(number): vector for number, vector in zip(numbers, vectors, strict=True)},
    )


def made(library: Library, *, again: bool = False) -> LibraryMap:
    (last,) = [step.map for step in lay_out(library, MODEL.key, again=again, method="pca") if step.map]
    return last


def test_who_is_alike_lies_together(library: Library) -> None:
    plant(library, kinds(80))
    found = made(library)
    assert found.pictures.tolist() == sorted(found.pictures.tolist())
    assert ((found.places >= 0) & (found.places <= 1)).all()
    apart = np.linalg.norm(found.places[:, None] - found.places[None], axis=2)
    kind = np.arange(80) % 4
    inside = apart[kind[:, None] == kind[None]].mean()
    assert inside < 0.5 * apart[kind[:, None] != kind[None]].mean()


def test_new_pictures_are_placed_and_nothing_moves(library: Library) -> None:
    plant(library, kinds(80))
    before = made(library)
    plant(library, kinds(12, seed=1), first=80)
    assert kept_map(library, MODEL.key) is None, "it lacks some"
    after = made(library)
    assert len(after) == 92
    np.testing.assert_array_equal(after.places[:80], before.places)
    assert after.fitted.tolist() == [True] * 80 + [False] * 12
    for new in range(80, 92):
        apart = np.linalg.norm(before.places - after.places[new], axis=1)
        assert (np.argsort(apart)[:3] % 4 == new % 4).all(), "among its own kind"
    again = kept_map(library, MODEL.key)
    assert again is not None
    np.testing.assert_array_equal(again.places, after.places)


def test_what_is_removed_is_left_out_and_comes_back_to_its_place(library: Library) -> None:
    plant(library, kinds(40))
    before = made(library)
    library.remove(ids=before.pictures[:3].tolist())
    after = made(library)
    np.testing.assert_array_equal(after.pictures, before.pictures[3:])
    np.testing.assert_array_equal(after.places, before.places[3:])
    library.compact()
    np.testing.assert_array_equal(made(library).places, before.places[3:])


def test_a_library_that_has_outgrown_its_map_gets_a_new_one(library: Library) -> None:
    plant(library, kinds(12))
    assert made(library).fitted.all()
    plant(library, kinds(60, seed=1), first=12)
    found = made(library)
    assert len(found) == 72
    assert found.fitted.all()


def test_a_library_whose_pictures_were_exchanged_gets_a_new_one(library: Library) -> None:
    """Else all of the new ones were placed at the few that are left."""
    plant(library, kinds(40))
    before = made(library)
    plant(library, kinds(60, seed=1), first=40)
    library.remove(ids=before.pictures[1:].tolist())
    found = made(library)
    assert len(found) == 61
    assert found.fitted.all()
    assert np.ptp(found.places, axis=0).max() > 0.8


def test_only_so_many_are_fitted(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapping, "FITTED", 40)
    monkeypatch.setattr(projecting, "AT_ONCE", 16)
    monkeypatch.setattr(mapping, "AT_ONCE", 16)
    plant(library, kinds(200))
    steps = list(lay_out(library, MODEL.key, method="pca"))
    found = steps[-1].map
    assert found is not None
    assert int(found.fitted.sum()) == 40
    assert [step.done for step in steps if step.stage == "Placing"][-1] == 160
    apart = np.linalg.norm(found.places[:, None] - found.places[None], axis=2)
    np.fill_diagonal(apart, 9)
    assert ((apart.argmin(axis=1) % 4) == np.arange(200) % 4).mean() > 0.95


def test_again_makes_it_anew_and_the_same(library: Library) -> None:
    plant(library, kinds(40))
    np.testing.assert_array_equal(made(library).places, made(library, again=True).places)


@pytest.mark.parametrize("spoilt", [b"", b"PK\x03\x04 nonsense", b"\x93NUMPY"])
def test_a_spoilt_map_is_made_anew(library: Library, spoilt: bytes) -> None:
    plant(library, kinds(20))
    before = made(library)
    (kept,) = (library.folder / "maps").iterdir()
    kept.write_bytes(spoilt)
    np.testing.assert_array_equal(made(library).places, before.places)
    assert kept.stat().st_size > 100


def test_a_folder_that_cannot_be_written_costs_only_time(library: Library) -> None:
    plant(library, kinds(20))
    (library.folder / "maps").write_bytes(b"a file in the way")
    assert len(made(library)) == 20


def test_which_pass_a_filter(library: Library) -> None:
    plant(library, kinds(20))
    found = made(library)
    where = parse_filter("path~odd")
    assert where is not None
    np.testing.assert_array_equal(passing(library, found, where), np.arange(20) % 2 == 1)


def test_empty_libraries_and_models_that_never_were(library: Library) -> None:
    with pytest.raises(NoSuchModel):
        list(lay_out(library, MODEL.key))
    plant(library, kinds(2))
    library.remove(ids=made(library).pictures.tolist())
    with pytest.raises(BadRequest, match="nothing to map"):
        list(lay_out(library, MODEL.key))


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_few_pictures_have_a_map_too(library: Library, count: int) -> None:
    plant(library, kinds(count))
    found = made(library)
    assert len(np.unique(found.places, axis=0)) == count


def test_equal_pictures_do_not_break_it() -> None:
    places = project(np.repeat(kinds(1), 30, axis=0), "pca")
    assert np.isfinite(places).all()


def test_nothing_is_placed_between_two_neighbourhoods() -> None:
    anchors = kinds(8)[[0, 4, 1, 5]]  # two of a kind, two of another
    places = np.array([[0.1, 0.1], [0.12, 0.1], [0.9, 0.9], [0.88, 0.9]], np.float32)
    between = normalise(0.51 * anchors[:1] + 0.49 * anchors[2:3])
    (found,) = place(between, np.array([7], np.uint64), anchors, places)
    assert min(np.linalg.norm(places - found, axis=1)) < APART + SCATTER


@pytest.mark.extra
def test_pacmap_keeps_neighbourhoods() -> None:
    pytest.importorskip("pacmap")
    vectors = kinds(200)
    places = project(vectors, "pacmap")
    np.testing.assert_array_equal(places, project(vectors, "pacmap"))
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    np.fill_diagonal(apart, 9)
    assert ((apart.argmin(axis=1) % 4) == np.arange(200) % 4).all()
