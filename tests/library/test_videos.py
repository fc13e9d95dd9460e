"""Rows of videos: replaced, finished, and a library that is older than they are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from tests.library.conftest import file, plant

from dinoscope.errors import NoSuchVideo
from dinoscope.geometry import Size
from dinoscope.library import schema
from dinoscope.library.library import Library
from dinoscope.library.records import Moment, NewFile, NewVideo
from dinoscope.pictures.films import FilmFacts
from dinoscope.pictures.moments import moment_path

STARTED = datetime(2026, 11, 25, 14, 32, tzinfo=timezone(timedelta(hours=1)))
PATH = Path("/photos/kitchen.mp4")


def frame(number: int, content: str = "c" * 40) -> NewFile:
    """A file of the shared kind, as the frame at that second."""
    facts = FilmFacts(content, 999, 5, Size(64, 48), 9.5, STARTED, "container")
    plain = file(number, str(moment_path(PATH, number)), root=PATH.parent, kind="video")
    return replace(plain, video=NewVideo(PATH, facts), second=float(number))


def test_a_frame_knows_its_video_and_second(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [frame(1), frame(2), file(7)])
        (video,) = library.videos.all()
        assert library.videos.find(PATH) == library.videos.get(video.id) == video
        assert (video.frames, video.complete, video.started_at, video.seconds) == (2, False, STARTED, 9.5)
        assert video.at(61) == STARTED + timedelta(seconds=61)
        moments = {one.name: one.moment for one in library.page().pictures}
        assert moments["kitchen.mp4 0:01"] == Moment(video.id, 1.0)
        assert sum(moment is None for moment in moments.values()) == 1
        assert [second for _, second, _ in library.videos.frames(video.id)] == [1.0, 2.0]
        with pytest.raises(NoSuchVideo, match="no video 99"):
            library.videos.get(99)


def test_what_a_changed_video_does_not_have_any_more_is_forgotten_when_it_is_finished(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        old = [frame(1), frame(2)]
        plant(library, old)
        library.videos.finish(PATH, {one.content for one in old}, 3, "it ends early")
        before = library.videos.all()[0]
        assert (before.complete, before.hidden, before.note) == (True, 3, "it ends early")
        new = frame(3, content="d" * 40)
        plant(library, [new])
        during = library.videos.all()[0]
        assert (during.id, during.complete, during.frames, during.hidden) == (before.id, False, 3, 0)
        library.videos.finish(PATH, {new.content}, 0, None)
        after = library.videos.all()[0]
        assert (after.complete, after.frames, after.note) == (True, 1, None)
        assert not list(library.verify())


def test_a_video_is_gone_with_its_last_frame(folder: Path) -> None:
    with Library.open(folder, write=True) as library:
        plant(library, [frame(1), frame(2)])
        library.videos.finish(PATH, {frame(1).content, frame(2).content}, 0, None)
        ids = [picture for picture, _, _ in library.videos.frames(1)]
        library.remove(ids=ids[:1])
        assert not library.videos.all()[0].complete, "it is gone through again, next time"
        library.remove(ids=ids[1:])
        assert library.videos.all() == []


def test_an_older_library_is_read_as_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 10**9
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:3])
        with Library.open(folder, write=True) as library, library._connections.write() as db:
            db.execute("INSERT INTO contents (hash) VALUES ('x')")
            db.execute("INSERT INTO roots (path) VALUES ('/photos')")
            columns = "path, folder, root, content, kind, width, height, bytes, modified, added"
            db.execute(
                f"INSERT INTO files ({columns}) "
                "VALUES ('/photos/a.png', '/photos', 1, 1, 'png', 4, 3, 9, ?, ?)",
                (now, now),
            )
    with Library.open(folder) as library:
        (picture,) = library.page().pictures
        assert (picture.name, picture.moment) == ("a.png", None)
        assert (library.videos.all(), library.videos.find(PATH)) == ([], None)
        with pytest.raises(NoSuchVideo):
            library.videos.get(1)
    with Library.open(folder, write=True) as library:
        assert [one.name for one in library.page().pictures] == ["a.png"]
