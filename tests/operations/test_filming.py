"""Videos among the pictures of a library: indexed, left alone, changed, gone, and searched."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image
from tests.films import RATE, fields, film, moving, sound
from tests.operations.conftest import Colours, Index

from dinoscope.errors import NoSuchVideo, Unreadable
from dinoscope.library.filters import parse_filter
from dinoscope.library.library import Library
from dinoscope.library.records import Picture
from dinoscope.operations.last_seen import last_seen
from dinoscope.operations.session import Session
from dinoscope.pictures.moments import moment_path

pytestmark = pytest.mark.extra
pytest.importorskip("av")


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    film(folder / "kitchen.mp4", moving(fields(1), 3 * RATE), started="2026-11-25T13:32:00Z")
    Image.fromarray(fields(2)).save(folder / "one.png")
    return folder


def pictures(library: Library) -> list[Picture]:
    return list(library.page(order="path").pictures)


def test_a_video_becomes_pictures_with_their_second_and_time(
    album: Path, library: Library, index: Index
) -> None:
    last = index(album)[-1]
    assert (last.added, last.known, last.refused, last.finished) == (4, 0, 0, True)
    assert last.done == last.found
    frames = [one for one in pictures(library) if one.moment is not None]
    assert [one.name for one in frames] == ["kitchen.mp4 0:00", "kitchen.mp4 0:01", "kitchen.mp4 0:02"]
    video = library.videos.find(album / "kitchen.mp4")
    assert video is not None
    assert (video.complete, video.frames, video.hidden, video.note) == (True, 3, 0, None)
    for one in frames:
        assert one.moment is not None
        assert one.moment.video == video.id
        assert one.path == moment_path(video.path, one.moment.second)
        assert one.metadata.taken_at == video.at(one.moment.second)
        assert (one.kind, one.size) == ("video", video.size)
    assert library.count(parse_filter("kind=video")) == 3
    assert library.count(parse_filter(f'folder="{album}"')) == 4
    assert [picture for picture, _, _ in library.videos.frames(video.id)] == [one.id for one in frames]


def test_an_unchanged_video_is_not_read_again_and_a_changed_one_is(
    album: Path, library: Library, index: Index, colours: Colours
) -> None:
    index(album)
    seen = colours.described
    last = index(album)[-1]
    assert (last.added, last.known, colours.described) == (0, 4, seen)
    assert last.done == last.found
    film(album / "kitchen.mp4", moving(255 - fields(1), 2 * RATE))
    last = index(album)[-1]
    assert last.added == 2
    video = library.videos.find(album / "kitchen.mp4")
    assert video is not None
    assert (video.frames, video.clock) == (2, "file")
    assert [one.name for one in pictures(library)] == ["kitchen.mp4 0:00", "kitchen.mp4 0:01", "one.png"]
    assert all(one.metadata.taken_at is None for one in pictures(library)), "the file's time is no camera's"


def test_a_video_not_gone_through_is_begun_again(album: Path, library: Library, index: Index) -> None:
    index(album)
    gone = next(one for one in pictures(library) if one.moment is not None)
    library.remove(ids=[gone.id])
    video = library.videos.find(album / "kitchen.mp4")
    assert video is not None
    assert not video.complete
    index(album)
    assert len(pictures(library)) == 4


def test_with_the_video_its_frames_go(album: Path, library: Library, index: Index) -> None:
    index(album)
    video = library.videos.all()[0]
    (album / "kitchen.mp4").unlink()
    assert index(album)[-1].removed == 3
    assert library.videos.all() == []
    with pytest.raises(NoSuchVideo, match=f"no video {video.id}"):
        library.videos.get(video.id)
    assert not list(library.verify())


def test_a_video_of_its_own_is_a_root_as_well(album: Path, library: Library, index: Index) -> None:
    assert index(album / "kitchen.mp4")[-1].added == 3
    frame = pictures(library)[0]
    assert library.original(frame, None) == frame.path  # type: ignore[arg-type]


def test_a_link_that_came_later_is_not_followed(
    album: Path, library: Library, index: Index, tmp_path: Path
) -> None:
    index(album)
    frame = pictures(library)[0]
    (album / "kitchen.mp4").rename(tmp_path / "elsewhere.mp4")
    (album / "kitchen.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(Unreadable, match="leads out of its folder"):
        library.original(frame, None)  # type: ignore[arg-type]


def test_what_is_no_video_is_told_once_and_the_rest_goes_on(
    album: Path, library: Library, index: Index
) -> None:
    sound(album / "song.mp4")
    (album / "torn.mp4").write_bytes((album / "kitchen.mp4").read_bytes()[:2000])
    last = index(album)[-1]
    assert (last.added, last.refused) == (4, 2)
    told = {one.path.name: one.sentence for one in library.refusals()}
    assert "only sound" in told["song.mp4"]
    assert "may not be complete" in told["torn.mp4"]
    (album / "torn.mp4").write_bytes((album / "kitchen.mp4").read_bytes())
    last = index(album)[-1]
    assert [one.path.name for one in library.refusals()] == ["song.mp4"]
    assert last.known == 7, "a video of equal bytes has equal frames"
    assert len(library.videos.all()) == 2


def test_frames_are_found_and_asked_like_pictures(album: Path, index: Index, session: Session) -> None:
    index(album)
    video = session.library.videos.all()[0]
    frame = session.library.videos.frames(video.id)[1][0]
    by_id, by_path = session.search(frame, k=2), session.search(album / "kitchen.mp4" / "1.0", k=1)
    assert {hit.picture.moment is not None for hit in by_id.hits} == {True}
    assert by_path.hits[0].picture.id == frame
    assert session._file(session.library.picture(frame), 32) is not None
    seen = last_seen(session.library, list(session.library.page().pictures))
    assert seen is not None
    assert (seen.picture.name, seen.by) == ("kitchen.mp4 0:02", "container")
    assert seen.at == video.at(seen.picture.moment.second)  # type: ignore[union-attr]
    assert seen.sentence == f"last seen {seen.at:%Y-%m-%d %H:%M} in kitchen.mp4 at 0:02"
    assert isinstance(seen.at, datetime)
