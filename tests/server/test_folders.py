"""Choosing a folder to index."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

FOLDERS = "/api/v1/folders"


def test_a_folder_lists_its_folders_and_no_files(reader: TestClient, tmp_path: Path) -> None:
    for name in ("b", "A", "ž 蛙", ".hidden"):
        (tmp_path / "x" / name).mkdir(parents=True)
    (tmp_path / "x" / "file.txt").touch()
    (tmp_path / "x" / "loop").symlink_to("loop")
    listing = reader.get(FOLDERS, params={"path": str(tmp_path / "x")}).json()
    assert [one["name"] for one in listing["folders"]] == ["A", "b", "ž 蛙"]
    assert listing["folders"][0]["path"] == str(tmp_path / "x" / "A")
    assert listing["parent"] == str(tmp_path)


def test_a_name_that_is_no_text_is_left_out(reader: TestClient, tmp_path: Path) -> None:
    try:
        (tmp_path / "x" / "bad\udcff").mkdir(parents=True)
    except OSError:
        pytest.skip("this file system has only names that are text")
    assert reader.get(FOLDERS, params={"path": str(tmp_path / "x")}).json()["folders"] == []


def test_without_a_path_it_starts_at_home(
    reader: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert reader.get(FOLDERS).json()["path"] == str(tmp_path.resolve())


def test_the_root_has_no_parent(reader: TestClient) -> None:
    assert reader.get(FOLDERS, params={"path": Path("/").resolve().anchor}).json()["parent"] is None


@pytest.mark.parametrize(("path", "status"), [("relative", 422), ("/nothing/there", 404), ("/a\0b", 422)])
def test_what_is_no_folder_is_refused(reader: TestClient, path: str, status: int) -> None:
    assert reader.get(FOLDERS, params={"path": path}).status_code == status


def test_a_file_and_a_loop_are_no_folders(reader: TestClient, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("file", "loop"):
        assert reader.get(FOLDERS, params={"path": str(tmp_path / name)}).status_code == 404
