"""A server gives memory back that its C library would keep, and does nothing where it cannot."""

from __future__ import annotations

import sys
from threading import Event

import pytest

from dinoscope.server import memory


class Libc:
    """What is asked of the C library."""

    def __init__(self) -> None:
        self.arenas: int | None = None
        self.trimmed = Event()

    def mallopt(self, what: int, value: int) -> int:
        assert what == -8, "M_ARENA_MAX of malloc.h"
        self.arenas = value
        return 1

    def malloc_trim(self, pad: int) -> int:
        assert pad == 0
        self.trimmed.set()
        return 1


def test_arenas_are_few_and_what_is_free_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    libc = Libc()
    monkeypatch.setattr(memory, "_glibc", lambda: libc)
    tidy = memory.Tidy(every=0.01)
    assert libc.trimmed.wait(10)
    assert libc.arenas == memory.ARENAS
    tidy.close()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    memory.Tidy().close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is Linux's")
def test_the_real_one_takes_it() -> None:
    tidy = memory.Tidy(every=1000)
    tidy.close()
