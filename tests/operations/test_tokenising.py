"""Indexing stores what parts of pictures look like, adds what an older library lacks, and forgets nothing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.operations.conftest import Colours, Index, paint

from dinoscope.errors import DiskFull, NoRegions
from dinoscope.features import normalise
from dinoscope.library.library import Library
from dinoscope.operations import bases, tiling
from dinoscope.operations.indexing import index_folders
from dinoscope.operations.tokenising import Tokeniser
from dinoscope.pictures.decoding import decode
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash
from dinoscope.settings import Settings


def tokens_in(library: Library, model: str) -> int:
    """Contents with region tokens; -1 where the model has none at all."""
    try:
        with library.shelf(model).tokens() as view:
            return view.count
    except NoRegions:
        return -1


def test_every_picture_gets_region_tokens_that_fit_its_patches(
    index: Index, library: Library, colours: Colours, settings: Settings, folder: Path
) -> None:
    index(folder)
    with library.shelf(colours.identity.key).tokens() as view:
        assert view.count == 12
        for path in folder.rglob("*.png"):
            data = path.read_bytes()
            row = view.row_of(content_hash(data))
            assert row is not None
            tokens = view.read(np.array([row]))[0]
            (features,) = colours.encode([decode(data, Limits.of(settings), where="").pixels])
            assert tokens.map.shape == features.patches.shape[:2]
            reduced = view.basis.reduced(features.patches)
            own = normalise(tokens.vectors.astype(np.float32))[tokens.map]
            assert float((reduced * own).sum(axis=2).mean()) > 0.9, "each patch is like its token"


def test_an_older_library_gets_what_it_lacks_and_keeps_its_vectors(
    library: Library, colours: Colours, settings: Settings, folder: Path
) -> None:
    without = replace(settings, regions=False)
    key = colours.identity.key
    assert list(index_folders([folder], library, colours, without))[-1].added == 12
    assert tokens_in(library, key) == -1
    before = library.info().shelves[0].vector_bytes
    last = list(index_folders([folder], library, colours, settings))[-1]
    assert (last.added, last.known, last.completed, last.removed) == (0, 12, 12, 0)
    assert tokens_in(library, key) == 12
    assert library.info().shelves[0].vector_bytes == before
    described = colours.described
    last = list(index_folders([folder], library, colours, settings))[-1]
    assert (last.added, last.known, last.completed) == (0, 12, 0)
    assert colours.described == described, "nothing was encoded again"


def test_copies_and_moved_files_are_not_encoded_for_their_tokens(
    index: Index, library: Library, colours: Colours, folder: Path
) -> None:
    index(folder)
    described = colours.described
    (folder / "a" / "00.png").rename(folder / "b" / "moved.png")
    shutil.copyfile(folder / "a" / "01.png", folder / "copy.png")
    assert index(folder)[-1].known == 13
    assert colours.described == described
    assert tokens_in(library, colours.identity.key) == 12


def test_tokens_of_new_pictures_have_the_librarys_own_basis(
    index: Index, library: Library, colours: Colours, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index(folder)
    before = library.region_basis(colours.identity.key)

    def fitted(*_: object) -> None:
        raise AssertionError("a second basis was fitted")

    monkeypatch.setattr(bases, "basis_of_model", fitted)
    paint(folder / "new.png", 99)
    assert index(folder)[-1].added == 1
    after = library.region_basis(colours.identity.key)
    assert before is not None
    assert after is not None
    np.testing.assert_array_equal(before.projection, after.projection)
    assert tokens_in(library, colours.identity.key) == 13


def test_a_run_that_finds_nothing_new_fits_no_basis(
    index: Index, colours: Colours, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "basis_of_model", lambda *_: pytest.fail("a basis was fitted"))
    (tmp_path / "empty").mkdir()
    assert index(tmp_path / "empty")[-1].finished
    assert colours.described == 0


def test_cancelling_keeps_the_tokens_of_what_is_finished(
    library: Library, colours: Colours, settings: Settings, tmp_path: Path
) -> None:
    for seed in range(40):
        paint(tmp_path / "many" / f"{seed:03}.png", seed)
    steps = index_folders([tmp_path / "many"], library, colours, settings)
    for step in steps:
        if step.added:
            break
    steps.close()  # type: ignore[attr-defined]
    assert 0 < library.count() < 40
    assert tokens_in(library, colours.identity.key) == library.count()


def test_a_failure_beside_the_encoder_is_no_secret(
    library: Library, colours: Colours, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise DiskFull("no room for a basis: make some")

    monkeypatch.setattr("dinoscope.operations.indexing.basis_for", broken)
    with pytest.raises(DiskFull, match="no room for a basis"):
        list(index_folders([folder], library, colours, settings))


def test_memory_is_bounded_while_tokens_wait(
    colours: Colours, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dinoscope.operations.tokenising.AHEAD", 4)
    basis = bases.basis_of_model(colours, settings)
    (features,) = colours.encode([np.zeros((32, 32, 3), np.uint8)])
    with Tokeniser(lambda: basis) as tokeniser:
        for number in range(50):
            tokeniser.add(str(number), features)
            assert str(number) in tokeniser
            running = [future for future in tokeniser._pending.values() if not future.done()]
            assert len(running) <= 5
        regions = tokeniser.take(wait=True)
        assert regions is not None
        assert list(regions.tokens) == [str(number) for number in range(50)]
        assert tokeniser.take(wait=True) is None
        assert "7" not in tokeniser


def fine_in(library: Library, model: str) -> bool:
    with library.shelf(model).tokens() as view:
        return view.fine


def test_a_library_gets_fine_tokens_and_keeps_to_them(
    library: Library, colours: Colours, settings: Settings, folder: Path
) -> None:
    key, finely = colours.identity.key, replace(settings, fine=True)
    list(index_folders([folder], library, colours, settings))
    assert not fine_in(library, key)
    coarse = library.info().shelves[0].region_bytes
    last = list(index_folders([folder], library, colours, finely))[-1]
    assert (last.added, last.completed) == (0, 12)
    assert fine_in(library, key)
    assert tokens_in(library, key) == 12
    shelf = library.info().shelves[0]
    assert shelf.fine
    assert shelf.region_bytes == 12 * (coarse // 12 + tiling.MOST - 256), "those of whole pictures are gone"
    paint(folder / "new.png", 99)
    assert list(index_folders([folder], library, colours, settings))[-1].added == 1
    assert fine_in(library, key)
    assert tokens_in(library, key) == 13
    assert not list(library.verify())
    with library.shelf(key).tokens() as view:
        assert max(view.read(np.array([0]))[0].map.shape) > 16 or tiling.MOST <= 256


def test_fine_tokens_are_read_from_when_they_are_complete(
    library: Library, colours: Colours, settings: Settings, tmp_path: Path
) -> None:
    for seed in range(40):
        paint(tmp_path / "many" / f"{seed:03}.png", seed)
    list(index_folders([tmp_path / "many"], library, colours, settings))
    steps = index_folders([tmp_path / "many"], library, colours, replace(settings, fine=True))
    for step in steps:
        if step.completed:
            break
    steps.close()  # type: ignore[attr-defined]
    assert library.fine(colours.identity.key)
    assert not fine_in(library, colours.identity.key), "a few of them do not hide the rest"
    assert tokens_in(library, colours.identity.key) == 40
    list(index_folders([tmp_path / "many"], library, colours, settings))
    assert fine_in(library, colours.identity.key)
    assert tokens_in(library, colours.identity.key) == 40


def test_forgetting_a_model_forgets_its_fine_tokens(
    library: Library, colours: Colours, settings: Settings, folder: Path
) -> None:
    list(index_folders([folder], library, colours, replace(settings, fine=True)))
    library.drop_model(colours.identity.key)
    assert not library.fine(colours.identity.key)
    assert not list((library.folder / "shelves").iterdir())
