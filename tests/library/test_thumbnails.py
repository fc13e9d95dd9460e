"""Thumbnails are a cache: whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dinoscope.library.thumbnails import Thumbnails

CONTENT = "ab" + "0" * 38
WEBP = b"RIFF" + (8).to_bytes(4, "little") + b"WEBPdata"


def test_what_is_put_is_got_from_a_folder_by_content(tmp_path: Path) -> None:
    thumbnails = Thumbnails(tmp_path)
    assert thumbnails.get(CONTENT) is None
    assert thumbnails.put(CONTENT, WEBP)
    assert thumbnails.get(CONTENT) == WEBP
    assert (tmp_path / "ab" / f"{CONTENT}.webp").is_file()
    assert list(thumbnails.contents()) == [CONTENT]
    assert thumbnails.bytes() == len(WEBP)


@pytest.mark.parametrize("torn", [b"", WEBP[:-1], b"\0" * 16, WEBP[:7]])
def test_a_torn_file_counts_as_lost(tmp_path: Path, torn: bytes) -> None:
    thumbnails = Thumbnails(tmp_path)
    thumbnails.put(CONTENT, WEBP)
    (tmp_path / "ab" / f"{CONTENT}.webp").write_bytes(torn)
    assert thumbnails.get(CONTENT) is None
    assert thumbnails.put(CONTENT, WEBP)
    assert thumbnails.get(CONTENT) == WEBP


def test_a_disk_that_refuses_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "ab").write_text("a file where the folder should be")
    assert not Thumbnails(tmp_path).put(CONTENT, WEBP)
    assert Thumbnails(tmp_path).get(CONTENT) is None
    assert Thumbnails(tmp_path / "nowhere").bytes() == 0


def test_dropping_frees_its_bytes_once(tmp_path: Path) -> None:
    thumbnails = Thumbnails(tmp_path)
    thumbnails.put(CONTENT, WEBP)
    assert thumbnails.drop(CONTENT) == len(WEBP)
    assert thumbnails.drop(CONTENT) == 0


def test_unfinished_ones_are_cleared(tmp_path: Path) -> None:
    thumbnails = Thumbnails(tmp_path)
    thumbnails.put(CONTENT, WEBP)
    (tmp_path / "ab" / f"{CONTENT}.webp.12-34.part").touch()
    thumbnails.clean()
    assert [path.name for path in (tmp_path / "ab").iterdir()] == [f"{CONTENT}.webp"]


@pytest.mark.parametrize("content", ["../../etc/passwd", "", "ABCDEF0123", "ab/cd", "a" * 200])
def test_only_a_hash_names_a_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(ValueError, match="no content hash"):
        Thumbnails(tmp_path).get(content)
