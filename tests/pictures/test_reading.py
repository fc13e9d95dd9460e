from __future__ import annotations

import os
from pathlib import Path

import pytest

from dinoscope.errors import NotAPicture, PictureTooLarge, Unreadable
from dinoscope.pictures.limits import Limits
from dinoscope.pictures.reading import content_hash, read_bytes
from dinoscope.pictures.sniffing import sniff


def test_equal_bytes_have_equal_names_and_only_they() -> None:
    assert content_hash(b"a") == content_hash(b"a") != content_hash(b"b")
    assert len(content_hash(b"")) == 40


def test_a_file_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.png"
    with path.open("wb") as file:
        file.truncate(2**33)  # sparse: reading it would need 8 GB
    with pytest.raises(PictureTooLarge, match="8192"):
        read_bytes(path, Limits(2**20, 10**6, 1))


@pytest.mark.parametrize("content", [b"", b"text", b"%PDF-1.7", b"\0\0\0\x18ftypmp42\0\0\0\0isom"])
def test_what_is_no_picture_is_told_by_its_bytes(content: bytes, tmp_path: Path, limits: Limits) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(NotAPicture, match=r"photo\.jpg .*: "):
        read_bytes(path, limits)


def test_a_pipe_is_refused_without_waiting(tmp_path: Path, limits: Limits) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(Unreadable, match="regular file"):
        read_bytes(tmp_path / "pipe.jpg", limits)


@pytest.mark.parametrize("name", ["nothing.jpg", "x" * 300, "a\0b"])
def test_a_path_that_cannot_be_opened_is_one_sentence(name: str, tmp_path: Path, limits: Limits) -> None:
    with pytest.raises(Unreadable, match=r".+: .+"):
        read_bytes(tmp_path / name, limits)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\xff\xd8\xff\xe0", "jpeg"),
        (b"GIF89a", "gif"),
        (b"II*\0", "tiff"),
        (b"MM\0+", "tiff"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", "avif"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avifmiaf", "avif"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heic"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", None),
        (b"BMI am a text about cars", None),
        (b"RIFF\0\0\0\0WAVE", None),
    ],
)
def test_the_kind_is_what_the_first_bytes_say(head: bytes, kind: str | None) -> None:
    assert sniff(head.ljust(64, b"\0")) == kind
