"""Videos: what they say of themselves, which frames are kept, and what of hostile and broken ones."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.films import RATE, fields, film, moving, sound

from dinoscope.errors import AVideo, BadRequest, MissingExtra, NotAPicture, PictureTooLarge, Unreadable
from dinoscope.features import Pixels
from dinoscope.geometry import Size
from dinoscope.pictures.films import Film, is_video
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.moments import clock, moment_of, moment_path
from dinoscope.pictures.reading import read_file
from dinoscope.pictures.sniffing import container
from dinoscope.pictures.stills import Stretch, stills
from dinoscope.pictures.workers import DecodeWorkers, Loaded, Seen

pytestmark = pytest.mark.extra
pytest.importorskip("av")

LIMITS = Limits(max_bytes=2**26, max_pixels=10**7, max_seconds=20)


def kept(path: Path, every: float = 1.0) -> list[float]:
    with Film(path, LIMITS) as video:
        return [round(look.second, 2) for look in stills(video, Stretch(every)) if look.still is not None]


def near(one: Pixels, other: Pixels) -> bool:
    return float(np.abs(one.astype(int) - other.astype(int)).mean()) < 12


def test_it_says_how_long_how_large_and_when(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", moving(fields(1), 2 * RATE), started="2026-11-25T13:32:00Z")
    with Film(path, LIMITS) as video:
        facts = video.facts()
    assert (facts.size, facts.clock) == (Size(96, 64), "container")
    assert facts.seconds == pytest.approx(2, abs=0.2)
    assert facts.started_at.astimezone(UTC) == datetime(2026, 11, 25, 13, 32, tzinfo=UTC)


def test_without_a_clock_of_its_own_the_files_time_less_its_length_is_told(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mkv", moving(fields(1), 2 * RATE))
    with Film(path, LIMITS) as video:
        facts = video.facts()
    assert facts.clock == "file"
    lasted = path.stat().st_mtime - facts.started_at.timestamp()
    assert lasted == pytest.approx(facts.seconds, abs=0.01)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "avi", "ts"])
def test_containers_are_told_by_their_bytes_and_read_from_start_to_end(tmp_path: Path, ending: str) -> None:
    path = film(tmp_path / f"v.{ending}", moving(fields(2), 2 * RATE))
    nameless = path.rename(tmp_path / "nameless")
    assert is_video(nameless)
    with Film(nameless, LIMITS) as video:
        video.facts()
        seconds = [second for second, _ in video.frames()]
    assert len(seconds) >= 2 * RATE - 1
    assert seconds[0] == pytest.approx(0, abs=0.13)
    assert np.diff(seconds) == pytest.approx(1 / RATE, abs=0.03)


@pytest.mark.parametrize(("turned", "edge"), [(90, "left"), (-90, "right"), (180, "bottom")])
def test_a_turned_video_is_put_upright(tmp_path: Path, turned: int, edge: str) -> None:
    """What lies at the top of its frames is at that edge when a player shows it."""
    frames = [np.full((64, 96, 3), 60, np.uint8) for _ in range(4)]
    for frame in frames:
        frame[:16] = 230
    with Film(film(tmp_path / "v.mp4", frames, turned=turned), LIMITS) as video:
        facts, (_, pixels) = video.facts(), video.at(0)
    assert facts.size == (Size(96, 64) if turned == 180 else Size(64, 96))
    light = {"left": pixels[:, :16], "right": pixels[:, -16:], "bottom": pixels[-16:]}
    assert {name: bool(part.mean() > 200) for name, part in light.items()} == {
        name: name == edge for name in light
    }


def test_a_variable_rate_is_read_by_its_times(tmp_path: Path) -> None:
    times = [0, 0.1, 0.2, 1.5, 3.25, 3.3]
    shades = [40, 60, 80, 120, 170, 230]
    frames = [np.full((64, 96, 3), shade, np.uint8) for shade in shades]
    path = film(tmp_path / "v.mkv", frames, times=times)
    with Film(path, LIMITS) as video:
        assert [second for second, _ in video.frames()] == pytest.approx(times, abs=0.002)
        second, pixels = video.at(2.0)
    assert second == pytest.approx(3.25, abs=0.002)
    assert abs(float(pixels.mean()) - 170) < 8


def test_one_frame_a_second_is_kept_and_none_of_what_stands_still(tmp_path: Path) -> None:
    assert kept(film(tmp_path / "a.mp4", moving(fields(3), 3 * RATE))) == pytest.approx([0, 1, 2], abs=0.13)
    assert kept(film(tmp_path / "b.mp4", [fields(3)] * (3 * RATE))) == [0]
    assert kept(film(tmp_path / "c.mp4", [np.full((64, 96, 3), 9, np.uint8)] * RATE)) == [0], "blank"


def test_a_cut_is_seen_at_once_however_short_the_shot(tmp_path: Path) -> None:
    shots = [fields(4)] * 5 + [255 - fields(4)] * 5 + [fields(6)] * 5
    found = kept(film(tmp_path / "v.mp4", shots))
    assert len(found) == 3
    assert 5 / RATE <= found[1] < 10 / RATE <= found[2]


def test_a_small_thing_that_appears_is_a_change(tmp_path: Path) -> None:
    """Keys on a table: 1/100 of a picture that is otherwise the same."""
    table = fields(7, (320, 240))
    keys = table.copy()
    keys[100:124, 150:182] = (30, 220, 40)
    path = film(tmp_path / "v.mp4", [table] * RATE + [keys] * (2 * RATE))
    assert kept(path) == pytest.approx([0, 1], abs=0.3)


def test_a_moment_is_a_picture_by_its_path(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", moving(fields(8), 2 * RATE))
    assert moment_of(moment_path(path, 1.25)) == (path, 1.25)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "12.5").write_bytes(b"x")
    assert moment_of(tmp_path / "real" / "12.5") is None
    with DecodeWorkers(2, LIMITS) as workers:
        steps = list(workers.watch(path, at_least=32, thumbnail=32))
        frames = [step for step in steps if isinstance(step, Loaded)]
        assert len(frames) == 2
        for frame in frames:
            assert frame.second is not None
            again = workers.read(moment_path(path, frame.second), at_least=32)
            assert again.content == frame.content
            assert np.array_equal(again.decoded.pixels, frame.decoded.pixels)
        assert len({frame.content for frame in frames}) == 2
        end = steps[-1]
        assert isinstance(end, Seen)
        assert (end.hidden, end.note) == (0, None)
        assert end.second == pytest.approx(2, abs=0.3)
        with pytest.raises(AVideo, match=r"v\.mp4 is a video.*name a moment of it"):
            workers.read(path)
        with pytest.raises(NotAPicture, match="has no frame at 99 s: it ends before"):
            workers.read(path / "99")


def test_a_stretch_begins_and_ends_where_it_is_told(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", moving(fields(9), 4 * RATE))
    with DecodeWorkers(1, LIMITS) as workers:
        steps = workers.watch(path, stretch=Stretch(0.5, 1.5, 2.5))
        found = [step.second for step in steps if isinstance(step, Loaded)]
    assert found == pytest.approx([1.5, 2.0, 2.5], abs=0.13)
    with pytest.raises(BadRequest, match="from 3 to 2 s is no stretch"):
        Stretch(0.5, 3, 2)


def test_a_truncated_video_gives_what_it_has_and_says_so(tmp_path: Path) -> None:
    whole = film(tmp_path / "v.mkv", moving(fields(10), 4 * RATE)).read_bytes()
    (tmp_path / "half.mkv").write_bytes(whole[: len(whole) // 2])
    with DecodeWorkers(1, LIMITS) as workers:
        steps = list(workers.watch(tmp_path / "half.mkv"))
    assert sum(isinstance(step, Loaded) for step in steps) in {1, 2, 3}
    end = steps[-1]
    assert isinstance(end, Seen)
    assert end.note is not None
    assert re.search(
        r"half\.mkv ends at 0:0[0-2] of 0:04, it is not complete: what there is was kept", end.note
    )
    headless = film(tmp_path / "v.mp4", moving(fields(10), RATE)).read_bytes()[:3000]
    (tmp_path / "headless.mp4").write_bytes(headless)
    with pytest.raises(NotAPicture, match=r"cannot be opened as a video .* it may not be complete"):
        Film(tmp_path / "headless.mp4", LIMITS)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(NotAPicture, match=r"s\.mp4 has no pictures, only sound: skip it"):
        Film(sound(tmp_path / "s.mp4"), LIMITS)


def test_nothing_that_names_other_files_is_opened(tmp_path: Path) -> None:
    """FFmpeg would read a playlist, and follow it to any file or address."""
    secret = film(tmp_path / "secret.mp4", moving(fields(11), 4))
    for name, text in {
        "a.m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret}\n#EXT-X-ENDLIST\n",
        "b.txt": f"ffconcat version 1.0\nfile '{secret}'\n",
    }.items():
        (tmp_path / name).write_text(text)
        assert not is_video(tmp_path / name)
        with pytest.raises(NotAPicture, match="is no video Dinoscope knows"):
            Film(tmp_path / name, LIMITS)


def test_limits_hold_for_frames(tmp_path: Path) -> None:
    path = film(tmp_path / "v.mp4", moving(fields(12), 4))
    with pytest.raises(PictureTooLarge, match="96 x 64 pixels, over the limit"):
        Film(path, Limits(2**26, 1000, 20))
    with pytest.raises(Unreadable, match="does not exist"):
        Film(tmp_path / "gone.mp4", LIMITS)


def test_without_pyav_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = film(tmp_path / "v.mp4", moving(fields(13), 4))
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"pip install 'dinoscope\[video\]'"):
        Film(path, LIMITS)
    with pytest.raises(MissingExtra, match=r"dinoscope\[video\]"):
        read_file(path / "0.5", LIMITS)


def test_frames_with_faces_are_kept_out_where_faces_are(tmp_path: Path) -> None:
    from PIL import Image

    with Image.open(Path(__file__).parents[1] / "faces" / "astronaut.jpg") as image:
        face = np.asarray(image.convert("RGB").resize((320, 320)))
    calm = fields(14, (320, 320))
    path = film(tmp_path / "v.mp4", [calm] * RATE + [face] * RATE + [255 - calm] * RATE)
    found = {}
    for mode in ("allow", "block", "blur"):
        with DecodeWorkers(1, Limits(2**26, 10**7, 20, faces=mode)) as workers:
            steps = list(workers.watch(path))
        end = steps[-1]
        assert isinstance(end, Seen)
        found[mode] = sum(isinstance(step, Loaded) for step in steps), end.hidden
    assert found == {"allow": (3, 0), "block": (2, 1), "blur": (3, 0)}


def test_kinds_and_clocks() -> None:
    assert container(b"\0\0\0 ftypisom" + bytes(20)) == "mov"
    assert container(b"\0\0\0 ftypavif" + bytes(20)) is None
    assert container(b"GIF89a" + bytes(20)) is None
    assert (clock(17.9), clock(3723)) == ("0:17", "1:02:03")


def test_spoilt_videos_are_frames_or_a_sentence_and_end_no_decoder(tmp_path: Path) -> None:
    """Mutants from a seed: bytes changed, stretches cut out, doubled or zeroed, of three containers."""
    dice, told = np.random.default_rng(5), dict[str, str]()
    with DecodeWorkers(1, Limits(2**26, 10**6, 5)) as workers:
        for ending in ("mp4", "mkv", "ts"):
            whole = film(tmp_path / f"whole.{ending}", moving(fields(15), RATE)).read_bytes()
            for number in range(12):
                data = np.frombuffer(whole, np.uint8).copy()
                start = int(dice.integers(0, len(data)))
                stop = min(len(data), start + int(dice.integers(1, 400)))
                if number % 4 == 0:
                    data[dice.integers(0, len(data), 20)] = dice.integers(0, 256, 20)
                elif number % 4 == 1:
                    data = np.delete(data, slice(start, stop))
                elif number % 4 == 2:
                    data = np.insert(data, start, data[start:stop])
                else:
                    data[start:stop] = 0
                mutant = tmp_path / f"{number}.{ending}"
                mutant.write_bytes(data.tobytes())
                try:
                    list(workers.watch(mutant))
                except NotAPicture as error:
                    told[mutant.name] = str(error)
        assert len(told) < 36, "some still have frames"
        assert not [name for name, sentence in told.items() if name not in sentence]
        assert workers.read(tmp_path / "whole.mp4" / "0.5").decoded.size == Size(96, 64)
