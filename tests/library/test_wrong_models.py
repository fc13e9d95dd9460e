"""Vectors of another model never get in, and are never compared: one sentence each, and nothing is lost."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.library.conftest import DIMENSION, MODEL, OTHER, content, file, found, plant, vector

from dinoscope.errors import BadRequest, NoSuchModel
from dinoscope.library import optimising
from dinoscope.library.library import Library


def test_an_identity_keeps_its_size(library: Library) -> None:
    plant(library, [file(1)])
    with pytest.raises(BadRequest, match="have 16 numbers, not 24: a model identity cannot change its size"):
        library.commit(MODEL, 24, [file(2)], {content(2): vector(2, 24)})
    assert library.count() == 1
    assert found(library, 1) == [1]
    assert list(library.verify()) == []


def test_a_vector_that_is_not_of_the_size_said_does_not_get_in(library: Library) -> None:
    with pytest.raises(BadRequest, match=r"vectors of shape \(1, 24\) do not fit a shelf of 16 numbers"):
        library.commit(MODEL, DIMENSION, [file(2)], {content(2): vector(2, 24)})
    assert (library.count(), library.models()) == (0, ())


@pytest.mark.parametrize("border", [100, 10**6])
def test_a_query_of_another_size_is_refused(
    library: Library, monkeypatch: pytest.MonkeyPatch, border: int
) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", border)
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    with pytest.raises(BadRequest, match="cannot be compared with vectors of 16 numbers"):
        library.shelf(MODEL.key).search(vector(1, 24)[None], 1)


def test_other_weights_or_precision_are_another_model(library: Library) -> None:
    """They have the same name and size, so nothing but the identity tells their vectors apart."""
    plant(library, [file(1)])
    for changed in (replace(MODEL, weights="f" * 16), replace(MODEL, precision="int8"), OTHER):
        with pytest.raises(NoSuchModel, match="index with that model"):
            library.shelf(changed.key).search(vector(1)[None], 1)
    other = replace(MODEL, precision="int8")
    library.commit(other, DIMENSION, [file(2)], {content(2): -vector(1)})
    assert found(library, 1, k=5) == [1]
    (answer,) = library.shelf(other.key).search(vector(1)[None], 5)
    assert [(int(one, 16), round(score, 2)) for one, score in answer] == [(2, -1.0)]


def test_an_index_of_another_library_is_noticed_and_made_anew(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optimising, "EXACT_UP_TO", 100)
    plant(library, [file(number) for number in range(200)])
    library.optimise()
    with Library.open(tmp_path / "another", write=True) as another:
        plant(another, [file(number) for number in range(500, 900)])
        another.optimise()
    mine, theirs = (
        next(folder.glob("shelves/1/engine-*")) for folder in (library.folder, tmp_path / "another")
    )
    for name in [path.name for path in theirs.iterdir()]:  # sums and all
        shutil.copy(theirs / name, mine / name)
    with Library.open(library.folder) as reader:
        assert found(reader, 7) == [7]
    assert ["cannot be loaded" in finding.what for finding in library.verify()] == [True]
    library.compact()
    assert list(library.verify()) == []
    assert found(library, 7) == [7]
    assert np.isclose(library.shelf(MODEL.key).search(vector(7)[None], 1)[0][0][1], 1, atol=1e-3)
