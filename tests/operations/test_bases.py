"""The basis of a model is fitted once, kept, and fitted again when what is kept is of no use."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.operations.conftest import Colours

from dinoscope.operations import bases
from dinoscope.settings import Settings


def test_the_basis_of_a_model_is_fitted_once_and_mended_when_its_file_is_spoilt(settings: Settings) -> None:
    colours = Colours("another")
    first = bases.basis_of_model(colours, settings)
    assert colours.described == bases.PICTURES
    np.testing.assert_array_equal(bases.basis_of_model(colours, settings).projection, first.projection)
    assert colours.described == bases.PICTURES
    for file in (settings.cache / "bases").iterdir():
        file.write_bytes(b"PK\x03\x04 nonsense")
    again = bases.basis_of_model(colours, settings)
    assert colours.described == 2 * bases.PICTURES
    np.testing.assert_array_equal(again.projection, first.projection)
    assert [file.suffix for file in (settings.cache / "bases").iterdir()].count(".part") == 0


def test_a_cache_that_cannot_be_written_costs_time_only(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    basis = bases.basis_of_model(Colours("third"), replace(settings, cache=tmp_path / "file"))
    assert basis.dimension == 48


def test_a_basis_fitted_in_another_way_is_not_read(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    colours = Colours("fourth")
    bases.basis_of_model(colours, settings)
    monkeypatch.setattr(bases, "VERSION", bases.VERSION + 1)
    bases.basis_of_model(colours, settings)
    assert colours.described == 2 * bases.PICTURES
