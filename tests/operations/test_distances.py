"""Distances: cosines against the library's pairs, those alike together, and which patches make them so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dinoscope.errors import BadRequest, NoSuchModel, NoSuchPicture
from dinoscope.features import Features, FloatArray, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.library.library import Library
from dinoscope.operations.calibration import Calibration, percent
from dinoscope.operations.distances import MOST, distances, distances_of, why
from dinoscope.operations.session import Session

Index = Callable[..., list[object]]


def unit(rng: np.random.Generator, *shape: int) -> FloatArray:
    return normalise(rng.standard_normal(shape).astype(np.float32))


def test_a_percentile_is_the_share_of_pairs_that_are_less_alike(rng: np.random.Generator) -> None:
    cohort = unit(rng, 200, 6)
    calibration = Calibration.of(cohort, 200)
    pair = unit(rng, 2, 6)
    pair[1] = normalise(pair[0] + 0.8 * pair[1])
    found = distances_of(pair, "m", calibration).between(0, 1)
    cosines = cohort @ cohort.T
    below = float((cosines[np.triu_indices(200, 1)] < found.cosine).mean()) * 100
    assert found.percentile is not None
    assert found.percentile == pytest.approx(below, abs=0.6)
    assert found.sentence == f"closer than {percent(found.percentile)} of the library's pairs"


def test_opposites_are_farther_apart_than_most(rng: np.random.Generator) -> None:
    calibration = Calibration.of(unit(rng, 100, 6), 100)
    vector = unit(rng, 6)
    found = distances_of(np.stack([vector, -vector]), "m", calibration).between(0, 1)
    assert found.cosine == pytest.approx(-1)
    assert found.sentence == "farther apart than 99.98 % of the library's pairs"


def test_one_picture_twice_is_told_as_such(rng: np.random.Generator) -> None:
    vector = unit(rng, 6)
    found = distances_of(np.stack([vector, vector]), "m").between(0, 1)
    assert found.cosine == pytest.approx(1)
    assert found.percentile is None
    assert found.sentence == "to the model they are one and the same picture"


def test_those_alike_stand_together(rng: np.random.Generator) -> None:
    kinds = unit(rng, 3, 16)
    which = rng.permutation(np.repeat(np.arange(3), 5))
    vectors = normalise(kinds[which] + 0.1 * unit(rng, 15, 16))
    order = distances_of(vectors, "m").order
    assert sorted(order) == list(range(15))
    assert int(np.count_nonzero(np.diff(which[list(order)]))) == 2, "each kind is one run"


@pytest.mark.parametrize("count", [0, 1, MOST + 1])
def test_too_few_and_too_many_are_told(count: int, rng: np.random.Generator) -> None:
    with pytest.raises(BadRequest, match=f"between 2 and {MOST} pictures"):
        distances_of(unit(rng, count, 4), "m")


def test_ids_and_vectors_mix(library: Library, index: Index, folder: Path) -> None:
    index(folder)
    model = library.models()[0]
    ids = [one.id for one in library.page(limit=3).pictures]
    vector = library.shelf(model).vector(library.picture(ids[1]).content)
    found = distances(library, model, [ids[0], ids[1], vector])
    assert found.cosines[1, 2] == pytest.approx(1, abs=1e-3)
    assert found.cosines[0, 1] == pytest.approx(found.cosines[0, 2], abs=1e-3)
    assert found.percentiles is not None
    assert len(found.quantiles) == 101
    assert list(found.quantiles) == sorted(found.quantiles)


def test_an_id_that_is_not_there_and_a_model_that_never_was(
    library: Library, index: Index, folder: Path
) -> None:
    index(folder)
    with pytest.raises(NoSuchPicture):
        distances(library, library.models()[0], [1, 999])
    with pytest.raises(NoSuchModel):
        distances(library, "another@0/fit1-x/fp32", [1, 2])


def test_without_a_library_of_that_model_there_are_cosines(
    library: Library, rng: np.random.Generator
) -> None:
    found = distances(library, "another@0/fit1-x/fp32", [unit(rng, 4), unit(rng, 4)])
    assert found.percentiles is None
    assert "too few pictures" in found.between(0, 1).sentence


def test_a_session_takes_files_and_ids(session: Session, index: Index, folder: Path) -> None:
    index(folder)
    first = session.library.page(limit=1).pictures[0]
    found = session.distances(first.id, first.path, folder / "b" / "11.png")
    assert found.between(0, 1).cosine == pytest.approx(1, abs=1e-3)
    assert found.between(0, 2).cosine < 0.9
    shares = session.why(first.id, folder / "b" / "11.png")
    assert shares.cosine == pytest.approx(found.between(0, 2).cosine, abs=1e-3)
    last = list(session.map())[-1].map
    assert last is not None
    assert len(last) == 12


def seen(patches: FloatArray, attention: FloatArray | None = None) -> Features:
    rows, columns, size = patches.shape
    grid = PatchGrid(rows, columns, 16, Size(columns * 10, rows * 10))
    attended = np.ones((1, rows, columns), np.float32) if attention is None else attention
    return Features("m", grid, normalise(np.ones(size, np.float32)), patches, attended)


def test_the_shared_thing_carries_the_likeness(rng: np.random.Generator) -> None:
    here, there = unit(rng, 6, 8, 32), unit(rng, 5, 5, 32)
    here[1:3, 5:7] = there[3:5, 0:2]
    found = why(seen(here), seen(there))
    for shares, thing in ((found.shares_here, np.s_[1:3, 5:7]), (found.shares_there, np.s_[3:5, 0:2])):
        assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
        outside = shares.copy()
        outside[thing] = 0
        assert shares[thing].min() > 1.3 * outside.max()


def test_what_the_model_does_not_look_at_carries_nothing(rng: np.random.Generator) -> None:
    patches = unit(rng, 4, 4, 16)
    attention = np.ones((2, 4, 4), np.float32)
    attention[:, 0] = 0
    found = why(seen(patches, attention), seen(patches))
    assert (found.shares_here[0] == 0).all()
    assert (found.shares_here[1:] > 0).all()


def test_blank_pictures_and_models_without_attention_have_even_maps() -> None:
    blank = seen(normalise(np.ones((3, 4, 8), np.float32)), np.zeros((1, 3, 4), np.float32))
    found = why(blank, blank)
    np.testing.assert_allclose(found.shares_here, 1 / 12, rtol=1e-5)


def test_two_models_are_not_compared(rng: np.random.Generator) -> None:
    one = seen(unit(rng, 2, 2, 8))
    with pytest.raises(BadRequest, match="encode both with one model"):
        why(one, replace(one, model="another"))
