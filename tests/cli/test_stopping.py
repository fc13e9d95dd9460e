"""What Ctrl-C says while indexing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dinoscope.cli import indexing
from dinoscope.operations.progress import Progress
from dinoscope.settings import Settings


class Stopped:
    """A run in which nothing was told of yet when it was stopped."""

    def __iter__(self) -> Iterator[Progress]:
        return self

    def __next__(self) -> Progress:
        raise KeyboardInterrupt


def test_a_stop_through_ray_does_not_say_that_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    """Shards have batches before the caller is told of them."""
    monkeypatch.setattr("dinoscope.cluster.indexing.index_in_shards", lambda *_, **__: Stopped())
    with pytest.raises(KeyboardInterrupt):
        indexing.run_ray([], settings, None, None)
    assert "what the shards have is kept" in capsys.readouterr().err
