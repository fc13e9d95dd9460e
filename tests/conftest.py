"""What every test shares: no test reads the user's settings or writes outside its own folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dinoscope.settings import Settings


@pytest.fixture(autouse=True)
def _a_home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ``DINOSCOPE_*`` variable leaks in; the config file is one that does not exist."""
    for name in [name for name in os.environ if name.startswith("DINOSCOPE_")]:
        monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp()
    monkeypatch.setenv("DINOSCOPE_CONFIG", str(home / "no-config.toml"))
    monkeypatch.setenv("DINOSCOPE_CACHE", str(home / "cache"))
    monkeypatch.setenv("DINOSCOPE_MODELS", str(home / "models"))
    monkeypatch.setenv("DINOSCOPE_RUNS", str(home / "runs"))
    monkeypatch.setenv("DINOSCOPE_OFFLINE", "1")


@pytest.fixture
def settings(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a library below ``tmp_path`` and a cache all tests of the run share (graphs are slow)."""
    cache = tmp_path_factory.getbasetemp() / "cache"
    own = Settings(library=tmp_path / "library", models=tmp_path / "models", runs=tmp_path / "runs")
    return replace(own, cache=cache, offline=True, threads=1)


@pytest.fixture
def rng() -> np.random.Generator:
    """Random numbers that are the same in every run."""
    return np.random.default_rng(0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: Playwright keeps a loop running, and then no test can start its own."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
