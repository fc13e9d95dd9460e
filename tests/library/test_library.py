"""The door: what is committed is there, once, and can be asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import (
    DIMENSION,
    MODEL,
    OTHER,
    ROOT,
    content,
    file,
    found,
    plant,
    vector,
)

from dinoscope.errors import BadRequest, LibraryReadOnly, NoLibrary, NoSuchModel, NoSuchPicture
from dinoscope.geometry import Size
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import Stamp
from dinoscope.pictures.metadata import Metadata
from dinoscope.pictures.refusal import Refusal


def test_a_picture_comes_back_as_it_went_in(library: Library) -> None:
    taken = datetime(2021, 7, 3, 12, 30, 1, 250_000, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    about = Metadata(taken, "Nikon Z6", "Z 40mm", 27.7, 85.3)
    plant(library, [file(3, "nepal/peak.webp", about, kind="webp", size=Size(4000, 3001))])
    (picture,) = library.page().pictures
    assert picture.path == ROOT / "nepal/peak.webp"
    assert (picture.content, picture.kind, picture.size) == (content(3), "webp", Size(4000, 3001))
    assert picture.metadata == about
    assert picture.modified_at == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert abs(picture.added_at - datetime.now(UTC)) < timedelta(minutes=5)
    assert library.picture(picture.id) == library.find(picture.path) == picture


@pytest.mark.parametrize(
    "name", ["Ünïcode.jpg", "a'b\"c;--.jpg", "new\nline.jpg", "%_\\.jpg", "caf\udce9.jpg"]
)
def test_any_file_name_survives(library: Library, name: str) -> None:
    plant(library, [file(1, f"d\udcff/{name}")])
    assert library.page().pictures[0].path == ROOT / f"d\udcff/{name}"
    assert library.stamp(ROOT / f"d\udcff/{name}") is not None
    assert library.prune(ROOT, {ROOT / f"d\udcff/{name}"}) == 0


def test_a_stamp_tells_an_unchanged_file(library: Library) -> None:
    plant(library, [file(5)])
    assert library.stamp(ROOT / "5.jpg") == Stamp(content(5), 1005, 1_600_000_000_000_000_005)
    assert library.stamp(ROOT / "6.jpg") is None


def test_copies_share_a_vector_and_know_each_other(library: Library) -> None:
    plant(library, [file(1), file(1, "copy.jpg"), file(2)])
    assert library.info().pictures == 3
    assert library.info().contents == library.shelf(MODEL.key).count == 2
    one, copy, other = library.page().pictures
    assert library.copies_of(one.id) == (copy,)
    assert library.copies_of(other.id) == ()
    assert library.pictures_of([content(1), content(9)]) == {content(1): (one, copy)}


def test_a_renamed_file_needs_no_new_vector(library: Library) -> None:
    plant(library, [file(1)])
    library.remove(ids=[library.page().pictures[0].id])
    assert library.has(content(1), MODEL.key)
    assert library.shelf(MODEL.key).count == 0
    library.commit(MODEL, DIMENSION, [file(1, "renamed.jpg")], {})
    assert found(library, 1) == [1]
    assert library.info().shelves[0].dead == 0


def test_a_changed_file_keeps_its_id_and_loses_its_old_vector(library: Library) -> None:
    plant(library, [file(1), file(2)])
    before = library.page().pictures[0]
    plant(library, [file(3, "1.jpg", bytes=77)])
    after = library.picture(before.id)
    assert (after.content, after.bytes, after.added_at) == (content(3), 77, before.added_at)
    assert sorted(found(library, 1, k=5)) == [2, 3]


def test_a_search_answers_best_first_with_exact_cosines(library: Library) -> None:
    plant(library, [file(number) for number in range(50)])
    (answer,) = library.shelf(MODEL.key).search(vector(7)[None], 50)
    scores = {number: float(vector(number) @ vector(7)) for number in range(50)}
    assert [int(one, 16) for one, _ in answer] == sorted(scores, key=lambda number: -scores[number])
    np.testing.assert_allclose(
        [score for _, score in answer], sorted(scores.values(), reverse=True), atol=1e-3
    )


def test_a_search_obeys_its_filter_before_it_counts(album: Library) -> None:
    (answer,) = album.shelf(MODEL.key).search(vector(1)[None], 3, parse_filter("camera~canon"))
    assert [int(one, 16) for one, _ in answer] == [1, 3]


def test_a_copy_that_passes_the_filter_is_enough(album: Library) -> None:
    (answer,) = album.shelf(MODEL.key).search(vector(5)[None], 9, parse_filter("folder=/pictures/copies"))
    assert [one for one, _ in answer] == [content(1)]


def test_several_models_live_side_by_side(library: Library) -> None:
    plant(library, [file(1), file(2)])
    plant(library, [file(2)], OTHER)
    assert library.models() == (MODEL.key, OTHER.key)
    assert found(library, 1, k=5, model=OTHER) == [2]
    assert not library.has(content(1), OTHER.key)
    library.drop_model(MODEL.key)
    assert library.models() == (OTHER.key,)
    assert found(library, 2, model=OTHER) == [2]
    with pytest.raises(NoSuchModel, match="planted"):
        library.shelf(MODEL.key)
    assert len(list((library.folder / "shelves").iterdir())) == 1


def test_a_model_cannot_change_its_dimension(library: Library) -> None:
    plant(library, [file(1)])
    with pytest.raises(BadRequest, match="16 numbers, not 4"):
        library.commit(MODEL, 4, [file(2)], {content(2): vector(2, 4)})


@pytest.mark.parametrize(
    "bad", [vector(2) * 2, vector(2) * np.nan, np.zeros(DIMENSION, np.float32), vector(2, 8)]
)
def test_a_bad_vector_is_refused_and_leaves_no_trace(library: Library, bad: np.ndarray) -> None:
    plant(library, [file(1)])
    with pytest.raises(BadRequest):
        library.commit(MODEL, DIMENSION, [file(2)], {content(2): bad})
    assert library.info().pictures == 1
    assert list(library.verify()) == []


def test_a_file_without_any_vector_is_a_bug_of_the_caller(library: Library) -> None:
    with pytest.raises(ValueError, match="no vector was given"):
        library.commit(MODEL, DIMENSION, [file(1)], {})
    assert library.models() == ()


def test_a_vector_of_a_single_content(album: Library) -> None:
    shelf = album.shelf(MODEL.key)
    np.testing.assert_allclose(shelf.vector(content(3)), vector(3), atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(shelf.vector(content(3))), 1, atol=1e-6)
    for missing in (content(99), "no hash"):
        with pytest.raises(NoSuchPicture, match="index its folder again"):
            shelf.vector(missing)


def test_a_sample_holds_the_living_only_and_repeats(album: Library) -> None:
    shelf = album.shelf(MODEL.key)
    album.remove(parse_filter("kind=png"))
    assert shelf.sample(100).shape == (6, DIMENSION)
    np.testing.assert_array_equal(shelf.sample(3, seed=5), shelf.sample(3, seed=5))
    assert np.abs(shelf.sample(100) @ vector(2)).max() < 0.99


def test_calibration_is_kept_with_the_shelf(library: Library) -> None:
    plant(library, [file(1)])
    assert library.calibration(MODEL.key) is None
    library.set_calibration(MODEL.key, {"mean": 0.1, "quantiles": [0.0, 0.5]})
    assert library.calibration(MODEL.key) == {"mean": 0.1, "quantiles": [0.0, 0.5]}
    assert library.calibration(OTHER.key) is None
    with pytest.raises(NoSuchModel):
        library.set_calibration(OTHER.key, {})


def test_refusals_are_kept_until_the_path_is_indexed_or_no_longer_met(library: Library) -> None:
    library.refuse([Refusal(ROOT / f"{number}.jpg", "first") for number in (1, 2, 3)])
    library.refuse([Refusal(ROOT / "2.jpg", "is not a picture"), Refusal(Path("/elsewhere/x"), "other")])
    plant(library, [file(1)])
    library.prune(ROOT, {ROOT / "1.jpg", ROOT / "2.jpg"})
    assert library.refusals() == (
        Refusal(Path("/elsewhere/x"), "other"),
        Refusal(ROOT / "2.jpg", "is not a picture"),
    )
    assert library.info().refusals == 2


def test_pruning_forgets_what_was_not_met_under_the_root_only(library: Library) -> None:
    plant(
        library, [file(1, "a/1.jpg"), file(2, "a/2.jpg"), file(3, "ab/3.jpg"), file(4, "a/locked/in/4.jpg")]
    )
    assert library.prune(ROOT / "a", {ROOT / "a/1.jpg", ROOT / "a/locked"}) == 1
    assert [picture.path.name for picture in library.page().pictures] == ["1.jpg", "3.jpg", "4.jpg"]


def test_an_unplugged_disk_does_not_empty_the_library(library: Library) -> None:
    plant(library, [file(1), file(2)])
    assert library.prune(ROOT, {ROOT}) == 0  # the walk met nothing but the refusal of the root itself
    assert library.prune(ROOT, ()) == 2


def test_removal_is_by_filter_and_by_id_and_keeps_the_files(album: Library) -> None:
    ids = [picture.id for picture in album.page().pictures]
    assert album.remove(parse_filter("kind=png")) == 1
    assert album.remove(ids=[ids[0], ids[-1], 999]) == 2
    assert sorted(found(album, 1, k=9)) == [3, 4, 5, 6, 7]
    with pytest.raises(NoSuchPicture, match=f"no picture {ids[0]}"):
        album.picture(ids[0])


def test_roots_are_those_with_pictures(library: Library) -> None:
    plant(library, [file(1), file(2, root=Path("/elsewhere"))])
    assert library.info().roots == (Path("/elsewhere"), ROOT)
    library.remove(ids=[2])
    assert library.info().roots == (ROOT,)


def test_facets_count_what_passes(album: Library) -> None:
    facets = album.facets()
    assert facets.kinds == (("jpeg", 6), ("png", 1), ("webp", 1))
    assert facets.years == (("2021", 3), ("2020", 1))
    assert dict(facets.cameras)["Canon EOS 5D"] == 1
    assert dict(facets.folders)["/pictures/a"] == 2
    assert album.facets(parse_filter("kind=png")).cameras == (("Nikon Z6", 1),)
    album.remove(parse_filter("kind=png"))
    assert album.facets().kinds == (("jpeg", 6), ("webp", 1))


def test_what_is_empty_answers_nothing(library: Library) -> None:
    assert library.page().pictures == ()
    assert library.facets().kinds == ()
    assert library.info().shelves == ()
    library.commit(MODEL, DIMENSION, [], {})
    assert library.shelf(MODEL.key).search(vector(1)[None], 3) == [[]]
    assert library.shelf(MODEL.key).sample(5).shape == (0, DIMENSION)
    assert list(library.verify()) == []


def test_a_reader_follows_the_writer(library: Library, folder: Path) -> None:
    plant(library, [file(1)])
    with Library.open(folder) as reader:
        assert found(reader, 2, k=5) == [1]
        plant(library, [file(2)])
        assert found(reader, 2, k=5) == [2, 1]
        assert reader.count() == 2
        library.remove(ids=[1])
        library.compact()
        assert found(reader, 2, k=5) == [2]
        assert reader.page().total == 1


def test_many_threads_may_ask_at_once_while_one_writes(library: Library) -> None:
    plant(library, [file(number) for number in range(20)])
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(40):
            try:
                if found(library, 3) != [3]:
                    wrong.append("another picture")
            except Exception as error:  # noqa: BLE001 - whatever a thread dies of must fail the test
                wrong.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(20, 60):
        plant(library, [file(number)])
        if number % 10 == 0:
            library.remove(ids=[number - 15])
            library.compact()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_reader_cannot_write(library: Library, folder: Path) -> None:
    plant(library, [file(1)])
    with Library.open(folder) as reader:
        assert reader.read_only
        acts: list[Callable[[], object]] = [
            lambda: plant(reader, [file(2)]),
            lambda: reader.remove(ids=[1]),
            lambda: reader.refuse([]),
            reader.compact,
            reader.optimise,
        ]
        for act in acts:
            with pytest.raises(LibraryReadOnly, match="opened for reading only"):
                act()


def test_there_is_no_library_where_none_was_made(tmp_path: Path) -> None:
    with pytest.raises(NoLibrary, match="index a folder"):
        Library.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()
    (tmp_path / "file").touch()
    with pytest.raises(NoLibrary, match="is a file"):
        Library.open(tmp_path / "file", write=True)


def test_a_library_opened_again_has_everything(folder: Path) -> None:
    with Library.open(folder, write=True) as first:
        plant(first, [file(number) for number in range(5)])
        first.put_thumbnail(content(1), b"RIFF\x04\x00\x00\x00WEBP")
    for write in (False, True):
        with Library.open(folder, write=write) as again:
            assert found(again, 4) == [4]
            assert again.thumbnail(content(1)) == b"RIFF\x04\x00\x00\x00WEBP"
            assert list(again.verify()) == []


def test_closing_twice_is_fine_and_using_it_afterwards_is_not(folder: Path) -> None:
    library = Library.open(folder, write=True)
    library.close()
    library.close()
    with pytest.raises(ValueError, match="closed"):
        library.count()
