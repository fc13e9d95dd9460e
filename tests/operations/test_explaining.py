"""Attention thresholded by mass, likeness to a point, and a look through a session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dinoscope.errors import BadRequest
from dinoscope.features import FloatArray, Inside, normalise
from dinoscope.geometry import PatchGrid, Size
from dinoscope.operations import palettes
from dinoscope.operations.explaining import attended, cosines, likeness
from dinoscope.operations.session import Session

Paint = Callable[..., Path]


def seen(rows: int = 3, columns: int = 5) -> Inside:
    vectors = normalise(np.random.default_rng(1).standard_normal((rows, columns, 8)).astype(np.float32))
    grid = PatchGrid(rows, columns, 16, Size(columns * 100, rows * 100))
    return Inside("m", 2, "keys", grid, vectors, np.ones((1, rows, columns), np.float32))


@given(
    arrays(np.float32, (2, 3, 4), elements=st.floats(0, 1, width=32)),
    st.floats(0.05, 1.0),
)
def test_the_fewest_patches_hold_the_mass(attention: FloatArray, mass: float) -> None:
    for values, kept in zip(attention, attended(attention, mass), strict=True):
        inside, total = float(values[kept].sum()), float(values.sum())
        assert inside >= mass * total - 1e-4
        if kept.any():
            assert inside - float(values[kept].min()) < mass * total + 1e-4
            assert not (~kept).any() or values[kept].min() >= values[~kept].max()


@pytest.mark.parametrize("mass", [0, -1, 1.5, float("nan")])
def test_a_mass_that_makes_no_sense_is_told(mass: float) -> None:
    with pytest.raises(BadRequest, match="choose more than 0, up to 1"):
        attended(np.ones((1, 2, 2), np.float32), mass)


def test_likeness_is_the_cosine_with_the_patch_under_the_point() -> None:
    inside = seen()
    found = likeness(inside, (450.0, 120.0))  # row 1, column 4
    assert found.shape == (3, 5)
    assert found.argmax() == 1 * 5 + 4
    assert found[1, 4] == pytest.approx(1)
    assert found[2, 0] == pytest.approx(float(inside.vectors[2, 0] @ inside.vectors[1, 4]))


@pytest.mark.parametrize("point", [(-1, 5), (500, 5), (5, 300), (float("nan"), 1), (1e9, 1e9)])
def test_a_point_outside_is_told_with_the_size(point: tuple[float, float]) -> None:
    with pytest.raises(BadRequest, match="500 x 300 pixels"):
        likeness(seen(), point)


def test_cosines_are_those_of_likeness_in_256_steps() -> None:
    inside = seen()
    matrix = cosines(inside)
    assert matrix.shape == (15, 15)
    assert (np.diag(matrix) == 255).all()
    wanted = likeness(inside, (150, 250))  # row 2, column 1: patch 11
    np.testing.assert_allclose(matrix[11] / 127.5 - 1, wanted.ravel(), atol=0.0041)


def test_a_session_looks_with_a_palette_that_is_kept(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    session.settings = replace(session.settings, cache=tmp_path / "own cache")
    path = folder / "a" / "00.png"
    first = session.look(path, facet="values", patches=100)
    assert first.grid.picture == Size(48, 36)
    assert first.grid.rows * first.grid.columns <= 100
    assert first.inside.layer == 2, "the last but one of three"
    assert "fit100-" in first.inside.model
    assert first.colours.rgb.shape == (first.grid.rows, first.grid.columns, 3)

    def refuse(*_: object) -> None:
        raise AssertionError("the palette was fitted again")

    monkeypatch.setattr(palettes, "fit_palette", refuse)
    again = session.look(path, facet="values", patches=100)
    np.testing.assert_array_equal(again.colours.rgb, first.colours.rgb)
    with pytest.raises(AssertionError, match="fitted again"):
        session.look(path, facet="keys")


def test_a_spoilt_palette_is_fitted_again(session: Session, folder: Path, tmp_path: Path) -> None:
    session.settings = replace(session.settings, cache=tmp_path / "own cache")
    path = folder / "a" / "01.png"
    first = session.look(path)
    (file,) = (tmp_path / "own cache" / "palettes").iterdir()
    file.write_bytes(file.read_bytes()[:500])
    np.testing.assert_array_equal(session.look(path).colours.rgb, first.colours.rgb)
