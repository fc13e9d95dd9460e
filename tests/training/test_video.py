"""A video gives its frames once: one a second, none that looks like the one before, shots told apart."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.extra
pytest.importorskip("av")

from tests.training.picture_sources import video_of  # noqa: E402

from dinoscope.errors import DiskFull, NotAPicture  # noqa: E402
from dinoscope.training.video import extracting, frames_of, moment_of  # noqa: E402


def names_in(video: Path, cache: Path, rate: float = 1.0) -> list[str]:
    list(extracting(video, cache, rate))
    with tarfile.open(frames_of(video, cache, rate)) as tar:
        return tar.getnames()


def test_frames_come_at_the_rate_asked(tmp_path: Path) -> None:
    video = video_of(tmp_path / "v.mp4", [(200, 0, 0)], seconds=6)
    once, twice = (names_in(video, tmp_path / "cache", rate) for rate in (1.0, 2.0))
    assert [moment_of(name)[1] for name in once] == pytest.approx(range(6), abs=0.21)
    assert len(twice) in {10, 11, 12}


def test_a_still_video_gives_one_frame_per_shot(tmp_path: Path) -> None:
    video = video_of(tmp_path / "v.mp4", [(200, 0, 0), (0, 0, 90), (90, 255, 90)], still=True)
    assert [moment_of(name)[0] for name in names_in(video, tmp_path / "cache")] == [0, 1, 2]


def test_frames_are_made_once_and_again_when_the_video_changes(tmp_path: Path) -> None:
    video = video_of(tmp_path / "v.mp4", [(200, 0, 0)])
    assert list(extracting(video, tmp_path / "cache")) == [1, 2, 3, 4]
    assert list(extracting(video, tmp_path / "cache")) == []
    os.utime(video, (1, 1))
    assert list(extracting(video, tmp_path / "cache")) == [1, 2, 3, 4]


def test_an_interrupted_extraction_leaves_nothing_behind(tmp_path: Path) -> None:
    video = video_of(tmp_path / "v.mp4", [(200, 0, 0)])
    working = extracting(video, tmp_path / "cache")
    next(working)
    del working  # closes it, as leaving a loop does
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert len(names_in(video, tmp_path / "cache")) == 4


def test_what_is_no_video_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "v.mp4").write_bytes(b"no video" * 100)
    with pytest.raises(NotAPicture, match=r"v\.mp4 cannot be decoded"):
        list(extracting(tmp_path / "v.mp4", tmp_path / "cache"))
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_cache_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    video = video_of(tmp_path / "v.mp4", [(200, 0, 0)], seconds=1)
    (tmp_path / "cache").write_text("in the way")
    with pytest.raises(DiskFull, match=r"the frames of .*v\.mp4 cannot be kept"):
        list(extracting(video, tmp_path / "cache"))
