"""Every picture of a source is found, whatever lies beside it, and nothing outside it is touched."""

from __future__ import annotations

import gzip
import os
import sys
import tarfile
from pathlib import Path

import pytest
from tests.training.picture_sources import LIMITS, folder_of, jpeg, tar_of, video_of

from dinoscope.errors import BadRequest, MissingExtra, Unreadable
from dinoscope.training import gathering as module
from dinoscope.training.gathering import gather, gathering

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and permissions")


def test_folders_tars_and_single_files_are_gathered_together(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "folder", 6)
    tar = tar_of(tmp_path / "more.tar", {"cats/1.jpg": jpeg(10), "cats/2.jpg": jpeg(11)})
    tar_of(folder / "inner.tar", {"3.jpg": jpeg(12)})
    single = tmp_path / "single.png"
    single.write_bytes(jpeg(13))  # names lie
    items = gather([folder, tar, single], LIMITS)
    contents = {items[index].data(LIMITS) for index in range(len(items))}
    assert contents == {jpeg(seed) for seed in (*range(6), *range(10, 14))}
    assert (len(items), items.skipped) == (10, 0)


def test_the_same_sources_give_the_same_table_and_a_moved_folder_the_same_digest(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "here", 5)
    items = gather([folder], LIMITS)
    assert [items[i] for i in range(5)] == [gather([folder], LIMITS)[i] for i in range(5)]
    moved = gather([folder.rename(tmp_path / "there")], LIMITS)
    assert moved.digest == items.digest
    (tmp_path / "there" / "new.jpg").write_bytes(jpeg(50))
    assert gather([tmp_path / "there"], LIMITS).digest != items.digest


def test_a_relative_source_is_still_found_after_a_change_of_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of(tmp_path / "here", 2)
    monkeypatch.chdir(tmp_path / "here")
    items = gather([Path()], LIMITS)
    monkeypatch.chdir(tmp_path)
    assert {items[0].data(LIMITS), items[1].data(LIMITS)} == {jpeg(0), jpeg(1)}


def test_what_is_no_picture_is_counted_and_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", 2)
    (folder / "notes.txt").write_text("nothing to see")
    (folder / "more.tar.gz").write_bytes(gzip.compress(b"x"))
    tar_of(folder / "t.tar", {"readme.md": b"hello", "huge.jpg": jpeg(1) + bytes(LIMITS.max_bytes)})
    items = gather([folder], LIMITS)
    assert (len(items), items.skipped) == (2, 4)
    sentences = " ".join(refusal.sentence for refusal in items.refusals)
    for part in (
        "notes.txt is not a picture",
        "(gzip)",
        "unpack it first",
        "readme.md is no picture",
        "huge.jpg",
    ):
        assert part in sentences


def test_hostile_names_in_a_tar_harm_nothing(tmp_path: Path) -> None:
    names = ["../../escape.jpg", "/etc/escape.jpg", "a\x1b[2Jb.jpg", "..\\escape.jpg"]
    tar = tar_of(tmp_path / "a.tar", {name: jpeg(number) for number, name in enumerate(names)})
    before = sorted(tmp_path.rglob("*"))
    items = gather([tar], LIMITS)
    assert [items[i].data(LIMITS) for i in range(4)] == [jpeg(i) for i in range(4)]
    assert all(items[i].where.isprintable() for i in range(4))
    assert {items[i].path for i in range(4)} == {tar}
    assert sorted(tmp_path.rglob("*")) == before


def test_links_in_a_tar_and_folders_are_no_pictures(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {"x.jpg": jpeg(1), "y.jpg": jpeg(2)})
    with tarfile.open(tar, "a") as more:
        for name, kind in (
            ("link.jpg", tarfile.SYMTYPE),
            ("hard.jpg", tarfile.LNKTYPE),
            ("d", tarfile.DIRTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            more.addfile(member)
    assert len(gather([tar], LIMITS)) == 2


def test_a_torn_tar_gives_what_came_before_the_tear(tmp_path: Path) -> None:
    tar = tar_of(tmp_path / "a.tar", {f"{n}.jpg": jpeg(n) for n in range(3)})
    third = gather([tar], LIMITS)[2].offset
    data = bytearray(tar.read_bytes())
    data[third - 512 : third] = b"\xff" * 512
    tar.write_bytes(data)
    items = gather([tar], LIMITS)
    assert len(items) == 2
    assert "is damaged" in items.refusals[0].sentence


@posix
def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.jpg"
    outside.write_bytes(jpeg(99))
    folder = folder_of(tmp_path / "a", 2)
    (folder / "link.jpg").symlink_to(outside)
    os.mkfifo(folder / "pipe.jpg")
    items = gather([folder], LIMITS)
    assert (len(items), items.skipped) == (2, 2)


def test_too_few_pictures_are_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(BadRequest, match=r"there are no pictures in .*, too few to learn from: name"):
        gather([tmp_path / "a"], LIMITS)
    (tmp_path / "a" / "x.tgz").write_bytes(gzip.compress(b"x"))
    (tmp_path / "a" / "x.jpg").write_bytes(jpeg(1))
    with pytest.raises(BadRequest, match=r"there is 1 picture in .*, too few .*x\.tgz is compressed"):
        gather([tmp_path / "a"], LIMITS)
    with pytest.raises(Unreadable, match="does not exist"):
        gather([tmp_path / "b"], LIMITS)
    with pytest.raises(BadRequest, match="no pictures are named"):
        gather([], LIMITS)


def test_progress_counts_up_to_the_items(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY", 2)
    tar = tar_of(tmp_path / "a.tar", {f"{n}.jpg": jpeg(n) for n in range(7)})
    steps = list(gathering([tar], LIMITS))
    assert [step.found for step in steps] == [0, 2, 4, 6, 7]
    assert [step.items is None for step in steps] == [True] * 4 + [False]


def test_videos_become_frames_with_their_shots(tmp_path: Path) -> None:
    pytest.importorskip("av")
    folder = folder_of(tmp_path / "a", 2)
    video_of(folder / "b.mp4", [(200, 0, 0), (0, 0, 90)])
    video_of(folder / "c.mp4", [(0, 120, 0)])
    items = gather([folder], LIMITS, tmp_path / "cache")
    assert items.shots.tolist()[0] == -1  # below/000.jpg and 001.jpg lie before and after
    kinds = [shot for shot in items.shots.tolist() if shot >= 0]
    assert kinds == [0] * 4 + [1] * 4 + [2] * 4
    assert items.seconds[items.shots == 2].tolist() == pytest.approx([0, 1, 2, 3], abs=0.21)
    assert all(items[i].read(LIMITS).size.width in {96, 60} for i in range(len(items)))
    assert gather([folder], LIMITS, tmp_path / "cache").digest == items.digest
    assert gather([folder], LIMITS).skipped == 2  # no cache, no frames


def test_a_damaged_video_is_counted_and_a_missing_decoder_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "a", 2)
    (folder / "b.mp4").write_bytes(b"no video" * 100)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"dinoscope\[train\]"):
        gather([folder], LIMITS, tmp_path / "cache")
    monkeypatch.undo()
    pytest.importorskip("av")
    items = gather([folder], LIMITS, tmp_path / "cache")
    assert (len(items), items.skipped) == (2, 1)
    assert "b.mp4 cannot be decoded" in items.refusals[0].sentence
