"""numpy works in one thread while an index run has the cores, and in as many as before afterwards."""

from __future__ import annotations

import pytest
from tests.operations.conftest import Index

from dinoscope.operations import arithmetic
from dinoscope.operations.arithmetic import one_thread, threads


@pytest.fixture(autouse=True)
def three_threads() -> object:
    """Whatever the environment says: some tests are run with one."""
    before = threads()
    if before is None:
        pytest.skip("numpy has no OpenBLAS of its own here")
    arithmetic._set(3)
    yield
    arithmetic._set(before)


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    assert threads() == 3
    with one_thread():
        assert threads() == 1
        with one_thread():
            assert threads() == 1
        assert threads() == 1  # the outer one still holds
    assert threads() == 3


def test_an_error_inside_gives_the_threads_back() -> None:
    with pytest.raises(ValueError, match="inside"), one_thread():
        raise ValueError("inside")
    assert threads() == 3


def test_another_library_under_numpy_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arithmetic, "_openblas", lambda: None)
    with one_thread():
        assert threads() is None


def test_an_index_run_gives_the_threads_back(index: Index, folder: object) -> None:
    index(folder)
    assert threads() == 3
