from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from dinoscope.pictures.refusal import Refusal
from dinoscope.pictures.walking import walk


def files(root: Path) -> list[str]:
    return [str(found.relative_to(root)) for found in walk(root) if isinstance(found, Path)]


def refusals(root: Path) -> dict[str, str]:
    return {found.path.name: found.sentence for found in walk(root) if isinstance(found, Refusal)}


def test_files_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2.png", "b/1.png", "a.png", "c/deep/er/x.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert files(tmp_path) == ["a.png", "b/1.png", "b/2.png", "c/deep/er/x.jpg"]


def test_hidden_and_system_entries_are_passed_over(tmp_path: Path) -> None:
    for name in (".git/a.png", ".hidden.png", "@eaDir/t.jpg", "__MACOSX/a.png", "Thumbs.db", "seen.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert files(tmp_path) == ["seen.png"]
    assert refusals(tmp_path) == {}


def test_a_file_is_a_walk_of_one(tmp_path: Path) -> None:
    (tmp_path / "one.png").touch()
    assert list(walk(tmp_path / "one.png")) == [tmp_path / "one.png"]


def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.png").touch()
    root = tmp_path / "root"
    (root / "inner").mkdir(parents=True)
    (root / "inner" / "a.png").touch()
    (root / "file-out").symlink_to(tmp_path / "outside" / "secret.png")
    (root / "folder-out").symlink_to(tmp_path / "outside")
    (root / "inside").symlink_to(root / "inner" / "a.png")
    assert files(root) == ["inner/a.png"]
    named = refusals(root)
    assert set(named) == {"file-out", "folder-out"}
    assert all("out of the folder" in sentence for sentence in named.values())


def test_circles_end_and_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    (tmp_path / "up").symlink_to(tmp_path)
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    (tmp_path / "lost").symlink_to(tmp_path / "gone")
    assert files(tmp_path) == ["a.png"]
    named = refusals(tmp_path)
    assert set(named) == {"up", "one", "two", "lost"}
    assert "circle" in named["one"]
    assert "nowhere" in named["lost"]


def test_pipes_and_sockets_are_named_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert set(refusals(tmp_path)) == {"pipe", "socket"}


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    folder = tmp_path
    for _ in range(900):
        folder = folder / "d"
    try:
        folder.mkdir(parents=True)
    except OSError:
        pytest.skip("the file system allows no such path")
    (folder / "bottom.png").touch()
    assert [found.name for found in walk(tmp_path) if isinstance(found, Path)] == ["bottom.png"]


def test_a_folder_that_vanishes_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").touch()
    (tmp_path / "b").mkdir()
    walking = walk(tmp_path)
    next(walking)
    (tmp_path / "b").rmdir()
    assert list(walking) == []


def test_a_link_to_a_file_that_is_hidden_inside_the_root_is_followed(tmp_path: Path) -> None:
    # git-annex keeps every file below .git and a link to it in its place
    (tmp_path / ".annex").mkdir()
    (tmp_path / ".annex" / "object").touch()
    (tmp_path / "photo.jpg").symlink_to(".annex/object")
    assert files(tmp_path) == ["photo.jpg"]
    assert refusals(tmp_path) == {}


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_name_that_is_no_text_is_refused_in_words_that_are(tmp_path: Path) -> None:
    for name in (b"caf\xe9.jpg", b"good.jpg"):
        (tmp_path / os.fsdecode(name)).touch()
    (tmp_path / os.fsdecode(b"\xff")).mkdir()
    assert files(tmp_path) == ["good.jpg"]
    named = [found for found in walk(tmp_path) if isinstance(found, Refusal)]
    assert len(named) == 2
    for refusal in named:
        assert "no valid text" in refusal.sentence
        (refusal.sentence + str(refusal.path)).encode()  # any database and any page can hold it


def test_a_name_cannot_move_the_cursor(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a\x1b[2Jb\nc")
    (sentence,) = refusals(tmp_path).values()
    assert sentence.isprintable()
