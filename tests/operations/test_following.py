"""A thing followed through a video, and taught from one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.films import RATE, film, place, shots
from tests.operations.test_remembering import OTHER, SIDE, Patterns, box, scene, thing

from dinoscope.errors import BadRequest, NoSuchObject, NotAPicture
from dinoscope.geometry import Size
from dinoscope.operations.following import Follower
from dinoscope.operations.propagating import Labelled, handed_on
from dinoscope.operations.region_query import Seen
from dinoscope.operations.remembering import Objects
from dinoscope.operations.session import Session
from dinoscope.operations.whereabouts import Found, Looker

pytestmark = pytest.mark.extra
pytest.importorskip("av")


@pytest.fixture
def colours() -> Patterns:
    return Patterns("patterns")


@pytest.fixture
def objects(session: Session) -> Objects:
    return session.objects


@pytest.fixture
def taught(objects: Objects) -> Objects:
    photos = [(scene(10, (30, 40), thing()), box(30, 40)), (scene(11, (110, 90), thing()), box(110, 90))]
    objects.remember("keys", *photos)
    return objects


def test_it_is_followed_from_when_it_comes_until_it_goes(taught: Objects, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", shots(thing(), after=RATE), started="2026-11-25T13:32:00Z")
    steps = list(taught.in_videos.where("Keys", path))
    assert [step.finished for step in steps] == [False] * (len(steps) - 1) + [True]
    (track,) = steps[-1].tracks
    assert track.first == pytest.approx(1.0, abs=0.6)
    assert track.last == pytest.approx(3.0, abs=0.6)
    assert len(track.moments) >= 3
    for moment in track.moments:
        x, y = place(round((moment.second - 1.0) * RATE))
        assert moment.sighting.box.overlap(box(x, y)) > 0.5
        assert moment.sighting.probability >= 0.5
        inside = moment.sighting.mask_in_picture().pixels
        truth = np.zeros_like(inside)
        truth[y : y + SIDE, x : x + SIDE] = True
        assert (inside & truth).sum() / (inside | truth).sum() > 0.5
    told = [moment for step in steps for moment in step.new]
    assert sorted(told, key=lambda one: one.second) == list(track.moments)
    assert steps[-1].sentence.startswith("keys is seen at 0:0")
    assert steps[-1].last_seen == steps[-1].film.started_at + timedelta(seconds=track.last)


def test_it_is_not_here(taught: Objects, tmp_path: Path) -> None:
    steps = list(taught.in_videos.where("keys", film(tmp_path / "v.mp4", shots(OTHER))))
    assert (steps[-1].tracks, steps[-1].last_seen) == ((), None)
    assert steps[-1].sentence == "keys is not here: 0:02 of video looked through."


def test_where_nothing_moves_it_stays_in_sight(taught: Objects, tmp_path: Path) -> None:
    still = [scene(50, (60, 40), thing())] * (3 * RATE)
    (track,) = list(taught.in_videos.where("keys", film(tmp_path / "v.mp4", still)))[-1].tracks
    assert (track.first, len(track.moments)) == (0, 1)
    assert track.last > 2


def test_it_is_last_seen_just_before_it_is_taken_away(taught: Objects, tmp_path: Path) -> None:
    """Between the two looks nothing moved, so there was none."""
    room = [scene(50, (60, 40), thing())] * (3 * RATE) + [scene(50, None, thing())] * RATE
    (track,) = list(taught.in_videos.where("keys", film(tmp_path / "v.mp4", room)))[-1].tracks
    assert len(track.moments) == 1
    assert track.last == pytest.approx(3, abs=0.4)


def test_it_is_not_last_seen_after_it_went(taught: Objects, tmp_path: Path) -> None:
    """Frames that nobody looked at closely are not taken for the one before."""
    path = film(tmp_path / "v.mp4", shots(thing(), stays=10))
    (track,) = list(taught.in_videos.where("keys", path))[-1].tracks
    assert track.last <= 10 / RATE


def test_it_is_taught_by_some_seconds_of_video(objects: Objects, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", shots(thing()))
    taught = objects.in_videos.remember("keys", path, box(*place(4)), first=0.5, last=1.5)
    views = taught.thing.views
    assert len(views) == 5
    assert [view.source for view in views[:1]] == ["v.mp4 0:00"]
    for view, second in zip(views, np.linspace(0.5, 1.5, 5), strict=True):
        assert view.box.overlap(box(*place(round(float(second) * RATE)))) > 0.5
    assert objects.where("keys", scene(20, (80, 20), thing()))
    assert objects.where("keys", scene(21, (80, 20), OTHER)) == ()


def test_it_is_followed_no_further_than_it_goes(objects: Objects, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", shots(thing(), stays=RATE))
    views = objects.in_videos.remember("keys", path, box(*place(0)), first=0, last=2).thing.views
    assert views[0].box.overlap(box(*place(0))) > 0.5
    assert max(view.box.left for view in views) < place(RATE)[0] + SIDE / 2


def test_what_cannot_be_is_told(taught: Objects, tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", shots(thing()))
    with pytest.raises(NoSuchObject, match="no object called 'hat'"):
        next(taught.in_videos.where("hat", path))
    (tmp_path / "x.mp4").write_bytes(b"nothing of the kind" * 9)
    with pytest.raises(NotAPicture, match="is no video Dinoscope knows"):
        next(taught.in_videos.where("keys", tmp_path / "x.mp4"))
    with pytest.raises(BadRequest, match=r"at most 60 s of video, not from 0 to 90 s"):
        taught.in_videos.remember("hat", path, box(20, 30), first=0, last=90)
    with pytest.raises(NotAPicture, match="has no frame from 0:50 on"):
        taught.in_videos.remember("hat", path, box(20, 30), first=50, last=51)
    with pytest.raises(BadRequest, match="lies outside the picture"):
        taught.in_videos.remember("hat", path, box(900, 30), first=0, last=1)


def test_what_was_just_lost_is_looked_for_at_every_look(
    taught: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched, where = list[float](), Looker.where
    second = 0.0

    def counted(self: Looker, *what: Any) -> tuple[Found, ...]:
        searched.append(second)
        return where(self, *what)

    monkeypatch.setattr(Looker, "where", counted)
    follower, size = Follower(taught.sought("keys")), Size(200, 160)
    for number in range(12):
        second = number / 2
        follower.look(second, scene(50, (60, 40) if second < 1 else None, thing()), size)
    assert searched[:6] == [0.0, 1.0, 1.5, 2.0, 2.5, 3.5]  # two seconds from 0.5 on, then once a second
    (track,) = follower.tracks
    assert [moment.second for moment in track.moments] == [0.0, 0.5]


def test_labels_go_to_the_patches_that_are_alike_and_near(colours: Patterns) -> None:
    """Two equal things: only the one that was labelled stays labelled, wherever it has moved a little."""
    from dinoscope.features import Basis

    basis = Basis(np.zeros(48, np.float32), np.eye(48, dtype=np.float32))
    before = scene(60, (8, 56), thing())
    before[56 : 56 + SIDE, 144 : 144 + SIDE] = thing()
    mask = np.zeros(before.shape[:2], np.bool_)
    mask[56 : 56 + SIDE, 8 : 8 + SIDE] = True
    now = np.roll(before, 8, axis=1)
    seen = [Seen.of(colours.encode([one])[0], basis) for one in (before, now)]
    share = handed_on(seen[1], [Labelled.of(seen[0], mask)])
    columns = share.shape[1]
    assert share[:, : columns // 2].max() > 0.9
    assert share[:, columns // 2 :].max() < 0.2
